"""The texts of the paths that edges name by numbers, in their order, so that globs can be looked for.

A key has 511 bytes at most: a longer path is cut, its hash put behind, and the rest is the value.  Nothing here carries a
checksum: a short path is its own key, a long one can be compared with its hash, and all can be made anew from the jobs.
"""

from __future__ import annotations

from collections.abc import Iterable

from blake3 import blake3

from lineage.ids import path_number
from roard.store.environment import Tables
from roard.store.values import U64, Txn

_KEY = 511  # LMDB's longest
_CUT = _KEY - 32


def index_paths(txn: Txn, tables: Tables, paths: Iterable[bytes]) -> None:
    rows = sorted(_row(path) for path in paths if path)
    with txn.cursor(tables.path_texts) as cursor:
        cursor.putmulti(rows, overwrite=False)


def forget_paths(txn: Txn, tables: Tables, paths: Iterable[bytes]) -> None:
    """Those that no edge names any more."""
    for path in paths:
        if txn.get(U64.pack(path_number(path)), db=tables.paths) is None:
            txn.delete(_row(path)[0], db=tables.path_texts)


def _row(path: bytes) -> tuple[bytes, bytes]:
    return (path, b"") if len(path) < _KEY else (path[:_CUT] + blake3(path).digest(), path[_CUT:])


def texts_from(txn: Txn, tables: Tables, prefix: bytes, after: bytes | None, count: int) -> tuple[list[bytes], bytes | None]:
    """At most ``count`` paths that begin with ``prefix``, in order (but for long ones that begin alike), and where to go
    on: the ``after`` of the next call, None at the end."""
    short = prefix[:_CUT]
    found: list[bytes] = []
    with txn.cursor(tables.path_texts) as cursor:
        there = cursor.set_range(short if after is None else after)
        if there and after is not None and cursor.key() == after:
            there = cursor.next()
        if not there:
            return [], None
        key = b""
        for key in cursor.iternext(keys=True, values=False):
            if not key.startswith(short):
                return found, None
            path = key if len(key) < _KEY else key[:_CUT] + cursor.value()
            if path.startswith(prefix):
                found.append(path)
                if len(found) == count:
                    return found, key
    return found, None
