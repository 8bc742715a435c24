"""Lineage bundles: the same bytes each time, and no lie in them goes through."""

from __future__ import annotations

import io
from dataclasses import replace

import cbor2
import pytest
from recorder import ADA, BOB, HOST, PROJECT, entries, entry

from lineage import bundle, ids
from lineage.errors import CorruptError, InvalidError, RoarError
from lineage.records import Cell, Job, JobHead, Resources, Step, User
from lineage.strict import MAX_DEPTH, canonical

SESSION, SESSION_RECORD = ids.session_id(ADA, HOST, PROJECT, 5, b"n" * 16)


def job(number: int = 1, found: tuple = (), **head: object) -> Job:
    words = (b"python", b"train.py", b"\xff")
    step = Step(0, None, 7, words, b"/usr/bin/python", 1000, 2000, 0, None)
    made = JobHead(None, number.to_bytes(16, "big"), SESSION, number, ADA, HOST, words, PROJECT, PROJECT, 1000 * number,
                   1000 * number + 500, 0, None, False, True, ())
    return Job(replace(made, **head), (step,), found or entries(["/in=a"], ["/out=b"]),
               {"git": {"commit": "abc"}, "resources": {"wall_seconds": 1.25}})


def built(*jobs: Job, sessions: tuple[bytes, ...] = (SESSION_RECORD,)) -> bundle.Raw:
    return bundle.build("job:" + "00" * 32, "", sessions, [ids.encode_job(each)[1:] for each in jobs])


def written(raw: bundle.Raw) -> bytes:
    file = io.BytesIO()
    bundle.write(raw, file)
    return file.getvalue()


def changed(raw: bundle.Raw, part: bytes, data: bytes) -> bundle.Raw:
    """A bundle in which a part was exchanged for another, and all ids made to fit, as a liar would."""
    header = bundle.decode_header(raw.header)
    new = ids.content_id(data)
    parts = {identity: value for identity, value in raw.parts.items() if identity != part} | {new: data}
    lists = [tuple(sorted(new if identity == part else identity for identity in each))
             for each in (header.sessions, header.jobs, header.chunks)]
    return bundle.Raw(bundle.Header(header.about, header.truncated, *lists).encode(), parts)


def relabelled(raw: bundle.Raw, **fields: object) -> bundle.Raw:
    """With other fields in the head of its one job."""
    identity = bundle.decode_header(raw.header).jobs[0]
    return changed(raw, identity, ids.encode({**ids.decode(raw.parts[identity]), **fields}))


def test_what_is_written_is_read_again_and_is_the_same_each_time() -> None:
    raw = built(job(1), job(2))
    data = written(raw)
    assert data == written(built(job(2), job(1)))
    read = bundle.read(io.BytesIO(data))
    assert read == raw
    content = bundle.content(read)
    assert {each.head.id for each in content.jobs} == {ids.encode_job(job(number))[0] for number in (1, 2)}
    assert content.jobs[0].entries
    assert content.sessions[SESSION].user == ADA
    assert content.id == ids.content_id(raw.header)
    assert bundle.looks_like(data[:100])


USED = Resources(3, 2, 1, 4096, 10, None, 0, None, 1)


@pytest.mark.parametrize(("used", "cell"), [(USED, None), (None, Cell(0, b"c" * 32, True)), (USED, Cell(3, b"c" * 32, False))])
def test_what_steps_used_and_the_cells_of_notebooks_travel(used, cell) -> None:
    one = job(kind="build")
    one = replace(one, steps=(replace(one.steps[0], resources=used, cell=cell),))
    content = bundle.content(bundle.read(io.BytesIO(written(built(one)))))
    assert (content.jobs[0].steps, content.jobs[0].head.kind) == (one.steps, "build")


@pytest.mark.parametrize("more", [
    [[]], [[1] * 8], [[*USED[:8], None]], [[-1, *USED[1:]]], [["1", *USED[1:]]], [list(USED), None],
    [None, [1, b"short", True]], [None, [1, b"c" * 32, 1]], [None, [1, b"c" * 32, True], 1]])
def test_what_steps_did_not_use_is_refused(more) -> None:
    raw = built(job())
    head = ids.decode(raw.parts[bundle.decode_header(raw.header).jobs[0]])
    [row] = ids.decode(raw.parts[head["steps"][0]])
    new = ids.encode([[*row, *more]])
    lie = changed(raw, head["steps"][0], new)
    with pytest.raises(CorruptError, match="not described as they should"):
        bundle.content(relabelled(lie, steps=[ids.content_id(new)]))


def test_each_cut_off_bundle_is_refused() -> None:
    data = written(built(job()))
    for length in range(0, len(data), 7):
        with pytest.raises(RoarError):
            bundle.content(bundle.read(io.BytesIO(data[:length])))
    with pytest.raises(CorruptError, match="followed by"):
        bundle.read(io.BytesIO(data + ids.encode(b"more")))


def test_each_changed_byte_is_noticed() -> None:
    """Or it is in what the header says of the whole, which is no record: then it is another bundle, of the same jobs."""
    data = written(built(job()))
    true = bundle.content(bundle.read(io.BytesIO(data)))
    passed = 0
    for at in range(len(data)):
        lie = data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
        try:
            content = bundle.content(bundle.read(io.BytesIO(lie)))
        except RoarError:
            continue
        passed += 1
        assert content.id != true.id
        assert (content.jobs, content.sessions) == (true.jobs, true.sessions)
    assert passed <= len(true.header.about)


def test_what_differs_is_named() -> None:
    raw = built(job())
    chunk = bundle.decode_header(raw.header).chunks[0]
    with pytest.raises(CorruptError, match=chunk.hex()[:16]):
        bundle.content(raw._replace(parts={**raw.parts, chunk: b"\x80"}))


@pytest.mark.parametrize(("fields", "words"), [
    ({"user": [BOB.uid, "ada"]}, "another user than its session"),
    ({"project": b"/elsewhere"}, "another project than its session"),
    ({"session": b"?" * 32}, "which the bundle does not have"),
    ({"counts": {"input": 7}}, "says that it has"),
    ({"complete": False}, "not a job's record"),
    ({"exit_code": 1.5}, "not a job's record"),
    ({"exit_code": True}, "not a job's record"),
    ({"started_at": -1}, "not a job's record"),
    ({"started_at": 1 << 62}, "not a job's record"),
    ({"argv": ["text"]}, "not a job's record"),
    ({"run": b"short"}, "not a job's record"),
    ({"number": 1 << 63}, "not a job's record"),
    ({"user": [1 << 32, "x"]}, "not a job's record"),
    ({"schema": "roar.job/9"}, "not a job's record"),
    ({"kind": "nonsense"}, "not a job's record"),
    ({"kind": ["build"]}, "not a job's record"),
    ({"entries": [b"?" * 32]}, "does not have"),
    ({"context": b"?" * 32}, "does not have"),
])
def test_a_record_that_lies_about_itself_is_refused(fields, words) -> None:
    with pytest.raises(CorruptError, match=words):
        bundle.content(relabelled(built(job()), **fields))


@pytest.mark.parametrize("row", [
    [], [1] * 13, ["input", "/text", None, "", None, "data", [], [], "", None, None, None, []],
    ["inputs", b"/in", None, "", None, "data", [], [], "", None, None, None, []],
    ["input", b"/in", b"short", "", None, "data", [], [], "", None, None, None, []],
    ["input", b"/in", None, "", -1, "data", [], [], "", None, None, None, []],
    ["input", b"/in", None, "", None, "dada", [], [], "", None, None, None, []],
])
def test_files_that_are_not_described_as_files_are_refused(row) -> None:
    raw = built(job(found=(entry("input", "/in", "a"),)))
    chunk = ids.decode(raw.parts[bundle.decode_header(raw.header).jobs[0]])["entries"][0]
    new = ids.encode([row])
    lie = changed(raw, chunk, new)
    with pytest.raises(CorruptError):
        bundle.content(relabelled_entries(lie, [ids.content_id(new)]))


@pytest.mark.parametrize("number", range(2, 8))
def test_a_chunk_that_is_another_jobs_context_is_no_files(number) -> None:
    """Chunks are looked at once, but as each thing that they are said to be; whichever job comes first, by its id."""
    (true, chunks), (record, more) = (ids.encode_job(job(each))[1:] for each in (1, number))
    value = ids.decode(record)
    lie = ids.encode({**value, "entries": [value["context"]]})
    with pytest.raises(CorruptError, match="not described as files"):
        bundle.content(bundle.build("job:" + "00" * 32, "", [SESSION_RECORD], [(true, chunks), (lie, more)]))


def relabelled_entries(raw: bundle.Raw, chunks: list[bytes]) -> bundle.Raw:
    return relabelled(raw, entries=chunks)


def test_chunks_of_nobody_are_refused() -> None:
    raw = built(job())
    header = bundle.decode_header(raw.header)
    lonely = ids.content_id(b"\x80")
    fixed = replace(header, chunks=tuple(sorted([*header.chunks, lonely])))
    with pytest.raises(CorruptError, match="of no job"):
        bundle.content(bundle.Raw(fixed.encode(), {**raw.parts, lonely: b"\x80"}))


def test_one_run_is_one_job() -> None:
    with pytest.raises(CorruptError, match="one run"):
        bundle.content(built(job(1), job(2, run=(1).to_bytes(16, "big"))))


def test_records_of_before_entries_had_an_identity_are_taken() -> None:
    """Ids do not change: what old records said is what they say."""
    raw = built(job(found=(entry("input", "/in", "a"),)))
    chunk = ids.decode(raw.parts[bundle.decode_header(raw.header).jobs[0]])["entries"][0]
    old = ids.encode([row[:10] for row in ids.decode(raw.parts[chunk])])
    assert bundle.content(relabelled_entries(changed(raw, chunk, old), [ids.content_id(old)])).jobs[0].entries[0].inode is None


@pytest.mark.parametrize("data", [
    cbor2.dumps(cbor2.CBORTag(35, "(a+)+$")), cbor2.dumps(cbor2.CBORTag(4, [10 ** 6, 1])), b"\x9f\xff", b"\x5f\xff",
    b"\x81" * (MAX_DEPTH + 2) + b"\x80", b"\x9a\xff\xff\xff\xff", b"\x18\x01", b"\xa2\x61b\x01\x61a\x01", b"\x80\x80", b"",
    b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff", b"\x1c",
])
def test_cbor_that_is_not_ours_is_never_decoded_further(data) -> None:
    """Tags that build objects, lengths that are not there, nesting, forms that are not the shortest, keys out of order."""
    with pytest.raises(CorruptError):
        canonical(data, "this")


def test_too_much_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(bundle, "MAX_BYTES", 100)
    with pytest.raises(InvalidError, match="MB"):
        built(job())


def test_a_name_of_the_host_may_change_in_a_session() -> None:
    other = replace(HOST, name="renamed")
    assert bundle.content(built(job(1), job(2, host=other)))
    assert bundle.content(built(job(1, user=User(ADA.uid, "ada2"))))
