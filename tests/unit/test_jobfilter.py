"""Which jobs a filter means, and moments as people write them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from lineage.errors import InvalidError
from lineage.jobfilter import JobFilter, from_message, to_message
from lineage.records import Host, JobHead, User
from lineage.times import moment

DAY = 86_400 * 1_000_000_000
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC).timestamp()
HEAD = JobHead(
    id=b"i" * 32, run=b"r" * 16, session=b"s" * 32, number=3, user=User(1000, "ada"), host=Host("gpu7", "6.1", "x86_64"),
    argv=(b"python", b"Train.py", b"--lr=0.1"), cwd=b"/p", project=b"/p", started_at=10 * DAY, ended_at=11 * DAY, exit_code=0,
    signal=None, interrupted=False, complete=True, incomplete_reasons=())


@pytest.mark.parametrize(("wanted", "matches"), [
    (JobFilter(), True), (JobFilter(since=10 * DAY), True), (JobFilter(since=10 * DAY + 1), False),
    (JobFilter(until=10 * DAY), False), (JobFilter(until=10 * DAY + 1), True),
    (JobFilter(words=("train", "LR=")), True), (JobFilter(words=("train", "epochs")), False),
    (JobFilter(outcome="ok"), True), (JobFilter(outcome="failed"), False), (JobFilter(exit_code=0), True),
    (JobFilter(exit_code=1), False), (JobFilter(host="gpu*"), True), (JobFilter(host="gpu"), False),
    (JobFilter(user="ada"), True), (JobFilter(user="1000"), True), (JobFilter(user="100"), False),
    (JobFilter(incomplete=True), False), (JobFilter(running=True), False)])
def test_what_is_set_must_hold(wanted: JobFilter, matches: bool) -> None:
    assert wanted.matches(HEAD) is matches
    assert from_message(to_message(wanted)) == wanted
    assert bool(wanted) is (wanted != JobFilter())


def test_ends_of_all_kinds() -> None:
    killed, unknown = replace(HEAD, exit_code=None, signal=9), replace(HEAD, exit_code=None, complete=False)
    running = replace(HEAD, id=None, ended_at=None, exit_code=None, complete=False)
    assert JobFilter(exit_code=137).matches(killed)
    assert not JobFilter(exit_code=9).matches(killed)
    assert JobFilter(outcome="failed").matches(killed)
    for head in (unknown, running):
        assert not JobFilter(outcome="failed").matches(head)
        assert not JobFilter(outcome="ok").matches(head)
    assert JobFilter(incomplete=True).matches(unknown)
    assert not JobFilter(incomplete=True).matches(running)
    assert JobFilter(running=True).matches(running)


@pytest.mark.parametrize(("text", "end", "expected"), [
    ("2d", False, "2026-11-21T08:00"), ("90m", False, "2026-11-23T06:30"), ("1w ago", False, "2026-11-16T08:00"),
    ("today", False, "2026-11-23T00:00"), ("yesterday", True, "2026-11-23T00:00"), ("2026-11-01", False, "2026-11-01T00:00"),
    ("2026-11-01", True, "2026-11-02T00:00"), ("2026-11-01T08:30", True, "2026-11-01T08:30"),
    ("2026-11-01 08:30:15", False, "2026-11-01T08:30:15"), ("2026-11-01T08:30+02:00", False, "2026-11-01T06:30")])
def test_moments(text: str, end: bool, expected: str) -> None:
    assert moment(text, NOW, UTC, end_of_day=end) == int(datetime.fromisoformat(expected + "+00:00").timestamp()) * 10**9


def test_days_are_those_of_the_zone() -> None:
    west = timezone(timedelta(hours=-9))  # there it is still the 22nd
    assert moment("today", NOW, west) == int(datetime(2026, 11, 22, 9, tzinfo=UTC).timestamp()) * 10**9


@pytest.mark.parametrize("text", ["", "soon", "2d3", "2026-13-01", "-2d", "99999999999y"])
def test_what_is_no_time_says_what_is(text: str) -> None:
    with pytest.raises(InvalidError) as caught:
        moment(text, NOW, UTC)
    assert "2d" in caught.value.hint
