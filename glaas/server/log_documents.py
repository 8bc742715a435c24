"""The transparency log as JSON documents; hashes, keys and signatures are hex, entries and openings base64 of CBOR."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from glaas.registry.tables import PARTS
from glaas.server.proofs import inclusion
from glaas.store.viewer import Viewer
from lineage.bundle import decode_header
from lineage.document import Document, time_text
from lineage.errors import NotFoundError
from lineage.transparency import TreeHead, decode_opening
from lineage.wire_log import head_of, receipt_of

if TYPE_CHECKING:
    from glaas.server.wiring import Wiring


def head_document(wiring: Wiring) -> Document:
    """`glaas.head/1`; ``note`` is what is signed, with the signature (C2SP signed-note)."""
    return {"schema": "glaas.head/1", **_head(wiring, wiring.log.head())}


def consistency_document(wiring: Wiring, first: int, second: int) -> Document:
    head = wiring.log.head()
    upto = second or head.size
    return {"schema": "glaas.consistency/1", "first": first, "second": upto,
            "path": [node.hex() for node in wiring.log.consistency(first, upto)], "head": _head(wiring, head)}


def inclusion_document(wiring: Wiring, viewer: Viewer, job: bytes, bundle: bytes, size: int) -> Document:
    proof = inclusion(wiring, viewer, job=job, bundle=bundle, size=size)
    head, _ = head_of(proof.head)
    return {"schema": "glaas.inclusion/1", "index": proof.index, "size": proof.size,
            "path": [node.hex() for node in proof.path], "entry": b64encode(proof.entry).decode(),
            "opening": b64encode(proof.opening).decode(), "head": _head(wiring, head)}


def receipt_document(wiring: Wiring, viewer: Viewer, job: bytes, bundle: bytes) -> Document:
    """`roar.receipt/1`.  NotFoundError where the opening was destroyed: nobody can show any more what the entry is about."""
    proof = inclusion(wiring, viewer, job=job, bundle=bundle)
    if not proof.opening:
        raise NotFoundError("what would show that this is in the log was taken back", "the log's entry stays")
    named = decode_opening(proof.opening).bundle
    with wiring.store.read() as reader:
        header = reader.get(PARTS, [(named, b"")]).get((named, b""), b"") if named else b""
    jobs = decode_header(header).jobs if header else ()
    if len(wiring.registry.registrations(viewer, jobs)) != len(jobs):
        raise NotFoundError("its receipt names other jobs too, which you may not see", "ask who registered it for the receipt")
    return receipt_of(proof, header).document()


def _head(wiring: Wiring, head: TreeHead) -> Document:
    return {"origin": head.origin, "size": head.size, "root": head.root.hex(), "at": time_text(head.at),
            "signature": head.signature.hex(), "key": head.key.hex(), "note": head.note(),
            "changes": [change.note() for change in wiring.log.changes()]}
