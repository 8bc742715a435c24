"""Tables and queries of the PostgreSQL store: one statement for a batch, however many keys it names.

A table is ``(h bytea, r bytea, v bytea, primary key (h, r))``, so that Citus can distribute it by h, its home.  Statements
are queued in a pipeline (libpq's, PostgreSQL 14 on the client): only those whose answer is needed cost a round trip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, LiteralString, TypeAlias

import psycopg
from blake3 import blake3
from psycopg.sql import SQL, Identifier
from psycopg.types.numeric import Int8

from glaas.store.keyed import Key, Range, Table
from glaas.store.keys import beyond, bounds, check_home, check_key, joined
from glaas.store.pgaddress import SETTINGS
from glaas.store.pgarrays import Bytes, Numbers
from glaas.store.schema import GLAAS
from storage import values
from storage.values import seal

Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]
Cursor: TypeAlias = psycopg.Cursor[tuple[Any, ...]]

PREFIX = "glaas_"  # of the tables' names, so that they can share a database
CHUNK_ROWS = 10_000  # rows that one statement names
SPREAD_ROWS = 100  # likewise where there are several machines
CHUNK_BYTES = 16 << 20  # likewise: a message has 1 GB at most, and both sides hold it whole

_GET = SQL("select k.i, t.v from unnest(%b, %b) with ordinality k(h, r, i) join {table} t on t.h = k.h and t.r = k.r")
#: Of a few keys: the homes once more say nothing new, and let Citus ask those machines alone where they are.  Every row is
#: compared with all of them, so of 10,000 keys that would take a hundred times as long.
_GET_SPREAD = SQL("select k.i, t.v from unnest(%b, %b) with ordinality k(h, r, i) join {table} t on t.h = k.h and t.r = k.r "
                  "where t.h = any(%b)")
_GET_ONE = SQL("select v from {table} where h = %b and r = %b")
_SCAN = SQL("select k.i, t.r, t.v from unnest(%b, %b, %b, %b) with ordinality k(h, first, beyond, n, i) cross join lateral "
            "(select r, v from {table} where h = k.h and r >= k.first and r < k.beyond order by r {direction} "
            "limit nullif(k.n, 0)) t")
_SCAN_ONE = SQL("select r, v from {table} where h = %b and r >= %b and r < %b order by r {direction} limit nullif(%b, 0)")
_WALK = SQL("select h, r, v from {table} where (h, r) >= (%b, %b) and h < %b order by h, r limit %b")
_WALK_TO_THE_END = SQL("select h, r, v from {table} where (h, r) >= (%b, %b) order by h, r limit %b")
_ADD = SQL("insert into {table} (h, r, v) select * from unnest(%b, %b, %b) on conflict do nothing returning h, r")
_PUT = SQL("insert into {table} (h, r, v) select * from unnest(%b, %b, %b) on conflict (h, r) do update set v = excluded.v")
_DELETE = SQL("delete from {table} t using unnest(%b, %b) k(h, r) where t.h = k.h and t.r = k.r")
_DELETE_SPREAD = SQL("delete from {table} t using unnest(%b, %b) k(h, r) where t.h = k.h and t.r = k.r and t.h = any(%b)")
_LOCK = SQL("select pg_advisory_xact_lock(%b)")
_LOCK_SHARED = SQL("select pg_advisory_xact_lock_shared(%b)")


def table_name(table: Table) -> str:
    return PREFIX + table.name


def lock_number(name: str) -> int:
    """Of an advisory lock: they have 64 bits, and are one space for all that use the database."""
    return int.from_bytes(blake3(b"glaas lock " + name.encode()).digest(length=8), "big", signed=True)


def begin(connection: Connection, how: LiteralString, pooled: bool) -> None:
    """``pooled``: what a connection of one's own has from its beginning is set for this transaction."""
    connection.execute(f"begin isolation level {how}")
    if pooled:
        calls = SQL(", ").join(SQL("set_config({}, {}, true)").format(name, value) for name, value in SETTINGS.items())
        connection.execute(SQL("select {}").format(calls))


def _ordered(table: Table, keys: Iterable[Key]) -> list[Key]:
    """Each once; in one order in all transactions, so that they seldom wait for each other in a circle."""
    found = sorted(set(keys))
    for key in found:
        check_key(table, key)
    return found


class PostgresReader:
    """``spread``: Citus has the tables, and takes no limit within a join, so a scan is a statement for each range."""

    def __init__(self, connection: Connection, spread: bool) -> None:
        self._connection = connection
        self._spread = spread

    def _ask(self, query: SQL, table: Table, parameters: Sequence[object], direction: str = "") -> Cursor:
        cursor = self._connection.cursor(binary=True)
        return cursor.execute(query.format(table=Identifier(table_name(table)), direction=SQL(direction)), parameters)

    def get(self, table: Table, keys: Iterable[Key]) -> Mapping[Key, bytes]:
        query = _GET_SPREAD if self._spread else _GET
        asked = [(chunk, self._ask(query, table, self._named(chunk)))
                 for chunk in self._parts(_ordered(table, keys))]  # all are under way before the first is waited for
        found = {}
        for chunk, cursor in asked:
            for index, data in cursor.fetchall():
                key = chunk[index - 1]
                found[key] = _unseal(table, key, data)
        return found

    def _parts(self, keys: Sequence[Key]) -> Iterator[Sequence[Key]]:
        size = SPREAD_ROWS if self._spread else CHUNK_ROWS
        return (keys[at:at + size] for at in range(0, len(keys), size))

    def _named(self, keys: Sequence[Key]) -> tuple[Bytes, ...]:
        homes, rests = [home for home, _ in keys], [rest for _, rest in keys]
        return (Bytes(homes), Bytes(rests), *((Bytes(list(dict.fromkeys(homes))),) if self._spread else ()))

    def scan(self, table: Table, ranges: Sequence[Range]) -> list[list[tuple[bytes, bytes]]]:
        for part in ranges:
            check_home(table, part.home)
        found: list[list[tuple[bytes, bytes]]] = [[] for _ in ranges]
        for reverse, direction in ((False, "asc"), (True, "desc")):
            asked = [(index, part, *bounds(part)) for index, part in enumerate(ranges) if part.reverse == reverse]
            if self._spread:
                self._scan_each(table, asked, direction, found)
                continue
            for at in range(0, len(asked), CHUNK_ROWS):
                self._scan_many(table, asked[at:at + CHUNK_ROWS], direction, found)
        for part, rows in zip(ranges, found, strict=True):
            rows.sort(reverse=part.reverse)  # they are in order already, but nothing promises it
        return found

    def _scan_many(self, table: Table, asked: Sequence[tuple[int, Range, bytes, bytes]], direction: str,
                   found: list[list[tuple[bytes, bytes]]]) -> None:
        cursor = self._ask(_SCAN, table, (
            Bytes([part.home for _, part, _, _ in asked]), Bytes([first for _, _, first, _ in asked]),
            Bytes([end for _, _, _, end in asked]), Numbers([part.limit for _, part, _, _ in asked])), direction)
        for position, rest, data in cursor.fetchall():
            index, part, _, _ = asked[position - 1]
            found[index].append((rest, _unseal(table, (part.home, rest), data)))

    def _scan_each(self, table: Table, asked: Sequence[tuple[int, Range, bytes, bytes]], direction: str,
                   found: list[list[tuple[bytes, bytes]]]) -> None:
        cursors = [(index, part, self._ask(_SCAN_ONE, table, (part.home, first, end, part.limit), direction))
                   for index, part, first, end in asked]  # all are under way before the first is waited for
        for index, part, cursor in cursors:
            found[index] = [(rest, _unseal(table, (part.home, rest), data)) for rest, data in cursor.fetchall()]

    def walk(self, table: Table, home: bytes = b"", batch: int = 1000) -> Iterator[tuple[Key, bytes]]:
        end, at = beyond(home), (home, b"")
        bound = () if end is None else (end,)
        while True:
            rows = self._ask(_WALK if bound else _WALK_TO_THE_END, table, (*at, *bound, batch)).fetchall()
            for which, rest, data in rows:
                yield (which, rest), _unseal(table, (which, rest), data)
            if len(rows) < batch:
                return
            at = (rows[-1][0], rows[-1][1] + b"\0")  # the next key that there can be

    def asked(self, table: Table, key: Key) -> Cursor:
        """A question that is under way, for ``answered``."""
        return self._ask(_GET_ONE, table, key)

    def answered(self, table: Table, key: Key, cursor: Cursor) -> bytes | None:
        for data, in cursor.fetchall():
            return _unseal(table, key, data)
        return None


class PostgresWriter(PostgresReader):
    """``changing`` is called before the first change."""

    def __init__(self, connection: Connection, spread: bool, changing: Callable[[], None]) -> None:
        super().__init__(connection, spread)
        self._changing = changing

    def put(self, table: Table, rows: Iterable[tuple[Key, bytes]]) -> None:
        for chunk in _chunks(table, dict(rows)):
            self._changing()
            self._ask(_PUT, table, chunk)

    def add(self, table: Table, rows: Iterable[tuple[Key, bytes]]) -> set[Key]:
        first: dict[Key, bytes] = {}
        for key, value in rows:
            first.setdefault(key, value)
        new: set[Key] = set()
        for chunk in _chunks(table, first):
            self._changing()
            new.update((home, rest) for home, rest in self._ask(_ADD, table, chunk).fetchall())
        return new

    def delete(self, table: Table, keys: Iterable[Key]) -> None:
        for chunk in self._parts(_ordered(table, keys)):
            self._changing()
            self._ask(_DELETE_SPREAD if self._spread else _DELETE, table, self._named(chunk))

    def lock(self, name: str) -> None:
        self._connection.execute(_LOCK, (Int8(lock_number(name)),))

    def lock_shared(self, name: str) -> None:
        """As many as want it, but not while one has ``lock``."""
        self._connection.execute(_LOCK_SHARED, (Int8(lock_number(name)),))


def _chunks(table: Table, rows: Mapping[Key, bytes]) -> Iterator[tuple[Bytes, Bytes, Bytes]]:
    chunk: list[tuple[Key, bytes]] = []
    size = 0
    for key in _ordered(table, rows):
        data = seal(joined(table, key), rows[key])
        if chunk and (len(chunk) >= CHUNK_ROWS or size + len(data) > CHUNK_BYTES):
            yield _parameters(chunk)
            chunk, size = [], 0
        chunk.append((key, data))
        size += len(data)
    if chunk:
        yield _parameters(chunk)


def _parameters(chunk: Sequence[tuple[Key, bytes]]) -> tuple[Bytes, Bytes, Bytes]:
    return (Bytes([home for (home, _), _ in chunk]), Bytes([rest for (_, rest), _ in chunk]),
            Bytes([data for _, data in chunk]))


def _unseal(table: Table, key: Key, data: bytes) -> bytes:
    return values.unseal(joined(table, key), data, GLAAS.check)
