"""The tables in PostgreSQL: made where they are not there, on all machines where there is Citus."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg.sql import SQL, Composed, Identifier
from psycopg.types.numeric import Int8

from glaas.store.keyed import Table
from glaas.store.pgrows import Connection, lock_number, table_name
from glaas.store.pgtransaction import CREATE_MARKS, MARKS, SWEEP_MARKS
from glaas.store.schema import META, no_store
from lineage.errors import UnsupportedError

_CREATE = SQL("create table if not exists {table} (h bytea, r bytea, v bytea not null, primary key (h, r))")


OLDEST = 13  # older ones are not kept any more, and were never tried


def check_version(connection: Connection) -> None:
    major = connection.info.server_version // 10_000
    if major < OLDEST:
        raise UnsupportedError(f"the database is PostgreSQL {major}, which lacks what the registry needs",
                               f"use PostgreSQL {OLDEST} or newer; 15 is what it is tested with")


def create_tables(connection: Connection, tables: Sequence[Table], makes: bool) -> bool:
    """Whether Citus has them.  Several processes may do it at once.  NotFoundError where there is no store, and ``makes`` is
    false."""
    spread = connection.execute("select 1 from pg_extension where extname = 'citus'").fetchone() is not None
    if not makes and META in missing(connection, [META]):
        raise no_store("the database")
    if missing(connection, tables) or not _has_marks(connection):
        with connection.transaction():
            connection.execute("select pg_advisory_xact_lock(%b)", (Int8(lock_number("create tables")),))
            for table in missing(connection, tables):
                connection.execute(create(table))
                if spread:
                    distribute(connection, table)
            if not _has_marks(connection):
                connection.execute(CREATE_MARKS)
    connection.execute(SWEEP_MARKS)
    return spread


def _has_marks(connection: Connection) -> bool:
    return connection.execute("select to_regclass(%s) is not null", (MARKS,)).fetchone() == (True,)


def missing(connection: Connection, tables: Sequence[Table]) -> list[Table]:
    names = [table_name(table) for table in tables]
    rows = connection.execute("select name from unnest(%s::text[]) name where to_regclass(quote_ident(name)) is null", (names,))
    absent = {name for (name,) in rows}
    return [table for table in tables if table_name(table) in absent]


def create(table: Table) -> Composed:
    return _CREATE.format(table=Identifier(table_name(table)))


def distribute(connection: Connection, table: Table) -> None:
    """Rows of one home are on one machine, of whatever table: their columns have one type, so Citus keeps them together."""
    connection.execute("select create_distributed_table(%s, 'h')", (table_name(table),))
