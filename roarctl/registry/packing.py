"""Bundles as they are registered: of one session each, small enough that one that gets lost costs little.

They depend on their jobs alone, so the same jobs make the same bundles: sending one again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lineage import bundle, ids
from lineage.records import Job, JobHead
from lineage.v1 import lineage_pb2
from roarctl.client.channel import GRAPH_SECONDS

if TYPE_CHECKING:
    from roarctl.client import Client

MAX_BYTES, MAX_JOBS = 8 << 20, 500  # of a bundle, where its jobs are small enough


@dataclass(frozen=True, slots=True)
class Pack:
    """A bundle before it is made. ``size``: of its parts, in bytes; ``heads`` in the order in which they ran."""

    session: bytes
    heads: tuple[JobHead, ...]
    size: int


class Records:
    """Jobs as they are stored, asked for as they are needed."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def job(self, identity: bytes) -> tuple[bytes, dict[bytes, bytes]]:
        """(its record, its chunks by their ids)"""
        request = lineage_pb2.GetRecordRequest(id=identity)
        first, *chunks = self._client.stream("Lineage/GetRecord", request, lineage_pb2.RecordPart, GRAPH_SECONDS)
        return first.data, {part.id: part.data for part in chunks}

    def session(self, identity: bytes) -> bytes:
        request = lineage_pb2.GetRecordRequest(id=identity)
        return self._client.call("Bundles/SessionRecord", request, lineage_pb2.RecordPart, GRAPH_SECONDS).data

    def bundle(self, pack: Pack) -> bundle.Raw:
        return bundle.build(f"session:{pack.session.hex()}", "", [self.session(pack.session)],
                            (self.job(head.id or b"") for head in pack.heads))


def packed(records: Records, heads: Iterable[JobHead], look: Callable[[Job], None]) -> Iterator[Pack]:
    """``heads``: by session, in their order. ``look`` is shown each job, whole."""
    session, chunks, size = b"", set[bytes](), 0
    mine: list[JobHead] = []
    for head in heads:
        record, parts = records.job(head.id or b"")
        look(ids.decode_job(record, parts.__getitem__))
        more = len(record) + _size(parts, chunks)
        if mine and (head.session != session or len(mine) == MAX_JOBS or size + more > MAX_BYTES):
            yield Pack(session, tuple(mine), size)
            mine, chunks, size = [], set(), 0
            more = len(record) + _size(parts, chunks)
        session = head.session
        mine.append(head)
        chunks.update(parts)
        size += more
    if mine:
        yield Pack(session, tuple(mine), size)


def _size(parts: Mapping[bytes, bytes], known: set[bytes]) -> int:
    return sum(len(data) for identity, data in parts.items() if identity not in known)
