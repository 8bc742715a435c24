"""A store that counts what is asked of it: the calls (each a round trip), rows, bytes, and which homes were asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from blake3 import blake3

from glaas.store.keyed import Key, KeyedStore, Range, Reader, Table, Writer

T = TypeVar("T")


@dataclass
class Counts:
    """``homes``: by (table, home), how often one was asked or written to."""

    calls: int = 0
    rows_read: int = 0
    bytes_read: int = 0
    rows_written: int = 0
    bytes_written: int = 0
    homes: Counter = field(default_factory=Counter)
    written: Counter = field(default_factory=Counter)

    def read(self, key: Key, value: bytes) -> None:
        self.rows_read += 1
        self.bytes_read += len(key[0]) + len(key[1]) + len(value)

    def wrote(self, table: Table, key: Key, value: bytes = b"") -> None:
        self.rows_written += 1
        self.bytes_written += len(key[0]) + len(key[1]) + len(value)
        self.homes[table.name, key[0]] += 1
        self.written[table.name, key[0]] += 1


def shard_of(home: bytes, shards: int) -> int:
    """As Citus does, by a hash of the home alone: all that belongs to one id is on one machine."""
    return int.from_bytes(blake3(home).digest(length=8), "big") % shards


def shares(homes: Mapping[tuple[str, bytes], int], shards: int) -> list[float]:
    """Of each of so many machines, the largest first, in parts of an equal share."""
    loads = [0] * shards
    for (_, home), count in homes.items():
        loads[shard_of(home, shards)] += count
    total = sum(loads) or 1
    return sorted((load * shards / total for load in loads), reverse=True)


class _CountingReader:
    def __init__(self, reader: Reader, counts: Counts) -> None:
        self._reader = reader
        self._counts = counts

    def get(self, table: Table, keys: Iterable[Key]) -> Mapping[Key, bytes]:
        asked = list(keys)
        if not asked:
            return {}
        self._counts.calls += 1
        self._counts.homes.update((table.name, home) for home, _ in asked)
        found = self._reader.get(table, asked)
        for key, value in found.items():
            self._counts.read(key, value)
        return found

    def scan(self, table: Table, ranges: Sequence[Range]) -> list[list[tuple[bytes, bytes]]]:
        if not ranges:
            return []
        self._counts.calls += 1
        self._counts.homes.update((table.name, part.home) for part in ranges)
        found = self._reader.scan(table, ranges)
        for part, rows in zip(ranges, found, strict=True):
            for rest, value in rows:
                self._counts.read((part.home, rest), value)
        return found

    def walk(self, table: Table, home: bytes = b"", batch: int = 1000) -> Iterator[tuple[Key, bytes]]:
        self._counts.calls += 1
        for key, value in self._reader.walk(table, home, batch):
            self._counts.read(key, value)
            yield key, value


class _CountingWriter(_CountingReader):
    def __init__(self, writer: Writer, counts: Counts) -> None:
        super().__init__(writer, counts)
        self._writer = writer

    def put(self, table: Table, rows: Iterable[tuple[Key, bytes]]) -> None:
        self._writer.put(table, self._counted(table, rows))

    def add(self, table: Table, rows: Iterable[tuple[Key, bytes]]) -> set[Key]:
        return self._writer.add(table, self._counted(table, rows))

    def delete(self, table: Table, keys: Iterable[Key]) -> None:
        self._writer.delete(table, (key for key, _ in self._counted(table, ((key, b"") for key in keys))))

    def lock(self, name: str) -> None:
        self._counts.calls += 1
        self._writer.lock(name)

    def lock_shared(self, name: str) -> None:
        self._counts.calls += 1
        self._writer.lock_shared(name)

    def _counted(self, table: Table, rows: Iterable[tuple[Key, bytes]]) -> list[tuple[Key, bytes]]:
        found = list(rows)
        if found:
            self._counts.calls += 1
        for key, value in found:
            self._counts.wrote(table, key, value)
        return found


class CountingStore:
    """``counts`` may be exchanged for new ones between two operations."""

    def __init__(self, store: KeyedStore) -> None:
        self.inner = store
        self.counts = Counts()

    @contextmanager
    def read(self) -> Iterator[Reader]:
        with self.inner.read() as reader:
            yield _CountingReader(reader, self.counts)

    def write(self, work: Callable[[Writer], T]) -> T:
        return self.inner.write(lambda txn: work(_CountingWriter(txn, self.counts)))  # type: ignore[arg-type]

    def close(self) -> None:
        self.inner.close()
