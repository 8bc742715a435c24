"""Bundles as they come over the wire, part by part."""

from __future__ import annotations

from collections.abc import Iterator

from lineage import bundle
from lineage.errors import CorruptError, InvalidError
from lineage.v1 import lineage_pb2


def received(parts: Iterator[lineage_pb2.RecordPart]) -> bundle.Raw:
    """The parts of one bundle, each with the id that its content has, in the header's order."""
    first = next(parts, None)
    if first is None or len(first.data) > bundle.MAX_PART:
        raise InvalidError("an import begins with a bundle's header", "see docs/bundle.md")
    header = bundle.decode_header(bundle.checked(first.id, first.data, 0))
    found: dict[bytes, bytes] = {}
    total = 0
    for identity in header.parts:
        part = next(parts, None)
        if part is None:
            raise CorruptError(f"the bundle is cut off: {identity.hex()[:12]} is missing", "send it again")
        if part.id != identity:
            raise CorruptError(f"the bundle is out of order: {identity.hex()[:16]}… is due, {part.id.hex()[:16]}… came",
                               "parts travel in the order in which the header names them")
        if len(part.data) > bundle.MAX_PART:
            raise InvalidError("a part of the bundle is too large", f"at most {bundle.MAX_PART >> 20} MB are taken")
        total += len(part.data)
        found[identity] = bundle.checked(identity, part.data, total)
    if next(parts, None) is not None:
        raise CorruptError("the bundle is followed by something that is no part of it", "see docs/bundle.md")
    return bundle.Raw(first.data, found)
