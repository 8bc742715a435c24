"""Arrays of byte strings and numbers as PostgreSQL sends them (array_send in its arrayfuncs.c): one parameter, however many.

psycopg's own makes a Python object an element; this is joined in one go, which is most of what a batch costs the client.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

_HEADER = struct.Struct(">iiIii")  # dimensions, whether any is null, type of the elements, how many, the first one's index
_SIZE = struct.Struct(">i")
_SIZES = [_SIZE.pack(size) for size in range(4096)]
BYTEA, INT8 = 17, 20  # pg_type.dat
BYTEA_ARRAY, INT8_ARRAY = 1001, 1016


class Bytes:
    """A parameter of type bytea[]."""

    __slots__ = ("encoded",)

    def __init__(self, items: Sequence[bytes]) -> None:
        parts = [_HEADER.pack(1, 0, BYTEA, len(items), 1)]
        for item in items:
            size = len(item)
            parts.append(_SIZES[size] if size < len(_SIZES) else _SIZE.pack(size))
            parts.append(item)
        self.encoded = b"".join(parts)


class Numbers:
    """A parameter of type bigint[]."""

    __slots__ = ("encoded",)

    def __init__(self, items: Sequence[int]) -> None:
        numbers = struct.pack(">" + "iq" * len(items), *(part for item in items for part in (8, item)))
        self.encoded = _HEADER.pack(1, 0, INT8, len(items), 1) + numbers


class BytesDumper(Dumper):
    format = Format.BINARY
    oid = BYTEA_ARRAY

    def dump(self, obj: Bytes | Numbers) -> Buffer:
        return obj.encoded


class NumbersDumper(BytesDumper):
    oid = INT8_ARRAY
