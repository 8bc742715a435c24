"""Forgetting the newest job: all of it goes, and nothing that others have."""

from __future__ import annotations

from dataclasses import replace

import pytest
from recorder import ADA, BOB, PROJECT, begin, digest, ended, entries, entry, everyone, record

from lineage import ids
from lineage.annotations import Edit, Subject
from lineage.errors import ConflictError, NotFoundError
from lineage.graph import Limits, Start, ancestors
from lineage.records import BUILD
from roard.store import Store


def counts(store: Store) -> dict[str, int]:
    """All tables but those of numbers that are never given again."""
    return {name: number for name, number in store.statistics().items() if name not in ("meta", "bytes_used", "bytes_reserved")}


def test_the_store_is_as_if_the_job_had_never_been(store: Store) -> None:
    record(store, ["/p/raw=1"], ["/p/clean=2"])
    session, before = store.current_session(ADA.uid, PROJECT), counts(store)
    made = ["/p/model=4", "/p/clean=5", *(f"/p/set/{at}.pt={at}x" for at in range(12))]
    last = record(store, ["/p/clean=2", "/p/raw=1", "/p/new=3"], made, argv="python other.py")
    for subject in (Subject("job", last.run), Subject("step", last.run, 0)):
        store.annotate(subject, ADA.uid, [Edit("label", "name", ("train",)), Edit("note", "", ("well",))], ADA, 5)
    assert all(now > before[name] for name, now in counts(store).items() if name in {
        "trees", "path_texts", "annotations", "annotation_history", "labelled", "chunks", "jobs", "artifacts"})
    forgotten, after = store.forget_finished(last.id, ADA.uid)
    assert forgotten == last
    assert (after, store.current_session(ADA.uid, PROJECT)) == (session, session)
    assert counts(store) == before
    assert store.job(last.id) is None
    assert store.job_of_run(last.run) is None
    assert store.artifact_number(digest("4")) is None
    assert store.seen_at(b"/p/model", everyone) == []
    assert [found for found, _ in store.seen_at(b"/p/clean", everyone)] == [digest("2")]


def test_numbers_and_the_hash_chain_go_back_and_on(store: Store) -> None:
    first, second = record(store, outputs=["/p/a=1"]), record(store, outputs=["/p/b=2"])
    store.forget_finished(second.id, ADA.uid)
    third = record(store, outputs=["/p/c=3"])
    session = store.session(third.session)
    assert session is not None
    assert third.number == 2
    assert session.head == ids.chain(ids.chain(session.id, first.id), third.id)
    assert store.job_number(third.id) == 3  # of all jobs here: what began before it stays so


def test_what_others_took_from_it_stays_theirs(store: Store) -> None:
    made = record(store, outputs=["/p/model=m"])
    user = record(store, ["/p/model=m"], ["/q/report=r"], project=b"/q")
    store.forget_finished(made.id, ADA.uid)
    number = store.job_number(user.id)
    graph = ancestors(store, Start(job=number), Limits(), everyone)
    assert graph.jobs == [number]
    assert {node.artifact for node in graph.roots} == {store.artifact_number(digest("m"))}
    assert [job for _, job in store.seen_at(b"/p/model", everyone)] == [user.id]


def test_chunks_that_another_job_has_too_stay(store: Store) -> None:
    library = entry("input", "/usr/lib/python3/site-packages/x.py", "x", "package")
    kept = record(store, outputs=["/p/a=1"], more=[library])
    gone = record(store, outputs=["/p/b=2"], more=[library])
    store.forget_finished(gone.id, ADA.uid)
    assert library in list(store.entries(kept.id))


def test_only_the_newest_and_only_by_its_owner(store: Store) -> None:
    first, second = record(store, outputs=["/p/a=1"]), record(store, outputs=["/p/b=2"])
    with pytest.raises(ConflictError, match="@1 is not the newest job of its session: @2 is"):
        store.forget_finished(first.id, ADA.uid)
    for other in (BOB.uid, 0):
        with pytest.raises(NotFoundError):
            store.forget_finished(second.id, other)
    with pytest.raises(NotFoundError):
        store.forget_finished(b"\x01" * 32, ADA.uid)
    begin(store)
    with pytest.raises(ConflictError, match="@3 is"):
        store.forget_finished(second.id, ADA.uid)
    assert store.job(second.id) is not None


def test_a_number_that_was_never_used_is_no_obstacle(store: Store) -> None:
    first = record(store, outputs=["/p/a=1"])
    second, third = begin(store), begin(store)
    store.forget_job(second.run)
    store.forget_job(third.run)
    _, session = store.forget_finished(first.id, ADA.uid)
    assert session.jobs == 0
    assert session.head == session.id


def test_a_job_in_a_session_that_was_ended_can_be_forgotten_too(store: Store) -> None:
    job = record(store, outputs=["/p/a=1"])
    store.end_session(ADA.uid, PROJECT)
    _, session = store.forget_finished(job.id, ADA.uid)
    assert (session.jobs, session.current) == (0, False)


def test_the_kind_of_a_job_is_part_of_its_record(store: Store) -> None:
    plain = begin(store)
    built = ids.reidentified(ended(replace(plain, kind=BUILD), entries(outputs=["/p/a=1"])))
    stored = store.finish_job(built)
    assert (stored.kind, stored.id) == (BUILD, built.head.id)
    assert store.head(stored.id) == stored
    assert ids.reidentified(ended(plain)).head.id != ids.reidentified(ended(replace(plain, kind=BUILD))).head.id
