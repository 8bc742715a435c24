"""Content ids that anyone can recompute: deterministic CBOR (RFC 8949 section 4.2.1) named by BLAKE3-256.

Map keys are text only, where the length-first order that cbor2's canonical mode uses is the bytewise order of
section 4.2.1. No floats, no tags, no indefinite lengths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

import cbor2
from blake3 import blake3

from lineage.errors import CorruptError
from lineage.records import ENTRY_KINDS, SHOWN_ROLES, Cell, Entry, Host, Job, JobHead, Reason, Resources, Session, Step, User

T = TypeVar("T")

JOB_SCHEMA = "roar.job/1"
SESSION_SCHEMA = "roar.session/1"
CHUNK_ROWS = 4096  # entries or steps in one chunk


def encode(value: object) -> bytes:
    return cbor2.dumps(value, canonical=True)


def decode(data: bytes) -> Any:  # noqa: ANN401 - the shape is the record's
    try:
        return cbor2.loads(data)
    except (cbor2.CBORDecodeError, ValueError, EOFError) as error:
        raise CorruptError(f"a record is not CBOR: {error}", "run `roard fsck`") from error


def content_id(data: bytes) -> bytes:
    return blake3(data).digest()


def path_number(path: bytes) -> int:
    """The 64-bit name of a path on the edges of the graph: the first 8 bytes of its BLAKE3, big-endian."""
    return int.from_bytes(blake3(path).digest(length=8), "big")


def chain(head: bytes, job_id: bytes) -> bytes:
    """The session's hash chain: head(n) = BLAKE3(head(n-1) || job(n)); head(0) is the session's id."""
    return content_id(head + job_id)


def session_id(user: User, host: Host, project: bytes, started_at: int, nonce: bytes) -> tuple[bytes, bytes]:
    """(id, record) of a new session."""
    record = encode({
        "schema": SESSION_SCHEMA, "user": [user.uid, user.name], "host": [host.name, host.kernel, host.machine],
        "project": project, "started_at": started_at, "nonce": nonce,
    })
    return content_id(record), record


def decode_session(record: bytes, head: bytes | None = None, jobs: int = 0, current: bool = False) -> Session:
    value = decode(record)
    identity = content_id(record)
    return Session(id=identity, user=User(*value["user"]), host=Host(*value["host"]), project=value["project"],
                   started_at=value["started_at"], head=head or identity, jobs=jobs, current=current)


def counts_of(entries: Iterable[Entry]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for entry in entries:
        counts[entry.kind] = counts.get(entry.kind, 0) + 1
        if entry.role in SHOWN_ROLES:
            shown = entry.kind + "/shown"
            counts[shown] = counts.get(shown, 0) + 1
    return counts


def encode_job(job: Job) -> tuple[bytes, bytes, dict[bytes, bytes]]:
    """(id, head record, chunks by their id). The head names the chunks, so its id covers everything."""
    chunks: dict[bytes, bytes] = {}

    def put(value: object) -> bytes:
        data = encode(value)
        identity = content_id(data)
        chunks[identity] = data
        return identity

    head = job.head
    record = encode({
        "schema": JOB_SCHEMA, **_head_value(head), "counts": counts_of(job.entries),
        "steps": [put([_step_value(step) for step in part]) for part in _parts(list(job.steps))],
        "entries": [put(part) for part in _entry_parts(job.entries)],  # an entry is a tuple: an array of its fields
        "context": put(job.context),
    })
    return content_id(record), record, chunks


def decode_head(record: bytes, job_id: bytes | None = None) -> JobHead:
    """``job_id`` None: compute it. Pass b"" for a running job, whose head has no id yet."""
    return head_of(decode(record), (content_id(record) if job_id is None else job_id) or None)


def head_of(value: Any, identity: bytes | None) -> JobHead:  # noqa: ANN401 - a decoded record
    return JobHead(
        id=identity, run=value["run"], session=value["session"], number=value["number"], user=User(*value["user"]),
        host=Host(*value["host"]), argv=tuple(value["argv"]), cwd=value["cwd"], project=value["project"],
        started_at=value["started_at"], ended_at=value["ended_at"], exit_code=value["exit_code"],
        signal=value["signal"], interrupted=value["interrupted"], complete=value["complete"],
        incomplete_reasons=tuple(Reason(*reason) for reason in value["incomplete_reasons"]),
        counts=value.get("counts", {}), kind=value.get("kind", ""))


def encode_head(head: JobHead) -> bytes:
    """A running job's head alone, for the table of running jobs: it has no content id."""
    return encode({"schema": JOB_SCHEMA, **_head_value(head), "counts": dict(head.counts)})


def decode_job(record: bytes, fetch: Callable[[bytes], bytes]) -> Job:
    """``fetch`` gives a chunk by its id. Raises CorruptError where a chunk is not what its id says."""
    value = decode(record)
    head = decode_head(record)
    steps = tuple(step_of(row) for chunk in value["steps"] for row in decode(checked(fetch(chunk), chunk)))
    entries = tuple(entry for chunk in value["entries"] for entry in decode_entries(fetch(chunk), chunk))
    return Job(head=head, steps=steps, entries=entries, context=decode(checked(fetch(value["context"]), value["context"])))


def entry_chunks(record: bytes) -> list[bytes]:
    """The ids of a job's entry chunks, for readers that go through a large job piece by piece."""
    return list(decode(record)["entries"])


def decode_entries(data: bytes, identity: bytes) -> list[Entry]:
    return [entry_of(row) for row in decode(checked(data, identity))]


def checked(data: bytes, identity: bytes) -> bytes:
    if content_id(data) != identity:
        raise CorruptError(f"chunk {identity.hex()[:12]} does not have the content that its id says", "run `roard fsck`")
    return data


def reidentified(job: Job) -> Job:
    """The job with the id that its content has."""
    return replace(job, head=replace(job.head, id=encode_job(job)[0], counts=counts_of(job.entries)))


def _head_value(head: JobHead) -> dict[str, object]:
    return {
        "run": head.run, "session": head.session, "number": head.number, "user": [head.user.uid, head.user.name],
        "host": [head.host.name, head.host.kernel, head.host.machine], "argv": list(head.argv), "cwd": head.cwd,
        "project": head.project, "started_at": head.started_at, "ended_at": head.ended_at,
        "exit_code": head.exit_code, "signal": head.signal, "interrupted": head.interrupted,
        "complete": head.complete,
        "incomplete_reasons": [[reason.code, reason.message, reason.count] for reason in head.incomplete_reasons],
        **({"kind": head.kind} if head.kind else {}),  # most have none, and records had none at first
    }


def _parts(rows: list[T]) -> Iterator[list[T]]:
    yield from (rows[at:at + CHUNK_ROWS] for at in range(0, len(rows), CHUNK_ROWS))


def _entry_parts(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Entries that people are shown apart from the rest: the rest (packages, system) is alike in many jobs, and a
    chunk that is alike is stored once."""
    rank = {kind: at for at, kind in enumerate(ENTRY_KINDS)}
    order = sorted(entries, key=lambda entry: (rank[entry.kind], entry.path, entry.hash or b""))
    for shown in (True, False):
        yield from _parts([entry for entry in order if (entry.role in SHOWN_ROLES) is shown])


def entry_of(row: list[Any]) -> Entry:
    kind, path, digest, reason, size, role, access, steps, package, target, *identity = row
    device, inode, history = identity or (None, None, ())  # entries had none at first
    return Entry(kind, path, digest, reason, size, role, tuple(access), tuple(steps), package, target, device, inode,
                 tuple(history))


def _step_value(step: Step) -> list[object]:
    row: list[object] = [step.index, step.parent, step.pid, list(step.argv), step.executable, step.started_at, step.ended_at,
                         step.exit_code, step.signal]
    resources = list(step.resources) if step.resources is not None else None
    if step.cell is not None:
        return [*row, resources, list(step.cell)]
    return [*row, resources] if resources is not None else row


def step_of(row: list[Any]) -> Step:
    index, parent, pid, argv, executable, started_at, ended_at, exit_code, signal, *more = row
    resources = Resources(*more[0]) if more and more[0] is not None else None  # steps had none at first
    cell = Cell(*more[1]) if more[1:] else None
    return Step(index, parent, pid, tuple(argv), executable, started_at, ended_at, exit_code, signal, resources, cell)
