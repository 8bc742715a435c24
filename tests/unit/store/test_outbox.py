"""What goes on to a registry: asked for when a job begins, there when it has ended, gone when the registry has it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from recorder import ADA, BOB, HOST, PROJECT, begin, ended, record

from lineage.records import JobHead, User
from roard.store import Store
from roard.store.environment import SCHEMA, SCHEMA_KEY, open_environment
from roard.store.outbox import FURTHEST, Pace, Row, Trouble
from roard.store.values import U64, get, put

TROUBLE = Trouble("invalid", "no", "ask")
BUNDLE = b"b" * 32


def asked(store: Store, user: User = ADA, scope: str = "private", project: bytes = PROJECT) -> JobHead:
    """A job that runs, and whose project wants it sent."""
    return store.begin_job(user, HOST, project, os.urandom(16), (b"train",), project, 1_000, forward=scope)[1]


def done(store: Store, user: User = ADA, scope: str = "private", project: bytes = PROJECT) -> bytes:
    return store.finish_job(ended(asked(store, user, scope, project))).id or b""


def waiting(store: Store, now: int = 1 << 60, after: int = 0, most: int = 100) -> list[bytes]:
    return [row.job for row in store.outbox_due(now, after, most)[0]]


def rows(store: Store) -> list[Row]:
    return store.outbox_due(1 << 60, 0, 100)[0]


def test_a_job_waits_from_its_end_on_and_only_where_it_was_asked_for(store: Store) -> None:
    head = asked(store)
    other = begin(store)
    assert waiting(store) == []
    finished = store.finish_job(ended(head))
    store.finish_job(ended(other))
    [row] = rows(store)
    assert (row.job, row.session, row.scope, row.uid, row.tries) == (finished.id, finished.session, "private", ADA.uid, 0)
    store.finish_job(ended(head))
    assert len(rows(store)) == 1, "ending again changes nothing"


def test_a_job_that_never_ran_is_not_sent(store: Store) -> None:
    head = asked(store)
    store.forget_job(head.run)
    assert store.statistics()["forward_asked"] == 0
    store.finish_job(ended(head))
    assert waiting(store) == []


def test_what_was_asked_outlives_the_daemon(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s") as store:
        head = asked(store, scope="org:lab")
    with Store.open(tmp_path / "s") as store:
        store.finish_job(ended(head))
    with Store.open(tmp_path / "s") as store:
        assert [row.scope for row in rows(store)] == ["org:lab"]


def test_jobs_that_go_together_are_of_one_session_and_scope_in_order(store: Store) -> None:
    first = [done(store), done(store)]
    apart = done(store, scope="public")
    elsewhere = done(store, project=b"/home/ada/other")
    first.append(done(store))
    assert waiting(store) == first
    assert waiting(store, most=2) == first[:2]
    store.outbox_settle(5, [(row, BUNDLE) for row in rows(store)], [])
    assert waiting(store) == [apart]
    store.outbox_settle(5, [(row, BUNDLE) for row in rows(store)], [])
    assert waiting(store) == [elsewhere]


def test_users_take_turns(store: Store) -> None:
    ada, bob = done(store), done(store, BOB)
    assert waiting(store, after=0) == [ada]
    assert waiting(store, after=ADA.uid) == [bob]
    assert waiting(store, after=BOB.uid) == [ada]
    assert waiting(store, after=0xFFFFFFFF) == [ada]


def test_one_user_with_much_that_waits_does_not_hide_another(store: Store) -> None:
    done(store), done(store)
    bob = done(store, BOB)
    store.outbox_put_off([row for row in rows(store) if row.uid == ADA.uid], TROUBLE, 1000, None)
    assert waiting(store, now=999) == [bob]
    assert waiting(store, now=999, after=BOB.uid) == [bob]


def test_a_time_that_a_wrong_clock_wrote_does_not_count(store: Store) -> None:
    job = done(store)
    store.outbox_put_off(rows(store), TROUBLE, 10**18 + FURTHEST, None)
    assert store.outbox_due(10**18, 0, 10) == ([], 10**18 + FURTHEST)
    assert waiting(store, now=10**18 - 1) == [job]


def test_a_job_that_is_forgotten_is_not_sent_any_more(store: Store) -> None:
    job = done(store)
    [row] = rows(store)
    store.forget_finished(job, ADA.uid)
    assert waiting(store) == []
    store.outbox_settle(5, [(row, BUNDLE)], [])
    store.outbox_put_off([row], TROUBLE, 7, None)
    store.outbox_settle(5, [], [(row, TROUBLE)])
    counts, listed = store.outbox_state(ADA.uid, 10)
    assert (counts.forwarded, counts.waiting, counts.refused, listed) == (0, 0, 0, []), "what came of it comes too late"


def test_what_is_put_off_waits_for_its_time_and_does_not_hold_up_others(store: Store) -> None:
    first, second = done(store), done(store)
    store.outbox_put_off(rows(store)[:1], TROUBLE, 1000, None)
    assert store.outbox_due(999, 0, 10) == ([row for row in rows(store) if row.job == second], 0)
    assert waiting(store, now=1000) == [first, second]
    [row] = [row for row in rows(store) if row.job == first]
    assert (row.tries, row.trouble) == (1, TROUBLE)
    store.outbox_settle(5, [(row, BUNDLE) for row in rows(store) if row.job == second], [])
    assert store.outbox_due(999, 0, 10) == ([], 1000)


def test_what_is_refused_waits_again_when_its_owner_says_so(store: Store) -> None:
    mine, also = done(store), done(store)
    other = done(store, BOB)
    for _ in range(2):
        some = rows(store)
        store.outbox_settle(5, [], [(row, TROUBLE) for row in some])
    assert waiting(store) == []
    counts, listed = store.outbox_state(ADA.uid, 10)
    assert (counts.refused, counts.waiting) == (2, 0)
    assert {(state, row.job, row.trouble) for state, row in listed} == {("refused", job, TROUBLE) for job in (mine, also)}
    assert store.outbox_retry(ADA.uid, [other]) == 0, "not hers"
    assert store.outbox_retry(ADA.uid, [mine]) == 1
    assert waiting(store) == [mine]
    assert store.outbox_retry(None, []) == 2
    assert waiting(store, after=ADA.uid) == [other]


def test_counts_are_of_one_user_or_of_all(store: Store) -> None:
    done(store)
    store.outbox_settle(5, [(row, BUNDLE) for row in rows(store)], [])
    done(store), done(store, BOB)
    mine, everyones = store.outbox_state(ADA.uid, 0)[0], store.outbox_state(None, 0)[0]
    assert (mine.forwarded, mine.waiting) == (1, 1)
    assert (everyones.forwarded, everyones.waiting) == (1, 2)
    assert mine.waiting_since == rows(store)[0].since


def test_the_pace_outlives_the_daemon_and_ends_with_success(tmp_path: Path) -> None:
    slow = Pace(3, 77, TROUBLE, 5)
    with Store.open(tmp_path / "s") as store:
        done(store)
        assert store.outbox_pace() == Pace()
        store.outbox_put_off(rows(store), TROUBLE, 0, slow)
    with Store.open(tmp_path / "s") as store:
        assert store.outbox_pace() == slow
        assert len(rows(store)) == 1, "the time of all is not the job's"
        store.outbox_settle(9, [(row, BUNDLE) for row in rows(store)], [])
        assert store.outbox_pace() == Pace(forwarded_at=9)


def test_new_work_is_told_at_once(store: Store) -> None:
    told = []
    store.outbox_changed = lambda: told.append(len(rows(store)))
    done(store)
    assert told == [1]


@pytest.mark.parametrize("version", [2, 3])
def test_a_store_of_an_earlier_schema_gets_an_outbox_and_sends_nothing_old(tmp_path: Path, version: int) -> None:
    with Store.open(tmp_path / "s") as store:
        record(store, outputs=["/out=b"])
    env, tables = open_environment(tmp_path / "s")
    with env.begin(write=True) as txn:
        put(txn, tables.meta, SCHEMA_KEY, U64.pack(version))
        for name in ("forward_asked", "outbox", "refused", "forwarded"):
            txn.drop(getattr(tables, name))
    env.close()
    with Store.open(tmp_path / "s") as store:
        assert waiting(store) == []
        assert waiting(store) == [] != [done(store)]
        assert len(waiting(store)) == 1
    env, tables = open_environment(tmp_path / "s")
    with env.begin() as txn:
        assert U64.unpack(get(txn, tables.meta, SCHEMA_KEY) or b"")[0] == SCHEMA
    env.close()
