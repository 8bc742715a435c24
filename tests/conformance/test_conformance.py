"""Each way to touch a file leaves exactly its entries in the record: one row, one stimulus, one test."""

from __future__ import annotations

import pytest
import rows_async
import rows_calls
import rows_meaning
import rows_names
import rows_places
import rows_processes
from conformance import Bench, Row, run
from harness import Project

#: Rows that the capture does not do justice yet. One that begins to pass fails as such: take it out.
PENDING: dict[str, str] = {
    "io_submit-fails-later": "what was submitted is taken for done",
}
#: Rows that pass now and then, depending on who is faster. One that passes for good is to be taken out.
RACING: dict[str, str] = {}

_TABLES = (rows_calls, rows_names, rows_meaning, rows_processes, rows_places, rows_async)
ROWS: list[Row] = [row for table in _TABLES for row in table.ROWS]


def _parameter(row: Row) -> object:
    # a stimulus that fails is another exception, and not what is expected
    reason = PENDING.get(row.name) or RACING.get(row.name, "")
    pending = pytest.mark.xfail(strict=row.name in PENDING, raises=pytest.fail.Exception, reason=reason)
    return pytest.param(row, id=row.name, marks=[pending] if reason else [])


@pytest.mark.parametrize("row", [_parameter(row) for row in ROWS])
def test_conformance(row: Row, project: Project, bench: Bench) -> None:
    run(row, project, bench)


def test_rows_have_names_of_their_own_and_nothing_else_is_pending() -> None:
    names = [row.name for row in ROWS]
    assert sorted(set(names)) == sorted(names)
    assert set(PENDING) | set(RACING) <= set(names)
