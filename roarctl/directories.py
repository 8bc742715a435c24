"""Directories as the user sees them now: how many files, and the hash of all of them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

from lineage.composite import Group, tree_hash
from lineage.errors import InvalidError
from roarctl.hashes import file_hash

_SECONDS = 1.0  # for counting
_MOST = 2_000_000


def present(group: Group[Any]) -> int | None:
    """How many files there are now in a group's directory (below it, where the group is); None where that cannot be told
    in time."""
    deep = group.pattern.startswith(b"**")
    deadline = time.monotonic() + _SECONDS
    count = 0
    for _ in files_below(group.directory, deep=deep):
        count += 1
        if count >= _MOST or (not count & 0xFFF and time.monotonic() > deadline):
            return None
    return count or None


def files_below(directory: bytes, *, deep: bool = True) -> Iterator[bytes]:
    """Regular files, not through symbolic links; what may not be read is left out."""
    stack = [directory.rstrip(b"/") or b"/"]
    while stack:
        try:
            entries = list(os.scandir(stack.pop()))
        except OSError:
            continue
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                yield entry.path
            elif deep and entry.is_dir(follow_symlinks=False):
                stack.append(entry.path)


def hashed(directory: bytes) -> tuple[bytes, list[tuple[bytes, bytes, int]]]:
    """(hash of the tree, (relative path, hash, size) of each file), see lineage/composite.py.  Files are read as the user;
    InvalidError for one that may not be, since the hash is of all."""
    base = directory.rstrip(b"/") + b"/"
    found: list[tuple[bytes, bytes, int]] = []
    for path in files_below(directory):
        try:
            digest = file_hash(path)
            found.append((path[len(base):], digest, os.stat(path).st_size))  # noqa: PTH116 - bytes
        except OSError as error:
            raise InvalidError(f"{os.fsdecode(path)} cannot be read: {error.strerror}",
                               "the hash of a directory is of all its files") from error
    if not found:
        raise InvalidError(f"{os.fsdecode(directory)} is a directory without files", "name a file, or a directory with some")
    return tree_hash((path, digest) for path, digest, _ in found), sorted(found)
