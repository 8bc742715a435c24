"""Diffs as `git diff` writes them: which files one is about, and a file's content with its part applied.

The format: git-diff(1), "Generating patch text with -p".
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

from lineage.errors import InvalidError

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_NO_NEWLINE = b"\\ No newline"


def split(diff: bytes) -> dict[bytes, bytes]:
    """A diff's parts by the path of the file, as it is called after the change; quoted names are left out."""
    parts: dict[bytes, bytes] = {}
    for part in _parts(diff):
        path = _path(part)
        if path is not None:
            parts[path] = part
    return parts


def apply(content: bytes, part: bytes) -> bytes:
    """``content`` with one file's part of a diff applied; InvalidError where it does not fit, or is binary."""
    lines = _with_newlines_only(content)
    result: list[bytes] = []
    at = 0
    hunks = list(_hunks(part))
    if not hunks and (b"\nGIT binary patch" in part or b"\nBinary files " in part):
        raise InvalidError("a binary diff cannot be applied", "")
    for start, removed, changed in hunks:
        begin = start - 1 if removed else start
        if begin < at or begin > len(lines):
            raise InvalidError("the diff does not fit this file", "")
        result += lines[at:begin]
        at = begin
        for index, line in enumerate(changed):
            sign, text = line[:1], line[1:]
            if index + 1 < len(changed) and changed[index + 1].startswith(_NO_NEWLINE):
                text = text.removesuffix(b"\n")
            if sign in {b" ", b"-"}:
                if at >= len(lines) or lines[at] != text:
                    raise InvalidError("the diff does not fit this file", "")
                at += 1
            if sign in {b" ", b"+"}:
                result.append(text)
    return b"".join(result + lines[at:])


def alike(a: bytes, b: bytes) -> bool:
    """Have two texts so many lines in common that a diff says more than both of them?"""
    before, after = set(a.splitlines()), set(b.splitlines())
    return len(before & after) * 2 > min(len(before), len(after))


def unified(a: bytes, b: bytes, name_a: str, name_b: str, context: int = 3) -> list[str]:
    """The lines of a unified diff; none where either is not text."""
    try:
        before, after = a.decode().splitlines(), b.decode().splitlines()
    except UnicodeDecodeError:
        return []
    return list(difflib.unified_diff(before, after, name_a, name_b, n=context, lineterm=""))


def _parts(diff: bytes) -> Iterator[bytes]:
    marks = [found.start() for found in re.finditer(rb"^diff --git ", diff, re.MULTILINE)]
    for at, start in enumerate(marks):
        yield diff[start:marks[at + 1] if at + 1 < len(marks) else len(diff)]


def _path(part: bytes) -> bytes | None:
    for line in part.splitlines():
        if line.startswith(b"+++ b/"):
            return line[6:].rstrip(b"\t")
        if line.startswith(b"@@"):
            break
    names = re.match(rb"diff --git a/(?P<name>.+) b/(?P=name)$", part.splitlines()[0]) if part else None
    return names["name"] if names else None


def _hunks(part: bytes) -> Iterator[tuple[int, int, Sequence[bytes]]]:
    """(first line of the old side, number of its lines, the hunk's lines)"""
    lines = _with_newlines_only(part)
    at = 0
    while at < len(lines):
        found = _HUNK.match(lines[at])
        at += 1
        if found is None:
            continue
        old, new = int(found[2] or 1), int(found[4] or 1)
        left_old, left_new, begin = old, new, at
        while at < len(lines) and (left_old > 0 or left_new > 0 or lines[at].startswith(_NO_NEWLINE)):
            sign = lines[at][:1]
            left_old -= sign in {b" ", b"-"}
            left_new -= sign in {b" ", b"+"}
            at += 1
        yield int(found[1]), old, lines[begin:at]


def _with_newlines_only(data: bytes) -> list[bytes]:
    """Lines by LF alone, as git counts them."""
    lines = data.split(b"\n")
    return [line + b"\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
