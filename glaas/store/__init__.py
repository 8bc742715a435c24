"""What a registry remembers: an ordered key-value store (LMDB or PostgreSQL), and the registry's tables on it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from glaas.store.keyed import KeyedStore, Table
from glaas.store.schema import CURRENT, META, Guard, Schema, Unguarded, no_store, tables_of

__all__ = ["location", "open_existing", "open_store", "open_unguarded"]

#: What URLs of a PostgreSQL server begin with (its libpq takes both).
POSTGRES = ("postgresql://", "postgres://")


def location(state_dir: Path, store: str | None) -> str | Path:
    """Where the store is, by --state-dir and --store."""
    return store or state_dir / "store"


def open_store(where: str | Path, tables: Iterable[Table], schema: Schema = CURRENT) -> KeyedStore:
    """``where``: a directory (made where there is none, for nothing but the store) or a URL postgresql://…
    ``tables``: all that will be used; those that are not there yet are made.

    UnsupportedError: its schema is newer than this glaas, or needs ``glaas migrate`` first.  UnavailableError: the database
    does not answer, or the system refuses.  CorruptError: it is there, and is no store."""
    return _open(where, tables, Guard(schema))


def open_unguarded(where: str | Path, tables: Iterable[Table]) -> KeyedStore:
    """For what makes a store of a backup: nothing is looked at, and nothing written."""
    return _open(where, tables, Unguarded())


def open_existing(where: str | Path, schema: Schema = CURRENT) -> KeyedStore:
    """A store with all its tables, for maintenance; NotFoundError where there is none."""
    if not str(where).startswith(POSTGRES) and not (Path(where) / "data.mdb").exists():
        raise no_store(str(where))
    maintenance = schema._replace(needs=0)
    with closing(open_store(where, (), maintenance)) as store, store.read() as reader:
        tables = tables_of(reader)
    return open_store(where, tables, maintenance)


def _open(where: str | Path, tables: Iterable[Table], guard: Guard) -> KeyedStore:
    asked = tuple(dict.fromkeys((META, *tables)))
    store: KeyedStore
    if str(where).startswith(POSTGRES):
        from glaas.store.postgres import PostgresStore

        store = PostgresStore.open(str(where), asked, guard)
    else:
        from glaas.store.embedded import EmbeddedStore

        store = EmbeddedStore.open(Path(where), asked, guard)
    try:
        guard.settle(store, asked)
    except BaseException:
        store.close()
        raise
    return store
