"""The rows that a registered job has in a space: made from its record alone, so that they can be taken back too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cbor2

from glaas.registry import words
from glaas.registry.edges import Edges, maker_row
from glaas.registry.tables import (
    ACCOUNT_JOBS,
    MAKERS,
    OWN_MAKERS,
    PATHS,
    RECENT,
    SEAT,
    SEEN,
    SESSION_JOBS,
    SIGHTING,
    TERMS,
    TIMED,
    TREES,
    U64,
    USERS,
    account_tag,
    path_home,
    recent_home,
    term_home,
)
from glaas.store.keyed import Key, Table
from lineage.composite import FileSet
from lineage.ids import path_number
from lineage.records import JobHead

Row = tuple[Table, Key, bytes]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a job is registered, and by whom."""

    tag: bytes
    account: str
    show_hashes: bool


def rows_of(head: JobHead, edges: Edges, sets: Iterable[FileSet], place: Place) -> Iterator[Row]:
    """All rows of one job in one space, but for those in KNOWN that it shares with others (``shared_keys``)."""
    job, at, tag = head.id or b"", edges.started_at, place.tag
    timed = TIMED.pack(at, job)
    for table, ends, pack in ((MAKERS, edges.outputs, True), (USERS, edges.inputs, False)):
        value = maker_row(edges, place.account, show_hashes=place.show_hashes, pack=pack)
        for one in ends:
            yield table, (one.hash, SIGHTING.pack(tag, at, job, path_number(one.path))), value
    own, value = account_tag(place.account), maker_row(edges, place.account, show_hashes=place.show_hashes, pack=False)
    for one in edges.outputs:
        yield OWN_MAKERS, (one.hash, own + SIGHTING.pack(tag, at, job, path_number(one.path))), value
    for output, ends in ((1, edges.outputs), (0, edges.inputs)):
        for one in ends:
            yield PATHS, (path_home(tag, path_number(one.path)), SEEN.pack(at, output, job, one.hash)), one.path
    yield SESSION_JOBS, (head.session, SEAT.pack(tag, at, job)), b""
    yield RECENT, (recent_home(tag, job), timed), b""
    yield ACCOUNT_JOBS, (place.account.encode(), tag + timed), b""
    for word in words.job_words(head):
        yield TERMS, (term_home(tag, words.term(word)), words.term(word) + b"\0" + U64.pack(at) + b"j" + job), b""
    for one, _ in words.found_files(edges):
        for word in words.path_words(one.path):
            key = words.term(word) + b"\0" + U64.pack(at) + b"a" + job + one.hash
            yield TERMS, (term_home(tag, words.term(word)), key), one.path
    for found in sets:
        yield TREES, (found.hash, SEAT.pack(tag, at, job)), cbor2.dumps([found.kind, found.path, found.files])


def shared_keys(head: JobHead, edges: Edges, tag: bytes) -> list[Key]:
    """In KNOWN: the artifacts and the session, which other jobs of the space can have too."""
    artifacts = {one.hash for one in (*edges.inputs, *edges.outputs)}
    return [*((digest, b"a" + tag) for digest in sorted(artifacts)), (head.session, b"s" + tag)]


def registration_key(job: bytes, tag: bytes) -> Key:
    return job, b"j" + tag
