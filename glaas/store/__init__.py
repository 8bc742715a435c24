"""What a registry remembers: an ordered key-value store (LMDB or PostgreSQL), and the registry's tables on it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from glaas.store.keyed import KeyedStore, Table
from glaas.store.schema import META
from lineage.errors import UnsupportedError

__all__ = ["location", "open_store"]

#: What URLs of a PostgreSQL server begin with (its libpq takes both).
POSTGRES = ("postgresql://", "postgres://")


def location(state_dir: Path, store: str | None) -> str | Path:
    """Where the store is, by --state-dir and --store."""
    return store or state_dir / "store"


def open_store(where: str | Path, tables: Iterable[Table]) -> KeyedStore:
    """``where``: a directory (made where there is none, for nothing but the store) or a URL postgresql://…
    ``tables``: all that will be used; those that are not there yet are made.

    UnsupportedError: its schema is newer than this glaas, or needs ``glaas migrate`` first.  UnavailableError: the database
    does not answer, or the system refuses.  CorruptError: it is there, and is no store."""
    asked = (META, *tables)
    if str(where).startswith(POSTGRES):
        raise UnsupportedError("PostgreSQL is not there yet", "use a directory")

    from glaas.store.embedded import EmbeddedStore

    return EmbeddedStore.open(Path(where), asked)
