"""What is sent at once, and what an answer of a registry means."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO

import pytest
from answering import Answer, Registry, jobs_in, proto, refusal, taken
from recorder import ADA, begin, ended, record

from lineage import bundle
from lineage.annotations import Edit, Subject
from lineage.annotationwire import annotated_from
from lineage.v1 import registry_pb2
from roarctl.forwarding.sending import Sender
from roard.outbox import batches
from roard.store import Store
from roard.store.outbox import Row


def rows_of(store: Store, count: int) -> list[Row]:
    heads = [record(store, outputs=[f"/out{number}={number}"]) for number in range(count)]
    return [Row(ADA.uid, number, head.id or b"", head.session, "private", 1) for number, head in enumerate(heads, 1)]


@pytest.fixture
def registry() -> Iterator[Registry]:
    made = Registry()
    yield made
    made.close()


def test_what_is_sent_is_a_bundle_that_anyone_can_verify(store: Store, registry: Registry) -> None:
    rows = rows_of(store, 3)
    run = store.head(rows[0].job).run  # type: ignore[union-attr]
    said = [Edit("label", "stage", ("prep",)), Edit("note", "", ("token ghp_" + "a" * 36,))]
    store.annotate(Subject("job", run), ADA.uid, said, ADA, 5)
    store.annotate(Subject("job", run), 0, [Edit("label", "root", ("says",))], ADA, 5)
    answer = registry.send(batches.build(store, rows))
    [request] = registry.asked
    content = bundle.content(bundle.read(BytesIO(request.bundle)))
    assert [job.head.id for job in content.jobs] == sorted(row.job for row in rows)
    assert answer == {"sent": {row.job.hex(): content.id.hex() for row in rows}, "refused": {}, "later": None}
    [sent] = map(annotated_from, request.said)
    assert (sent.subject, sent.labels()) == (Subject("job", rows[0].job), {"stage": "prep"}), "by its owner, and by its id"
    assert "ghp_" not in str(request.said), "redacted once more"
    assert batches.build(store, rows).data == request.bundle, "the same jobs, the same bundle"


def test_a_batch_is_not_too_large(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = rows_of(store, 5)
    size = len(batches.build(store, rows[:2]).data)
    monkeypatch.setattr(batches, "_MOST_BYTES", size)
    assert 1 < len(batches.build(store, rows).rows) < 5
    monkeypatch.setattr(bundle, "MAX_BYTES", 100)
    batch = batches.build(store, rows[:1])
    assert (batch.rows, [(row, why.code) for row, why in batch.refused]) == ((), [(rows[0], "invalid")])


def test_what_is_not_in_the_store_is_refused_and_not_looked_for_again(store: Store) -> None:
    [row] = rows_of(store, 1)
    lost = Row(ADA.uid, 9, b"?" * 32, row.session, "private", 1)
    batch = batches.build(store, [lost, row])
    assert (batch.rows, [(one, why.code) for one, why in batch.refused]) == ((row,), [(lost, "corrupt")])


def test_a_secret_stays_here_and_the_others_go(store: Store, registry: Registry) -> None:
    rows = rows_of(store, 2)
    head = begin(store, argv="train --password=hunter2-hunter2")
    leak = store.finish_job(ended(head))
    rows.insert(1, Row(ADA.uid, 3, leak.id or b"", leak.session, "private", 1))
    answer = registry.send(batches.build(store, rows))
    assert set(answer["sent"]) == {rows[0].job.hex(), rows[2].job.hex()}  # type: ignore[call-overload]
    assert list(answer["refused"]) == [leak.id.hex()]  # type: ignore[call-overload, union-attr]
    assert "hunter2" not in json.dumps(answer)
    assert b"hunter2" not in registry.asked[0].bundle


def test_one_that_the_registry_refuses_is_found_by_halves(store: Store, registry: Registry) -> None:
    rows = rows_of(store, 16)
    bad = rows[5].job
    registry.rule = lambda request: refusal(400, "invalid") if bad in jobs_in(request) else taken(request)
    answer = registry.send(batches.build(store, rows))
    assert answer["refused"] == {bad.hex(): {"code": "invalid", "message": "no", "hint": "h"}}
    assert set(answer["sent"]) == {row.job.hex() for row in rows if row.job != bad}  # type: ignore[call-overload]
    assert len(registry.asked) == 9, "2 for each of the four halvings, and the first"


@pytest.mark.parametrize(("status", "code", "scopes", "concerns"), [
    (503, "unavailable", ["register"], "all"), (429, "unavailable", ["register"], "all"), (504, "error", ["register"], "all"),
    (401, "denied", ["register"], "held"), (403, "denied", [], "held"), (403, "denied", ["register"], None),
    (400, "invalid", ["register"], None), (500, "corrupt", ["register"], None), (413, "invalid", ["register"], None),
    (500, "error", ["register"], "these")])
def test_whom_a_refusal_concerns(store: Store, registry: Registry, status: int, code: str, scopes: list[str],
                                 concerns: str | None) -> None:
    """None: this job, for good."""
    registry.rule = lambda _: refusal(status, code, **{"Retry-After": "7"})
    registry.account = registry_pb2.Account(name="box", scopes=scopes)
    [row] = rows_of(store, 1)
    answer = registry.send(batches.build(store, [row]))
    assert answer["sent"] == {}
    if concerns is None:
        assert list(answer["refused"]) == [row.job.hex()] and answer["later"] is None  # type: ignore[call-overload]
    else:
        later = answer["later"]
        assert (later["concerns"], later["retry_after"]) == (concerns, 7 if concerns == "all" else 0)  # type: ignore[index]


@pytest.mark.parametrize("answer", [
    (200, b"<html>", {"Content-Type": "text/html"}), (302, b"", {"Location": "http://elsewhere/"}), (404, b"not here", {}),
    (502, b"<html>", {}), (200, b"\xff\xff", {"Content-Type": "application/proto"})])
def test_what_is_no_registry_is_asked_again_later(store: Store, registry: Registry, answer: Answer) -> None:
    """A proxy's page, another server: nothing is given up for that."""
    registry.rule = lambda _: answer
    found = registry.send(batches.build(store, rows_of(store, 2)))
    assert (found["sent"], found["refused"]) == ({}, {})
    assert found["later"]["concerns"] == "all"  # type: ignore[index]


def test_a_job_that_the_registry_says_nothing_of_was_not_sent(store: Store, registry: Registry) -> None:
    rows = rows_of(store, 2)
    registry.rule = lambda _: proto(registry_pb2.RegisterBundleResponse(registered=[rows[0].job]))
    assert list(registry.send(batches.build(store, rows))["sent"]) == [rows[0].job.hex()]  # type: ignore[call-overload]


def test_a_token_is_not_sent_in_the_clear() -> None:
    sender = Sender.of({"url": "http://registry.example.org", "token": "t"})
    answer = sender.send({"scope": "private", "jobs": [], "said": []}, b"")
    assert (answer["later"]["why"]["code"], answer["later"]["concerns"]) == ("denied", "held")
    assert "insecure = true" in answer["later"]["why"]["hint"]
