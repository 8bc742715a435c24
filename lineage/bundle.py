"""Lineage bundles: jobs and sessions as one content-addressed file. docs/bundle.md is the specification.

A file is a CBOR sequence (RFC 8742) of byte strings: the header, then what it names, in its order; at the end there may
be a text string, a DSSE envelope over the header. Everything is checked by recomputing ids; nothing in it is believed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import BinaryIO, NamedTuple

from lineage import ids, shapes
from lineage.errors import CorruptError, InvalidError
from lineage.records import Entry, Job, JobHead, Json, Session, Step
from lineage.strict import canonical, counted

SCHEMA = "roar.bundle/1"
PAYLOAD_TYPE = "application/vnd.roar.bundle-header+cbor"  # of the envelope that signs it
MAX_BYTES = 64 << 20  # of all parts together
MAX_PART = 20 << 20  # 4096 entries with the longest paths
MAX_JOBS, MAX_SESSIONS, MAX_CHUNKS = 5_000, 5_000, 50_000
MAX_ITEMS = 8 << 20  # values in all chunks together; decoded, one takes some 64 bytes
MAX_ROWS = 16 << 20  # files and steps of all jobs together, those of shared chunks with each job
_MAX_SHOWN = 200
_HINT = "nothing of it was taken; ask who made the file for it again"
_BYTES_HEADS = {0x58: 1, 0x59: 2, 0x5A: 4}
_TEXT_HEADS = {0x78: 1, 0x79: 2, 0x7A: 4}


@dataclass(frozen=True, slots=True)
class Header:
    """``about``: what was exported, "kind:hex". ``truncated``: why some of its lineage is not in here, or empty.
    The lists are of ids, each in order, without repetition."""

    about: str
    truncated: str
    sessions: tuple[bytes, ...]
    jobs: tuple[bytes, ...]
    chunks: tuple[bytes, ...]

    @property
    def parts(self) -> tuple[bytes, ...]:
        return self.sessions + self.jobs + self.chunks

    def encode(self) -> bytes:
        return ids.encode({"schema": SCHEMA, "about": self.about, "truncated": self.truncated, "chunks": list(self.chunks),
                           "jobs": list(self.jobs), "sessions": list(self.sessions)})


class Raw(NamedTuple):
    """A bundle as it was read: the header's bytes, the parts by their id, and the envelope (JSON), if there is one."""

    header: bytes
    parts: Mapping[bytes, bytes]
    envelope: str = ""

    @property
    def id(self) -> bytes:
        return ids.content_id(self.header)


@dataclass(frozen=True, slots=True)
class Content:
    """What a bundle says, verified."""

    id: bytes
    header: Header
    sessions: Mapping[bytes, Session]
    jobs: tuple[Job, ...] = field(repr=False)


def build(about: str, truncated: str, sessions: Iterable[bytes], jobs: Iterable[tuple[bytes, Mapping[bytes, bytes]]]) -> Raw:
    """``sessions`` are records; of a job its record, and its chunks by their ids."""
    session_parts = {ids.content_id(record): record for record in sessions}
    job_parts: dict[bytes, bytes] = {}
    chunks: dict[bytes, bytes] = {}
    for record, of_job in jobs:
        job_parts[ids.content_id(record)] = record
        chunks.update(of_job)
    header = Header(about, truncated, *(tuple(sorted(parts)) for parts in (session_parts, job_parts, chunks)))
    raw = Raw(header.encode(), {**session_parts, **job_parts, **chunks})
    total = sum(map(len, raw.parts.values()))
    if total > MAX_BYTES or len(job_parts) > MAX_JOBS:
        raise InvalidError(f"{len(job_parts)} jobs of {total >> 20} MB are more than one bundle may hold",
                           f"at most {MAX_JOBS} jobs and {MAX_BYTES >> 20} MB: --max-jobs, or --direct for one job")
    return raw


def write(raw: Raw, file: BinaryIO) -> None:
    file.write(ids.encode(raw.header))
    for identity in decode_header(raw.header).parts:
        file.write(ids.encode(raw.parts[identity]))
    if raw.envelope:
        file.write(ids.encode(raw.envelope))


def read(file: BinaryIO) -> Raw:
    """CorruptError for what is no bundle, is cut off, or has a part that is not what the header names."""
    first = _item(file)
    if not isinstance(first, bytes):
        raise CorruptError("this is not a lineage bundle", "`roar export REF --format bundle` makes one")
    header, parts, total, envelope = decode_header(first), {}, 0, ""
    for identity in header.parts:
        data = _item(file)
        if not isinstance(data, bytes):
            raise CorruptError(f"the bundle is cut off: {identity.hex()[:12]} is missing, and what follows it", _HINT)
        total += len(data)
        parts[identity] = checked(identity, data, total)
    last = _item(file)
    if isinstance(last, str):
        envelope, last = last, _item(file)
    if last is not None:
        raise CorruptError("the bundle is followed by something that is no part of it", _HINT)
    return Raw(first, parts, envelope)


def looks_like(start: bytes) -> bool:
    """Is this how a bundle begins?"""
    length = _BYTES_HEADS.get(start[0]) if start else None
    return length is not None and start[1 + length:].startswith(b"\xa6djobs")  # the header: six keys, the shortest first


def checked(identity: bytes, data: bytes, total: int) -> bytes:
    """A part, if it is what its id says. ``total``: the bytes of all parts so far."""
    if total > MAX_BYTES:
        raise InvalidError(f"the bundle has more than {MAX_BYTES >> 20} MB", "export it in several: --direct, --max-jobs")
    actual = ids.content_id(data)
    if actual != identity:
        raise CorruptError(f"a part of the bundle is not what it says it is: {identity.hex()[:16]}… is promised, "
                           f"{actual.hex()[:16]}… is what is there", _HINT)
    return data


def decode_header(data: bytes) -> Header:
    """CorruptError for what is no header of a bundle of this schema."""
    value = canonical(data, "the bundle's header")
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise CorruptError("this is not a lineage bundle that this roar knows", f"it knows {SCHEMA}")
    try:
        lists = [value[name] for name in ("sessions", "jobs", "chunks")]
        header = Header(value["about"], value["truncated"], *map(tuple, lists))
    except (KeyError, TypeError) as error:
        raise CorruptError(f"the bundle's header lacks {error}", _HINT) from error
    right = isinstance(header.about, str) and isinstance(header.truncated, str) and len(value) == 6
    for identities, most in zip(lists, (MAX_SESSIONS, MAX_JOBS, MAX_CHUNKS), strict=True):
        right = right and isinstance(identities, list) and len(identities) <= most and all(map(shapes.is_id, identities))
        right = right and identities == sorted(set(identities))
    if not right or len(set(header.parts)) != len(header.parts):
        raise CorruptError("the bundle's header is not in order, or names more than a bundle may hold", _HINT)
    return header


def content(raw: Raw) -> Content:
    """Everything verified: each id recomputed, each record well-formed, each job in its own session, nothing missing and
    nothing besides. CorruptError says what differs."""
    header = decode_header(raw.header)
    total = 0
    for identity in header.parts:
        if identity not in raw.parts:
            raise CorruptError(f"the bundle names {identity.hex()[:16]}… and does not have it", _HINT)
        total += len(raw.parts[identity])
        checked(identity, raw.parts[identity], total)
    chunks = _Chunks(raw.parts)
    sessions = {identity: _session(identity, raw.parts[identity]) for identity in header.sessions}
    jobs = tuple(_job(identity, raw.parts[identity], sessions, chunks) for identity in header.jobs)
    unused = set(header.chunks) - chunks.used
    if unused:
        raise CorruptError(f"chunk {min(unused).hex()[:16]}… is of no job in the bundle", _HINT)
    runs = {job.head.run for job in jobs}
    if len(runs) != len(jobs):
        raise CorruptError("two jobs of the bundle claim to be one run", _HINT)
    return Content(raw.id, header, sessions, jobs)


class _Chunks:
    """A bundle's chunks, each decoded once for what it is used as, however many jobs share it.

    Their ids were checked before.  How much all of them together may become is bounded: a part of a few bytes can be shared
    by many jobs, and small items take more room decoded."""

    def __init__(self, parts: Mapping[bytes, bytes]) -> None:
        self._parts = parts
        self._items = self._rows = 0
        self._entries: dict[bytes, tuple[tuple[Entry, ...], dict[str, int]]] = {}
        self._steps: dict[bytes, tuple[Step, ...]] = {}
        self._contexts: dict[bytes, dict[str, Json]] = {}

    @property
    def used(self) -> set[bytes]:
        return {*self._entries, *self._steps, *self._contexts}

    def entries(self, identity: bytes, name: str) -> tuple[tuple[Entry, ...], dict[str, int]]:
        """And how many there are of each kind (``ids.counts_of``)."""
        known = self._entries.get(identity)
        if known is None:
            rows = self._value(identity, name)
            if not isinstance(rows, list) or not shapes.every(rows, shapes.is_entry):
                raise CorruptError(f"{name} has files that are not described as files are", _HINT)
            entries = tuple(map(ids.entry_of, rows))
            known = self._entries[identity] = (entries, ids.counts_of(entries))
        self._count(len(known[0]))
        return known

    def steps(self, identity: bytes, name: str) -> tuple[Step, ...]:
        known = self._steps.get(identity)
        if known is None:
            rows = self._value(identity, name)
            if not isinstance(rows, list) or not shapes.every(rows, shapes.is_step):
                raise CorruptError(f"{name} has steps that are not described as they should be", _HINT)
            known = self._steps[identity] = tuple(map(ids.step_of, rows))
        self._count(len(known))
        return known

    def context(self, identity: bytes, name: str) -> dict[str, Json]:
        known = self._contexts.get(identity)
        if known is None:
            value = self._value(identity, name, text=True)
            if not isinstance(value, dict):
                raise CorruptError(f"{name} has a context that is not described as it should be", _HINT)
            known = self._contexts[identity] = value
        return known

    def _value(self, identity: bytes, name: str, text: bool = False) -> object:
        data = self._parts.get(identity)
        if data is None:
            raise CorruptError(f"{name} names a chunk that the bundle does not have: {identity.hex()[:16]}…", _HINT)
        value, items = counted(data, f"chunk {identity.hex()[:12]}", text)
        self._items += items
        if self._items > MAX_ITEMS:
            raise InvalidError("the bundle is of too many small things", "export it in several: --direct, --max-jobs")
        return value

    def _count(self, rows: int) -> None:
        self._rows += rows
        if self._rows > MAX_ROWS:
            raise InvalidError(f"the jobs of the bundle have more than {MAX_ROWS} files and steps",
                               "export it in several: --direct, --max-jobs")


def _session(identity: bytes, record: bytes) -> Session:
    name = f"session {identity.hex()[:12]}"
    value = canonical(record, name)
    if not isinstance(value, dict) or not shapes.is_session(value):
        raise CorruptError(f"{name} is not a session's record", _HINT)
    return ids.decode_session(record)


def _job(identity: bytes, record: bytes, sessions: Mapping[bytes, Session], chunks: _Chunks) -> Job:
    name = f"job {identity.hex()[:12]}"
    value = canonical(record, name)
    if not isinstance(value, dict) or not shapes.is_head(value):
        raise CorruptError(f"{name} is not a job's record", _HINT)
    if any(len(set(value[each])) != len(value[each]) for each in ("steps", "entries")):
        raise CorruptError(f"{name} names a chunk twice", _HINT)
    head = ids.head_of(value, identity)
    parts = [chunks.entries(each, name) for each in value["entries"]]
    counts: Counter[str] = Counter()
    for _, of_part in parts:
        counts.update(of_part)
    if head.counts != counts:
        raise CorruptError(f"{name} says that it has {_short(dict(head.counts))} and has {dict(counts)}", _HINT)
    _in_session(name, head, sessions)
    steps = tuple(chain.from_iterable(chunks.steps(each, name) for each in value["steps"]))
    return Job(head=head, steps=steps, entries=tuple(chain.from_iterable(part for part, _ in parts)),
               context=chunks.context(value["context"], name))


def _in_session(name: str, head: JobHead, sessions: Mapping[bytes, Session]) -> None:
    session = sessions.get(head.session)
    if session is None:
        raise CorruptError(f"{name} is of session {head.session.hex()[:12]}, which the bundle does not have", _HINT)
    # Not the host: a machine can get another name while a session goes on.
    for what, own, other in (("user", head.user.uid, session.user.uid), ("project", head.project, session.project)):
        if own != other:
            raise CorruptError(f"{name} names another {what} than its session: {_short(own)} and {_short(other)}", _HINT)


def _short(value: object) -> str:
    """For a message: what a stranger sent may be long."""
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"


def _item(file: BinaryIO) -> bytes | str | None:
    """The next byte string or text string of a sequence; None at its end."""
    head = file.read(1)
    if not head:
        return None
    kinds, base = (_BYTES_HEADS, 0x40) if head[0] >> 5 == 2 else (_TEXT_HEADS, 0x60)
    if head[0] in kinds:
        length = int.from_bytes(file.read(kinds[head[0]]), "big")
    elif base <= head[0] < base + 24:
        length = head[0] - base
    else:
        raise CorruptError("this is not a lineage bundle", "`roar export REF --format bundle` makes one")
    if length > MAX_PART:
        raise InvalidError(f"a part of the bundle has {length >> 20} MB", f"at most {MAX_PART >> 20} MB are taken")
    data = file.read(length)
    if len(data) != length:
        raise CorruptError("the bundle is cut off", _HINT)
    if base == 0x40:
        return data
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise CorruptError("the bundle's signature is not text", _HINT) from error


def iterate(raw: Raw) -> Iterator[tuple[bytes, bytes]]:
    """(id, bytes): the header, then the parts, in the order in which they travel."""
    yield raw.id, raw.header
    for identity in decode_header(raw.header).parts:
        yield identity, raw.parts[identity]


def linked(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Those that edges are made of."""
    return tuple(entry for entry in entries if entry.hash is not None and entry.kind in {"input", "output"})
