"""What others do, to compare with: edges as plain rows of a relational database, and WITH RECURSIVE.

It does far less: nothing is verified, nobody is kept from seeing anything, no path or command is searched, there is no log
and no record; an edge is (job, artifact, direction, time), indexed both ways.  Who made what is "whoever did", not the latest
before."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import psycopg

Edge = tuple[bytes, bytes, bool, int]  # job, artifact, is it an output?, when the job began

SCHEMA = ("create table plain_edges (job {bytes} not null, artifact {bytes} not null, output boolean not null,"
          " at bigint not null, primary key (job, artifact, output))",
          "create index plain_by_artifact on plain_edges (artifact, output, job)")
#: The quick form: UNION drops what was met before; a column for the depth would make it ten times slower.
UP = ("with recursive up(artifact) as (select {start} union select i.artifact from up "
      "join plain_edges o on o.artifact = up.artifact and o.output join plain_edges i on i.job = o.job and not i.output) ")
ARTIFACTS = UP + "select artifact from up"
JOBS = UP + "select distinct o.job from up join plain_edges o on o.artifact = up.artifact and o.output"
LOOKUP = "select job, output, at from plain_edges where artifact = {start} order by at desc limit 20"


class Baseline(Protocol):
    name: str

    def add(self, edges: Iterable[Edge]) -> None:
        """In one transaction."""

    def ancestors(self, artifact: bytes) -> tuple[set[bytes], set[bytes]]:
        """(artifacts with the start itself, jobs)"""

    def lookup(self, artifact: bytes) -> list[Any]: ...
    def settle(self) -> None:
        """After much was added: statistics."""

    def close(self) -> None: ...


class Postgres:
    name = "PostgreSQL, recursive"

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        for statement in SCHEMA:
            self._connection.execute(statement.format(bytes="bytea"))

    def add(self, edges: Iterable[Edge]) -> None:
        jobs, artifacts, outputs, times = (list(column) for column in zip(*edges, strict=True))
        with self._connection.transaction():
            self._connection.execute(
                "insert into plain_edges select * from unnest(%s::bytea[], %s::bytea[], %s::boolean[], %s::bigint[]) "
                "on conflict do nothing", (jobs, artifacts, outputs, times))

    def ancestors(self, artifact: bytes) -> tuple[set[bytes], set[bytes]]:
        artifacts, jobs = ({row[0] for row in self._ask(query, artifact)} for query in (ARTIFACTS, JOBS))
        return artifacts, jobs

    def lookup(self, artifact: bytes) -> list[Any]:
        return self._ask(LOOKUP, artifact)

    def _ask(self, query: str, artifact: bytes) -> list[Any]:
        return self._connection.execute(query.format(start="%s::bytea"), (artifact,), binary=True).fetchall()

    def settle(self) -> None:
        self._connection.execute("analyze plain_edges")

    def close(self) -> None:
        self._connection.close()


class Sqlite:
    name = "SQLite, recursive"

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path)
        self._connection.execute("pragma journal_mode = wal")
        for statement in SCHEMA:
            self._connection.execute(statement.format(bytes="blob"))

    def add(self, edges: Iterable[Edge]) -> None:
        with self._connection:
            self._connection.executemany("insert or ignore into plain_edges values (?, ?, ?, ?)", edges)

    def ancestors(self, artifact: bytes) -> tuple[set[bytes], set[bytes]]:
        artifacts, jobs = ({row[0] for row in self._connection.execute(query.format(start="?"), (artifact,))}
                           for query in (ARTIFACTS, JOBS))
        return artifacts, jobs

    def lookup(self, artifact: bytes) -> list[Any]:
        return self._connection.execute(LOOKUP.format(start="?"), (artifact,)).fetchall()

    def settle(self) -> None:
        self._connection.execute("analyze")

    def close(self) -> None:
        self._connection.close()
