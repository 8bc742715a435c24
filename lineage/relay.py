"""Messages between roard and the program that forwards for it, over a descriptor that one inherited from the other: a length, a
JSON object, and bytes after it where the object says so.

Neither end believes the other further than this goes: it is JSON, of a bounded size.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

from lineage.bundle import MAX_BYTES
from lineage.errors import CorruptError

_HEAD = struct.Struct(">IQ")  # bytes of JSON, bytes after it
MAX_DOCUMENT = 4 << 20
MAX_DATA = MAX_BYTES + (8 << 20)  # a bundle, with its header


def encode(document: Mapping[str, Any], data: bytes = b"") -> bytes:
    text = json.dumps(document).encode()
    return _HEAD.pack(len(text), len(data)) + text + data


def read(file: BinaryIO, most_data: int = MAX_DATA) -> tuple[dict[str, Any], bytes] | None:
    """(the object, the bytes after it); None at the end.  CorruptError for what is none."""
    head = file.read(_HEAD.size)
    if not head:
        return None
    if len(head) < _HEAD.size:
        raise CorruptError("a message broke off")
    length, more = _HEAD.unpack(head)
    if length > MAX_DOCUMENT or more > most_data:
        raise CorruptError(f"a message of {length + more} bytes")
    text, data = file.read(length), file.read(more)
    if len(text) < length or len(data) < more:
        raise CorruptError("a message broke off")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CorruptError("a message that is no JSON") from error
    if not isinstance(document, dict):
        raise CorruptError("a message that is no object")
    return document, data
