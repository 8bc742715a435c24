"""Merkle trees as certificate transparency has them (RFC 9162 section 2.1, with SHA-256): hashes, and what proofs prove.

Nothing here stores or signs.  ``glaas/log`` makes proofs, out of other code than what checks them here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

from lineage.errors import CorruptError

HASH = 32
EMPTY = sha256(b"").digest()  # the root of the tree of nothing
MAX_SIZE = (1 << 63) - 1  # of a tree
MAX_PATH = 64
_HINT = "this is no proof; keep it, and ask the registry for it again"


def leaf_hash(entry: bytes) -> bytes:
    """Section 2.1.1: the hash of a tree of one entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Likewise, of a tree of two subtrees."""
    return sha256(b"\x01" + left + right).digest()


def root_of(entries: Iterable[bytes]) -> bytes:
    """The root of the tree of these entries, in their order."""
    frontier = Frontier()
    for entry in entries:
        frontier.append(leaf_hash(entry))
    return frontier.root()


class Frontier:
    """The right edge of a tree: all that has to be known to let it grow. ``nodes``: the roots of the complete subtrees that
    it is made of, from the largest to the smallest; one for each bit that is set in ``size``."""

    def __init__(self, size: int = 0, nodes: Sequence[bytes] = ()) -> None:
        if not 0 <= size <= MAX_SIZE or len(nodes) != size.bit_count() or any(len(node) != HASH for node in nodes):
            raise CorruptError(f"{len(nodes)} nodes are not the edge of a tree of {size}", "restore the registry from a backup")
        self.size = size
        self.nodes = list(nodes)

    def append(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """The nodes that this leaf completes, as (level, index, hash): itself first, at level 0."""
        level, index, node = 0, self.size, leaf
        made = [(level, index, node)]
        while index & 1:
            level, index, node = level + 1, index >> 1, node_hash(self.nodes.pop(), node)
            made.append((level, index, node))
        self.nodes.append(node)
        self.size += 1
        return made

    def root(self) -> bytes:
        return folded(self.nodes)


def folded(nodes: Sequence[bytes]) -> bytes:
    """The root above complete subtrees that lie side by side, from the largest to the smallest."""
    if not nodes:
        return EMPTY
    root = nodes[-1]
    for left in reversed(nodes[:-1]):
        root = node_hash(left, root)
    return root


def inclusion_root(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that the tree has if ``leaf`` (a hash) is its number ``index``: section 2.1.3.2.  CorruptError where no tree of
    this size has such a path."""
    _well_formed(path)
    if not 0 <= index < size <= MAX_SIZE:
        raise CorruptError(f"a tree of {size} has no entry {index}", _HINT)
    at, last, root = index, size - 1, leaf
    for node in path:
        if last == 0:
            raise CorruptError("the inclusion proof is too long", _HINT)
        if at & 1 or at == last:
            root = node_hash(node, root)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            root = node_hash(root, node)
        at, last = at >> 1, last >> 1
    if last:
        raise CorruptError("the inclusion proof is too short", _HINT)
    return root


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """CorruptError unless the tree of ``size`` with this root has ``leaf`` (a hash) as its number ``index``."""
    if inclusion_root(leaf, index, size, path) != root:
        raise CorruptError(f"entry {index} is not what the tree of {size} has there", _HINT)


def verify_consistency(first: int, first_root: bytes, second: int, second_root: bytes, path: Sequence[bytes]) -> None:
    """CorruptError unless the tree of ``second`` begins with all of the tree of ``first``: section 2.1.4.2."""
    _well_formed(path)
    if not 0 <= first <= second <= MAX_SIZE:
        raise CorruptError(f"a tree of {second} does not begin with one of {first}", _HINT)
    if first in {0, second}:
        if path or first_root != (EMPTY if first == 0 else second_root):
            raise CorruptError(f"two trees of {first} have different roots", _HINT)
        return
    nodes = [first_root, *path] if first.bit_count() == 1 else list(path)
    if not nodes:
        raise CorruptError("the consistency proof is empty", _HINT)
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            raise CorruptError("the consistency proof is too long", _HINT)
        if at & 1 or at == last:
            old, new = node_hash(node, old), node_hash(node, new)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, node)
        at, last = at >> 1, last >> 1
    if last or old != first_root or new != second_root:
        raise CorruptError(f"the tree of {second} does not begin with the tree of {first} that was shown before", _HINT)


def _well_formed(path: Sequence[bytes]) -> None:
    if len(path) > MAX_PATH or any(len(node) != HASH for node in path):
        raise CorruptError("a proof is not made of hashes", _HINT)
