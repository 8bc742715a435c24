"""A job's place in the graph: what it took and made, packed."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import cbor2

from lineage.ids import path_number
from lineage.records import ROLES, SHOWN_ROLES, Entry, Job, Role

#: Files of these roles always have an edge; those of packages and of the system only where a job of the same bundle made them.
ALWAYS_LINKED: frozenset[Role] = frozenset({"data", "source", "config", "temporary"})
#: A maker's row carries the job's inputs too, while that is not more than this many rows in all: a level of a walk upwards
#: is then one question.
MAX_PACKED = 1024
_HEAD = struct.Struct(">QBBH")  # when it ended, flags, size of the account's name, inputs that follow (NOT_PACKED: none are)
_LINK = struct.Struct(">32sQ")
NOT_PACKED = 0xFFFF
_SHOW_HASHES = 1


class Linked(NamedTuple):
    """One file of a job that has an edge."""

    hash: bytes
    path: bytes
    size: int | None
    role: Role


class Edges(NamedTuple):
    """Sorted: files of the roles that people are shown first, then by path."""

    started_at: int
    ended_at: int
    inputs: tuple[Linked, ...]
    outputs: tuple[Linked, ...]


class Maker(NamedTuple):
    """What a row of an artifact says of a job besides its key.  ``inputs``: (hash, path number); None: not packed."""

    ended_at: int
    account: str
    show_hashes: bool
    inputs: tuple[tuple[bytes, int], ...] | None


def edges_of(job: Job, made: Iterable[bytes] = ()) -> Edges:
    """``made``: contents that other jobs are known to have made."""
    head, others = job.head, frozenset(made)
    inputs = [_linked(entry) for entry in job.entries if entry.kind == "input" and entry.hash is not None
              and (entry.role in ALWAYS_LINKED or entry.hash in others)]
    outputs = [_linked(entry) for entry in job.entries if entry.kind == "output" and entry.hash is not None]
    return Edges(head.started_at, head.ended_at or head.started_at, _sorted(inputs), _sorted(outputs))


def encoded(edges: Edges) -> bytes:
    return cbor2.dumps([edges.started_at, edges.ended_at, *([[*one[:3], ROLES.index(one.role)] for one in ends]
                                                            for ends in (edges.inputs, edges.outputs))])


def decoded(data: bytes) -> Edges:
    started_at, ended_at, inputs, outputs = cbor2.loads(data)
    return Edges(started_at, ended_at, _rows(inputs), _rows(outputs))


def maker_row(edges: Edges, account: str, *, show_hashes: bool, pack: bool) -> bytes:
    name = account.encode()
    small = pack and len(edges.inputs) * max(len(edges.outputs), 1) <= MAX_PACKED
    row = _HEAD.pack(edges.ended_at, _SHOW_HASHES * show_hashes, len(name), len(edges.inputs) if small else NOT_PACKED) + name
    return row + b"".join(_LINK.pack(one.hash, path_number(one.path)) for one in edges.inputs) if small else row


def read_maker(row: bytes) -> Maker:
    ended_at, flags, size, count = _HEAD.unpack_from(row)
    at = _HEAD.size + size
    inputs = None if count == NOT_PACKED else tuple(_LINK.iter_unpack(row[at:at + count * _LINK.size]))
    return Maker(ended_at, row[_HEAD.size:at].decode(), bool(flags & _SHOW_HASHES), inputs)


def _linked(entry: Entry) -> Linked:
    return Linked(entry.hash or b"", entry.path, entry.size, entry.role)


def _sorted(links: Sequence[Linked]) -> tuple[Linked, ...]:
    return tuple(sorted(set(links), key=lambda one: (one.role not in SHOWN_ROLES, one.path, one.hash)))


def _rows(rows: Sequence[Sequence[Any]]) -> tuple[Linked, ...]:
    return tuple(Linked(digest, path, size, ROLES[role]) for digest, path, size, role in rows)
