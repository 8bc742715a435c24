"""The thread that empties the outbox, with its real child."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from answering import Registry, jobs_in, taken
from recorder import ADA, BOB, HOST, PROJECT, ended

from lineage.records import User
from lineage.v1 import registry_pb2
from roard.outbox import forwarder as module
from roard.outbox.forwarder import Forwarder
from roard.outbox.policy import Forwarding
from roard.store import Store

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="to become another account needs root")


def until(look: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def registry() -> Iterator[Registry]:
    made = Registry()
    yield made
    made.close()


@pytest.fixture
def forwarder(store: Store, registry: Registry, tmp_path: Path) -> Iterator[Forwarder]:
    path = tmp_path / "token"
    path.write_text("t")
    path.chmod(0o600)
    made = Forwarder(store, Forwarding(url=registry.url, token_file=path, user="nobody"))
    yield made
    made.close()


def done(store: Store, user: User = ADA) -> bytes:
    _, head = store.begin_job(user, HOST, PROJECT, os.urandom(16), (b"train",), PROJECT, 1_000, forward="private")
    return store.finish_job(ended(head)).id or b""


def sent(store: Store) -> int:
    return store.outbox_state(None, 0)[0].forwarded


def test_a_backlog_goes_in_few_bundles_and_users_take_turns(store: Store, registry: Registry, tmp_path: Path) -> None:
    for user in (ADA,) * 250 + (BOB,):
        done(store, user)
    path = tmp_path / "token"
    path.write_text("t")
    path.chmod(0o600)
    made = Forwarder(store, Forwarding(url=registry.url, token_file=path, user="nobody"))
    until(lambda: sent(store) == 251)
    made.close()
    assert [len(jobs_in(request)) for request in registry.asked] == [200, 1, 50]


def test_the_child_does_not_stay_without_work(store: Store, registry: Registry, forwarder: Forwarder,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_IDLE_SECONDS", 0.1)
    done(store)
    until(lambda: sent(store) == 1)
    until(lambda: forwarder.pid == 0)
    done(store)
    until(lambda: sent(store) == 2)


def test_a_job_that_the_child_dies_of_does_not_keep_the_others(store: Store, registry: Registry, forwarder: Forwarder) -> None:
    bad = done(store, BOB)

    def rule(request: registry_pb2.RegisterBundleRequest) -> tuple[int, bytes, dict[str, str]]:
        if bad in jobs_in(request):
            os.kill(forwarder.pid, signal.SIGKILL)
        return taken(request)

    registry.rule = rule
    jobs = [done(store) for _ in range(3)]
    until(lambda: sent(store) >= 3)
    until(lambda: store.outbox_state(BOB.uid, 1)[1] and store.outbox_state(BOB.uid, 1)[1][0][1].tries >= 1)
    [(state, row)] = store.outbox_state(BOB.uid, 1)[1]
    assert (state, row.job) == ("waiting", bad)
    assert row.trouble is not None and "killed by signal 9" in row.trouble.message
    assert {job for request in registry.asked for job in jobs_in(request)} >= set(jobs)
    tries = len(registry.asked)
    registry.rule = taken
    until(lambda: sent(store) == 4)
    assert len(registry.asked) <= tries + 3, "less and less often"


def test_nothing_is_done_where_there_is_nothing_to_do(store: Store, registry: Registry, forwarder: Forwarder,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    done(store)
    until(lambda: sent(store) == 1)
    steps = []
    step = forwarder._step
    monkeypatch.setattr(forwarder, "_step", lambda: (steps.append(1), step())[1])
    time.sleep(1)
    assert len(steps) <= 1
    forwarder.poke()
    until(lambda: steps)


def test_what_the_child_says_of_others_jobs_counts_for_nothing(store: Store, registry: Registry) -> None:
    """It has no rights, so what it reports has none beyond what it was given."""
    class Odd(Forwarder):
        def __init__(self) -> None:
            self._store, self._policy, self._said, self._child = store, Forwarding(url="http://x"), "", None

    done(store)
    other = done(store, BOB)
    [row] = store.outbox_due(1 << 60, 0, 10)[0]
    forwarder = Odd()
    batch = module.batches.build(store, [row])
    answers = [{"sent": {other.hex(): "00" * 32}}, {"sent": 5}, {"refused": {other.hex(): {}}}, {"sent": {row.job.hex(): "zz"}},
               {"refused": {row.job.hex(): "no"}}, {"later": {"why": 3}}, {"later": 7}, {"later": {}}, {}]
    for answer in answers:
        forwarder._settle(batch, answer)
        counts = store.outbox_state(None, 0)[0]
        assert (counts.waiting, counts.refused, counts.forwarded) == (2, 0, 0), answer
    forwarder._settle(batch, {"sent": {row.job.hex(): "00" * 32}})
    assert sent(store) == 1
