"""Steps keep what they used, and which cell they were, through CBOR, protobuf and JSON; old records have neither."""

from __future__ import annotations

import pytest

from lineage import ids, wire
from lineage.document import step_document
from lineage.records import Cell, Resources, Step

USED = Resources(1_500_000_000, 1_000_000_000, 500_000_000, None, 10, 20, None, 0, 2)
CELL = Cell(3, b"\1" * 32, failed=True)


def step(resources: Resources | None = None, cell: Cell | None = None) -> Step:
    return Step(0, None, 42, (b"x",), b"/bin/x", 1_000_000_000, 3_000_000_000, 0, None, resources, cell)


@pytest.mark.parametrize("made", [step(), step(USED), step(None, CELL), step(USED, CELL)])
def test_round_trips(made: Step) -> None:
    assert ids.step_of(ids.decode(ids.encode(ids._step_value(made)))) == made
    assert wire.step_from(type(wire.step_to(made)).FromString(wire.step_to(made).SerializeToString())) == made


def test_old_records_keep_their_ids() -> None:
    assert len(ids._step_value(step())) == 9


def test_as_json() -> None:
    document = step_document(step(USED, CELL))
    assert document["cell"] == {"number": 3, "hash": "01" * 32, "failed": True}
    assert (document["kind"], step_document(step())["kind"]) == ("cell", "program")
    assert document["resources"] == {
        "wall_seconds": 2.0, "cpu_seconds": 1.5, "user_seconds": 1.0, "system_seconds": 0.5, "max_rss_bytes": None,
        "bytes_read": 10, "bytes_written": 20, "storage_bytes_read": None, "storage_bytes_written": 0, "processes": 2}
    assert step_document(step())["resources"] is None
