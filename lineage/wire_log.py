"""A log's heads and proofs to and from their protobuf messages."""

from __future__ import annotations

from collections.abc import Sequence

from lineage.receipt import Receipt
from lineage.transparency import KeyChange, TreeHead, parse_key_change
from lineage.v1 import registry_pb2 as pb


def head_to(head: TreeHead, changes: Sequence[KeyChange] = ()) -> pb.TreeHead:
    return pb.TreeHead(origin=head.origin, size=head.size, root=head.root, at=head.at, signature=head.signature, key=head.key,
                       changes=[change.note() for change in changes])


def head_of(message: pb.TreeHead) -> tuple[TreeHead, tuple[KeyChange, ...]]:
    """Not verified. CorruptError for changes of the key that are none."""
    head = TreeHead(message.origin, message.size, message.root, message.at, message.signature, message.key)
    return head, tuple(parse_key_change(note) for note in message.changes)


def receipt_of(message: pb.InclusionProof, header: bytes = b"") -> Receipt:
    """``header``: of the bundle that was registered. Not verified: ``Receipt.verify``."""
    head, changes = head_of(message.head)
    return Receipt(header, message.opening, message.entry, message.index, tuple(message.path), head, changes)
