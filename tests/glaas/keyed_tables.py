"""The tables that tests of the databases use."""

from __future__ import annotations

import os

from glaas.store.keyed import Table

DATABASES = ("lmdb", "postgres", *(("dsn",) if os.environ.get("GLAAS_TEST_DSN") else ()))

IDS = Table("ids", 32)
SHORT = Table("short", 2)
WORDS = Table("words", 0)
TABLES = (IDS, SHORT, WORDS)


def home(number: int) -> bytes:
    """An id's 32 bytes."""
    return number.to_bytes(32, "big")
