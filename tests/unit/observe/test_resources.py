"""What steps used, from the counters that the probes read."""

from __future__ import annotations

from roard.observe.events import ProcessEvent
from roard.observe.resources import Accounts, split
from roard.probe import layout

PAGE = 4096


def event(kind: int, tgid: int, step: int, *, parent: int = 0, used: int = 0, rss: int = 0, own: int = 0) -> ProcessEvent:
    """``used``: microseconds of processor time, and as many bytes of each sort."""
    counters = (used * 1000, used * 1000, 0, used, used, used, used)
    return ProcessEvent(kind, 0, 1, step, 0, tgid, parent, 0, rss, 0, 0, None, b"", b"", b"", counters, own)


def test_exec_divides_what_a_process_used() -> None:
    """Also from what it was before the job's own program began."""
    accounts = Accounts()
    accounts.executed(event(layout.EXEC, 10, 100, used=7, rss=50))
    accounts.executed(event(layout.EXEC, 10, 200, parent=100, used=10, rss=60))
    accounts.ended(event(layout.EXIT, 10, 200, used=15, rss=80))
    first, second = accounts.steps[100].record(True), accounts.steps[200].record(True)
    assert first is not None and second is not None
    assert (first.cpu_ns, first.bytes_read, first.max_rss_bytes) == (3000, 3, 60 * PAGE)
    assert (second.cpu_ns, second.bytes_read, second.max_rss_bytes) == (5000, 5, 80 * PAGE)


def test_a_peak_below_that_of_the_program_before() -> None:
    """Known where the kernel still counts it when the program ends, else not said."""
    for own, peak in ((20, 20 * PAGE), (0, None)):
        accounts = Accounts()
        accounts.executed(event(layout.EXEC, 10, 100, rss=50))
        accounts.ended(event(layout.EXIT, 10, 100, used=1, rss=50, own=own))
        usage = accounts.steps[100].record(True)
        assert usage is not None and usage.max_rss_bytes == peak


def test_a_larger_process_of_the_step_settles_an_unknown_peak() -> None:
    accounts = Accounts()
    accounts.executed(event(layout.EXEC, 10, 100, rss=50))
    accounts.ended(event(layout.EXIT, 11, 100, used=2, rss=70))
    accounts.ended(event(layout.EXIT, 10, 100, used=1, rss=50))
    usage = accounts.steps[100].record(True)
    assert usage is not None
    assert (usage.max_rss_bytes, usage.processes, usage.cpu_ns) == (70 * PAGE, 2, 3000)


def test_threads_that_are_late_count() -> None:
    accounts = Accounts()
    accounts.executed(event(layout.EXEC, 10, 100))
    accounts.ended(event(layout.EXIT, 10, 100, used=1, rss=1))
    accounts.thread_ended(event(layout.SPENT, 10, 100, used=4))
    assert accounts.total().used[0] == 5000


def test_who_ran_before_it_was_watched_is_not_counted() -> None:
    accounts = Accounts()
    accounts.take_in(10)
    accounts.ended(event(layout.EXIT, 10, 100, used=1000, rss=9))
    assert accounts.steps[100].record(True) is None
    assert accounts.total().record(True) is None
    accounts.take_in(11)
    accounts.executed(event(layout.EXEC, 11, 200, parent=101, used=30, rss=1))
    accounts.ended(event(layout.EXIT, 11, 200, used=31, rss=9))
    usage = accounts.steps[200].record(False)
    assert usage is not None
    assert (usage.cpu_ns, usage.bytes_read) == (1000, None)


def test_time_is_divided_as_the_clock_saw_it() -> None:
    assert [split(100, *ticks) for ticks in ((0, 0), (4, 0), (0, 4), (4, 4), (12, 4))] == [
        (100, 0), (100, 0), (0, 100), (50, 50), (75, 25)]
