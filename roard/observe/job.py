"""One job while it is watched."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from lineage.records import JobHead
from roard.observe.files import FileTable
from roard.observe.tree import Tree


@dataclass(eq=False)
class WatchedJob:
    """``kernel`` is the probes' name for it. The fields below ``files`` are guarded by the observer's lock."""

    kernel: int
    head: JobHead
    owner: tuple[int, int]
    home: bytes
    tree: Tree
    files: FileTable
    tracked: frozenset[bytes]
    pidfd: int
    context: dict[str, Any] = field(default_factory=dict)
    received_accesses: int = 0
    received_processes: int = 0
    hashing: set[Future[Any]] = field(default_factory=set)
    interrupted: bool = False
    told_exit: tuple[int | None, int | None] | None = None
    closing: bool = False
    final: threading.Event = field(default_factory=threading.Event)
    result: JobHead | None = None
    problem: str = ""  # why it is not final though it is over

    def add_context(self, more: Mapping[str, Any]) -> None:
        for key, value in more.items():
            known = self.context.get(key)
            if isinstance(known, dict) and isinstance(value, dict):
                self.context[key] = {**known, **value}
            else:
                self.context[key] = value

    def close(self) -> None:
        if self.pidfd >= 0:
            os.close(self.pidfd)
            self.pidfd = -1


def boot_offset() -> int:
    """What to add to CLOCK_BOOTTIME for epoch nanoseconds, now."""
    return time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
