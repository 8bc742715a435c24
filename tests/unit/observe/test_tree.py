"""Processes and steps from their events."""

from __future__ import annotations

import signal

from roard.observe.events import ProcessEvent
from roard.observe.tree import Tree
from roard.probe import layout

OFFSET = 1_000_000


def event(kind: int, tgid: int, step: int = 0, *, time: int = 0, parent: int = 0, other: int = 0, code: int = 0,
          argv: bytes = b"", flags: int = 0) -> ProcessEvent:
    used = (5,) * 7 if kind == layout.EXIT else (0,) * 7
    return ProcessEvent(kind, flags, 1, step, time, tgid, parent, 0, 3, other, code, None, b"/bin/x", b"", argv, used)


def test_steps_have_their_parents_times_and_ends() -> None:
    tree = Tree(10, OFFSET)
    tree.apply(event(layout.EXEC, 10, 100, time=1, argv=b"sh\0-c\0x\0"))
    tree.apply(event(layout.FORK, 10, 100, other=11))
    tree.apply(event(layout.EXEC, 11, 200, time=2, parent=100, argv=b"cat\0"))
    tree.apply(event(layout.EXIT, 11, 200, time=3, code=1 << 8))
    assert not tree.over
    tree.apply(event(layout.EXIT, 10, 100, time=4, code=signal.SIGTERM))
    assert tree.over
    first, second = tree.records()
    assert (first.argv, first.parent, first.signal, first.exit_code) == ((b"sh", b"-c", b"x"), None, signal.SIGTERM, None)
    assert (second.argv, second.parent, second.exit_code, second.ended_at) == ((b"cat",), 0, 1, OFFSET + 3)
    assert (tree.exit_code, tree.signal, tree.ended_at, tree.accounts.total().used[0]) == (None, signal.SIGTERM, OFFSET + 4, 10)


def test_exec_in_place_ends_the_step_before() -> None:
    tree = Tree(10, OFFSET)
    tree.apply(event(layout.EXEC, 10, 100, time=1, argv=b"env\0"))
    tree.apply(event(layout.EXEC, 10, 200, time=2, parent=100, argv=b"true\0"))
    tree.apply(event(layout.EXIT, 10, 200, time=3))
    before, after = tree.records()
    assert (before.ended_at, before.exit_code) == (OFFSET + 2, None)
    assert (after.parent, after.exit_code) == (0, 0)


def test_a_process_that_became_another_job_is_not_waited_for() -> None:
    """Whether its fork was told already, or is told afterwards."""
    tree = Tree(10, OFFSET)
    tree.apply(event(layout.EXEC, 10, 100, argv=b"sh\0"))
    tree.apply(event(layout.FORK, 10, 100, other=11))
    tree.depart(11)
    tree.depart(12)
    tree.apply(event(layout.FORK, 10, 100, other=12))
    tree.apply(event(layout.EXIT, 10, 100))
    assert (tree.over, tree.nested) == (True, 2)


def test_secrets_in_arguments_of_steps_are_redacted() -> None:
    tree = Tree(10, OFFSET)
    tree.apply(event(layout.EXEC, 10, 100, argv=b"curl\0--password=hunter2hunter2\0"))
    assert b"hunter2" not in b" ".join(tree.records()[0].argv)


def test_what_makes_a_record_doubtful_is_counted() -> None:
    tree = Tree(10, OFFSET)
    tree.apply(event(layout.EXEC, 10, 100, argv=b"a", code=1, flags=layout.F_COMPAT))
    assert tree.before_compat(5)
    tree.compat_since = 4
    tree.apply(event(layout.EXEC, 11, 200, time=5, flags=layout.F_COMPAT))
    assert not tree.before_compat(5)
    tree.apply(event(layout.BLIND, 10, 100, code=425))
    assert (tree.cut_argv, tree.compat, tree.blind) == (1, 1, {425: 1})


def test_cells_are_steps_of_the_process_that_executes_them() -> None:
    """What they start has them as its parent; a kernel that is killed ends its cell too."""
    tree = Tree(10, OFFSET)
    tree.apply(event(layout.EXEC, 10, 100, time=1, argv=b"ipykernel\0"))
    tree.begin_cell(10, 100, 2 << 8, b"\1" * 32)
    tree.apply(event(layout.FORK, 10, 2 << 8, other=11))
    tree.apply(event(layout.EXEC, 11, 300, time=3, parent=2 << 8, argv=b"ls\0"))
    tree.apply(event(layout.EXIT, 11, 300, time=4))
    assert tree.end_cell(10, 2 << 8, 5, OFFSET + 5, failed=True) == 100
    assert tree.end_cell(10, 100, 6, OFFSET + 6, failed=False) is None, "no cell runs"
    tree.begin_cell(10, 100, 7 << 8, b"\2" * 32)
    tree.apply(event(layout.EXIT, 10, 7 << 8, time=8, code=signal.SIGKILL))
    kernel, first, ls, second = tree.records()
    assert (first.parent, first.started_at, first.ended_at, first.cell) == (0, OFFSET + 2, OFFSET + 5, (5, b"\1" * 32, True))
    assert (first.argv, first.executable, first.exit_code) == ((b"In [5]",), b"/bin/x", None)
    assert ls.parent == first.index
    assert second.cell == (0, b"\2" * 32, False)
    assert [(step.signal, step.ended_at) for step in (kernel, second)] == [(signal.SIGKILL, OFFSET + 8)] * 2
