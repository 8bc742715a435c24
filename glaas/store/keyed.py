"""The one interface that the databases have: ordered tables of byte strings, many keys at a time.

All that the registry knows how to do is written once, over this; LMDB (``embedded``) and PostgreSQL (``postgres``) only
store. A key has two parts: ``home`` decides where a row lives (rows of one home are on one machine, where there are several;
a query names its homes, so it goes to just those), ``rest`` orders the rows within it, as bytes. What a registry asks for is
a batch: one call is one round trip, however many keys it names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

T = TypeVar("T")

#: (home, rest) of a row.
Key: TypeAlias = tuple[bytes, bytes]
MAX_KEY = 480  # bytes of home and rest together (LMDB's keys have 511)


class Table(NamedTuple):
    """``home``: the size of the first part of its keys in bytes; 0: any size, 255 at most, without a NUL in it."""

    name: str
    home: int


class Range(NamedTuple):
    """Rows of one home whose ``rest`` begins with ``prefix``, in order, or from the last to the first.

    ``after``: only those beyond this ``rest``, in the direction of the scan (empty: all).  ``limit`` 0: all of them."""

    home: bytes
    prefix: bytes = b""
    after: bytes = b""
    limit: int = 0
    reverse: bool = False


class Reader(Protocol):
    """Reads of one moment.  Every method may raise CorruptError (a value is not what was put there) and UnavailableError
    (the database does not answer)."""

    def get(self, table: Table, keys: Iterable[Key]) -> Mapping[Key, bytes]:
        """The values of those that there are."""

    def scan(self, table: Table, ranges: Sequence[Range]) -> list[list[tuple[bytes, bytes]]]:
        """(rest, value) of the rows of each range."""

    def walk(self, table: Table, home: bytes = b"", batch: int = 1000) -> Iterator[tuple[Key, bytes]]:
        """All rows of a table whose home begins with ``home``, by home and rest: for maintenance, and prefixes of ids.
        ``home`` has any length up to that of the table's homes."""


class Writer(Reader, Protocol):
    """Changes that become durable together, or not at all.  It reads what it wrote."""

    def put(self, table: Table, rows: Iterable[tuple[Key, bytes]]) -> None:
        """What is there already is replaced."""

    def add(self, table: Table, rows: Iterable[tuple[Key, bytes]]) -> set[Key]:
        """Only rows whose keys are not there yet; the keys that were new.  (``ON CONFLICT DO NOTHING``)"""

    def delete(self, table: Table, keys: Iterable[Key]) -> None:
        """Those that there are."""

    def lock(self, name: str) -> None:
        """Until the end of the transaction no other one, on any replica, has this lock.  Take locks before reading what
        they protect, always in the order of their names."""


class KeyedStore(Protocol):
    """A database.  Methods may be called from any thread."""

    def read(self) -> AbstractContextManager[Reader]:
        """A view of one moment; keep it short."""

    def write(self, work: Callable[[Writer], T]) -> T:
        """``work`` in one transaction; its result once it is durable.  It may be run again after a conflict or together with
        others' work, so it changes nothing outside.  UnavailableError: nothing was written."""

    def close(self) -> None: ...
