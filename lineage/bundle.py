"""Lineage bundles: jobs and sessions as one content-addressed file. docs/bundle.md is the specification.

A file is a CBOR sequence (RFC 8742) of byte strings: the header, then what it names, in its order; at the end there may
be a text string, a DSSE envelope over the header. Everything is checked by recomputing ids; nothing in it is believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, BinaryIO, NamedTuple

from lineage import ids
from lineage.errors import CorruptError, InvalidError
from lineage.records import ENTRY_KINDS, JOB_KINDS, ROLES, Cell, Entry, Job, JobHead, Resources, Session, Step
from lineage.strict import canonical

SCHEMA = "roar.bundle/1"
PAYLOAD_TYPE = "application/vnd.roar.bundle-header+cbor"  # of the envelope that signs it
MAX_BYTES = 64 << 20  # of all parts together
MAX_PART = 20 << 20  # 4096 entries with the longest paths
MAX_JOBS, MAX_SESSIONS, MAX_CHUNKS = 5_000, 5_000, 50_000
_ID, _RUN = 32, 16
MAX_TIME = 1 << 62  # nanoseconds since the epoch: the year 2116
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
        right = right and isinstance(identities, list) and len(identities) <= most and all(map(_is_id, identities))
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
    sessions = {identity: _session(identity, raw.parts[identity]) for identity in header.sessions}
    chunks = _Chunks(raw)
    jobs = tuple(_job(identity, raw, sessions, chunks) for identity in header.jobs)
    unused = set(header.chunks) - chunks.used
    if unused:
        raise CorruptError(f"chunk {min(unused).hex()[:16]}… is of no job in the bundle", _HINT)
    runs = {job.head.run for job in jobs}
    if len(runs) != len(jobs):
        raise CorruptError("two jobs of the bundle claim to be one run", _HINT)
    return Content(raw.id, header, sessions, jobs)


class _Chunks:
    """Each is looked at once, however many jobs of the bundle name it: what many have in common is most of it."""

    def __init__(self, raw: Raw) -> None:
        self._raw = raw
        self._entries: dict[bytes, tuple[Entry, ...]] = {}
        self._steps: dict[bytes, tuple[Step, ...]] = {}
        self._contexts: dict[bytes, dict[str, Any]] = {}

    @property
    def used(self) -> set[bytes]:
        return self._entries.keys() | self._steps.keys() | self._contexts.keys()

    def entries(self, chunk: bytes, name: str) -> tuple[Entry, ...]:
        if chunk not in self._entries:
            rows = self._value(chunk, name)
            if not _all(rows, _is_entry):
                raise CorruptError(f"{name} has files that are not described as files are", _HINT)
            self._entries[chunk] = tuple(map(ids.entry_of, rows))
        return self._entries[chunk]

    def steps(self, chunk: bytes, name: str) -> tuple[Step, ...]:
        if chunk not in self._steps:
            rows = self._value(chunk, name)
            if not _all(rows, _is_step):
                raise CorruptError(f"{name} has steps that are not described as they should be", _HINT)
            self._steps[chunk] = tuple(map(ids.step_of, rows))
        return self._steps[chunk]

    def context(self, chunk: bytes, name: str) -> dict[str, Any]:
        if chunk not in self._contexts:
            value = self._value(chunk, name)
            if not isinstance(value, dict):
                raise CorruptError(f"{name} has a context that is not described as it should be", _HINT)
            self._contexts[chunk] = value
        return self._contexts[chunk]

    def _value(self, chunk: bytes, name: str) -> Any:  # noqa: ANN401 - the shape is the record's
        if chunk not in self._raw.parts:
            raise CorruptError(f"{name} names a chunk that the bundle does not have: {chunk.hex()[:16]}…", _HINT)
        return canonical(self._raw.parts[chunk], f"chunk {chunk.hex()[:12]}")


def _session(identity: bytes, record: bytes) -> Session:
    name = f"session {identity.hex()[:12]}"
    value = canonical(record, name)
    if not (isinstance(value, dict) and value.get("schema") == ids.SESSION_SCHEMA and _is_user(value.get("user"))
            and _is_host(value.get("host")) and isinstance(value.get("project"), bytes) and _is_time(value.get("started_at"))
            and isinstance(value.get("nonce"), bytes)):
        raise CorruptError(f"{name} is not a session's record", _HINT)
    return ids.decode_session(record)


def _job(identity: bytes, raw: Raw, sessions: Mapping[bytes, Session], chunks: _Chunks) -> Job:
    name = f"job {identity.hex()[:12]}"
    value = canonical(raw.parts[identity], name)
    if not isinstance(value, dict) or not _is_head(value):
        raise CorruptError(f"{name} is not a job's record", _HINT)
    entries = tuple(chain.from_iterable([chunks.entries(chunk, name) for chunk in value["entries"]]))
    steps = tuple(chain.from_iterable([chunks.steps(chunk, name) for chunk in value["steps"]]))
    job = Job(ids.head_of(value, identity), steps, entries, chunks.context(value["context"], name))
    if dict(job.head.counts) != ids.counts_of(job.entries):
        raise CorruptError(f"{name} says that it has {dict(job.head.counts)} and has {ids.counts_of(job.entries)}", _HINT)
    _in_session(name, job.head, sessions)
    return job


def _in_session(name: str, head: JobHead, sessions: Mapping[bytes, Session]) -> None:
    session = sessions.get(head.session)
    if session is None:
        raise CorruptError(f"{name} is of session {head.session.hex()[:12]}, which the bundle does not have", _HINT)
    # Not the host: a machine can get another name while a session goes on.
    for what, own, other in (("user", head.user.uid, session.user.uid), ("project", head.project, session.project)):
        if own != other:
            raise CorruptError(f"{name} names another {what} than its session: {own!r} and {other!r}", _HINT)


def _is_head(value: dict[str, object]) -> bool:
    lists = [value.get(name) for name in ("steps", "entries")]
    reasons = value.get("incomplete_reasons")
    counts = value.get("counts")
    ended = value.get("ended_at")
    return (value.get("schema") == ids.JOB_SCHEMA and all(_all(each, _is_id) for each in lists) and _is_id(value.get("context"))
            and _is_bytes(value.get("run"), _RUN) and _is_id(value.get("session")) and _is_number(value.get("number"))
            and _is_user(value.get("user")) and _is_host(value.get("host")) and _all(value.get("argv"), _is_any_bytes)
            and isinstance(value.get("cwd"), bytes) and isinstance(value.get("project"), bytes)
            and _is_time(value.get("started_at")) and _is_time(ended)
            and _is_code(value.get("exit_code")) and _is_code(value.get("signal"))
            and isinstance(value.get("interrupted"), bool) and isinstance(value.get("complete"), bool)
            and value.get("kind", "") in ("", *JOB_KINDS)
            and _all(reasons, _is_reason) and value.get("complete") is (not reasons)
            and isinstance(counts, dict) and all(isinstance(key, str) and _is_number(count) for key, count in counts.items()))


def _is_entry(row: object) -> bool:
    if not isinstance(row, list) or len(row) not in {10, 13}:
        return False
    kind, path, digest, reason, size, role, access, steps, package, target, *identity = row
    return (kind in ENTRY_KINDS and isinstance(path, bytes) and (digest is None or _is_id(digest)) and isinstance(reason, str)
            and (digest is None or not reason)
            and (size is None or _is_number(size)) and role in ROLES and _all(access, lambda word: isinstance(word, str))
            and _all(steps, _is_index) and isinstance(package, str) and (target is None or isinstance(target, bytes))
            and (not identity or (all(each is None or _is_number(each) for each in identity[:2])
                                  and _all(identity[2], _is_index))))


def _is_step(row: object) -> bool:
    if not isinstance(row, list) or not 9 <= len(row) <= 11:
        return False
    index, parent, pid, argv, executable, started_at, ended_at, exit_code, signal, *more = row
    if not (_is_used(more[0] if more else None) and (not more[1:] or _is_cell(more[1]))):
        return False
    return (_is_index(index) and (parent is None or _is_index(parent)) and _is_index(pid) and _all(argv, _is_any_bytes)
            and isinstance(executable, bytes) and _is_time(started_at) and (ended_at is None or _is_time(ended_at))
            and _is_code(exit_code) and _is_code(signal))


def _is_used(row: object) -> bool:
    """records.Resources: its times and the number of processes are always there."""
    if row is None:
        return True
    if not isinstance(row, list) or len(row) != len(Resources._fields):
        return False
    *times, a, b, c, d, e, processes = row
    return all(map(_is_number, (*times, processes))) and all(each is None or _is_number(each) for each in (a, b, c, d, e))


def _is_cell(row: object) -> bool:
    if not isinstance(row, list) or len(row) != len(Cell._fields):
        return False
    number, digest, failed = row
    return _is_number(number) and _is_id(digest) and isinstance(failed, bool)


def _all(value: object, holds: object) -> bool:
    return isinstance(value, list) and callable(holds) and all(map(holds, value))


def _is_reason(row: object) -> bool:
    return (isinstance(row, list) and len(row) == 3 and isinstance(row[0], str) and isinstance(row[1], str)
            and _is_number(row[2]))


def _is_user(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and _is_index(value[0]) and isinstance(value[1], str)


def _is_host(value: object) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(isinstance(each, str) for each in value)


def _is_any_bytes(value: object) -> bool:
    return isinstance(value, bytes)


def _is_bytes(value: object, size: int) -> bool:
    return isinstance(value, bytes) and len(value) == size


def _is_id(value: object) -> bool:
    return _is_bytes(value, _ID)


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63


def _is_index(value: object) -> bool:
    return _is_number(value) and isinstance(value, int) and value < 1 << 32


def _is_time(value: object) -> bool:
    return _is_number(value) and isinstance(value, int) and value < MAX_TIME


def _is_code(value: object) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and -(1 << 31) <= value < 1 << 31)


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
