"""The newest jobs of some spaces."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence

from glaas.registry.tables import BUCKETS, RECENT, TIMED, U64, bucket_home
from glaas.store.keyed import KeyedStore, Range

_FIRST, _BATCH = 16, 256  # rows that are read of each bucket, at first and then


def newest_rows(store: KeyedStore, tags: Sequence[bytes], until: int = 0) -> Iterator[tuple[int, bytes]]:
    """(when it began, job id), newest first, each once; ``until``: those that began before it (0: all)."""
    start = U64.pack(until) if until else b""
    homes = [bucket_home(tag, bucket) for tag in tags for bucket in range(BUCKETS)]
    with store.read() as reader:
        first = reader.scan(RECENT, [Range(home, after=start, limit=_FIRST, reverse=True) for home in homes])
    streams = [_stream(store, home, rows) for home, rows in zip(homes, first, strict=True) if rows]
    before = b""
    for at, identity in heapq.merge(*streams, key=lambda row: row, reverse=True):
        if identity != before:
            yield at, identity
        before = identity


def _stream(store: KeyedStore, home: bytes, rows: list[tuple[bytes, bytes]]) -> Iterator[tuple[int, bytes]]:
    asked = _FIRST
    while rows:
        for rest, _ in rows:
            at, identity = TIMED.unpack(rest)
            yield at, identity
        if len(rows) < asked:
            return
        asked = _BATCH
        with store.read() as reader:
            rows = reader.scan(RECENT, [Range(home, after=rows[-1][0], limit=asked, reverse=True)])[0]
