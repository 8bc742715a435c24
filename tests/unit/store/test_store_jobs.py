"""What the store keeps of jobs and sessions, and that it keeps it as one."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from recorder import ADA, BOB, HOST, PROJECT, begin, digest, ended, entries, entry, everyone, newest, record

from lineage import ids
from lineage.errors import InvalidError, NotFoundError
from lineage.store import Link
from roard.store import Store


def test_jobs_of_a_project_share_a_session_and_are_numbered(store: Store) -> None:
    first, second = begin(store), begin(store)
    assert (first.number, second.number) == (1, 2)
    assert first.session == second.session
    session = store.current_session(ADA.uid, PROJECT)
    assert session is not None
    assert (session.id, session.jobs, session.current) == (first.session, 2, True)
    assert (session.user, session.host) == (ADA, HOST)


def test_sessions_are_of_one_user_in_one_project(store: Store) -> None:
    assert len({begin(store).session, begin(store, BOB).session, begin(store, project=b"/other").session}) == 3


def test_a_reset_ends_the_session_and_the_next_job_begins_another(store: Store) -> None:
    head = begin(store)
    over = store.end_session(ADA.uid, PROJECT)
    assert over is not None
    assert (over.id, over.current) == (head.session, False)
    assert store.session(head.session) == over
    assert store.current_session(ADA.uid, PROJECT) is None
    assert store.end_session(ADA.uid, PROJECT) is None
    following = begin(store)
    assert following.number == 1
    assert following.session != head.session


def test_begin_session_returns_the_current_one(store: Store) -> None:
    session = store.begin_session(ADA, HOST, PROJECT, 5)
    assert store.begin_session(ADA, HOST, PROJECT, 9) == session
    assert begin(store).session == session.id


def test_a_running_job_can_be_listed_changed_and_found(store: Store) -> None:
    older, newer = begin(store, started_at=1), begin(store, started_at=2)
    hidden = begin(store, BOB)
    assert store.running(lambda uid: uid == ADA.uid) == [newer, older]
    changed = replace(newer, counts={"input": 4})
    assert store.update_running(changed)
    assert store.running_head(newer.run) == changed
    assert store.running_head(hidden.run) == hidden
    assert store.running_head(b"?" * 16) is None


def test_a_late_update_does_not_bring_a_job_back(store: Store) -> None:
    head = begin(store)
    store.finish_job(ended(head))
    assert not store.update_running(head)
    assert store.running(everyone) == []


def test_a_job_that_never_ran_gives_its_number_back_if_it_was_the_last(store: Store) -> None:
    first, second = begin(store), begin(store)
    assert store.forget_job(second.run)
    assert begin(store).number == 2
    assert store.forget_job(first.run)
    assert begin(store).number == 3
    assert not store.forget_job(first.run)


def test_a_finished_job_is_all_there(store: Store) -> None:
    job = ended(begin(store), (*entries(["/in=a"], ["/out=b"]), entry("scratch", "/tmp/x", None, "temporary")))
    head = store.finish_job(job)
    assert head.id == ids.encode_job(job)[0]
    assert head.counts == {"input": 1, "input/shown": 1, "output": 1, "output/shown": 1, "scratch": 1}
    assert store.head(head.id) == head
    kept = store.job(head.id)
    assert kept is not None
    assert (kept.head, kept.steps, kept.context) == (head, job.steps, job.context)
    assert set(kept.entries) == set(job.entries) == set(store.entries(head.id))
    assert store.running_head(job.head.run) is None
    assert store.job_of_run(job.head.run) == head.id
    assert store.job_id(store.job_number(head.id) or 0) == head.id


def test_the_stored_bytes_recompute_the_id(store: Store) -> None:
    head = record(store, ["/in=a"], ["/out=b"])
    parts = list(store.record(head.id))
    assert parts[0][0] == head.id
    assert all(identity == ids.content_id(data) for identity, data in parts)
    assert ids.decode_job(parts[0][1], dict(parts).__getitem__) == store.job(head.id)


def test_what_is_not_there_is_none_or_nothing(store: Store) -> None:
    nobody = b"\0" * 32
    assert (store.head(nobody), store.job(nobody), store.session(nobody), store.job_number(nobody)) == (None,) * 4
    assert list(store.entries(nobody)) == list(store.record(nobody)) == []
    with pytest.raises(NotFoundError):
        store.job_id(7)
    with pytest.raises(NotFoundError):
        store.artifact_hash(7)


def test_finishing_twice_changes_nothing(store: Store) -> None:
    job = ended(begin(store), entries(["/in=a"], ["/out=b"]))
    head = store.finish_job(job)
    before = (store.statistics(), store.session(head.session))
    assert store.finish_job(job) == head
    assert store.finish_job(replace(job, entries=())) == head, "a run ends once"
    assert (store.statistics(), store.session(head.session)) == before


def test_a_job_of_an_unknown_session_is_refused_and_leaves_nothing(store: Store) -> None:
    job = ended(begin(store), entries(outputs=["/out=b"]))
    before = store.statistics()
    with pytest.raises(NotFoundError):
        store.finish_job(replace(job, head=replace(job.head, session=b"\1" * 32)))
    assert store.statistics() == before


def test_the_sessions_chain_is_recomputable_from_its_jobs(store: Store) -> None:
    heads = [record(store, outputs=[f"/out={index}"]) for index in range(3)]
    session = store.session(heads[0].session)
    assert session is not None
    link = session.id
    for head in heads:
        link = ids.chain(link, head.id)
    assert session.head == link
    assert store.session_jobs(session.id) == heads[::-1]
    assert store.session_jobs(session.id, 2) == [heads[2], heads[1]]
    assert store.session_numbers(session.id) == {1: heads[0].id, 2: heads[1].id, 3: heads[2].id}


def test_a_job_ends_in_the_session_in_which_it_began(store: Store) -> None:
    head = begin(store)
    store.end_session(ADA.uid, PROJECT)
    store.finish_job(ended(head))
    assert [done.run for done in store.session_jobs(head.session)] == [head.run]


def test_chunks_that_are_alike_are_stored_once(store: Store) -> None:
    library = [entry("input", f"/usr/lib/{index}", f"lib{index}", "system") for index in range(50)]
    record(store, ["/in=a"], more=library)
    chunks = store.statistics()["chunks"]
    record(store, ["/in=b"], more=library)
    assert store.statistics()["chunks"] == chunks + 1, "the data entries differ; libraries, steps and context do not"


def test_edges_lead_both_ways(store: Store) -> None:
    make = record(store, ["/raw=a"], ["/clean=b"])
    use = record(store, ["/clean=b"], ["/model=c"])
    clean = store.artifact_number(digest("b"))
    assert clean is not None
    assert store.artifact_hash(clean) == digest("b")
    maker, user = store.job_number(make.id), store.job_number(use.id)
    path = ids.path_number(b"/clean")
    assert store.producers([clean]) == {clean: [Link(maker, path)]}
    assert store.consumers([clean]) == {clean: [Link(user, path)]}
    assert store.outputs([maker]) == {maker: [Link(clean, path)]}
    assert store.inputs([user, 99]) == {user: [Link(clean, path)], 99: []}
    assert store.owners([maker, user, 99]) == {maker: ADA.uid, user: ADA.uid}


def test_producers_come_in_order_of_time(store: Store) -> None:
    heads = [record(store, outputs=["/p=same", f"/q{index}=same"]) for index in range(5)]
    number = store.artifact_number(digest("same"))
    jobs = [link.node for link in store.producers([number, 12345])[number]]
    assert jobs == sorted(jobs)
    assert set(jobs) == {store.job_number(head.id) for head in heads}
    assert len(jobs) == 10


def test_jobs_are_ordered_by_their_beginning_and_know_what_had_begun_when_they_finished(store: Store) -> None:
    first, second, third = begin(store), begin(store), begin(store, BOB)
    assert store.update_running(replace(first, counts={"input": 4})), "an update keeps the place"
    second, first = store.finish_job(ended(second)), store.finish_job(ended(first))
    never, last = begin(store), begin(store)
    assert store.forget_job(never.run)
    third, last = store.finish_job(ended(third)), store.finish_job(ended(last))
    numbers = [store.job_number(head.id) for head in (first, second, third, last)]
    assert numbers == [1, 2, 3, 5], "a job that never ran leaves a gap"
    assert store.untils([1, 2, 3, 4, 5]) == {1: 4, 2: 4, 3: 6, 5: 6}
    assert newest(store, everyone, 10) == [last, third, second, first]
    assert store.session_jobs(first.session) == [last, second, first]
    assert list(store.session_numbers(first.session).values()) == [second.id, first.id, last.id], "as they ended"


def test_the_newest_content_of_a_path_is_of_the_job_that_ended_last(store: Store) -> None:
    long, short = begin(store), begin(store)
    short = store.finish_job(ended(short, entries(outputs=["/f=early"])))
    long = store.finish_job(ended(long, entries(outputs=["/f=late"])))
    assert store.seen_at(b"/f", everyone) == [(digest("late"), long.id), (digest("early"), short.id)]


def test_library_files_have_edges_only_where_a_job_made_them(store: Store) -> None:
    reads = [entry("input", "/usr/lib/libc.so", "libc", "system"), entry("input", "/venv/np.py", "numpy", "package")]
    record(store, ["/in=a"], more=reads)
    assert store.artifact_number(digest("libc")) is None
    assert store.artifact_number(digest("numpy")) is None
    record(store, more=[entry("output", "/venv/np.py", "numpy", "package")], argv="pip install numpy")
    user = record(store, more=reads)
    numpy = store.artifact_number(digest("numpy"))
    assert [link.node for link in store.consumers([numpy])[numpy]] == [store.job_number(user.id)]
    assert store.artifact_number(digest("libc")) is None
    assert set(reads) == set(store.entries(user.id)), "the job's own record lists them all"


def test_entries_without_a_hash_and_scratch_have_no_edges(store: Store) -> None:
    head = record(store, more=[entry("input", "/changing", None), entry("scratch", "/tmp/x", "scratch", "temporary")])
    number = store.job_number(head.id)
    assert store.inputs([number]) == {number: []}
    assert store.artifact_number(digest("scratch")) is None


def test_the_log_is_newest_first_of_those_who_may_be_seen(store: Store) -> None:
    mine = [record(store, outputs=[f"/a={index}"]) for index in range(3)]
    theirs = [record(store, outputs=[f"/b={index}"], user=BOB) for index in range(2)]
    mine.append(record(store, outputs=["/a=last"]))
    assert newest(store, lambda uid: uid == ADA.uid, 10) == mine[::-1]
    assert newest(store, lambda uid: uid == ADA.uid, 2) == [mine[3], mine[2]]
    assert newest(store, everyone, 10) == [mine[3], *theirs[::-1], mine[2], mine[1], mine[0]]
    assert newest(store, lambda uid: False, 10) == []


def test_contents_seen_at_a_path_newest_first_each_once(store: Store) -> None:
    first = record(store, outputs=["/f=one"])
    rewrite = record(store, ["/f=one"], ["/f=two"])
    again = record(store, ["/f=two"])
    record(store, ["/f=secret"], user=BOB)
    assert store.seen_at(b"/f", lambda uid: uid == ADA.uid) == [(digest("two"), again.id), (digest("one"), rewrite.id)]
    assert store.seen_at(b"/g", everyone) == []
    assert first.id != rewrite.id


def test_what_a_job_left_at_a_path_is_newer_than_what_it_found_there(store: Store) -> None:
    record(store, outputs=["/elsewhere=left"])
    head = record(store, ["/f=found"], ["/f=left"])
    assert store.seen_at(b"/f", everyone) == [(digest("left"), head.id), (digest("found"), head.id)]


def test_ids_are_found_by_any_number_of_digits_from_four(store: Store) -> None:
    heads = [record(store, outputs=[f"/o={index}"]) for index in range(40)]
    running = begin(store)
    for head in heads:
        for digits in (4, 5, 9, 64):
            assert head.id in store.by_prefix("job", head.id.hex()[:digits].upper(), 100)
        assert store.by_prefix("job", head.id.hex(), 100) == [head.id]
    assert store.by_prefix("job", running.run.hex()[:7], 100) == [running.run]
    assert store.by_prefix("artifact", digest("7").hex()[:11], 9) == [digest("7")]
    assert store.by_prefix("session", heads[0].session.hex()[:5], 9) == [heads[0].session]
    assert store.by_prefix("job", heads[0].id.hex(), 0) == []


@pytest.mark.parametrize(("kind", "prefix"), [("job", "abc"), ("job", "xyzw"), ("colour", "abcd")])
def test_what_is_no_prefix_is_refused(store: Store, kind: str, prefix: str) -> None:
    with pytest.raises(InvalidError):
        store.by_prefix(kind, prefix, 9)


def test_hashes_are_remembered_by_signature(store: Store) -> None:
    pairs = [(os.urandom(40), os.urandom(32)) for _ in range(100)]
    store.remember_hashes(pairs)
    begin(store)  # the writer keeps order: what was given before it is there after it
    assert [store.known_hash(signature) for signature, _ in pairs] == [known for _, known in pairs]
    assert store.known_hash(b"unknown") is None
    with pytest.raises(InvalidError):
        store.remember_hashes([(b"x" * 101, b"h" * 32)])


def test_many_threads_at_once_get_numbers_without_gaps(store: Store) -> None:
    with ThreadPoolExecutor(16) as pool:
        heads = list(pool.map(lambda index: record(store, outputs=[f"/o{index}={index}"]), range(200)))
    assert sorted(head.number for head in heads) == list(range(1, 201))
    assert sorted(store.job_number(head.id) or 0 for head in heads) == list(range(1, 201))
    session = store.session(heads[0].session)
    assert session is not None
    link = session.id
    for identity in store.session_numbers(session.id).values():
        link = ids.chain(link, identity)
    assert session.head == link


def test_everything_is_there_after_reopening(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s") as store:
        head, running = record(store, ["/in=a"], ["/out=b"]), begin(store)
        job, statistics = store.job(head.id), store.statistics()
    with Store.open(tmp_path / "s") as store:
        assert store.job(head.id) == job
        assert store.running(everyone) == [running]
        assert store.statistics() == statistics
        assert begin(store).number == 3
