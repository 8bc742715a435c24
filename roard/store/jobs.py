"""Jobs: running heads, finished records, and the transaction that makes the one of the other."""

from __future__ import annotations

import heapq
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from lineage import ids
from lineage.composite import FileSet
from lineage.errors import CorruptError
from lineage.provenance import IMPORTED
from lineage.records import Job, JobHead, Session
from lineage.store import Visible
from roard.store import outbox
from roard.store.edges import write_edges
from roard.store.environment import Tables
from roard.store.pathtexts import index_paths
from roard.store.sessions import begin_session, change_session, read_session, uid_key
from roard.store.values import U64, Txn, get, next_number, put, seal, unseal, upcoming_number

_RUNNING = b""  # what decode_head takes for the id of a job that has none yet
_FACTS = struct.Struct(">QIQ32s")  # a row of ``numbers``, and its key before it
_NONE = (IMPORTED, 0, 0, b"")


def begin_job(txn: Txn, tables: Tables, head: JobHead, forward: str | None = None) -> tuple[Session, JobHead]:
    """``head`` without session and number, which this fills in.  The job gets its place in the order of all jobs here:
    what it makes can be taken by others before it finishes.  ``forward``: the scope in which a registry shall get it."""
    session = begin_session(txn, tables, head.user, head.host, project=head.project, started_at=head.started_at)
    session = change_session(txn, tables, session.id, given=1)
    head = replace(head, session=session.id, number=session.jobs)
    put(txn, tables.running, head.run, U64.pack(next_number(txn, tables.meta, b"jobs")) + ids.encode_head(head))
    if forward is not None:
        outbox.ask(txn, tables, head.run, forward)
    return session, head


def update_running(txn: Txn, tables: Tables, head: JobHead) -> bool:
    """False, and nothing written, where the job does not run: a late update cannot bring it back."""
    number = _running_number(txn, tables, head.run)
    if number is None:
        return False
    put(txn, tables.running, head.run, U64.pack(number) + ids.encode_head(head))
    return True


def _running_number(txn: Txn, tables: Tables, run: bytes) -> int | None:
    value = get(txn, tables.running, run)
    return None if value is None else int(U64.unpack_from(value)[0])


def running_head(txn: Txn, tables: Tables, run: bytes) -> JobHead | None:
    value = get(txn, tables.running, run)
    return None if value is None else ids.decode_head(value[U64.size:], _RUNNING)


def all_running(txn: Txn, tables: Tables) -> list[JobHead]:
    with txn.cursor(tables.running) as cursor:
        return [ids.decode_head(unseal(key, data)[U64.size:], _RUNNING) for key, data in cursor.iternext()]


def forget_job(txn: Txn, tables: Tables, run: bytes) -> bool:
    """It never ran.  Its n of @n is given again if no later one was given; its job number is not."""
    head = running_head(txn, tables, run)
    if head is None:
        return False
    txn.delete(run, db=tables.running)
    outbox.take_back(txn, tables, run)
    session = read_session(txn, tables, head.session)
    if session is not None and session.jobs == head.number:
        change_session(txn, tables, head.session, given=-1)
    return True


def finish_job(txn: Txn, tables: Tables, job: Job, encoded: tuple[bytes, bytes, Mapping[bytes, bytes]],
               sets: Sequence[FileSet] = ()) -> JobHead:
    """Everything that a finished job is, in the one transaction; ``encoded`` is what ``ids.encode_job`` gave.  A run
    ends once: where it has a record already, that one stands and is the answer."""
    identity, record, chunks = encoded
    earlier = get(txn, tables.runs, job.head.run)
    if earlier is not None:
        return stored_head(txn, tables, earlier)
    if get(txn, tables.jobs, identity) is not None:
        return stored_head(txn, tables, identity)
    change_session(txn, tables, job.head.session, ended=identity)
    for chunk, data in chunks.items():
        txn.put(chunk, seal(chunk, data), overwrite=False, db=tables.chunks)  # jobs share chunks that are alike
    number = _running_number(txn, tables, job.head.run)
    if number is None:  # it did not begin here
        number = next_number(txn, tables.meta, b"jobs")
    key, uid = U64.pack(number), uid_key(job.head.user.uid)
    end, until = next_number(txn, tables.meta, b"ends"), upcoming_number(txn, tables.meta, b"jobs")
    put(txn, tables.jobs, identity, key + record)
    put(txn, tables.numbers, key, uid + U64.pack(until) + identity)
    put(txn, tables.runs, job.head.run, identity)
    put(txn, tables.log, uid + key, b"")
    put(txn, tables.session_jobs, job.head.session + U64.pack(end), U64.pack(job.head.number) + identity)
    index_paths(txn, tables, write_edges(txn, tables, number, end, job.entries))
    trees: dict[bytes, list[list[object]]] = {}
    for one in sets:
        trees.setdefault(one.hash, []).append([one.kind, one.path, one.files])
    for tree, rows in trees.items():
        put(txn, tables.trees, tree + key, ids.encode(rows))
    txn.delete(job.head.run, db=tables.running)
    outbox.post(txn, tables, job.head.run,
                outbox.Row(job.head.user.uid, number, identity, job.head.session, "", time.time_ns()))
    return ids.decode_head(record, identity)


def jobs_of_tree(txn: Txn, tables: Tables, tree: bytes, limit: int) -> list[tuple[int, FileSet]]:
    """Newest first, ``limit`` jobs at most."""
    found: list[tuple[int, FileSet]] = []
    with txn.cursor(tables.trees) as cursor:
        there = cursor.prev() if cursor.set_range(tree + U64.pack(2 * IMPORTED)) else cursor.last()
        while there and limit and (key := cursor.key()).startswith(tree):
            number = int(U64.unpack(key[len(tree):])[0])
            found += [(number, FileSet(tree, *row)) for row in ids.decode(unseal(key, cursor.value()))]
            limit -= 1
            there = cursor.prev()
    return found


def job_record(txn: Txn, tables: Tables, identity: bytes) -> tuple[int, bytes] | None:
    """(job number, head record)."""
    value = get(txn, tables.jobs, identity)
    return None if value is None else (U64.unpack_from(value)[0], value[U64.size:])


def head_of(txn: Txn, tables: Tables, identity: bytes) -> JobHead | None:
    found = job_record(txn, tables, identity)
    return None if found is None else ids.decode_head(found[1], identity)


def stored_head(txn: Txn, tables: Tables, identity: bytes) -> JobHead:
    """The head of a job that an index names."""
    head = head_of(txn, tables, identity)
    if head is None:
        raise CorruptError(f"job {identity.hex()[:12]} is in an index and has no record", "run `roard fsck`")
    return head


def chunk_of(txn: Txn, tables: Tables, identity: bytes) -> bytes:
    data = get(txn, tables.chunks, identity)
    if data is None:
        raise CorruptError(f"chunk {identity.hex()[:12]} is named by a job and missing", "run `roard fsck`")
    return data


def facts_of(txn: Txn, tables: Tables, numbers: Sequence[int]) -> list[tuple[int, int, int, bytes]]:
    """(number, uid, until, id) of those that have finished; see ``Tables`` for ``until``."""
    with txn.cursor(tables.numbers) as cursor:
        return [_FACTS.unpack(key + unseal(key, data))
                for key, data in cursor.getmulti([U64.pack(number) for number in numbers])]


def newest_numbers(txn: Txn, tables: Tables, visible: Visible, below: int = IMPORTED, lowest: int = 0) -> Iterator[int]:
    """Numbers, from ``lowest`` to below ``below``, of the finished jobs of all visible users, newest first by when they
    began, without reading anyone else's. Those of imported jobs are from IMPORTED to twice that."""
    return heapq.merge(*(_numbers_of(txn, tables, uid, below, lowest) for uid in _uids(txn, tables) if visible(uid)),
                       reverse=True)


def number_by_time(txn: Txn, tables: Tables, moment: int) -> int:
    """A number above those of all finished jobs from here that began before ``moment``, and not above those that began
    later, as far as numbers are in the order of time: found by halves."""
    low, high = 1, upcoming_number(txn, tables.meta, b"jobs")
    with txn.cursor(tables.numbers) as cursor:
        while low < high:
            middle = (low + high) // 2
            found = cursor.set_range(U64.pack(middle))
            number, _, _, identity = _FACTS.unpack(cursor.key() + unseal(cursor.key(), cursor.value())) if found else _NONE
            if number >= high:
                high = middle  # no finished job from here on
            elif stored_head(txn, tables, identity).started_at >= moment:
                high = middle
            else:
                low = number + 1
    return low


def _uids(txn: Txn, tables: Tables) -> list[int]:
    """Who has jobs: one seek a user."""
    uids: list[int] = []
    with txn.cursor(tables.log) as cursor:
        found = cursor.first()
        while found:
            uid = int.from_bytes(cursor.key()[:4], "big")
            uids.append(uid)
            found = uid < 0xFFFFFFFF and cursor.set_range(uid_key(uid + 1))
    return uids


def _numbers_of(txn: Txn, tables: Tables, uid: int, below: int, lowest: int) -> Iterator[int]:
    prefix = uid_key(uid)
    with txn.cursor(tables.log) as cursor:
        # The last key that is asked for is the one before the first key that is not, which may be the next user's.
        found = cursor.prev() if cursor.set_range(prefix + U64.pack(below)) else cursor.last()
        while found and (key := cursor.key()).startswith(prefix):
            unseal(key, cursor.value())
            number = U64.unpack(key[4:])[0]
            if number < lowest:
                return
            yield number
            found = cursor.prev()
