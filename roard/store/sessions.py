"""Sessions: the jobs of one user in one project, from one reset to the next, as a hash chain."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from blake3 import blake3

from lineage import ids
from lineage.errors import NotFoundError
from lineage.records import Host, Session, User
from roard.store.environment import Tables
from roard.store.values import U64, Txn, get, put, unseal

_UID_SIZE = 4


def uid_key(uid: int) -> bytes:
    return uid.to_bytes(_UID_SIZE, "big")


def _current_key(uid: int, project: bytes) -> bytes:
    return uid_key(uid) + blake3(project).digest()


def read_session(txn: Txn, tables: Tables, identity: bytes) -> Session | None:
    """The state is CBOR: [record, head of the hash chain, numbers given so far, is it current]."""
    state = get(txn, tables.sessions, identity)
    return None if state is None else ids.decode_session(*ids.decode(state))


def current_session(txn: Txn, tables: Tables, uid: int, project: bytes) -> Session | None:
    identity = get(txn, tables.current, _current_key(uid, project))
    return None if identity is None else read_session(txn, tables, identity)


def change_session(txn: Txn, tables: Tables, identity: bytes, *, ended: bytes = b"", given: int = 0,
                   current: bool | None = None) -> Session:
    """With the job ``ended`` as the newest link of its chain, ``given`` more (or fewer) numbers given, or not current
    any more.  NotFoundError if there is no such session."""
    state = get(txn, tables.sessions, identity)
    if state is None:
        raise NotFoundError(f"session {identity.hex()[:12]} is not in this store")
    record, head, jobs, was_current = ids.decode(state)
    new = [record, ids.chain(head, ended) if ended else head, jobs + given, was_current if current is None else current]
    put(txn, tables.sessions, identity, ids.encode(new))
    return ids.decode_session(*new)


def take_back(txn: Txn, tables: Tables, identity: bytes, jobs: Sequence[bytes], newest: int) -> Session:
    """Without its newest job: the hash chain is that of ``jobs``, which are left, and numbers go on after ``newest``."""
    state = get(txn, tables.sessions, identity)
    if state is None:
        raise NotFoundError(f"session {identity.hex()[:12]} is not in this store")
    record, _, _, current = ids.decode(state)
    head: bytes = identity
    for job in jobs:
        head = ids.chain(head, job)
    new = [record, head, newest, current]
    put(txn, tables.sessions, identity, ids.encode(new))
    return ids.decode_session(*new)


def begin_session(txn: Txn, tables: Tables, user: User, host: Host, *, project: bytes, started_at: int) -> Session:
    """The project's current session, or a new one."""
    found = current_session(txn, tables, user.uid, project)
    if found is not None:
        return found
    identity, record = ids.session_id(user, host, project, started_at, os.urandom(16))
    put(txn, tables.sessions, identity, ids.encode([record, identity, 0, True]))
    put(txn, tables.current, _current_key(user.uid, project), identity)
    return ids.decode_session(record, current=True)


def end_session(txn: Txn, tables: Tables, uid: int, project: bytes) -> Session | None:
    """The session that ended; jobs of it that still run end in it."""
    found = current_session(txn, tables, uid, project)
    if found is None:
        return None
    txn.delete(_current_key(uid, project), db=tables.current)
    change_session(txn, tables, found.id, current=False)
    return replace(found, current=False)


def session_index(txn: Txn, tables: Tables, session: bytes) -> list[tuple[int, bytes]]:
    """(n of @n, job id) of the finished jobs, in the order of the hash chain, which is that of their ends (they are
    numbered as they begin)."""
    rows: list[tuple[int, bytes]] = []
    with txn.cursor(tables.session_jobs) as cursor:
        if cursor.set_range(session):
            for key, data in cursor.iternext():
                if not key.startswith(session):
                    break
                value = unseal(key, data)
                rows.append((U64.unpack_from(value)[0], value[U64.size:]))
    return rows
