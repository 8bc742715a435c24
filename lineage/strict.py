"""CBOR from strangers: looked through before it is decoded, so that decoding can neither run code nor fill the memory."""

from __future__ import annotations

from lineage.errors import CorruptError
from lineage.ids import decode, encode

MAX_ITEMS = 1 << 20  # in one part: a chunk of 4096 entries has some 60,000
MAX_DEPTH = 32
_MAJOR_BYTES, _MAJOR_TEXT, _MAJOR_ARRAY, _MAJOR_MAP, _MAJOR_TAG, _MAJOR_SIMPLE = 2, 3, 4, 5, 6, 7
_LENGTHS = {24: 1, 25: 2, 26: 4, 27: 8}


def canonical(data: bytes, what: str) -> object:
    """The value of deterministic CBOR (RFC 8949 section 4.2.1) as ``lineage.ids`` writes it: no tags, nothing of indefinite
    length. CorruptError, with ``what`` it is called, for anything else."""
    scan(data, what)
    value = decode(data)
    if encode(value) != data:
        raise _refused(what, "not in the one form that gives it its id")
    return value


def scan(data: bytes, what: str) -> None:
    """CorruptError for what is not exactly one plain item, too deep, or of too many parts."""
    left = [1]  # items still expected, by level
    at = items = 0
    try:
        while left:
            if not left[-1]:
                left.pop()
                continue
            left[-1] -= 1
            items += 1
            if items > MAX_ITEMS or len(left) > MAX_DEPTH:
                raise _refused(what, "too large")
            major, short = data[at] >> 5, data[at] & 31
            at += 1
            size = _LENGTHS.get(short, 0)
            if short > 27 or major == _MAJOR_TAG:
                raise _refused(what, "not plain CBOR")
            argument = int.from_bytes(data[at:at + size], "big") if size else short
            at += size
            if major in {_MAJOR_BYTES, _MAJOR_TEXT}:
                at += argument
            elif major == _MAJOR_ARRAY:
                left.append(argument)
            elif major == _MAJOR_MAP:
                left.append(2 * argument)
    except IndexError:
        at = len(data) + 1
    if at != len(data):
        raise _refused(what, "cut off, or followed by something else")


def _refused(what: str, why: str) -> CorruptError:
    return CorruptError(f"{what} is {why}", "it was not written by roar; ask for it again")
