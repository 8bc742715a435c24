"""Is a file on disk still what a job left there?"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import Literal, TypeAlias

from lineage.records import Entry

#: "unchecked": of the same size, but too large to be hashed within the budget, or not readable.
State: TypeAlias = Literal["same", "edited", "missing", "unchecked"]

_BUDGET = 4 << 30  # bytes hashed in all: about a second from the page cache


@dataclass(frozen=True, slots=True)
class Checked:
    entry: Entry
    number: int  # of the job
    state: State


class Checker:
    """Compares by size first, then by content while the budget lasts."""

    def __init__(self, budget: int = _BUDGET) -> None:
        self._budget = budget

    def check(self, entry: Entry, number: int) -> Checked:
        return Checked(entry, number, self._state(entry))

    def _state(self, entry: Entry) -> State:
        try:
            found = os.lstat(entry.path)
        except OSError:
            return "missing"
        if entry.target is not None:
            kept = stat.S_ISLNK(found.st_mode) and os.readlink(entry.path) == entry.target
            return "same" if kept else "edited"
        if not stat.S_ISREG(found.st_mode) or (entry.size is not None and found.st_size != entry.size):
            return "edited"
        if entry.hash is None or found.st_size > self._budget:
            return "unchecked"
        self._budget -= found.st_size
        from blake3 import blake3

        try:
            digest = blake3(max_threads=blake3.AUTO).update_mmap(os.fsdecode(entry.path)).digest()
        except OSError:
            return "unchecked"
        return "same" if digest == entry.hash else "edited"
