"""What PostgreSQL's errors mean for the registry (its manual, appendix A: error codes)."""

from __future__ import annotations

import psycopg
from psycopg import errors
from psycopg_pool import PoolClosed, PoolTimeout

from glaas.store.schema import GLAAS
from lineage.errors import CorruptError, RoarError, UnavailableError

#: Another transaction was in the way: the same work succeeds when it is done again.
CONFLICTS = (errors.SerializationFailure, errors.DeadlockDetected, errors.UniqueViolation)
_AWAY = (errors.AdminShutdown, errors.CrashShutdown, errors.CannotConnectNow, errors.IdleInTransactionSessionTimeout)
_DAMAGED = (errors.DataCorrupted, errors.IndexCorrupted)


def is_conflict(error: BaseException) -> bool:
    return isinstance(error, CONFLICTS)


def is_lost(error: BaseException, connection: psycopg.Connection[object] | None) -> bool:
    """The server is not there, or went away: another connection may find it."""
    if isinstance(error, _AWAY):
        return True
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) and (connection is None or connection.closed)


def in_words(error: Exception) -> RoarError:
    """Any error of psycopg."""
    if isinstance(error, _DAMAGED):
        return CorruptError(f"the database is damaged: {_line(error)}", GLAAS.check)
    if isinstance(error, errors.DiskFull):
        return UnavailableError("the database's disk is full: nothing of this was recorded",
                                "make room on the disk of the PostgreSQL server; glaas goes on by itself")
    if isinstance(error, errors.ReadOnlySqlTransaction):
        return UnavailableError("the database takes no changes now", "--store must name the primary server, not a standby")
    if isinstance(error, errors.InsufficientPrivilege):
        return UnavailableError(f"the database refuses: {_line(error)}", "grant glaas's user the schema that it is to use")
    if isinstance(error, PoolTimeout):
        return UnavailableError("no connection to the database was free in time",
                                "try again; if it lasts, raise ?pool= in --store")
    if isinstance(error, PoolClosed):
        return UnavailableError("the store is closed", "glaas is ending; try again when it is up")
    return UnavailableError(f"the database does not answer: {_line(error)}", "look at the PostgreSQL server's state and log")


def _line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
