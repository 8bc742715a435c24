"""Anyone who has the bytes of a record can recompute its id."""

from __future__ import annotations

import random
from dataclasses import replace

import cbor2
import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage import ids
from lineage.errors import CorruptError
from lineage.records import ACCESSES, ENTRY_KINDS, ROLES, Entry, Host, Job, JobHead, Reason, Step, User

times = st.integers(0, 2**62)
texts = st.text(max_size=20)
paths = st.binary(min_size=1, max_size=40)
users = st.builds(User, st.integers(0, 2**32 - 2), texts)
hosts = st.builds(Host, texts, texts, texts)
entries = st.builds(
    Entry, st.sampled_from(ENTRY_KINDS), paths, st.none() | st.binary(min_size=32, max_size=32), texts,
    st.none() | st.integers(0, 2**63), st.sampled_from(ROLES),
    st.lists(st.sampled_from(ACCESSES), max_size=3).map(tuple),
    st.lists(st.integers(0, 9), max_size=3).map(tuple), texts, st.none() | paths)
steps = st.builds(
    Step, st.integers(0, 9), st.none() | st.integers(0, 9), st.integers(1, 2**22),
    st.lists(paths, max_size=3).map(tuple),
    paths, times, st.none() | times, st.none() | st.integers(0, 255), st.none() | st.integers(1, 64))
heads = st.builds(
    JobHead, st.none(), st.binary(min_size=16, max_size=16), st.binary(min_size=32, max_size=32), st.integers(1, 2**40),
    users, hosts, st.lists(paths, max_size=4).map(tuple), paths, paths, times, st.none() | times,
    st.none() | st.integers(0, 255), st.none() | st.integers(1, 64), st.booleans(), st.booleans(),
    st.lists(st.builds(Reason, texts, texts, st.integers(1, 9)), max_size=2).map(tuple))
contexts = st.dictionaries(texts, st.recursive(st.none() | st.booleans() | st.integers(-2**63, 2**63) | texts,
                                               lambda inner: st.lists(inner, max_size=3)), max_size=3)
jobs = st.builds(Job, heads, st.lists(steps, max_size=3).map(tuple), st.lists(entries, max_size=6).map(tuple), contexts)


@given(jobs)
@settings(max_examples=60, deadline=None)
def test_a_job_comes_back_as_it_was_but_for_the_order_of_its_entries(job: Job) -> None:
    identity, record, chunks = ids.encode_job(job)
    back = ids.decode_job(record, chunks.__getitem__)
    assert back.head == replace(job.head, id=identity, counts=ids.counts_of(job.entries))
    assert back.steps == job.steps
    assert back.context == job.context
    assert sorted(map(repr, back.entries)) == sorted(map(repr, job.entries))


@given(jobs)
@settings(max_examples=30, deadline=None)
def test_ids_are_the_blake3_of_the_stored_bytes_by_an_independent_reading(job: Job) -> None:
    identity, record, chunks = ids.encode_job(job)
    assert identity == blake3(record).digest()
    assert all(name == blake3(data).digest() for name, data in chunks.items())
    value = cbor2.loads(record)
    assert {*value["steps"], *value["entries"], value["context"]} == set(chunks)
    assert cbor2.dumps(value, canonical=True) == record


def _job(count: int = 40) -> Job:
    head = JobHead(None, b"r" * 16, b"s" * 32, 1, User(1000, "ada"), Host("box", "6", "x86_64"), (b"true",), b"/", b"/",
                   1, 2, 0, None, False, True, ())
    found = tuple(Entry("input", b"/data/%05d" % index, ids.content_id(b"%d" % index), "", index,
                        "data" if index % 2 else "system", ("read",), (0,)) for index in range(count))
    return Job(head, (), found, {"b": 1, "a": 2})


def test_the_id_does_not_depend_on_the_order_in_which_things_were_noticed() -> None:
    job = _job()
    shuffled = list(job.entries)
    random.Random(1).shuffle(shuffled)
    other = replace(job, entries=tuple(shuffled), context={"a": 2, "b": 1})
    assert ids.encode_job(other) == ids.encode_job(job)


def test_the_id_changes_with_everything_that_was_recorded() -> None:
    job = _job()
    changed = [
        replace(job, head=replace(job.head, exit_code=1)),
        replace(job, context={"b": 1, "a": 3}),
        replace(job, entries=(*job.entries[:-1], job.entries[-1]._replace(size=7))),
        replace(job, entries=job.entries[1:]),
    ]
    assert len({ids.encode_job(one)[0] for one in (job, *changed)}) == 5


def test_the_id_is_not_part_of_what_it_names() -> None:
    job = _job()
    identity = ids.encode_job(job)[0]
    assert ids.encode_job(job.with_id(identity))[0] == identity
    assert ids.reidentified(job).head.id == identity


def test_a_large_job_is_split_and_its_shown_entries_come_first() -> None:
    job = _job(2 * 2 * ids.CHUNK_ROWS)
    _, record, chunks = ids.encode_job(job)
    roles = [{entry.role for entry in ids.decode_entries(chunks[chunk], chunk)} for chunk in ids.entry_chunks(record)]
    assert roles == [{"data"}, {"data"}, {"system"}, {"system"}]


def test_a_damaged_chunk_is_noticed() -> None:
    _, record, chunks = ids.encode_job(_job())
    damaged = {name: data[:-1] + bytes([data[-1] ^ 1]) for name, data in chunks.items()}
    with pytest.raises(CorruptError):
        ids.decode_job(record, damaged.__getitem__)


def test_bytes_that_are_no_record_are_corrupt() -> None:
    with pytest.raises(CorruptError):
        ids.decode(b"\x9f\x01")


def test_a_session_is_named_by_its_record_and_its_chain_by_its_jobs() -> None:
    user, host = User(1000, "ada"), Host("box", "6", "x86_64")
    identity, record = ids.session_id(user, host, b"/p", 7, b"n" * 16)
    session = ids.decode_session(record)
    assert (session.id, session.head, session.started_at) == (identity, identity, 7)
    assert (session.user, session.host) == (user, host)
    assert identity != ids.session_id(user, host, b"/p", 7, b"m" * 16)[0]
    assert ids.chain(identity, b"j" * 32) == blake3(identity + b"j" * 32).digest()


def test_a_running_head_survives_its_table() -> None:
    head = replace(_job().head, counts={"input": 3})
    assert ids.decode_head(ids.encode_head(head), b"") == head


def test_path_numbers_are_the_first_64_bits_of_the_hash() -> None:
    assert ids.path_number(b"/a/b") == int(blake3(b"/a/b").hexdigest()[:16], 16)
