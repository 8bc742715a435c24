"""The code that a job took from elsewhere: other repositories that its inputs lie in, and large files that git only points at.

Found from what the job read, when it has ended, as the user and within a limit of time. So it is told as it was then, after
the job, where the project's own state is from before it.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable

from lineage.records import Json
from roarctl.context.command import Command
from roarctl.context.git import GIT, GitProbe, environment
from roarctl.context.project import git_root

TIMEOUT = 3.0  # seconds, for all of it
MAX_REPOSITORIES = 8
MAX_POINTERS = 1_000
MAX_DIRECTORIES = 200
_MOST_OUTPUT = 4 << 20
_POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-[^\n]*\n)*"
                      rb"oid sha256:([0-9a-f]{64})\nsize (\d+)\n")


def repositories(paths: Iterable[bytes], project: bytes | None, deadline: float) -> list[dict[str, Json]]:
    """``root, branch, commit, dirty, remote, diff, diff_truncated, error`` as in a job's `git`, ``submodule`` (whether it lies
    in the project) and ``files`` (how many inputs) of each repository but the project's, those with most inputs first.
    """
    counts: dict[bytes, int] = {}
    known: dict[bytes, bytes | None] = {}
    for path in paths:
        root = _root(os.path.dirname(path), known)
        if root is not None and root != project:
            counts[root] = counts.get(root, 0) + 1
    roots = sorted(counts, key=lambda root: (-counts[root], root))[:MAX_REPOSITORIES]
    probes = [(root, GitProbe(root, deadline)) for root in roots]
    found: list[dict[str, Json]] = []
    try:
        for root, probe in probes:
            section = probe.result()
            if section is not None:
                inside = project is not None and root.startswith(project.rstrip(b"/") + b"/")
                kept = {key: value for key, value in section.items() if key not in {"untracked", "untracked_truncated"}}
                found.append({**kept, "submodule": inside, "files": counts[root]})
    finally:
        for _, probe in probes:
            probe.stop()
    return found


def large_files(paths: Iterable[bytes], project: bytes, deadline: float) -> list[dict[str, Json]]:
    """``path`` (in the project), ``oid`` (sha256) and ``size`` of inputs that git-lfs keeps, as the index points at them
    (https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md)."""
    base = project.rstrip(b"/") + b"/"
    inside = [path[len(base):] for path in paths if path.startswith(base)]
    if not _has_attributes(base, inside):
        return []
    rows = _ask(project, deadline, b"\0".join(inside), "check-attr", "-z", "--stdin", "filter").split(b"\0")
    large = [name for name, _, value in zip(rows[0::3], rows[1::3], rows[2::3], strict=False) if value == b"lfs"]
    names = [name for name in large if b"\n" not in name][:MAX_POINTERS]
    if not names:
        return []
    answer = _ask(project, deadline, b"".join(b":%b\n" % name for name in names), "cat-file", "--batch")
    return list(_pointers(names, answer))


def _pointers(names: list[bytes], answer: bytes) -> Iterable[dict[str, Json]]:
    """Of `git cat-file --batch`: for each name `OID TYPE SIZE`, the content and a newline, or `NAME missing`."""
    for name in names:
        head, _, answer = answer.partition(b"\n")
        words = head.split(b" ")
        if len(words) != 3 or not words[2].isdigit():
            continue
        content, answer = answer[:int(words[2])], answer[int(words[2]) + 1:]
        found = _POINTER.match(content)
        if found:
            yield {"path": name.decode("utf-8", "backslashreplace"), "oid": found[1].decode(), "size": int(found[2])}


def _has_attributes(base: bytes, names: Iterable[bytes]) -> bool:
    """Does anything in the way of these files speak of git-lfs? Without it git need not be asked."""
    places = {b"", b".git/info"}
    for name in names:
        directory = os.path.dirname(name)
        while directory and directory not in places and len(places) < MAX_DIRECTORIES:
            places.add(directory)
            directory = os.path.dirname(directory)
    for place in places:
        for file in (b"attributes",) if place == b".git/info" else (b".gitattributes",):
            try:
                with open(os.path.join(base, place, file), "rb") as attributes:
                    if b"filter=lfs" in attributes.read(1 << 20):
                        return True
            except OSError:
                continue
    return False


def _ask(root: bytes, deadline: float, stdin: bytes, *words: str) -> bytes:
    return Command((*GIT, *words), cwd=root, env=environment(root), stdin=stdin).answer(deadline, _MOST_OUTPUT).stdout


def _root(directory: bytes, known: dict[bytes, bytes | None]) -> bytes | None:
    if directory not in known:
        known[directory] = git_root(directory)
    return known[directory]


def within(seconds: float = TIMEOUT) -> float:
    """A deadline."""
    return time.monotonic() + seconds
