"""Interned artifacts and the edges between them and jobs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from lineage.ids import path_number
from lineage.records import Entry
from lineage.store import Link
from roard.store.environment import Tables
from roard.store.values import PAIR, TRIPLE, U64, Table, Txn, get, next_numbers, put, seal, unseal

#: Entries of these roles always have edges.  The rest (package, system, device) has one only as an output, or as an
#: input that a job made which had finished by then: every Python job reads thousands of library files that nobody made
#: under roar, and their edges would be most of the store while they answer no question.  The job's own record lists
#: them all.
ALWAYS_LINKED = frozenset({"data", "source", "config", "temporary"})


def write_edges(txn: Txn, tables: Tables, job: int, end: int, entries: Iterable[Entry]) -> set[bytes]:
    """The edges of one finished job, both ways, and where its artifacts were seen; the paths on them.  ``end``: its end
    number."""
    taken: list[tuple[bytes, bytes]] = []
    made: list[tuple[bytes, bytes]] = []
    inputs: set[tuple[int, int]] = set()
    texts: set[bytes] = set()
    for entry in entries:
        if entry.hash is None or entry.kind not in {"input", "output"}:
            continue
        if entry.kind == "output":
            made.append((entry.hash, entry.path))
        elif entry.role in ALWAYS_LINKED:
            taken.append((entry.hash, entry.path))
        else:  # before this job's outputs are there: an artifact counts as made by another job only
            known = artifact_number(txn, tables, entry.hash)
            if known is not None and txn.get(U64.pack(known), db=tables.producers) is not None:
                inputs.add((known, path_number(entry.path)))
                texts.add(entry.path)
    numbers = _interned(txn, tables, {digest for digest, _ in taken} | {digest for digest, _ in made})
    inputs |= {(numbers[digest], path_number(path)) for digest, path in taken}
    outputs = {(numbers[digest], path_number(path)) for digest, path in made}
    key = U64.pack(job)
    for forward, backward, links, mark in ((tables.inputs, tables.consumers, sorted(inputs), 0),
                                           (tables.outputs, tables.producers, sorted(outputs), 1)):
        put(txn, forward, key, b"".join(PAIR.pack(*link) for link in links))
        _put_rows(txn, backward, [(U64.pack(artifact), PAIR.pack(job, path)) for artifact, path in links])
        _put_rows(txn, tables.paths, [(U64.pack(path), TRIPLE.pack(end * 2 + mark, job, artifact))
                                      for artifact, path in links])
    return texts.union((path for _, path in taken), (path for _, path in made))


def _put_rows(txn: Txn, table: Table, rows: Iterable[tuple[bytes, bytes]]) -> None:
    with txn.cursor(table) as cursor:
        cursor.putmulti(sorted(rows))


def _interned(txn: Txn, tables: Tables, digests: Iterable[bytes]) -> dict[bytes, int]:
    """The number of each artifact; the unknown ones get theirs, together."""
    ordered = sorted(digests)
    with txn.cursor(tables.artifacts) as cursor:
        numbers = {digest: int(U64.unpack(unseal(digest, data))[0]) for digest, data in cursor.getmulti(ordered)}
    new = [digest for digest in ordered if digest not in numbers]
    if new:
        given = next_numbers(txn, tables.meta, b"artifacts", len(new))
        pairs = list(zip(new, map(U64.pack, given), strict=True))
        with txn.cursor(tables.artifacts) as cursor:
            cursor.putmulti([(digest, seal(digest, number)) for digest, number in pairs])
        with txn.cursor(tables.hashes) as cursor:
            cursor.putmulti([(number, seal(number, digest)) for digest, number in pairs], append=True)
        numbers.update(zip(new, given, strict=True))
    return numbers


def artifact_number(txn: Txn, tables: Tables, digest: bytes) -> int | None:
    value = get(txn, tables.artifacts, digest)
    return None if value is None else int(U64.unpack(value)[0])


def links_of_jobs(txn: Txn, table: Table, jobs: Sequence[int]) -> Mapping[int, Sequence[tuple[int, int]]]:
    """By job, its inputs or outputs.  Jobs that do not exist have none."""
    found: dict[int, list[tuple[int, int]]] = {job: [] for job in jobs}
    with txn.cursor(table) as cursor:
        for key, data in cursor.getmulti([U64.pack(job) for job in jobs]):
            found[U64.unpack(key)[0]] = list(PAIR.iter_unpack(unseal(key, data)))
    return found


def links_of_artifacts(txn: Txn, table: Table, artifacts: Sequence[int]) -> Mapping[int, Sequence[Link]]:
    """By artifact, its producers or consumers, in order of the jobs' numbers; all in one pass over sorted keys."""
    found: dict[int, list[Link]] = {artifact: [] for artifact in artifacts}
    with txn.cursor(table) as cursor:
        rows = cursor.getmulti([U64.pack(artifact) for artifact in sorted(found)], dupdata=True,
                               dupfixed_bytes=PAIR.size, keyfixed=True)
    for artifact, job, path in TRIPLE.iter_unpack(rows):
        found[artifact].append(Link(job, path))
    return found


def seen_rows(txn: Txn, tables: Tables, path: bytes, limit: int) -> list[tuple[int, int]]:
    """(artifact number, job number) of what was at ``path``, newest first by when the jobs finished; a job's output
    there before its input."""
    return [(artifact, job) for _, job, artifact in marked_rows(txn, tables, path, limit)]


def marked_rows(txn: Txn, tables: Tables, path: bytes, limit: int) -> Iterator[tuple[int, int, int]]:
    """(twice the end number, + 1 if an output; job number; artifact number) of the newest ``limit``, newest first."""
    with txn.cursor(tables.paths) as cursor:
        if cursor.set_key(U64.pack(path_number(path))) and cursor.last_dup():
            for row in islice(cursor.iterprev_dup(keys=False, values=True), limit):
                mark, job, artifact = TRIPLE.unpack(row)
                yield mark, job, artifact
