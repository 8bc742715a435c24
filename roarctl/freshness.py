"""Is a file on disk still what a job left there?"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from lineage.dag import DagArtifact
from lineage.records import Entry
from lineage.staleness import State
from roarctl.hashes import file_hash

_BUDGET = 4 << 30  # bytes hashed in all: about a second from the page cache


@dataclass(frozen=True, slots=True)
class Checked:
    entry: Entry
    number: int  # of the job
    state: State


class Checker:
    """Compares by size first, then by content while the budget lasts. "unchecked": of the same size, but too large to be
    hashed within it, or not readable."""

    def __init__(self, budget: int = _BUDGET) -> None:
        self._budget = budget
        self._hashes: dict[bytes, bytes | None] = {}  # by path, what is there now

    def check(self, entry: Entry, number: int) -> Checked:
        if entry.target is not None:
            return Checked(entry, number, _link_state(entry.path, entry.target))
        return Checked(entry, number, self.state(entry))

    def state(self, recorded: Entry | DagArtifact) -> State:
        """Of a regular file."""
        path = recorded.path
        try:
            found = os.stat(path) if isinstance(recorded, DagArtifact) else os.lstat(path)  # noqa: PTH116 - bytes
        except OSError:
            return "missing"
        if not stat.S_ISREG(found.st_mode) or (recorded.size is not None and found.st_size != recorded.size):
            return "edited"
        if recorded.hash is None:
            return "unchecked"
        if path not in self._hashes:
            self._hashes[path] = self._hash(path, found.st_size)
        now = self._hashes[path]
        return "unchecked" if now is None else "same" if now == recorded.hash else "edited"

    def _hash(self, path: bytes, size: int) -> bytes | None:
        if size > self._budget:
            return None
        self._budget -= size
        try:
            return file_hash(path)
        except OSError:
            return None


def _link_state(path: bytes, target: bytes) -> State:
    try:
        return "same" if os.readlink(path) == target else "edited"
    except FileNotFoundError:
        return "missing"
    except OSError:  # it is no link any more
        return "edited"
