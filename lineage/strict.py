"""CBOR from strangers: looked through before it is decoded, so that decoding can neither run code nor fill the memory."""

from __future__ import annotations

from typing import Any

from lineage.errors import CorruptError
from lineage.ids import decode, encode

MAX_ITEMS = 1 << 20  # in one part: a chunk of 4096 entries has some 60,000
MAX_DEPTH = 32
_MAJOR_BYTES, _MAJOR_TEXT, _MAJOR_ARRAY, _MAJOR_MAP, _MAJOR_TAG = 2, 3, 4, 5, 6
_LENGTHS = {24: 1, 25: 2, 26: 4, 27: 8}


def _size(first: int) -> int:
    major, short = first >> 5, first & 31
    if major in {_MAJOR_ARRAY, _MAJOR_MAP, _MAJOR_TAG} or short > 27 or (major in {_MAJOR_BYTES, _MAJOR_TEXT} and short > 23):
        return 0
    return 1 + (short if major in {_MAJOR_BYTES, _MAJOR_TEXT} else _LENGTHS.get(short, 0))


#: By an item's first byte, how many it has; 0: that takes a look.  Most items are small numbers and short strings.
_SIZES = tuple(map(_size, range(256)))


def canonical(data: bytes, what: str) -> Any:  # noqa: ANN401 - the shape is the record's
    """The value of deterministic CBOR (RFC 8949 section 4.2.1) as ``lineage.ids`` writes it: no tags, nothing of indefinite
    length. CorruptError, with ``what`` it is called, for anything else."""
    scan(data, what)
    value = decode(data)
    if encode(value) != data:
        raise _refused(what, "not in the one form that gives it its id")
    return value


def scan(data: bytes, what: str) -> None:
    """CorruptError for what is not exactly one plain item, too deep, or of too many parts."""
    above: list[int] = []  # items still expected, by level; of the deepest one:
    left = items = 1
    at = 0
    try:
        while True:
            while left:
                left -= 1
                first = data[at]
                size = _SIZES[first]
                if size:
                    at += size
                    continue
                major, short = first >> 5, first & 31
                if short > 27 or major == _MAJOR_TAG:
                    raise _refused(what, "not plain CBOR")
                size = _LENGTHS.get(short, 0)
                at += 1 + size
                argument = int.from_bytes(data[at - size:at], "big") if size else short
                if major in {_MAJOR_BYTES, _MAJOR_TEXT}:
                    at += argument
                    continue
                above.append(left)
                left = argument if major == _MAJOR_ARRAY else 2 * argument
                items += left
                if items > MAX_ITEMS or len(above) >= MAX_DEPTH:
                    raise _refused(what, "too large")
            if not above:
                break
            left = above.pop()
    except IndexError:
        at = len(data) + 1
    if at != len(data):
        raise _refused(what, "cut off, or followed by something else")


def _refused(what: str, why: str) -> CorruptError:
    return CorruptError(f"{what} is {why}", "it was not written by roar; ask for it again")
