"""Which nodes a proof is made of (RFC 9162 sections 2.1.3.1 and 2.1.4.1): as numbers, before anything is read, so that one
round trip reads them all.

Only complete subtrees are stored: (level, index) is the root of the 2^level entries from index * 2^level on.  A proof's hash
is of a range of entries; at the right edge of a tree such a range is of several complete subtrees.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from lineage.merkle import folded

#: (level, index) of a complete subtree.
Node: TypeAlias = tuple[int, int]
#: Entries from the first to before the second number.
Span: TypeAlias = tuple[int, int]


def inclusion_spans(index: int, size: int) -> list[Span]:
    """What each hash of the path covers, in the path's order: PATH(index, D[0:size])."""
    begin, end, spans = 0, size, list[Span]()
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((begin, middle))
            begin = middle
    return spans[::-1]


def consistency_spans(first: int, second: int) -> list[Span]:
    """Likewise: PROOF(first, D[0:second]); none where one of them is empty or they are the same."""
    if first in {0, second}:
        return []
    begin, end, whole, spans = 0, second, True, list[Span]()
    while first != end:
        middle = begin + _split(end - begin)
        if first <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((begin, middle))
            begin, whole = middle, False
    if not whole:
        spans.append((begin, end))
    return spans[::-1]


def nodes_of(span: Span) -> Iterator[Node]:
    """The complete subtrees that a span is of, from the left. Spans of a tree's nodes begin at a multiple of their largest."""
    begin, end = span
    while begin < end:
        level = (end - begin).bit_length() - 1
        yield level, begin >> level
        begin += 1 << level


def hashes(spans: Sequence[Span], stored: Mapping[Node, bytes]) -> list[bytes]:
    return [folded([stored[node] for node in nodes_of(span)]) for span in spans]


def _split(count: int) -> int:
    """The largest power of two smaller than ``count``."""
    return 1 << (count - 1).bit_length() - 1
