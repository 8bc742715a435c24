"""The processes and steps of one job."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from lineage.records import Cell, Resources, Step
from lineage.redact import redact_argv
from roard.observe.events import ProcessEvent
from roard.observe.resources import Accounts
from roard.probe import layout


@dataclass(slots=True)
class StepState:
    index: int
    parent: int  # the step's kernel name; 0: none
    tgid: int
    argv: tuple[bytes, ...]
    executable: bytes
    started_at: int
    ended_at: int | None = None
    exit_code: int | None = None
    signal: int | None = None
    cell: Cell | None = None


@dataclass(slots=True)
class Tree:
    """``offset`` turns CLOCK_BOOTTIME into epoch nanoseconds."""

    root: int
    offset: int
    live: set[int] = field(default_factory=set)
    steps: dict[int, StepState] = field(default_factory=dict)
    root_ended: bool = False
    exit_code: int | None = None
    signal: int | None = None
    ended_at: int = 0
    accounts: Accounts = field(default_factory=Accounts)
    processes: int = 1
    compat: int = 0  # 32-bit programs that began unseen
    suspects: int = 0  # 64-bit programs that began unseen and may make 32-bit calls
    compat_since: int = 0  # CLOCK_BOOTTIME ns from which on 32-bit calls are seen; 0: not at all
    blind: dict[int, int] = field(default_factory=dict)
    cut_argv: int = 0
    dumped: int = 0
    nested: int = 0  # processes that became jobs of their own
    others: set[int] = field(default_factory=set)  # processes of other users, which are not watched
    _joined: dict[int, int] = field(default_factory=dict)  # the step that a process was in when it was taken in
    _outer: dict[int, list[int]] = field(default_factory=dict)  # by tgid, the steps around the cell that runs there
    _early: set[int] = field(default_factory=set)  # of them, those whose FORK record is still to come

    def __post_init__(self) -> None:
        if self.root:  # a cgroup has none
            self.live.add(self.root)

    @property
    def over(self) -> bool:
        return not self.live

    def apply(self, event: ProcessEvent) -> None:
        if event.kind == layout.FORK:
            if event.other in self._early:
                self._early.remove(event.other)
            else:
                self.live.add(event.other)
            self.processes += 1
        elif event.kind == layout.EXEC:
            self._exec(event)
        elif event.kind == layout.EXIT:
            self._exit(event)
        elif event.kind == layout.SPENT:
            self.accounts.thread_ended(event)
        elif event.kind == layout.BLIND:
            self.blind[event.code] = self.blind.get(event.code, 0) + 1
        elif event.kind == layout.JOIN:
            self._join(event)

    def adopt(self, tgid: int, step: int, parent: int, name: bytes, started_at: int) -> None:
        """A process that ran already, as a step of its own. ``parent`` is its parent's tgid, ``name`` what is known of its
        program until ``describe``."""
        self.live.add(tgid)
        self.accounts.take_in(tgid)
        self.others.discard(tgid)
        self.processes += 1
        self.step_index(step)
        state = self.steps[step]
        state.parent, state.tgid, state.started_at = self._joined.get(parent, 0), tgid, started_at
        state.argv = (name,) if name else ()
        self._joined[tgid] = step

    def describe(self, step: int, argv: bytes, executable: bytes) -> None:
        words = argv.split(b"\0")
        state = self.steps[step]
        state.executable = executable
        state.argv = redact_argv(words[:-1] if words[-1] == b"" else words) or state.argv

    def begin_cell(self, tgid: int, outer: int, step: int, digest: bytes) -> None:
        """A process that is in the step ``outer`` executes a notebook's cell: that is a step of its own."""
        self._outer.setdefault(tgid, []).append(outer)
        self.step_index(outer)
        self.step_index(step)
        state = self.steps[step]
        state.parent, state.tgid, state.executable = outer, tgid, self.steps[outer].executable
        state.cell, state.argv = Cell(0, digest, failed=False), (b"In [*]",)

    def end_cell(self, tgid: int, step: int, number: int, when: int, *, failed: bool) -> int | None:
        """The step that goes on; None: no cell runs there."""
        state, outer = self.steps.get(step), self._outer.get(tgid)
        if state is None or state.cell is None or not outer:
            return None
        state.ended_at, state.cell = when, state.cell._replace(number=number, failed=failed)
        state.argv = (b"In [%d]" % number,)
        return outer.pop()

    def _join(self, event: ProcessEvent) -> None:
        if event.code == layout.JOIN_TAKEN:
            self.nested += 1
        elif event.code == layout.JOIN_DENIED:
            self.others.add(event.tgid)
        else:
            self.adopt(event.tgid, event.step, 0, b"", event.start + self.offset)
            self.describe(event.step, event.argv, b"")

    def before_compat(self, when: int) -> bool:
        """Were 32-bit calls not seen at that time?"""
        return not 0 < self.compat_since < when

    def depart(self, tgid: int) -> None:
        """The kernel counts this process to another job from now on: its EXIT will not come here."""
        self.nested += 1
        if tgid in self.live:
            self.live.remove(tgid)
        else:
            self._early.add(tgid)

    def step_index(self, name: int) -> int:
        """The index of a step by its kernel name; one whose EXEC record is not there (yet) gets its place."""
        step = self.steps.get(name)
        if step is None:
            step = self.steps[name] = StepState(len(self.steps), 0, 0, (), b"", (name >> 8) + self.offset)
        return step.index

    def records(self) -> tuple[Step, ...]:
        return tuple(
            Step(step.index, self.steps[step.parent].index if step.parent in self.steps else None, step.tgid, step.argv,
                 step.executable, step.started_at, step.ended_at, step.exit_code, step.signal,
                 self._resources(name) if step.cell is None else None, step.cell)  # a process's own are counted at its end
            for name, step in sorted(self.steps.items(), key=lambda item: item[1].index))

    def _resources(self, step: int) -> Resources | None:
        usage = self.accounts.steps.get(step)
        return usage.record() if usage else None

    def _exec(self, event: ProcessEvent) -> None:
        self.accounts.executed(event)
        before = self.steps.get(event.parent_step)
        when = event.time + self.offset
        if before is not None and before.tgid == event.tgid and before.ended_at is None:
            before.ended_at = when  # the process became another program
        self.step_index(event.step)
        step = self.steps[event.step]
        step.parent, step.tgid, step.executable, step.started_at = event.parent_step, event.tgid, event.path, when
        argv = event.argv.split(b"\0")
        step.argv = redact_argv(argv[:-1] if argv[-1] == b"" else argv)
        if event.code:
            self.cut_argv += 1
        if event.flags & layout.F_COMPAT and self.before_compat(event.time):
            self.compat += 1

    def _exit(self, event: ProcessEvent) -> None:
        self.live.discard(event.tgid)
        when = event.time + self.offset
        status = os.waitstatus_to_exitcode(event.code & 0xFFFF)
        code, signal = (status, None) if status >= 0 else (None, -status)
        self.dumped += os.WCOREDUMP(event.code & 0xFFFF)
        self.accounts.ended(event)
        self.ended_at = max(self.ended_at, when)
        for name in (event.step, *self._outer.pop(event.tgid, ())):
            step = self.steps.get(name)
            if step is not None and step.tgid == event.tgid:
                step.ended_at, step.exit_code, step.signal = when, code, signal
        if event.tgid == self.root:
            self.root_ended, self.exit_code, self.signal = True, code, signal
