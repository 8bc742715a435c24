"""Databases for tests of the registry.

A test that takes ``keyed`` (a store with the tables of ``keyed_tables.py``) or ``open_keyed`` (``open_keyed(tables)`` opens,
or opens again, the test's one database with these tables) runs on LMDB, on PostgreSQL, and on what GLAAS_TEST_DSN names."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

import psycopg
import pytest
from keyed_tables import DATABASES, TABLES, OpenKeyed
from pgserver import PROGRAMS, PostgresServer, in_schema

from glaas.store import open_store
from glaas.store.keyed import KeyedStore, Table


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One for all tests that do not hurt it."""
    if not (PROGRAMS / "postgres").exists():
        pytest.skip(f"no PostgreSQL in {PROGRAMS}")
    server = PostgresServer()
    yield server
    server.close()


@pytest.fixture(params=DATABASES)
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a store is that nothing else uses: what ``glaas serve --store`` takes."""
    if request.param == "lmdb":
        yield str(tmp_path / "keyed")
        return
    if request.param == "postgres":
        url = request.getfixturevalue("postgres").url()
    else:
        url = os.environ.get("GLAAS_TEST_DSN", "")
        if not url:
            pytest.skip("GLAAS_TEST_DSN names no database")
        url += "" if "?" in url else "?"
    schema = f"test_{secrets.token_hex(8)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"create schema {schema}")
        yield url + in_schema(schema)
        connection.execute(f"drop schema {schema} cascade")


@pytest.fixture
def open_keyed(where: str) -> Iterator[OpenKeyed]:
    """Opens it with these tables; whoever wants it twice closes it first, as LMDB asks of a process."""
    opened: list[KeyedStore] = []

    def again(tables: Iterable[Table]) -> KeyedStore:
        opened.append(open_store(where, tables))
        return opened[-1]

    yield again
    for store in opened:
        store.close()


@pytest.fixture
def keyed(open_keyed: OpenKeyed) -> KeyedStore:
    return open_keyed(TABLES)
