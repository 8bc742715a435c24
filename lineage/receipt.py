"""A receipt (``roar.receipt/1``): everything that shows, offline, that a registry's log has a registration. docs/log.md.

The chain: a job's id is in the bundle's header, the header's BLAKE3 is the bundle's id, the opening names the bundle, the entry
commits to the opening, the path leads from the entry to the root, and the registry signed the root.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from lineage import bundle, ids, merkle
from lineage.errors import CorruptError, InvalidError
from lineage.transparency import (
    KeyChange,
    LogEntry,
    Opening,
    TreeHead,
    parse_head,
    parse_key_change,
    parse_verifier_key,
    verifier_key,
    verify_opening,
)

SCHEMA = "roar.receipt/1"
MAX_BYTES = 4 << 20  # a bundle of 5,000 jobs has a header of 2 MB
_KEYS = {"schema", "origin", "key", "changes", "bundle", "jobs", "header", "opening", "entry", "index", "size", "path", "head"}
_HINT = "it was changed after it was made, or was never a registry's; keep it, and ask the registry for it again"


@dataclass(frozen=True, slots=True)
class Receipt:
    """``header``: of the bundle that was registered, empty where jobs were moved to another space. ``changes``: of the log's
    key, as far as the registry said so."""

    header: bytes
    opening: bytes
    entry: bytes
    index: int
    path: tuple[bytes, ...]
    head: TreeHead
    changes: tuple[KeyChange, ...] = ()

    def document(self) -> dict[str, Any]:
        proved = self.verify()
        return {
            "schema": SCHEMA, "origin": self.head.origin, "key": verifier_key(self.head.origin, self.head.key),
            "changes": [change.note() for change in self.changes], "bundle": proved.opening.bundle.hex() or None,
            "jobs": [job.hex() for job in proved.jobs], "header": _text(self.header), "opening": _text(self.opening),
            "entry": _text(self.entry), "index": self.index, "size": self.head.size,
            "path": [_text(node) for node in self.path], "head": self.head.note()}

    def encode(self) -> bytes:
        return (json.dumps(self.document(), indent=1, ensure_ascii=False) + "\n").encode()

    def verify(self) -> Proved:
        """All of it but whether the key is to be trusted, which only the reader can say. CorruptError: what does not hold."""
        opening, entry = verify_opening(self.opening, self.entry)
        if opening.act == "register":
            if ids.content_id(self.header) != opening.bundle:
                raise CorruptError("the receipt's bundle is not the one that was registered", _HINT)
            jobs = bundle.decode_header(self.header).jobs
        else:
            if opening.act != "move" or self.header or opening.bundle:
                raise CorruptError("this is no receipt of a registration", _HINT)
            jobs = opening.jobs
        merkle.verify_inclusion(merkle.leaf_hash(self.entry), self.index, self.head.size, self.path, self.head.root)
        self.head.verify()
        for change in self.changes:
            change.verify()
        return Proved(jobs, opening, entry)


@dataclass(frozen=True, slots=True)
class Proved:
    """What a receipt shows: these jobs were registered, by whom, into which space, and when by the registry's clock."""

    jobs: tuple[bytes, ...]
    opening: Opening
    entry: LogEntry


def looks_like(start: bytes) -> bool:
    """Is this how a receipt begins? ``start``: its first kilobyte or more."""
    return start.lstrip().startswith(b"{") and b'"schema"' in start and b'"roar.receipt/' in start[:200]


def decode(data: bytes) -> Receipt:
    """A receipt that holds, but for whether its key is to be trusted. InvalidError for what is none, CorruptError where
    something in it does not hold."""
    if len(data) > MAX_BYTES:
        raise InvalidError(f"a receipt of {len(data) >> 20} MB is none", f"at most {MAX_BYTES >> 20} MB")
    try:
        value = json.loads(data, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise InvalidError("this is no receipt: it is not JSON", "`roar register` gets one from a registry") from error
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise InvalidError("this is no receipt that this roar knows", f"it knows {SCHEMA}")
    try:
        return _decoded(value)
    except (KeyError, TypeError, ValueError, Base64Error) as error:
        raise CorruptError(f"the receipt is not as it was written: {error}", _HINT) from error
    except InvalidError as error:
        raise CorruptError(error.message, _HINT) from error


def _decoded(value: Mapping[str, Any]) -> Receipt:
    if set(value) != _KEYS:
        raise ValueError("it lacks something, or has something else: " + ", ".join(sorted(set(value) ^ _KEYS))[:200])
    texts = [value[name] for name in ("origin", "key", "header", "opening", "entry", "head")]
    lists = [value[name] for name in ("changes", "path", "jobs")]
    if not all(isinstance(one, list) for one in lists) or not all(isinstance(one, str) for one in chain(texts, *lists)):
        raise ValueError("it has something else where text belongs")
    origin, key = parse_verifier_key(value["key"])
    head = parse_head(value["head"], key)
    index, size = value["index"], value["size"]
    if type(index) is not int or type(size) is not int or size != head.size or not origin == head.origin == value["origin"]:
        raise ValueError("its numbers and names differ from those of its head")
    changes = tuple(parse_key_change(note) for note in value["changes"])
    path = tuple(_bytes(node) for node in value["path"])
    receipt = Receipt(_bytes(value["header"]), _bytes(value["opening"]), _bytes(value["entry"]), index, path, head, changes)
    proved = receipt.verify()
    if value["jobs"] != [job.hex() for job in proved.jobs] or value["bundle"] != (proved.opening.bundle.hex() or None):
        raise ValueError("it says that it is about other jobs than its entry")
    return receipt


def _text(data: bytes) -> str:
    return b64encode(data).decode()


def _bytes(text: str) -> bytes:
    data = b64decode(text.encode("ascii"), validate=True)
    if _text(data) != text:
        raise ValueError("its base64 is not in its one form")
    return data


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice")
    return value
