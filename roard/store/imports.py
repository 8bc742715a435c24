"""Jobs that were recorded elsewhere and brought here in a bundle.

They stand apart from what was recorded here: no table of runs, sessions or @ numbers ever has them, so nothing that a
bundle claims can be taken for a job of this machine.  Each import belongs to who made it: the same job has one number,
and its own edges, for each who imported it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from lineage import ids
from lineage.bundle import Content, Raw, linked
from lineage.provenance import IMPORTED
from lineage.records import Imported, Job, JobHead, Session
from lineage.store import Seat, Visible
from roard.store.edges import write_edges
from roard.store.environment import Tables
from roard.store.jobs import number_by_time
from roard.store.pathtexts import index_paths
from roard.store.sessions import read_session, uid_key
from roard.store.values import U64, Txn, get, put, seal, unseal

_ROW = struct.Struct(">QQ32s")  # number, time of the import, bundle
_END = 0  # no end number: what was seen elsewhere at a path is older than all that was seen there here


def import_jobs(txn: Txn, tables: Tables, uid: int, at: int, bundle: Content, raw: Raw) -> tuple[list[bytes], list[bytes]]:
    """(new to this user, known to them before): ids of jobs.  All in the one transaction."""
    new = [job for job in bundle.jobs if not _is_known(txn, tables, uid, job.head.id or b"")]
    for job in sorted(new, key=lambda each: (each.head.started_at, each.head.id or b"")):
        _import_job(txn, tables, uid, at, bundle, raw, job)
    for session in {job.head.session for job in new}:
        put(txn, tables.foreign_sessions, session + uid_key(uid), raw.parts[session])
    fresh = {job.head.id for job in new}
    return ([job.head.id or b"" for job in new],
            [job.head.id or b"" for job in bundle.jobs if job.head.id not in fresh])


def _is_known(txn: Txn, tables: Tables, uid: int, identity: bytes) -> bool:
    seats = seats_of(txn, tables, identity)
    return any(seat.uid == uid or (uid == 0 and seat.number < IMPORTED) for seat in seats)


def _import_job(txn: Txn, tables: Tables, uid: int, at: int, bundle: Content, raw: Raw, job: Job) -> None:
    identity = job.head.id or b""
    record = raw.parts[identity]
    value = ids.decode(record)
    for chunk in dict.fromkeys([*value["steps"], *value["entries"], value["context"]]):
        txn.put(chunk, seal(chunk, raw.parts[chunk]), overwrite=False, db=tables.chunks)
    number = _free_number(txn, tables, job.head.started_at)
    key, owner = U64.pack(number), uid_key(uid)
    until = number_by_time(txn, tables, job.head.ended_at or job.head.started_at)
    put(txn, tables.foreign, identity, record)
    put(txn, tables.imported, identity + owner, _ROW.pack(number, at, bundle.id))
    put(txn, tables.numbers, key, owner + U64.pack(until) + identity)
    put(txn, tables.log, owner + key, b"")
    put(txn, tables.foreign_session_jobs, job.head.session + owner + key, identity)
    index_paths(txn, tables, write_edges(txn, tables, number, _END, linked(job.entries)))


def _free_number(txn: Txn, tables: Tables, started_at: int) -> int:
    """The first at or after its time that no imported job has."""
    number = IMPORTED | started_at
    with txn.cursor(tables.numbers) as cursor:
        if cursor.set_range(U64.pack(number)):
            for key in cursor.iternext(keys=True, values=False):
                if U64.unpack(key)[0] != number:
                    break
                number += 1
    return number



def seats_of(txn: Txn, tables: Tables, identity: bytes) -> list[Seat]:
    """Who has a job: who recorded it here first, then who imported it."""
    seats: list[Seat] = []
    value = get(txn, tables.jobs, identity)
    if value is not None:
        number = U64.unpack_from(value)[0]
        facts = get(txn, tables.numbers, U64.pack(number))
        if facts is not None:
            seats.append(Seat(number, int.from_bytes(facts[:4], "big")))
    with txn.cursor(tables.imported) as cursor:
        if cursor.set_range(identity):
            for key, data in cursor.iternext():
                if not key.startswith(identity) or len(identity) != 32:
                    break
                seats.append(Seat(_ROW.unpack(unseal(key, data))[0], int.from_bytes(key[32:], "big")))
    return seats


def foreign_record(txn: Txn, tables: Tables, identity: bytes) -> bytes | None:
    return get(txn, tables.foreign, identity)


def mark(txn: Txn, tables: Tables, identity: bytes, uid: int) -> Imported | None:
    """What there is to say of one user's import of a job."""
    row = get(txn, tables.imported, identity + uid_key(uid))
    if row is None:
        return None
    _, at, bundle = _ROW.unpack(row)
    return Imported(uid, at, bundle)


def session_of(txn: Txn, tables: Tables, identity: bytes, visible: Visible) -> Session | None:
    """A session of which a visible user has imported jobs; it is nobody's current one here."""
    record = _visible_record(txn, tables, identity, visible)
    if record is None:
        return None
    return ids.decode_session(record, jobs=sum(1 for _ in session_numbers(txn, tables, identity, visible)))


def session_record(txn: Txn, tables: Tables, identity: bytes) -> bytes | None:
    """Its bytes, recorded here or imported: whether the caller may see it is asked before."""
    if read_session(txn, tables, identity) is not None:
        state = get(txn, tables.sessions, identity)
        return None if state is None else bytes(ids.decode(state)[0])
    return _visible_record(txn, tables, identity, lambda _: True)


def _visible_record(txn: Txn, tables: Tables, identity: bytes, visible: Visible) -> bytes | None:
    if len(identity) != 32:
        return None
    with txn.cursor(tables.foreign_sessions) as cursor:
        if cursor.set_range(identity):
            for key, data in cursor.iternext():
                if not key.startswith(identity):
                    return None
                if visible(int.from_bytes(key[32:], "big")):
                    return unseal(key, data)
    return None


def session_numbers(txn: Txn, tables: Tables, session: bytes, visible: Visible) -> Iterator[int]:
    """Numbers of the jobs of an imported session, each job once, by user and then in the order in which they began."""
    seen: set[bytes] = set()
    with txn.cursor(tables.foreign_session_jobs) as cursor:
        if cursor.set_range(session):
            for key, data in cursor.iternext():
                if not key.startswith(session) or len(session) != 32:
                    return
                identity = unseal(key, data)
                if identity not in seen and visible(int.from_bytes(key[32:36], "big")):
                    seen.add(identity)
                    yield U64.unpack(key[36:])[0]


def ends_of(heads: Sequence[tuple[int, JobHead]]) -> dict[int, int]:
    """See ``GraphStore.ends``."""
    return {number: IMPORTED | min(head.ended_at or head.started_at, IMPORTED - 1) for number, head in heads}
