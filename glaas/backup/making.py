"""`glaas backup`: all of a registry as it was at one moment, while it serves."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from glaas.backup.form import Header, Row, Summary, write
from glaas.store.keyed import KeyedStore, Reader, Table
from glaas.store.schema import META, STATE, State, tables_of
from lineage.errors import UnavailableError
from storage.environment import fsync

SUFFIX = ".backup"


def back_up(store: KeyedStore, directory: Path, files: dict[str, bytes]) -> tuple[Path, Summary]:
    """A new file in the directory, for its owner alone; it has its name when it is whole and durable.  CorruptError where a
    value of the store is damaged: every one is checked as it is read.  ``files``: what else belongs to it, by name."""
    at = time.time_ns()
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(at // 10**9))
    path = directory / f"glaas-{stamp}.{at % 10**9 // 1000:06}Z{SUFFIX}"
    unfinished = path.with_suffix(".unfinished")
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file, store.read() as reader:
                state = State.decoded(reader.get(META, [STATE])[STATE])
                tables = (META, *tables_of(reader))
                summary = write(file, Header(at, state.schema, tables, files), _rows(reader, tables))
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(path)
            fsync(directory)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise UnavailableError(f"the backup could not be written to {directory}: {error.strerror}",
                               "give a directory with space left that you may write to") from error
    return path, summary


def _rows(reader: Reader, tables: tuple[Table, ...]) -> Iterator[Row]:
    for table in tables:
        for key, value in reader.walk(table):
            yield table, key, value
