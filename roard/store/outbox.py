"""The outbox: jobs that are to go on to a registry.

Whether a job will is settled when it begins, and written with it.  Its row is made in the transaction that finishes it, so no
crash comes between; it goes when the registry has said that it keeps the job.  A crash between these two sends the job again,
which changes nothing there: at least once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple

from lineage import ids
from lineage.errors import RoarError, of_document
from roard.store.environment import Tables
from roard.store.sessions import uid_key
from roard.store.values import U64, Table, Txn, get, put, unseal

#: In meta: why nothing is sent now, and when to try again.
PACE_KEY = b"forwarding"
_UID = 4
_LOOKED = 5_000  # rows of one user that are looked through for those that may be sent together
#: ns that anything is put off for at most: what is further away was written by a clock that was wrong.
FURTHEST = 2 * 3600 * 1_000_000_000


class Trouble(NamedTuple):
    """Why something was not sent, as ``RoarError`` has it."""

    code: str
    message: str
    hint: str

    @classmethod
    def of(cls, error: RoarError) -> Trouble:
        return cls(error.code, error.message, error.hint)

    def error(self) -> RoarError:
        return of_document({"code": self.code, "message": self.message, "hint": self.hint})


@dataclass(frozen=True, slots=True)
class Row:
    """A finished job that waits, or that was refused.  Times in ns since the epoch; ``next_try`` 0: as soon as may be."""

    uid: int
    number: int  # of the job in this store, which is the order in which jobs began
    job: bytes
    session: bytes
    scope: str
    since: int
    tries: int = 0
    next_try: int = 0
    trouble: Trouble | None = None

    @property
    def key(self) -> bytes:
        return uid_key(self.uid) + U64.pack(self.number)

    def encode(self) -> bytes:
        return ids.encode([self.job, self.session, self.scope, self.since, self.tries, self.next_try,
                           None if self.trouble is None else list(self.trouble)])

    @classmethod
    def decode(cls, key: bytes, value: bytes) -> Row:
        job, session, scope, since, tries, next_try, trouble = ids.decode(value)
        return cls(int.from_bytes(key[:_UID], "big"), U64.unpack(key[_UID:])[0], job, session, scope, since, tries, next_try,
                   None if trouble is None else Trouble(*trouble))


@dataclass(frozen=True, slots=True)
class Pace:
    """How sending goes as a whole: ``failures`` one after the other, and when to try again.  It outlives the daemon, or a
    registry that is down would be asked at once by each that starts."""

    failures: int = 0
    next_try: int = 0
    trouble: Trouble | None = None
    forwarded_at: int = 0


class Counts(NamedTuple):
    waiting: int
    refused: int
    forwarded: int
    waiting_since: int


def ask(txn: Txn, tables: Tables, run: bytes, scope: str) -> None:
    """A job that begins is to be sent when it ends."""
    put(txn, tables.forward_asked, run, scope.encode())


def take_back(txn: Txn, tables: Tables, run: bytes) -> None:
    """It never ran."""
    txn.delete(run, db=tables.forward_asked)


def post(txn: Txn, tables: Tables, run: bytes, row: Row) -> None:
    """The job has ended; ``row`` but for the scope.  Nothing where it is not to be sent."""
    scope = get(txn, tables.forward_asked, run)
    if scope is not None:
        txn.delete(run, db=tables.forward_asked)
        put(txn, tables.outbox, row.key, replace(row, scope=scope.decode()).encode())


def forget(txn: Txn, tables: Tables, uid: int, number: int) -> None:
    key = uid_key(uid) + U64.pack(number)
    for table in (tables.outbox, tables.refused, tables.forwarded):
        txn.delete(key, db=table)


def due(txn: Txn, tables: Tables, now: int, after: int, most: int) -> tuple[list[Row], int]:
    """(rows of one session and scope, oldest first, that may be sent now; when the next may, if there are none: 0 for
    never).  ``after``: the user whose turn was last; the next one's comes first."""
    soonest = 0
    users = _users(txn, tables.outbox)
    for uid in (*(one for one in users if one > after), *(one for one in users if one <= after)):
        found: list[Row] = []
        for row in islice(_rows(txn, tables.outbox, uid), _LOOKED):
            if len(found) == most:
                break
            if now < row.next_try <= now + FURTHEST:
                soonest = min(soonest or row.next_try, row.next_try)
            elif not found or (row.session, row.scope) == (found[0].session, found[0].scope):
                found.append(row)
        if found:
            return found, 0
    return [], soonest


def _users(txn: Txn, table: Table) -> list[int]:
    """Who has rows: one seek each."""
    found: list[int] = []
    with txn.cursor(table) as cursor:
        there = cursor.first()
        while there:
            found.append(int.from_bytes(cursor.key()[:_UID], "big"))
            there = found[-1] < 0xFFFFFFFF and cursor.set_range(uid_key(found[-1] + 1))
    return found


def sent(txn: Txn, tables: Tables, rows: Sequence[tuple[Row, bytes]], at: int) -> None:
    """The registry keeps them, each in a bundle.  A row that is not there any more was forgotten meanwhile."""
    for row, bundle in rows:
        if txn.delete(row.key, db=tables.outbox):
            put(txn, tables.forwarded, row.key, ids.encode([at, bundle, row.scope]))
    if rows:
        write_pace(txn, tables, Pace(forwarded_at=at))


def refuse(txn: Txn, tables: Tables, row: Row, trouble: Trouble, at: int) -> None:
    """For good, until somebody asks for another try."""
    if txn.delete(row.key, db=tables.outbox):
        refused = replace(row, tries=row.tries + 1, next_try=0, trouble=trouble, since=at)
        put(txn, tables.refused, row.key, refused.encode())


def put_off(txn: Txn, tables: Tables, rows: Sequence[Row], trouble: Trouble, until: int) -> None:
    """``until`` 0: what keeps them concerns all, and is in the pace."""
    for row in rows:
        if get(txn, tables.outbox, row.key) is not None:
            later = replace(row, tries=row.tries + 1, next_try=until, trouble=trouble)
            put(txn, tables.outbox, row.key, later.encode())


def retry(txn: Txn, tables: Tables, uid: int | None, jobs: Sequence[bytes]) -> int:
    """Refused jobs of a user (None: of all) wait again, at once; ``jobs`` empty: all.  How many."""
    rows = [row for row in _rows(txn, tables.refused, uid) if not jobs or row.job in jobs]
    for row in rows:
        txn.delete(row.key, db=tables.refused)
        put(txn, tables.outbox, row.key, replace(row, tries=0, next_try=0).encode())
    return len(rows)


def counts(txn: Txn, tables: Tables, uid: int | None) -> Counts:
    """Of one user, or of all."""
    waiting, refused, forwarded = (
        txn.stat(table)["entries"] if uid is None else sum(1 for _ in _keys(txn, table, uid_key(uid)))
        for table in (tables.outbox, tables.refused, tables.forwarded))
    since = min((row.since for row in islice(_rows(txn, tables.outbox, uid), _LOOKED)), default=0)
    return Counts(waiting, refused, forwarded, since)


def listed(txn: Txn, tables: Tables, uid: int | None, most: int) -> list[tuple[str, Row]]:
    """(refused or waiting, row), the refused first."""
    found: list[tuple[str, Row]] = []
    for state, table in (("refused", tables.refused), ("waiting", tables.outbox)):
        for row in _rows(txn, table, uid):
            if len(found) == most:
                return found
            found.append((state, row))
    return found


def read_pace(txn: Txn, tables: Tables) -> Pace:
    value = get(txn, tables.meta, PACE_KEY)
    if value is None:
        return Pace()
    failures, next_try, trouble, forwarded_at = ids.decode(value)
    return Pace(failures, next_try, None if trouble is None else Trouble(*trouble), forwarded_at)


def write_pace(txn: Txn, tables: Tables, pace: Pace) -> None:
    put(txn, tables.meta, PACE_KEY, ids.encode([pace.failures, pace.next_try,
                                                None if pace.trouble is None else list(pace.trouble), pace.forwarded_at]))


def _rows(txn: Txn, table: Table, uid: int | None) -> Iterator[Row]:
    prefix = b"" if uid is None else uid_key(uid)
    with txn.cursor(table) as cursor:
        if cursor.set_range(prefix) if prefix else cursor.first():
            for key, data in cursor.iternext():
                if not key.startswith(prefix):
                    return
                yield Row.decode(key, unseal(key, data))


def _keys(txn: Txn, table: Table, prefix: bytes) -> Iterator[bytes]:
    with txn.cursor(table) as cursor:
        if cursor.set_range(prefix):
            for key in cursor.iternext(keys=True, values=False):
                if not key.startswith(prefix):
                    return
                yield key
