"""Bundles of those who mean harm: nothing but a RoarError comes of them, in bounded memory and time."""

from __future__ import annotations

import io
import json
import random
import subprocess
import sys
from pathlib import Path

import cbor2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_bundle import built, changed, job, relabelled, written

from lineage import bundle, ids
from lineage.document import job_document
from lineage.errors import CorruptError, RoarError
from lineage.strict import canonical
from lineage.wire import job_from, job_to

ROOT = Path(__file__).parents[2]
SEVERAL = built(job(1), job(2, argv=(b"x",)), job(3, exit_code=None, ended_at=9000))
#: What may stand where something else belongs.
STRANGE = [
    None, True, False, 0, -1, 1 << 31, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, -(1 << 64), 1 << 64, -(1 << 70), 1.5,
    float("nan"), float("inf"), "", "x" * 70_000, "\0", "\ud7ff", b"", bytes(31), bytes(32), bytes(33), [], [[]], {}, {"": 0},
    {1: 2}, {b"k": 0}, {None: 0}, {1.5: 0}, [[[[[[[[]]]]]]]], cbor2.undefined, cbor2.CBORSimpleValue(99),
    cbor2.CBORTag(0, "2020-01-01T00:00:00Z"), cbor2.CBORTag(2, b"\xff" * 40), cbor2.CBORTag(28, [1]),
    cbor2.CBORTag(35, "(a+)+"), {"schema": "roar.job/1"}, list(range(100))]


def opened(raw: bundle.Raw) -> bundle.Content | None:
    """What anyone who takes a bundle in does with it; RoarErrors are how it is refused."""
    try:
        return bundle.content(bundle.read(io.BytesIO(written(raw))))
    except RoarError as error:
        assert len(error.message) < 2_000  # it is shown, and logged
        return None


def places(value: object, at: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """The paths to everything in a decoded value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(path for key, item in inner for path in places(item, (*at, key)))]


def copied(value: object) -> object:
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    return [copied(item) for item in value] if isinstance(value, list) else value


def mutated(value: object, draw: random.Random) -> object:
    """Something of it is exchanged, dropped, doubled, moved, renamed or wrapped."""
    path = draw.choice(places(value))
    if not path:
        return draw.choice(STRANGE)
    value = around = copied(value)
    for key in path[:-1]:
        around = around[key]
    key = path[-1]
    match draw.randrange(7):
        case 0 | 1:
            around[key] = draw.choice(STRANGE)
        case 2:
            del around[key]
        case 3 if isinstance(around, list):
            around.insert(draw.randrange(len(around) + 1), around[key])
        case 4 if isinstance(around, list):
            draw.shuffle(around)
        case 5 if isinstance(around, dict):
            around[draw.choice(["", "x", 7, b"schema", key])] = around.pop(key)
        case _:
            around[key] = [around[key]]
    return value


def flipped(data: bytes, draw: random.Random) -> bytes:
    """Bits, bytes and slices of the encoding."""
    at = draw.randrange(len(data) + 1)
    match draw.randrange(5):
        case 0:
            return data[:at] + data[at + draw.randrange(1, 9):]
        case 1:
            return data[:at] + draw.randbytes(draw.randrange(1, 9)) + data[at:]
        case 2:
            other = draw.randrange(len(data) + 1)
            return data[:at] + data[min(at, other):max(at, other)] + data[at:]
        case 3:
            heads = b"\x1b\x3b\x5b\x7b\x9b\xbb\xdb\xfb\x9f\xbf\x5f\x7f\xff\xc1\xd8\xf7\xf8\x9a\xba"
            return data[:at] + bytes([draw.choice(heads)]) + data[at + 1:]
        case _:
            return data[:max(at - 1, 0)] + bytes([data[max(at - 1, 0)] ^ 1 << draw.randrange(8)]) + data[max(at, 1):]


def relinked(raw: bundle.Raw, part: bytes, data: bytes) -> bundle.Raw:
    """``changed``, and the jobs that named this chunk name what it is now."""
    lie = changed(raw, part, data)
    for identity in bundle.decode_header(raw.header).jobs:
        record = ids.decode(raw.parts[identity])
        named = {"steps": record["steps"], "entries": record["entries"], "context": [record["context"]]}
        if not any(part in each for each in named.values()):
            continue
        new = {name: [ids.content_id(data) if each == part else each for each in chunks] for name, chunks in named.items()}
        lie = changed(lie, identity, ids.encode({**record, **new, "context": new["context"][0]}))
    return lie


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=False), st.sampled_from(sorted(SEVERAL.parts)), st.integers(1, 3), st.booleans())
def test_records_that_are_not_as_they_should_be(draw, part, times, link):
    """Each is as if its machine had written it: ids fit, so only what is looked at in it can show that something is wrong."""
    value = ids.decode(SEVERAL.parts[part])
    for _ in range(times):
        value = mutated(value, draw)
    data = cbor2.dumps(value, canonical=True)
    lie = (relinked if link else changed)(SEVERAL, part, data)
    content = opened(lie)
    if content is not None:
        for one in content.jobs:  # what is taken can be shown, by every program
            json.dumps(job_document(job_from(job_to(one), one.entries)), allow_nan=False)


@settings(max_examples=400, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from(sorted(SEVERAL.parts)), st.integers(1, 4))
def test_bytes_that_are_not_as_they_should_be(draw, part, times):
    data = SEVERAL.parts[part]
    for _ in range(times):
        data = flipped(data, draw)
    opened(relinked(SEVERAL, part, data))


@settings(max_examples=300, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 4))
def test_files_that_are_not_as_they_should_be(draw, times):
    data = written(SEVERAL)
    for _ in range(times):
        data = flipped(data, draw)
    try:
        bundle.content(bundle.read(io.BytesIO(data)))
    except RoarError:
        return


@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=False))
def test_parts_that_are_dropped_doubled_or_exchanged(draw):
    parts = list(SEVERAL.parts.values())
    order = [draw.choice(parts) for _ in range(draw.randrange(2 * len(parts)))]
    draw.shuffle(order)
    data = ids.encode(SEVERAL.header) + b"".join(map(ids.encode, order))
    try:
        bundle.content(bundle.read(io.BytesIO(data)))
    except RoarError:
        return
    assert [part for _, part in list(bundle.iterate(SEVERAL))[1:]] == order


@settings(max_examples=1000, deadline=None)
@given(st.binary(max_size=200))
def test_bytes_of_any_kind(data):
    for read in (lambda: canonical(data, "this"), lambda: bundle.read(io.BytesIO(data)), lambda: bundle.decode_header(data)):
        try:
            read()
        except RoarError:
            continue


@pytest.mark.parametrize("value", [
    {1: 2}, {b"k": 1}, {1.5: 1}, {None: 1}, {"a": {7: 1}}, float("nan"), [float("inf")], {"a": -float("inf")}, cbor2.undefined,
    [cbor2.CBORSimpleValue(99)], [cbor2.CBORSimpleValue(3)]])
def test_values_that_no_record_of_ours_has_are_refused(value) -> None:
    """Keys that are no text can be chosen so that a map takes forever; what is no number is no JSON."""
    with pytest.raises(CorruptError, match="not plain CBOR"):
        canonical(cbor2.dumps(value, canonical=True), "this")


def test_numbers_and_floats_of_every_size_are_taken() -> None:
    for value in ([0.0, 1.5, -2.25, 65504.0, 1e300, 3.1, 1 / 3], {"a": 1 << 60, "b": -(1 << 60)}, ["é" * 300, bytes(70_000)]):
        data = ids.encode(value)
        assert canonical(data, "this") == value


def test_a_chunk_is_looked_at_for_each_thing_that_it_is_used_as() -> None:
    """Steps of one job that another one passes off as files, with nothing where a hash belongs."""
    raw = built(job(1), job(2))
    first, second = bundle.decode_header(raw.header).jobs
    row = [0, None, 7, [b"x"], b"/x", 1, 2, 0, None, None]  # ten fields, as a file's had at first
    chunk = ids.encode([row])
    identity = ids.content_id(chunk)
    one = ids.encode({**ids.decode(raw.parts[first]), "steps": [identity]})
    other = ids.encode({**ids.decode(raw.parts[second]), "entries": [identity], "counts": {"0": 1}})
    lie = changed(changed(raw, first, one), second, other)
    header = bundle.decode_header(lie.header)
    named = {each for record in (one, other) for part in [ids.decode(record)]
             for each in (*part["steps"], *part["entries"], part["context"])}
    parts = {**lie.parts, identity: chunk}
    fixed = bundle.Header(header.about, header.truncated, header.sessions, header.jobs, tuple(sorted(named)))
    lie = bundle.Raw(fixed.encode(), {key: parts[key] for key in fixed.parts})
    with pytest.raises(CorruptError, match="not described as files are"):
        bundle.content(lie)


def test_bytes_in_a_context_are_refused() -> None:
    """It is JSON, for every program that shows it."""
    raw = built(job())
    chunk = ids.decode(raw.parts[bundle.decode_header(raw.header).jobs[0]])["context"]
    with pytest.raises(CorruptError, match="bytes where text belongs"):
        bundle.content(relinked(raw, chunk, ids.encode({"git": {"commit": b"abc"}})))


@pytest.mark.parametrize("name", ["steps", "entries"])
def test_a_chunk_that_a_job_names_twice_is_refused(name) -> None:
    raw = built(job())
    [chunk] = ids.decode(raw.parts[bundle.decode_header(raw.header).jobs[0]])[name]
    with pytest.raises(CorruptError, match="twice"):
        bundle.content(relabelled(raw, **{name: [chunk, chunk]}))


BOMBS = {
    # One chunk of 4096 files, 500,000 times in one job.
    "repeated": "raw = relabelled(many(4096), entries=[chunk_of(many(4096))] * 500_000)",
    # The same files in every one of 5,000 jobs: 20 million of them, out of a bundle of 3 MB.
    "shared": "raw = shared(4096, 5_000)",
    # Contexts of nothing but empty maps, a byte each: 50 million. (A quarter of the bound, since it takes its time to reach.)
    "empty": "raw = contexts(50, 1_000_000)\nbundle.MAX_ITEMS //= 4",
    # Keys that Python's hash of numbers puts in one place.
    "keys": "raw = relinked(job_of(), context_of(), b'\\xba' + (100_000).to_bytes(4, 'big') + b''.join("
            "b'\\x1b' + (n * ((1 << 61) - 1) & (1 << 64) - 1).to_bytes(8, 'big') + b'\\0' for n in range(100_000)))",
    # 50,000 chunks in one job, each to be looked for among the others.
    "chunks": "raw = chunked(50_000)",
    "length": "raw = relinked(job_of(), context_of(), b'\\xbb' + b'\\xff' * 8)",
    "nested": "raw = relinked(job_of(), context_of(), b'\\x81' * 10_000_000 + b'\\x80')",
    "message": "raw = relabelled(job_of(), counts={'k%d' % n: n for n in range(100_000)})",
    # Directories in directories, each path of other ones.
    "deep": "raw = built(job(found=tuple(entry('input', f'/{n}' + '/a' * 8_000 + '/x', 'a') for n in range(1_000))))",
    "long": "raw = relabelled(job_of(), project=b'x' * 10_000_000)",
}
PRELUDE = """
import resource, sys
from dataclasses import replace
sys.path[:0] = ["tests/unit", "."]
from test_hostile_bundles import *
from recorder import entry
from lineage.composite import file_sets
from lineage.records import Entry
def many(count):
    return built(job(found=tuple(entry("input", f"/in{n}", "a") for n in range(count))))
def chunk_of(raw):
    return ids.decode(raw.parts[bundle.decode_header(raw.header).jobs[0]])["entries"][0]
def job_of():
    return built(job())
def context_of():
    return ids.decode(job_of().parts[bundle.decode_header(job_of().header).jobs[0]])["context"]
def assembled(records, chunks):
    parts = {ids.content_id(data): data for data in (*records, *chunks)}
    session = SEVERAL.parts[bundle.decode_header(SEVERAL.header).sessions[0]]
    header = bundle.Header("job:00", "", (ids.content_id(session),), tuple(sorted(map(ids.content_id, records))),
                           tuple(sorted(map(ids.content_id, chunks))))
    return bundle.Raw(header.encode(), {**parts, ids.content_id(session): session})
def template(raw):
    record = ids.decode(raw.parts[bundle.decode_header(raw.header).jobs[0]])
    return record, [raw.parts[each] for each in bundle.decode_header(raw.header).chunks]
def shared(files, jobs):
    record, chunks = template(many(files))
    return assembled([ids.encode({**record, "run": n.to_bytes(16, "big")}) for n in range(jobs)], chunks)
def contexts(jobs, items):
    record, chunks = template(job_of())
    made = [b"\\xa2\\x61a\\x19" + n.to_bytes(2, "big") + b"\\x61b\\x9a" + (items - 10).to_bytes(4, "big")
            + b"\\xa0" * (items - 10) for n in range(300, 300 + jobs)]
    names = [ids.encode({**record, "run": n.to_bytes(16, "big"), "context": ids.content_id(made[n])}) for n in range(jobs)]
    return assembled(names, [each for each in chunks if ids.content_id(each) != record["context"]] + made)
def chunked(count):
    record, chunks = template(job_of())
    rows = [ids.encode([["input", b"/in%d" % n, None, "", None, "data", [], [], "", None]]) for n in range(count - 2)]
    lie = {**record, "entries": [ids.content_id(row) for row in rows], "counts": {"input": len(rows), "input/shown": len(rows)}}
    return assembled([ids.encode(lie)], [each for each in chunks if ids.content_id(each) not in record["entries"]] + rows)
BOMB
data = written(raw)
del raw
before = resource.getrusage(resource.RUSAGE_SELF)
resource.setrlimit(resource.RLIMIT_AS, (1_300 << 20, 1_300 << 20))
resource.setrlimit(resource.RLIMIT_CPU, (int(before.ru_utime + before.ru_stime) + 40, ) * 2)
try:
    for one in bundle.content(bundle.read(io.BytesIO(data))).jobs:
        file_sets(one.entries)
    print("taken")
except RoarError as error:
    assert len(error.message) < 2_000, len(error.message)
    print("refused:", error.message)
"""


@pytest.mark.parametrize("name", BOMBS)
def test_little_that_would_become_much(name) -> None:
    """In a process that may use 1.3 GB of addresses and 40 seconds: far more than it needs, and far less than these are made
    to take."""
    program = PRELUDE.replace("BOMB", BOMBS[name])
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith("taken" if name in {"chunks", "deep"} else "refused"), done.stdout
