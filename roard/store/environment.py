"""The tables of the store, its schema, and how it is opened (the LMDB environment itself: ``storage.environment``)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import lmdb

import storage.environment
from lineage.errors import CorruptError, RoarError, UnsupportedError
from roard.store.owner import ROARD
from roard.store.values import PAIR, U64, Table, get, put, upcoming_number

SCHEMA = 4
#: The oldest schema that is brought up to date when it is opened.
OLDEST = 2
SCHEMA_KEY = b"schema"
#: In meta while older jobs' paths are not in path_texts yet: (the newest such job number, its chunks that are).
UNINDEXED_KEY = b"unindexed_paths"

#: Tables of fixed-size duplicates.
_ROWS = frozenset({"producers", "consumers", "paths"})


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables.  Numbers are u64, big-endian, and begin at 1.  A job gets its number when it begins and its end
    number when it finishes, so that either order can be asked for.  Its ``until`` is the first job number that was not
    given yet when it finished: it overlapped with, or came after, all jobs with a lower one."""

    meta: Table  # name → u64: the schema's version, and the newest job, end and artifact number
    chunks: Table  # chunk id (32) → its bytes
    jobs: Table  # job id (32) → job number, head record
    numbers: Table  # number of a finished job → uid (4), until, job id (32)
    runs: Table  # run (16) of a finished job → job id
    running: Table  # run (16) → job number, head
    artifacts: Table  # hash (32) → artifact number
    hashes: Table  # artifact number → hash (32)
    inputs: Table  # job number → (artifact number, path number) …
    outputs: Table  # likewise
    producers: Table  # artifact number → duplicates (job number, path number)
    consumers: Table  # likewise
    paths: Table  # path number → duplicates (twice the end number, + 1 if an output; job number; artifact number)
    path_texts: Table  # path → nothing; a long path has its hash in the key, see pathtexts.py
    log: Table  # uid (4), job number → nothing
    sessions: Table  # session id (32) → state, see sessions.py
    current: Table  # uid (4), BLAKE3 of the project (32) → session id
    session_jobs: Table  # session id (32), end number → n of @n, job id (32)
    trees: Table  # hash of a set of files (32), job number → kind, path, files, see lineage/composite.py
    annotations: Table  # subject, uid of its space (4) → what stands, see annotated.py
    annotation_history: Table  # subject, uid (4), u64 → a change
    labelled: Table  # l or t, key, 0, value, 0, subject, uid (4) → nothing
    # What goes on to a registry, see outbox.py.
    forward_asked: Table  # run (16) of a job that runs → scope
    outbox: Table  # uid (4), job number → job id, session, scope, since when, how often it was tried …
    refused: Table  # likewise
    forwarded: Table  # uid (4), job number → time, bundle id (32), scope
    known: Table  # stat signature → content hash (32)
    # Jobs that were imported, see imports.py; their numbers are above provenance.IMPORTED, and in ``numbers`` and ``log``
    # their uid is that of who imported them.
    foreign: Table  # job id (32) → head record
    imported: Table  # job id (32), uid (4) → job number, time, bundle id (32)
    foreign_sessions: Table  # session id (32), uid (4) → its record
    foreign_session_jobs: Table  # session id (32), uid (4), job number → job id (32)


def open_environment(directory: Path) -> tuple[lmdb.Environment, Tables]:
    """Opens the store at ``directory``, and makes it where there is none.

    Raises UnsupportedError for a store of a newer roard, CorruptError for what is not a store, UnavailableError where
    the system refuses (permissions, already open in this process, a full disk).
    """
    env = storage.environment.open_or_create(directory, ROARD, len(Tables.__slots__), _fill)
    try:
        version = _check_schema(env, directory)
        tables = _open_tables(env)
        if version < SCHEMA:
            _upgrade(env, tables, directory, version)
        env.reader_check()
    except BaseException:
        env.close()
        raise
    return env, tables


def _fill(env: lmdb.Environment) -> None:
    tables = _open_tables(env)
    with env.begin(write=True) as txn:
        put(txn, tables.meta, SCHEMA_KEY, U64.pack(SCHEMA))


def _open_tables(env: lmdb.Environment) -> Tables:
    return Tables(**{name: env.open_db(name.encode(), dupsort=name in _ROWS, dupfixed=name in _ROWS)
                     for name in Tables.__slots__})


def _upgrade(env: lmdb.Environment, tables: Tables, directory: Path, version: int) -> None:
    """From schema 2, which had no path_texts: from here on an older roard refuses the store, since it would store jobs
    without theirs.  Those of the jobs that are there follow step by step (``pathtexts.index_older``).  From schema 3, which
    had no outbox: the jobs that are there are not sent, nobody asked for it; an older roard would forget one and send it."""
    try:
        with env.begin(write=True) as txn:
            if version == OLDEST:
                put(txn, tables.meta, UNINDEXED_KEY, PAIR.pack(upcoming_number(txn, tables.meta, b"jobs") - 1, 0))
            put(txn, tables.meta, SCHEMA_KEY, U64.pack(SCHEMA))
    except lmdb.Error as error:
        raise storage_error(error, directory) from error


def _check_schema(env: lmdb.Environment, directory: Path) -> int:
    """The store's, before any other table is opened, because opening makes what is missing."""
    try:
        meta = env.open_db(b"meta", create=False)
    except lmdb.NotFoundError as error:
        raise CorruptError(f"{directory} holds a database that is not roard's", "give another --state-dir") from error
    with env.begin() as txn:
        version = U64.unpack(get(txn, meta, SCHEMA_KEY) or bytes(U64.size))[0]
    if version > SCHEMA:
        raise UnsupportedError(f"the store at {directory} has schema {version}; this roard knows {SCHEMA}",
                               "install the newer roard again, or restore a backup from before it")
    if version < 1:
        raise CorruptError(f"the store at {directory} does not say which schema it has", "restore a backup")
    if version < OLDEST:
        raise UnsupportedError(f"the store at {directory} has schema {version}, from before the first release",
                               "move it away: a new one is made in its place")
    return int(version)


def storage_error(error: lmdb.Error, directory: Path) -> RoarError:
    return storage.environment.storage_error(error, directory, ROARD)


def read_error(error: lmdb.Error) -> RoarError:
    return storage.environment.read_error(error, ROARD)
