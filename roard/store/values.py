"""Values with checksums, and the fixed-size keys and rows of the tables.

LMDB keeps no checksums: of 200 single flipped bits 187 went unnoticed (measured).  A sealed value is the first 8 bytes
of BLAKE3(key || value), then the value.  The key is in it, so that a value found under a wrong key is noticed too.
Rows of the fixed-size duplicate tables (producers, consumers, paths) and of path_texts are exempt: a checksum would double
them, and they can be rebuilt from the sealed jobs.
"""

from __future__ import annotations

import struct
from typing import Any, TypeAlias

import lmdb
from blake3 import blake3

from lineage.errors import CorruptError

#: A transaction, and a table in it.
Txn: TypeAlias = "lmdb.Transaction[bytes]"
Table: TypeAlias = Any  # lmdb._Database, which the module does not export

SUM_SIZE = 8
U64 = struct.Struct(">Q")  # big-endian, so that keys sort as numbers do
PAIR = struct.Struct(">QQ")
TRIPLE = struct.Struct(">QQQ")  # also the key of a fixed-size duplicate and its PAIR


def seal(key: bytes, value: bytes) -> bytes:
    return blake3(key + value).digest(length=SUM_SIZE) + value


def unseal(key: bytes, data: bytes) -> bytes:
    """The value; raises CorruptError where it is not what was put under this key."""
    value = data[SUM_SIZE:]
    if blake3(key + value).digest(length=SUM_SIZE) != data[:SUM_SIZE]:
        raise CorruptError(f"the value of key {key.hex()[:24]} is damaged in the store",
                           "run `roard fsck`, and look at the disk's health")
    return value


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
