"""One try of a transaction that changes something, and what became of it."""

from __future__ import annotations

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


class Transaction(Generic[T]):
    """``number``: the server's number of it, None where it changed nothing.  ``committing``: COMMIT may have arrived."""

    result: T

    def __init__(self, connection: Connection, spread: bool, pooled: bool, guard: Guard) -> None:
        self._connection = connection
        self._pooled = pooled
        self._writer = PostgresWriter(connection, spread, self._changing)
        self._guard = guard
        self._numbering: Cursor | None = None
        self.number: str | None = None
        self.committing = False

    def run(self, work: Callable[[Writer], T]) -> T:
        with self._connection.pipeline():
            begin(self._connection, "read committed", self._pooled)
            self._writer.lock_shared(FENCE)
            state = self._writer.asked(META, STATE)  # is there long before it is looked at
            self.result = work(self._writer)
            self._guard.check(self._writer.answered(META, STATE, state))
            if self._numbering is not None:
                [(self.number,)] = self._numbering.fetchall()
            self.committing = True
            self._connection.execute("commit")
        return self.result

    def _changing(self) -> None:
        if self._numbering is None:
            self._numbering = self._connection.execute("select pg_current_xact_id()::text")


def was_committed(conninfo: str, number: str | None) -> bool:
    """Of a transaction whose connection was lost.  UnavailableError where the server does not tell in time."""
    if number is None:
        return True
    until, reason = time.monotonic() + ASKING, "it does not answer"
    while time.monotonic() < until:
        try:
            with psycopg.connect(conninfo, autocommit=True) as connection:
                [(status,)] = connection.execute("select pg_xact_status(%s::xid8)", (number,)).fetchall()
        except psycopg.Error as error:
            reason = str(error).strip().partition("\n")[0]
        else:
            if status != "in progress":
                return bool(status == "committed")
        time.sleep(0.1)
    raise UnavailableError(f"the database went away while it recorded this, and it is not known whether it did: {reason}",
                           "do it again when the server is back: what is there already is not recorded twice")
