"""The log's filters over a real store: what is found, for whom, and what a search that was cut says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from recorder import ADA, BOB, ROOT, begin, ended, record

from lineage.jobfilter import JobFilter
from lineage.records import JobHead, User
from lineage.service.scan import newest
from lineage.service.view import View
from roard.rpc.caller import Caller
from roard.store import Store
from roard.store.store import HEADS_BATCH

DAY = 86_400 * 1_000_000_000


def view(store: Store, user: User = ADA) -> View:
    return View(store, Caller(user.uid, user.uid, 1))


def run(store: Store, argv: str = "python train.py", at: int = 1, code: int = 0, user: User = ADA) -> JobHead:
    return store.finish_job(ended(begin(store, user, argv=argv, started_at=at * DAY), exit_code=code))


def test_of_many_jobs_those_that_match_newest_first(store: Store) -> None:
    heads = [run(store, f"step {index % 3}", at=index + 1, code=index % 2) for index in range(2 * HEADS_BATCH + 7)]
    found = newest(view(store), None, JobFilter(words=("step 0",), outcome="failed"), 1000)
    expected = [head for index, head in enumerate(heads) if index % 3 == 0 and index % 2]
    assert [head.id for head in found.heads] == [head.id for head in reversed(expected)]
    assert (found.truncated, found.stopped) == (False, "")
    few = newest(view(store), view(store).session(heads[0].session, b""), JobFilter(words=("step 0",), outcome="failed"), 3)
    assert [head.id for head in few.heads] == [head.id for head in expected[:-4:-1]]
    assert few.truncated


@pytest.mark.parametrize("moment", [0, 1, 2, 3, 40, 99, 100, 101, 200])
def test_what_is_after_a_time_is_not_looked_at(store: Store, moment: int) -> None:
    """Half of the numbers are of jobs that run, or never ran."""
    heads = []
    for at in range(1, 101):
        heads.append(run(store, at=at, user=ADA if at % 3 else BOB))
        begin(store, started_at=at * DAY)
    found = newest(view(store, ROOT), None, JobFilter(until=moment * DAY, outcome="ok"), 1000)
    assert {head.id for head in found.heads} == {head.id for at, head in enumerate(heads, 1) if moment == 0 or at < moment}
    looked = list(store.newest_heads(lambda _: True, until=moment * DAY)) if moment else []
    assert all(head.started_at < moment * DAY for head in looked)


def test_others_jobs_are_not_found(store: Store) -> None:
    mine, theirs = run(store, "same"), run(store, "same", user=BOB)
    for user, expected in ((ADA, [mine]), (BOB, [theirs]), (ROOT, [theirs, mine])):
        found = newest(view(store, user), None, JobFilter(words=("same",)), 10)
        assert {head.id for head in found.heads} == {head.id for head in expected}
    assert newest(view(store, BOB), None, JobFilter(user="ada"), 10).heads == []


def test_running_jobs_alone_or_among_the_others(store: Store) -> None:
    done, running = record(store), begin(store)
    assert newest(view(store), None, JobFilter(running=True), 10).heads == [running]
    assert [head.run for head in newest(view(store), None, JobFilter(), 10).heads] == [running.run, done.run]
    assert newest(view(store, BOB), None, JobFilter(running=True), 10).heads == []


def test_a_search_without_time_says_how_far_it_came(store: Store) -> None:
    for at in range(1, 4):
        run(store, at=at)
    found = newest(view(store), None, JobFilter(words=("no such",)), 10, seconds=0)
    assert (found.heads, found.stopped, found.reached) == ([], "time", 3 * DAY)


def test_a_clock_that_was_set_back_loses_no_job(store: Store) -> None:
    late = run(store, at=10)
    early = store.finish_job(replace(ended(begin(store, started_at=10 * DAY - 5)), context={}))
    found = newest(view(store), None, JobFilter(since=10 * DAY), 10)
    assert [head.id for head in found.heads] == [late.id]
    assert [head.id for head in newest(view(store), None, JobFilter(until=10 * DAY), 10).heads] == [early.id]
