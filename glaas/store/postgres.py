"""KeyedStore on PostgreSQL: for a team, behind several replicas of the registry, and on many machines with Citus.

Reads see one moment (repeatable read).  Writes are transactions at read committed: each statement sees what others have
committed, and what must not change between two of them is protected by ``lock``, or by ``add``, which one alone succeeds with.
Work is done again where transactions were in each other's way, and where the connection was lost and nothing was committed:
whether something was, a mark in the database tells afterwards (``pgtransaction``), so work is committed once.
"""

from __future__ import annotations

import itertools
import logging
import random
import select
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool, PoolTimeout

from glaas.store.keyed import Reader, Table, Writer
from glaas.store.pgaddress import Address, parse
from glaas.store.pgarrays import Bytes, BytesDumper, Numbers, NumbersDumper
from glaas.store.pgerrors import in_words, is_conflict, is_lost
from glaas.store.pgrows import Connection, PostgresReader, begin
from glaas.store.pgtables import check_version, create_tables
from glaas.store.pgtransaction import Slots, Transaction, was_committed
from glaas.store.schema import Guard
from lineage.errors import UnavailableError

T = TypeVar("T")
_log = logging.getLogger(__name__)

PATIENCE = 5.0  # seconds to wait for a server that is away, and for a free connection
ASKING_AGAIN = 0.5  # seconds: a pool that could not connect tries again only when it is asked anew
ATTEMPTS = 12  # of a transaction that others are in the way of
LOOK = 1.0  # seconds between looks, in reads, whether the store's schema is still this program's


class PostgresStore:
    def __init__(self, pool: ConnectionPool[Connection], address: Address, guard: Guard, spread: bool) -> None:
        self._pool = pool
        self._address = address
        self._guard = guard
        self._spread = spread
        self._looked = -LOOK
        self._slots = Slots()

    @classmethod
    def open(cls, url: str, tables: Iterable[Table], guard: Guard) -> PostgresStore:
        """Makes the tables that are not there yet, and distributes them where the server has Citus.  InvalidError for a bad
        URL, UnavailableError where the server does not answer, UnsupportedError where it is too old."""
        address = parse(url)
        options: dict[str, Any] = {"autocommit": True}
        if address.pooled:
            options["prepare_threshold"] = None
        try:
            with psycopg.connect(address.conninfo, **options) as connection:
                check_version(connection)
                _configure(connection)
                spread = create_tables(connection, list(tables), guard.makes)
        except psycopg.Error as error:
            raise in_words(error) from error
        pool: ConnectionPool[Connection] = ConnectionPool(
            address.conninfo, kwargs=options, min_size=1, max_size=address.pool, open=True, timeout=PATIENCE,
            reconnect_timeout=1.0, configure=_configure, name="glaas")
        return cls(pool, address, guard, spread)

    @contextmanager
    def read(self) -> Iterator[Reader]:
        connection = self._connection(time.monotonic() + PATIENCE)
        try:
            with connection.pipeline():
                begin(connection, "repeatable read read only", self._address.pooled)
                reader = PostgresReader(connection, self._spread)
                if time.monotonic() - self._looked > LOOK:
                    self._guard.look(reader)
                    self._looked = time.monotonic()
                yield reader
                connection.execute("commit")
        except psycopg.Error as error:
            raise in_words(error) from error
        finally:
            self._give_back(connection)

    def write(self, work: Callable[[Writer], T]) -> T:
        slot = self._slots.take()
        try:
            result = self._write(work, slot)
        except UnavailableError:  # something may still be under way with it
            raise
        except BaseException:
            self._slots.give_back(slot)
            raise
        self._slots.give_back(slot)
        return result

    def _write(self, work: Callable[[Writer], T], slot: str) -> T:
        until = time.monotonic() + PATIENCE
        for attempt in itertools.count(1):
            connection = self._connection(until)
            transaction: Transaction[T] = Transaction(connection, self._spread, self._address.pooled, self._guard, slot)
            try:
                return transaction.run(work)
            except psycopg.Error as error:
                lost = is_lost(error, connection)
                if lost and transaction.committing and was_committed(self._address.conninfo, slot, transaction.number):
                    return transaction.result
                if not (is_conflict(error) and attempt < ATTEMPTS) and not (lost and time.monotonic() < until):
                    raise in_words(error) from error
                _log.debug("a transaction is done again: %s", error)
            finally:
                self._give_back(connection)
            time.sleep(random.uniform(0, 0.002 * 2 ** min(attempt, 8)))  # noqa: S311 - not a secret
        raise AssertionError("unreachable")

    def close(self) -> None:
        """What is under way is done first."""
        self._pool.close()

    def _connection(self, until: float) -> Connection:
        """One that the server has not closed meanwhile."""
        while True:
            left = until - time.monotonic()
            try:
                connection = self._pool.getconn(max(0.01, min(left, ASKING_AGAIN)))
            except PoolTimeout as error:
                if left > ASKING_AGAIN:
                    continue
                raise self._timed_out() from error
            except psycopg.Error as error:
                raise in_words(error) from error
            if _is_alive(connection):
                return connection
            connection.close()
            self._pool.putconn(connection)

    def _give_back(self, connection: Connection) -> None:
        try:
            if not connection.closed and connection.info.transaction_status != TransactionStatus.IDLE:
                connection.rollback()
        except psycopg.Error as error:  # then the pool makes another one
            _log.debug("a connection is lost: %s", error)
        self._pool.putconn(connection)

    def _timed_out(self) -> UnavailableError:
        """Either all connections are busy, or there is no server: only asking it tells."""
        try:
            psycopg.connect(self._address.conninfo).close()
        except psycopg.Error as reason:
            return UnavailableError(f"the database does not answer: {reason}", "look at the PostgreSQL server's state and log")
        return UnavailableError("no connection to the database was free in time",
                                "try again; if it lasts, raise ?pool= in --store")


def _configure(connection: Connection) -> None:
    connection.adapters.register_dumper(Bytes, BytesDumper)
    connection.adapters.register_dumper(Numbers, NumbersDumper)


def _is_alive(connection: Connection) -> bool:
    """Without a round trip: a server that ended the connection has said so, and its end of the socket is closed."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if not poll.poll(0):
        return True
    try:
        connection.pgconn.consume_input()
    except psycopg.Error:
        return False
    return not poll.poll(0) and not connection.closed
