"""What a job's steps used: processor time, memory, bytes, by the kernel's own counters as the probes read them.

A process's counters go on when it executes another program, so what it had used until then is taken away from what it had
used in the end. Its peak of memory does not divide like that: where the second program stayed below the first, the kernel's
own count for a program (from Linux 6.16 on still there when it ends) tells it; else it is not known, and not said.
Processor time is as of the scheduler's last look, up to a tick of the clock behind: a program that runs for a millisecond may
have none.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from lineage.records import Resources
from roard.observe.events import ProcessEvent

_PAGE = 4096
_COUNTERS = 7
_NOTHING = (0,) * _COUNTERS
#: CONFIG_TASK_IO_ACCOUNTING
COUNTS_BYTES = os.path.exists("/proc/self/io")


@dataclass(slots=True)
class Usage:
    """Of one step, of all processes in it that have ended. ``used`` as struct roar_used has it."""

    used: list[int] = field(default_factory=lambda: [0] * _COUNTERS)
    peak_pages: int = 0
    unknown_peak: int = 0  # a process had at most so much
    processes: int = 0
    unknown: bool = False  # a process of it ran before it was watched

    def add(self, used: tuple[int, ...], before: tuple[int, ...] = _NOTHING) -> None:
        for at, (now, then) in enumerate(zip(used, before, strict=True)):
            self.used[at] += max(0, now - then)

    def record(self, counts_bytes: bool = COUNTS_BYTES) -> Resources | None:
        """None: nobody knows, or nothing has ended yet."""
        if self.unknown or not self.processes:
            return None
        cpu, user, system, *moved = self.used
        user, system = split(cpu, user, system)
        read, written, fetched, stored = moved if counts_bytes else (None,) * 4
        peak = self.peak_pages * _PAGE if self.peak_pages and self.peak_pages >= self.unknown_peak else None
        return Resources(cpu, user, system, peak, read, written, fetched, stored, self.processes)


@dataclass(slots=True)
class Accounts:
    """Usage by step, from the events of processes."""

    steps: dict[int, Usage] = field(default_factory=dict)
    _begun: dict[int, tuple[tuple[int, ...], int]] = field(default_factory=dict)  # by tgid: at its last exec
    _taken_in: set[int] = field(default_factory=set)  # of which nobody knows what they had used when that was

    def take_in(self, tgid: int) -> None:
        """A process that ran already."""
        self._taken_in.add(tgid)

    def executed(self, event: ProcessEvent) -> None:
        if event.parent_step:
            self._charge(event, event.parent_step, 0)
        self._taken_in.discard(event.tgid)
        self._begun[event.tgid] = event.used, event.max_rss_pages

    def ended(self, event: ProcessEvent) -> None:
        self._charge(event, event.step, event.own_rss_pages)
        self._begun.pop(event.tgid, None)
        self._taken_in.discard(event.tgid)

    def thread_ended(self, event: ProcessEvent) -> None:
        self.steps.setdefault(event.step, Usage()).add(event.used)

    def total(self) -> Usage:
        """Of all steps."""
        total = Usage()
        for usage in self.steps.values():
            total.add(tuple(usage.used))
            total.peak_pages = max(total.peak_pages, usage.peak_pages)
            total.unknown_peak = max(total.unknown_peak, usage.unknown_peak)
            total.processes += usage.processes
            total.unknown |= usage.unknown
        return total

    def _charge(self, event: ProcessEvent, step: int, own_pages: int) -> None:
        usage = self.steps.setdefault(step, Usage())
        usage.processes += 1
        if event.tgid in self._taken_in:
            usage.unknown = True
            return
        before, peak_before = self._begun.get(event.tgid, (_NOTHING, 0))
        usage.add(event.used, before)
        if event.max_rss_pages > peak_before:
            usage.peak_pages = max(usage.peak_pages, event.max_rss_pages)
        elif own_pages:
            usage.peak_pages = max(usage.peak_pages, min(own_pages, event.max_rss_pages))
        else:
            usage.unknown_peak = max(usage.unknown_peak, peak_before)


def split(total: int, user: int, system: int) -> tuple[int, int]:
    """Processor time as (user, system): its sum in the proportion that the clock's tick saw (kernel/sched/cputime.c:
    cputime_adjust)."""
    if not system:
        return total, 0
    if not user:
        return 0, total
    system = total * system // (user + system)
    return total - system, system
