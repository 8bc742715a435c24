"""Power cuts: the writes of a running store are recorded and replayed up to any point, with those that were not durable yet
dropped, torn or out of order, as a disk may.  No acknowledged transaction is lost, and no other is there in part.

GLAAS_CRASH_IMAGES: how many points (200 in CI, with GLAAS_CRASH_SEED to draw others; thousands by hand)."""

from __future__ import annotations

import os
import random
import struct
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from crash_writer import COUNTER, state, work
from keyed_tables import SHORT, TABLES

from glaas.store import open_store

HERE = Path(__file__).parent
RECORD = struct.Struct("=cBQQ")
SECTOR = 512  # what a disk writes whole
IMAGES = int(os.environ.get("GLAAS_CRASH_IMAGES", "200"))
TRANSACTIONS = 150  # of each of the writers' threads


class Record(NamedTuple):
    """``kind``: w (a write; ``durable``: when it returned), s (all before is durable), o (a process opened the store),
    a (transaction ``offset`` was acknowledged)."""

    kind: str
    durable: bool
    offset: int
    data: bytes


def parsed(recorded: bytes) -> Iterator[Record]:
    at = 0
    while at < len(recorded):
        kind, durable, offset, size = RECORD.unpack_from(recorded, at)
        at += RECORD.size
        yield Record(kind.decode(), bool(durable), offset, recorded[at:at + size])
        at += size


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    """Of two processes with three writing threads each."""
    place = tmp_path_factory.mktemp("recorded")
    library, recorded = place / "recorded.so", place / "writes"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, HERE / "recorded_writes.c", "-ldl"],
                   check=True)
    recorded.write_bytes(b"")
    environment = {**os.environ, "RECORDED_WRITES": str(recorded), "LD_PRELOAD": str(library)}
    command = [sys.executable, HERE / "crash_writer.py", place / "store", str(TRANSACTIONS)]
    processes = [subprocess.Popen(command, env=environment) for _ in range(2)]
    assert [process.wait(100) for process in processes] == [0, 0]
    found = list(parsed(recorded.read_bytes()))
    acknowledged = sorted(record.offset for record in found if record.kind == "a")
    assert acknowledged == list(range(1, 6 * TRANSACTIONS + 1))
    whole = bytearray()
    for record in found:
        if record.kind == "w":
            apply(whole, record.offset, record.data)
    assert bytes(whole) == (place / "store" / "data.mdb").read_bytes(), "something was written in a way that was not seen"
    return found


def apply(image: bytearray, offset: int, data: bytes) -> None:
    if len(image) < offset + len(data):
        image.extend(bytes(offset + len(data) - len(image)))
    image[offset:offset + len(data)] = data


def cut(image: bytearray, waiting: list[Record], draw: random.Random) -> bytearray:
    """What the disk may have: of the writes that it did not have to make durable yet some, in any order, some in part."""
    image = bytearray(image)
    how = draw.choice(["none", "all", "some", "torn"])
    left = [] if how == "none" else waiting if how == "all" else [record for record in waiting if draw.random() < 0.6]
    for record in draw.sample(left, len(left)):
        if how != "torn":
            apply(image, record.offset, record.data)
            continue
        begin = -record.offset % SECTOR  # up to where the first whole sector begins
        edges = [0, *range(begin or SECTOR, len(record.data), SECTOR), len(record.data)]
        for first, end in pairwise(edges):
            if draw.random() < 0.5:
                apply(image, record.offset + first, record.data[first:end])
    return image


def crashes(records: list[Record], count: int, draw: random.Random) -> Iterator[tuple[int, bytearray, int]]:
    """(point, image, how many transactions were acknowledged), from the moment when the store had its name."""
    begin = next(at for at, record in enumerate(records) if record.kind == "o")
    points = sorted(draw.randrange(begin, len(records) + 1) for _ in range(count))
    durable, waiting, acknowledged, at = bytearray(), list[Record](), set[int](), 0
    for point in points:
        for record in records[at:point]:
            if record.kind == "a":
                acknowledged.add(record.offset)
            elif record.kind == "w" and not record.durable:
                waiting.append(record)
            elif record.kind == "w":
                apply(durable, record.offset, record.data)
            elif record.kind == "s":
                for each in waiting:
                    apply(durable, each.offset, each.data)
                waiting = []
        at = point
        under_way = records[point:point + 1]  # may have reached the disk without having returned
        image = cut(durable, waiting + [each for each in under_way if each.kind == "w"], draw)
        yield point, image, max(acknowledged, default=0)


def test_a_power_cut_at_any_moment_loses_nothing_that_was_acknowledged(records: list[Record], tmp_path: Path) -> None:
    seed = os.environ.get("GLAAS_CRASH_SEED", "1")
    draw, later, images = random.Random(seed), 0, 0
    for images, (point, image, acknowledged) in enumerate(crashes(records, IMAGES, draw), 1):
        directory = tmp_path / f"image{images}"
        directory.mkdir()
        (directory / "data.mdb").write_bytes(image)
        store = open_store(directory, TABLES)
        with store.read() as reader:
            number = int(reader.get(SHORT, [COUNTER]).get(COUNTER, b"0"))
            found = {table: dict(reader.walk(table)) for table in TABLES}
        assert acknowledged <= number <= acknowledged + 6, f"seed {seed}, point {point}"  # 6 threads wait for theirs
        assert found == state(number), f"seed {seed}, point {point}"
        if images % 10 == 0:  # and it goes on
            assert [store.write(work) for _ in range(3)] == [number + 1, number + 2, number + 3]
            with store.read() as reader:
                assert {table: dict(reader.walk(table)) for table in TABLES} == state(number + 3)
        store.close()
        for path in directory.iterdir():
            path.unlink()
        later += number > acknowledged
    assert images == IMAGES
    assert later, "some transactions were durable before that was said: the points are everywhere"


def test_a_disk_that_forgets_what_it_said_was_durable_is_noticed(records: list[Record], tmp_path: Path) -> None:
    """That these tests can fail: with the flushes ignored, images are refused, damaged, or of the past."""
    unsafe = [record._replace(durable=False) for record in records if record.kind != "s"]
    noticed = 0
    for number, (_, image, acknowledged) in enumerate(crashes(unsafe, 10, random.Random(1))):
        directory = tmp_path / f"image{number}"
        directory.mkdir()
        (directory / "data.mdb").write_bytes(image)
        done = subprocess.run([sys.executable, "-c", CHECK, directory, HERE, str(acknowledged)], capture_output=True)
        noticed += done.returncode != 0  # in a process of its own: LMDB may crash on such a file
    assert noticed >= 3


CHECK = """
import sys
sys.path.insert(0, sys.argv[2])
from crash_writer import COUNTER, SHORT, TABLES, open_store, state
store = open_store(sys.argv[1], TABLES)
with store.read() as reader:
    number = int(reader.get(SHORT, [COUNTER]).get(COUNTER, b"0"))
    assert number >= int(sys.argv[3])
    assert {table: dict(reader.walk(table)) for table in TABLES} == state(number)
"""
