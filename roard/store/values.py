"""Values with checksums (``storage.values``), and the fixed-size keys and rows of the tables.

Rows of the fixed-size duplicate tables (producers, consumers, paths) and of path_texts are exempt from checksums: they would
double them, and they can be rebuilt from the sealed jobs.
"""

from __future__ import annotations

import struct

import storage.values
from roard.store.owner import ROARD
from storage.values import Table, Txn, seal

__all__ = ["PAIR", "TRIPLE", "U64", "Table", "Txn", "get", "next_number", "next_numbers", "put", "seal", "unseal",
           "upcoming_number"]

U64 = struct.Struct(">Q")  # big-endian, so that keys sort as numbers do
PAIR = struct.Struct(">QQ")
TRIPLE = struct.Struct(">QQQ")  # also the key of a fixed-size duplicate and its PAIR


def unseal(key: bytes, data: bytes) -> bytes:
    """The value; raises CorruptError where it is not what was put under this key."""
    return storage.values.unseal(key, data, ROARD.check)


def get(txn: Txn, table: Table, key: bytes) -> bytes | None:
    data = txn.get(key, db=table)
    return None if data is None else unseal(key, data)


def put(txn: Txn, table: Table, key: bytes, value: bytes) -> None:
    txn.put(key, seal(key, value), db=table)


def upcoming_number(txn: Txn, meta: Table, name: bytes) -> int:
    """What ``next_number`` would give."""
    return int(U64.unpack(get(txn, meta, name) or bytes(U64.size))[0]) + 1


def next_number(txn: Txn, meta: Table, name: bytes) -> int:
    """The next number of a counter: 1, 2, 3 …"""
    return next_numbers(txn, meta, name, 1)[0]


def next_numbers(txn: Txn, meta: Table, name: bytes, count: int) -> range:
    first = upcoming_number(txn, meta, name)
    put(txn, meta, name, U64.pack(first + count - 1))
    return range(first, first + count)
