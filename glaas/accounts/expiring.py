"""Rows that may go at some moment: noted as they are written, cleared away a few at a time by whoever writes such rows next."""

from __future__ import annotations

from collections.abc import Iterable

from glaas.accounts.tables import EXPIRING, TABLES
from glaas.store.keyed import Key, Range, Table, Writer
from lineage.ids import content_id, decode, encode

_HOME = b"\0"
_AT_ONCE = 32
_BY_NAME = {table.name: table for table in TABLES}


def note(writer: Writer, at: int, rows: Iterable[tuple[Table, Key]]) -> None:
    """``at``: nanoseconds.  A row that is not there by then is no mistake."""
    value = encode([[table.name, *key] for table, key in rows])
    writer.put(EXPIRING, [((_HOME, at.to_bytes(8, "big") + content_id(value)[:8]), value)])


def sweep(writer: Writer, now: int, most: int = _AT_ONCE) -> int:
    """How many notes were followed: ``most`` at most, the oldest first."""
    [found] = writer.scan(EXPIRING, [Range(_HOME, limit=most)])
    over = [(rest, value) for rest, value in found if int.from_bytes(rest[:8], "big") <= now]
    for _, value in over:
        for name, home, rest in decode(value):
            if name in _BY_NAME:
                writer.delete(_BY_NAME[name], [(home, rest)])
    writer.delete(EXPIRING, [(_HOME, rest) for rest, _ in over])
    return len(over)
