"""The recorded diff of a work tree, file by file: what of it can be applied.

It is what `git diff` printed, with secrets replaced and perhaps cut at its end; contents of binary files are not in it.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from lineage.redact import REDACTED

_SECTION = re.compile(r"^diff --git ", re.MULTILINE)
_NAME = re.compile(r"^(?:\+\+\+ b/|--- a/)(.+?)\t?$", re.MULTILINE)
_HEADER = re.compile(r'a/(.+) b/\1$')


class FilePatch(NamedTuple):
    """``path`` is relative to the work tree's root. ``problem``: why it cannot give the file its content; or empty."""

    path: str
    text: str
    problem: str


def file_patches(diff: str, *, truncated: bool = False) -> list[FilePatch]:
    starts = [match.start() for match in _SECTION.finditer(diff)]
    parts = [diff[at:end] for at, end in pairwise([*starts, len(diff)])]
    return [_file_patch(part, cut=truncated and at == len(parts) - 1) for at, part in enumerate(parts)]


def _file_patch(text: str, *, cut: bool) -> FilePatch:
    first, _, rest = text.partition("\n")
    names = [name for name in _NAME.findall(rest) if name != "/dev/null"]
    header = _HEADER.search(first)
    path = names[-1] if names else header[1] if header else first.removeprefix("diff --git ")
    if "\nBinary files " in text:
        return FilePatch(path, text, "a binary file, whose content is not in the record")
    if "\n-Subproject commit " in text or "\n+Subproject commit " in text:
        return FilePatch(path, text, "another commit of a submodule")
    if cut:
        return FilePatch(path, text, "the diff was too long to be recorded whole")
    if REDACTED in text:
        return FilePatch(path, text, "a secret in it was not recorded")
    return FilePatch(path, text, "")
