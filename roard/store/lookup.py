"""Ids by the first digits of their hex form."""

from __future__ import annotations

import re

from lineage.errors import InvalidError
from roard.store.environment import Tables
from roard.store.values import Table, Txn

MIN_DIGITS = 4
_HEX = re.compile(r"[0-9a-f]*")
_KINDS = {"job": ("jobs", "running", "foreign"), "artifact": ("artifacts",), "session": ("sessions", "foreign_sessions")}
_ID_SIZE = 32


def ids_by_prefix(txn: Txn, tables: Tables, kind: str, prefix: str, limit: int) -> list[bytes]:
    """At most ``limit`` ids, in order; a job that still runs answers with its run.  InvalidError for an unknown kind,
    for what is not hex, and for less than 4 digits."""
    prefix = prefix.lower()
    if kind not in _KINDS:
        raise InvalidError(f"there is no kind {kind!r}", "kinds are " + ", ".join(_KINDS))
    if len(prefix) < MIN_DIGITS or not _HEX.fullmatch(prefix):
        raise InvalidError(f"{prefix!r} is not a prefix of an id", f"give {MIN_DIGITS} or more hex digits")
    found: list[bytes] = []
    for name in _KINDS[kind]:
        more = _keys_by_prefix(txn, getattr(tables, name), prefix, limit - len(found))
        found += [key for key in more if key not in found]  # both recorded here and imported: one
    return found


def _keys_by_prefix(txn: Txn, table: Table, prefix: str, limit: int) -> list[bytes]:
    start = bytes.fromhex(prefix + "0" * (len(prefix) % 2))
    found: list[bytes] = []
    with txn.cursor(table) as cursor:
        if limit > 0 and cursor.set_range(start):
            for key in cursor.iternext(keys=True, values=False):
                if not key.hex().startswith(prefix) or len(found) == limit:
                    break
                if not found or found[-1] != key[:_ID_SIZE]:
                    found.append(key[:_ID_SIZE])
    return found
