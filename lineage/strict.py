"""CBOR from strangers: looked through before it is decoded, so that decoding can neither run code nor fill the memory."""

from __future__ import annotations

from typing import Any

from lineage.errors import CorruptError
from lineage.ids import decode, encode

MAX_ITEMS = 1 << 20  # in one part: a chunk of 4096 entries has some 60,000
MAX_DEPTH = 32
_MAJOR_BYTES, _MAJOR_TEXT, _MAJOR_ARRAY, _MAJOR_MAP = 2, 3, 4, 5
_LENGTHS = {24: 1, 25: 2, 26: 4, 27: 8}
_SHORT = 255  # a string whose length is the byte after the first
#: Of a float's first 16 bits, those that are all set in what is no number.
_INFINITE = {0xF9: 0x7C00, 0xFA: 0x7F80, 0xFB: 0x7FF0}


def _steps() -> bytes:
    """By the first byte of an item: its size, where that says all of it; 0: look closer; _SHORT."""
    steps = bytearray(256)
    for base in (0x00, 0x20):  # numbers
        steps[base:base + 24] = bytes([1] * 24)
        for short, size in _LENGTHS.items():
            steps[base + short] = 1 + size
    for base in (0x40, 0x60):  # strings
        steps[base:base + 24] = bytes(range(1, 25))
        steps[base + 24] = _SHORT
    for simple in (0xF4, 0xF5, 0xF6):  # false, true, null
        steps[simple] = 1
    return bytes(steps)


_STEPS = _steps()


def canonical(data: bytes, what: str) -> Any:  # noqa: ANN401 - the shape is the record's
    """The value of deterministic CBOR (RFC 8949 section 4.2.1) as ``lineage.ids`` writes it: no tags, nothing of indefinite
    length, keys that are text, no simple values but true, false and null, no floats that are not numbers. CorruptError, with
    ``what`` it is called, for anything else."""
    return counted(data, what)[0]


def counted(data: bytes, what: str, text: bool = False) -> tuple[Any, int]:
    """``canonical``, and how many items the value is of. ``text``: no byte strings are in it."""
    items = scan(data, what, text)
    try:
        value = decode(data)
        again = encode(value)
    except (CorruptError, ValueError) as error:
        raise _refused(what, "not plain CBOR") from error
    if again != data:
        raise _refused(what, "not in the one form that gives it its id")
    return value, items


def scan(data: bytes, what: str, text: bool = False) -> int:  # noqa: PLR0915 - one loop, for its speed
    """How many items it is of. CorruptError for what is not exactly one plain item, too deep, or of too many parts.
    ``text``: there may be no byte strings in it.

    This runs over every byte that strangers send, so what is frequent comes first, and each item is looked at once."""
    at, items, end, steps = 0, 1, len(data), _STEPS
    left, keyed = 1, False  # items still expected where we are, and whether each second one is a map's key
    around: list[tuple[int, bool]] = []
    try:
        while True:
            while left:
                first = data[at]
                if keyed and not left & 1 and first >> 5 != _MAJOR_TEXT:
                    raise _refused(what, "not plain CBOR: a key is no text")
                left -= 1
                step = steps[first]
                if step == _SHORT:
                    at += 2 + data[at + 1]
                elif step:
                    at += step
                else:
                    break
                if text and first >> 5 == _MAJOR_BYTES:
                    raise _refused(what, "not plain CBOR: it has bytes where text belongs")
            else:
                if not around:
                    break
                left, keyed = around.pop()
                continue
            major, short = first >> 5, first & 31
            if first in _INFINITE:
                mask = _INFINITE[first]
                if int.from_bytes(data[at + 1:at + 3], "big") & mask == mask:
                    raise _refused(what, "not plain CBOR: it has a number that is none")
                at += 1 + _LENGTHS[short]
                continue
            if short > 27 or major not in {_MAJOR_BYTES, _MAJOR_TEXT, _MAJOR_ARRAY, _MAJOR_MAP}:
                raise _refused(what, "not plain CBOR")
            size = _LENGTHS.get(short, 0)
            count = int.from_bytes(data[at + 1:at + 1 + size], "big") if size else short
            at += 1 + size
            if major <= _MAJOR_TEXT:
                if text and major == _MAJOR_BYTES:
                    raise _refused(what, "not plain CBOR: it has bytes where text belongs")
                at += count
                continue
            around.append((left, keyed))
            keyed = major == _MAJOR_MAP
            left = 2 * count if keyed else count
            items += left
            if items > MAX_ITEMS or len(around) > MAX_DEPTH:
                raise _refused(what, "too large")
    except IndexError:
        at = end + 1
    if at != end:
        raise _refused(what, "cut off, or followed by something else")
    return items


def _refused(what: str, why: str) -> CorruptError:
    return CorruptError(f"{what} is {why}", "it was not written by roar; ask for it again")
