"""One job while it is watched, and the process that it is about."""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lineage.records import JobHead, Reason, Role
from lineage.roles import Classifier
from roard.observe.elsewhere import Elsewhere
from roard.observe.files import FileTable
from roard.observe.network import NetworkTable
from roard.observe.stderr import StandardError
from roard.observe.tree import Tree
from roard.probe.layout import FileId

if TYPE_CHECKING:
    from roard.observe.attach import TakenIn

_WORD_SECONDS = 10.0


@dataclass(slots=True)
class Process:
    """A process as the identity socket vouched for it; ``client`` is a pidfd of who asked, -1 where it is not visible. Or a
    cgroup, by its ``directory``: then ``pidfd`` is -1 and ``pid`` 0."""

    pidfd: int
    client: int
    pid: int
    uid: int
    gid: int
    directory: int = -1

    def close(self) -> None:
        for fd in (self.pidfd, self.client, self.directory):
            if fd >= 0:
                os.close(fd)
        self.pidfd = self.client = self.directory = -1


def lives(pidfd: int) -> bool:
    poll = select.poll()  # not select(2), whose descriptors end at 1,024
    poll.register(pidfd, select.POLLIN)
    return not poll.poll(0)


@dataclass(eq=False)
class WatchedJob:
    """``kernel`` is the probes' name for it. The fields below ``files`` are guarded by the observer's lock."""

    kernel: int
    head: JobHead
    process: Process
    home: bytes
    tree: Tree
    files: FileTable
    tracked: frozenset[bytes]
    network: NetworkTable = field(default_factory=NetworkTable)
    elsewhere: Elsewhere = field(default_factory=Elsewhere)
    stderr: StandardError = field(default_factory=StandardError)
    context: dict[str, Any] = field(default_factory=dict)
    missed_before: int = 0  # runs of probes that the kernel had left out when it began
    missed: int = 0  # and since then, until it was over
    received_accesses: int = 0
    received_processes: int = 0
    hashing: set[Future[Any]] = field(default_factory=set)
    backlog: deque[tuple[Any, ...]] = field(default_factory=deque)  # accesses behind a name that is being looked at
    interrupted: bool = False
    told_exit: tuple[int | None, int | None] | None = None  # of the client's Finish
    over_since: float = 0.0
    closing: bool = False
    examined: set[FileId] = field(default_factory=set)  # programs that were asked about, or need not be
    compat: bool = False  # it holds the probe of 32-bit calls
    final: threading.Event = field(default_factory=threading.Event)
    result: JobHead | None = None
    problem: str = ""  # why it is not final though it is over
    taken_in: TakenIn | None = None  # of a job that ran before it was watched
    notes: tuple[Reason, ...] = ()  # why its record may miss something, whatever comes

    def add_context(self, more: Mapping[str, Any]) -> None:
        for key, value in more.items():
            known = self.context.get(key)
            if isinstance(known, dict) and isinstance(value, dict):
                self.context[key] = {**known, **value}
            else:
                self.context[key] = value

    @cached_property
    def _roles(self) -> Classifier:
        return Classifier(project=self.head.project, cwd=self.head.cwd, home=self.home, tracked=self.tracked)

    def role(self, path: bytes, *, executed: bool = False, device: bool = False) -> Role:
        """A container's own files are what they are there: its /usr is no less a system for being below /var/lib here."""
        there = path if path in self.tracked else self.elsewhere.as_there(path, self.head.project)
        return self._roles.role(there, executed, device)

    @property
    def owner(self) -> tuple[int, int]:
        return self.process.uid, self.process.gid

    def ready(self) -> bool:
        """Is it over, and has the client said what it knows of it (else: is the client gone, or slow beyond measure)?"""
        if not self.tree.over or (self.taken_in is not None and self.taken_in.open):
            return False
        if self.told_exit is not None or self.process.client < 0 or not lives(self.process.client):
            return True
        self.over_since = self.over_since or time.monotonic()
        return time.monotonic() - self.over_since > _WORD_SECONDS


def boot_offset() -> int:
    """What to add to CLOCK_BOOTTIME for epoch nanoseconds, now."""
    return time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
