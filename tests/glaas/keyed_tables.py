"""The tables that tests of the databases use."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TypeAlias

from glaas.store.keyed import KeyedStore, Table

#: Opens a test's database with these tables, or opens it again.
OpenKeyed: TypeAlias = Callable[[Iterable[Table]], KeyedStore]

DATABASES = ("lmdb", "postgres", *(("dsn",) if os.environ.get("GLAAS_TEST_DSN") else ()))

IDS = Table("ids", 32)
SHORT = Table("short", 2)
WORDS = Table("words", 0)
TABLES = (IDS, SHORT, WORDS)


def home(number: int) -> bytes:
    """An id's 32 bytes."""
    return number.to_bytes(32, "big")
