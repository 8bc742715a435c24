"""One try of a transaction that changes something, and what became of it.

Whether a transaction was committed whose connection was lost is read from its mark: a row of its own, with a number that the
transaction itself raised.  (The server's own number of the transaction does not tell: a crash may leave no trace of it, and
then another transaction is given the same.)
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Generic, TypeVar

import psycopg

from glaas.store.keyed import Writer
from glaas.store.pgrows import Connection, Cursor, PostgresWriter, begin
from glaas.store.schema import FENCE, META, STATE, Guard
from lineage.errors import UnavailableError

T = TypeVar("T")

ASKING = 15.0  # seconds to ask what became of a transaction
#: By slot, which one transaction has at a time, how many were committed with it.
MARKS = "transaction_marks"
CREATE_MARKS = "create table transaction_marks (slot text primary key, number bigint not null, used timestamptz not null)"
#: Of servers that have long ended.
SWEEP_MARKS = "delete from transaction_marks where used < now() - interval '30 days'"
_RAISE = """insert into transaction_marks as mark (slot, number, used) values (%s, 1, now())
    on conflict (slot) do update set number = mark.number + 1, used = now() returning number"""
#: It waits for the transaction that holds the mark, if that is still under way.
_READ = """insert into transaction_marks (slot, number, used) values (%s, 0, now())
    on conflict (slot) do update set used = now() returning number"""


class Slots:
    """The marks that one store's transactions take turns with.  One whose state is not known is never used again."""

    def __init__(self) -> None:
        self._free: list[str] = []  # append and pop are atomic

    def take(self) -> str:
        try:
            return self._free.pop()
        except IndexError:
            return secrets.token_hex(16)

    def give_back(self, slot: str) -> None:
        self._free.append(slot)


class Transaction(Generic[T]):
    """``number``: what its mark says once it is committed, None where it changed nothing.  ``committing``: COMMIT may have
    arrived."""

    result: T

    def __init__(self, connection: Connection, spread: bool, pooled: bool, guard: Guard, slot: str) -> None:
        self._connection = connection
        self._pooled = pooled
        self._writer = PostgresWriter(connection, spread, self._changing)
        self._guard = guard
        self._slot = slot
        self._mark: Cursor | None = None
        self.number: int | None = None
        self.committing = False

    def run(self, work: Callable[[Writer], T]) -> T:
        with self._connection.pipeline():
            begin(self._connection, "read committed", self._pooled)
            self._writer.lock_shared(FENCE)
            state = self._writer.asked(META, STATE)  # is there long before it is looked at
            self.result = work(self._writer)
            self._guard.check(self._writer.answered(META, STATE, state))
            if self._mark is not None:
                [(self.number,)] = self._mark.fetchall()
            self.committing = True
            self._connection.execute("commit")
        return self.result

    def _changing(self) -> None:
        if self._mark is None:
            self._mark = self._connection.execute(_RAISE, (self._slot,))


def was_committed(conninfo: str, slot: str, number: int | None) -> bool:
    """Of a transaction whose connection was lost.  UnavailableError where the server does not tell in time."""
    if number is None:
        return True
    until, reason = time.monotonic() + ASKING, "it does not answer"
    while time.monotonic() < until:
        try:
            with psycopg.connect(conninfo) as connection:
                connection.execute("set local lock_timeout = '1s'")
                [(reached,)] = connection.execute(_READ, (slot,)).fetchall()
        except psycopg.Error as error:
            reason = str(error).strip().partition("\n")[0]
            time.sleep(0.1)
        else:
            return bool(reached >= number)
    raise UnavailableError(f"the database went away while it recorded this, and it is not known whether it did: {reason}",
                           "do it again when the server is back: what is there already is not recorded twice")
