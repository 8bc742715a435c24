"""`glaas restore`: a registry from its backup, checked before, and compared row by row after.

While it goes on the store says so, and no program can use it; one that was interrupted is done again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import TypeAlias

from glaas.backup.form import Backup, Row, Summary
from glaas.backup.making import SUFFIX
from glaas.store import open_unguarded
from glaas.store.keyed import KeyedStore, Table, Writer
from glaas.store.schema import CURRENT, META, NOBODYS, RESTORING, STATE
from lineage.errors import ConflictError, CorruptError, NotFoundError, UnsupportedError

#: Raises CorruptError for a row that cannot be right, whatever its checksum says.
Verify: TypeAlias = Callable[[Table, tuple[bytes, bytes], bytes], None]

ROWS, BYTES = 5000, 8 << 20  # in one transaction at most


def find(path: Path) -> Backup:
    """A file, or the newest one in a directory."""
    if path.is_dir():
        found = sorted(path.glob(f"*{SUFFIX}"))
        if not found:
            raise NotFoundError(f"{path} has no backup in it", "give what `glaas backup` was given, or one of its files")
        return Backup(found[-1])
    if not path.exists():
        raise NotFoundError(f"there is no {path}", "give what `glaas backup` was given, or one of its files")
    return Backup(path)


def check(backup: Backup, verify: Verify) -> Summary:
    """Every row, before anything is changed.  UnsupportedError for a backup of a newer schema."""
    if backup.header.schema > CURRENT.number:
        raise UnsupportedError(f"the backup has schema {backup.header.schema}; this glaas knows {CURRENT.number}",
                               "restore it with the glaas that made it, or a newer one")
    for table, key, value in backup.rows():
        verify(table, key, value)
    return backup.summary()


def restore(backup: Backup, where: str | Path, verify: Verify) -> Summary:
    """Into a store that is empty, or that the same backup was being restored to; else ConflictError."""
    summary = check(backup, verify)
    with closing(open_unguarded(where, backup.header.tables)) as store:
        _claim(store, backup, summary.identity)
        for rows in _pieces(row for row in backup.rows() if row[:2] != (META, STATE)):
            store.write(partial(_put, rows))
        _compare(store, backup)
        [state] = [value for table, key, value in backup.rows() if (table, key) == (META, STATE)]

        def end(writer: Writer) -> None:
            writer.put(META, [(STATE, state)])
            writer.delete(META, [RESTORING])

        store.write(end)
    return summary


def _claim(store: KeyedStore, backup: Backup, identity: bytes) -> None:
    with store.read() as reader:
        before = reader.get(META, [RESTORING]).get(RESTORING)
        if before is None:
            for table in backup.header.tables:
                if table != META and next(reader.walk(table, batch=1), None) is not None:
                    raise ConflictError("there is a registry in this store already",
                                        "restore into a new one, then exchange them")
        elif before != identity:
            raise ConflictError("another backup was being restored to this store", "restore that one, or take a new store")
    store.write(lambda writer: writer.put(META, [(RESTORING, identity), (STATE, NOBODYS.encoded())]))


def _pieces(rows: Iterator[Row]) -> Iterator[list[Row]]:
    piece, size = list[Row](), 0
    for row in rows:
        if len(piece) >= ROWS or size > BYTES:
            yield piece
            piece, size = [], 0
        piece.append(row)
        size += len(row[2])
    if piece:
        yield piece


def _put(rows: list[Row], writer: Writer) -> None:
    for name in {table: None for table, _, _ in rows}:
        writer.put(name, [(key, value) for table, key, value in rows if table == name])


def _compare(store: KeyedStore, backup: Backup) -> None:
    """What is in the store now, in the same order, each value with its checksum."""
    def stored() -> Iterator[Row]:
        with store.read() as reader:
            for table in backup.header.tables:
                for key, value in reader.walk(table):
                    if table != META or key not in {STATE, RESTORING}:
                        yield table, key, value

    written = (row for row in backup.rows() if row[:2] != (META, STATE))
    for ours, theirs in zip_longest(stored(), written):
        if ours != theirs:
            row = ours or theirs
            assert row is not None
            raise CorruptError(f"the store does not have what was restored: a row of {row[0].name} differs",
                               "look at the health of its disk")
