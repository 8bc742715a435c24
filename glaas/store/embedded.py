"""KeyedStore on LMDB: a directory, no server, no set-up.

Reads run in the caller's thread, each in a read transaction.  Writes go through one thread that commits what waits
together.  Other processes may have the store open and write too: LMDB's own lock orders them, so a transaction always sees
all that was written before it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import lmdb

from glaas.store.keyed import Key, Range, Reader, Table, Writer
from glaas.store.keys import bounds, check_home, joined, parted
from glaas.store.schema import GLAAS, META, STATE, Guard
from lineage.errors import CorruptError, InvalidError
from storage import values
from storage.environment import open_or_create, read_error, storage_error
from storage.values import Txn, seal
from storage.writer import Writer as WriterThread

T = TypeVar("T")

MAX_TABLES = 256
SWEEP = 30.0  # seconds between looks for read transactions of processes that died: they keep freed pages from reuse
#: What one name is opened as: an LMDB table, and how its homes are made.
Opened = dict[str, values.Table]


def unseal(key: bytes, data: bytes) -> bytes:
    return values.unseal(key, data, GLAAS.check)


class EmbeddedReader:
    def __init__(self, txn: Txn, opened: Opened) -> None:
        self._txn = txn
        self._opened = opened

    def one(self, table: Table, key: Key) -> bytes | None:
        whole = joined(table, key)
        data = self._txn.get(whole, db=self._opened[table.name])
        return None if data is None else unseal(whole, data)

    def get(self, table: Table, keys: Iterable[Key]) -> Mapping[Key, bytes]:
        wanted = sorted((joined(table, key), key) for key in set(keys))
        with self._txn.cursor(self._opened[table.name]) as cursor:
            found = dict(cursor.getmulti([whole for whole, _ in wanted]))
        return {key: unseal(whole, found[whole]) for whole, key in wanted if whole in found}

    def scan(self, table: Table, ranges: Sequence[Range]) -> list[list[tuple[bytes, bytes]]]:
        with self._txn.cursor(self._opened[table.name]) as cursor:
            return [list(_rows(cursor, table, part)) for part in ranges]

    def walk(self, table: Table, home: bytes = b"", batch: int = 1000) -> Iterator[tuple[Key, bytes]]:  # noqa: ARG002 - pages are mapped, not fetched
        with self._txn.cursor(self._opened[table.name]) as cursor:
            if not (cursor.set_range(home) if home else cursor.first()):
                return
            for whole, data in cursor.iternext():
                if not whole.startswith(home):
                    return
                yield parted(table, whole), unseal(whole, data)


def _rows(cursor: lmdb.Cursor[bytes], table: Table, part: Range) -> Iterator[tuple[bytes, bytes]]:
    check_home(table, part.home)
    home = part.home if table.home else part.home + b"\0"
    size = len(home)
    first, end = (home + bound for bound in bounds(part))
    left = part.limit or -1
    if part.reverse:
        there = cursor.prev() if cursor.set_range(end) else cursor.last()
        moves = cursor.iterprev() if there else iter(())
    else:
        moves = cursor.iternext() if cursor.set_range(first) else iter(())
    for whole, data in moves:
        if not first <= whole < end or not left:
            return
        yield whole[size:], unseal(whole, data)
        left -= 1


class EmbeddedWriter(EmbeddedReader):
    def put(self, table: Table, rows: Iterable[tuple[Key, bytes]]) -> None:
        opened = self._opened[table.name]
        for key, value in rows:
            whole = joined(table, key)
            self._txn.put(whole, seal(whole, value), db=opened)

    def add(self, table: Table, rows: Iterable[tuple[Key, bytes]]) -> set[Key]:
        opened, new = self._opened[table.name], set()
        for key, value in rows:
            whole = joined(table, key)
            if self._txn.put(whole, seal(whole, value), overwrite=False, db=opened):
                new.add(key)
        return new

    def delete(self, table: Table, keys: Iterable[Key]) -> None:
        opened = self._opened[table.name]
        for key in keys:
            self._txn.delete(joined(table, key), db=opened)

    def lock(self, name: str) -> None:
        """There is one writer at a time, in all processes together: every name is locked already."""


class EmbeddedStore:
    """Open it with ``EmbeddedStore.open``, once in a process, and never carry it across fork."""

    def __init__(self, env: lmdb.Environment, opened: Opened, directory: Path, guard: Guard) -> None:
        self._env = env
        self._opened = opened
        self._guard = guard
        self._thread = WriterThread(env, directory, GLAAS)
        self._swept = time.monotonic()
        self._inside = threading.local()

    @classmethod
    def open(cls, directory: Path, tables: Iterable[Table], guard: Guard) -> EmbeddedStore:
        """Makes it where there is none.  CorruptError for what is not a store, UnavailableError where the system refuses."""
        directory = directory.absolute()
        names = sorted({table.name for table in tables})
        env = open_or_create(directory, GLAAS, MAX_TABLES, partial(_fill, names))
        try:
            env.open_db(META.name.encode(), create=False)  # a store from its first moment; see ``_fill``
            opened = _open_tables(env, names)
            env.reader_check()
        except lmdb.NotFoundError as error:
            env.close()
            raise CorruptError(f"{directory} holds a database that is not glaas's", "give another directory") from error
        except lmdb.Error as error:
            env.close()
            raise storage_error(error, directory, GLAAS) from error
        return cls(env, opened, directory, guard)

    @contextmanager
    def read(self) -> Iterator[Reader]:
        try:
            with self._env.begin() as txn:
                reader = EmbeddedReader(txn, self._opened)
                self._guard.check(reader.one(META, STATE))
                yield reader
        except lmdb.Error as error:
            raise read_error(error, GLAAS) from error

    def write(self, work: Callable[[Writer], T]) -> T:
        if getattr(self._inside, "work", False):
            raise InvalidError("a transaction was asked for within another one", "use the writer that the work was given")
        result = self._thread.do(lambda txn: self._do(work, txn))
        if time.monotonic() - self._swept > SWEEP:
            self._swept = time.monotonic()
            self._env.reader_check()
        return result

    def _do(self, work: Callable[[Writer], T], txn: Txn) -> T:
        self._inside.work = True
        try:
            writer = EmbeddedWriter(txn, self._opened)
            self._guard.check(writer.one(META, STATE))
            return work(writer)
        finally:
            self._inside.work = False

    def close(self) -> None:
        """After all writes that were asked for."""
        self._thread.close()
        self._env.close()


def _fill(names: Iterable[str], env: lmdb.Environment) -> None:
    _open_tables(env, names)


def _open_tables(env: lmdb.Environment, names: Iterable[str]) -> Opened:
    return {name: env.open_db(name.encode()) for name in names}

