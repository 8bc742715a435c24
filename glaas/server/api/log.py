"""/api/v1/log: the transparency log, and proofs of it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from glaas.server.answering import document_answer
from glaas.server.api.parameters import Hash, Size, described
from glaas.server.log_documents import consistency_document, head_document, inclusion_document, receipt_document
from glaas.server.wiring import Wiring


def add(api: APIRouter, wiring: Wiring) -> None:
    @api.get("/log/head", responses=described("glaas.head/1"), tags=["log"])
    def log_head(request: Request) -> Response:
        """The newest signed tree head of the transparency log."""
        wiring.viewer(request)
        return document_answer(request, head_document(wiring))

    @api.get("/log/consistency", responses=described("glaas.consistency/1"), tags=["log"])
    def consistency(request: Request, first: Size,
                    second: Size = 0) -> Response:
        """That the tree of `second` entries (0: the newest) begins with that of `first` (RFC 9162 section 2.1.4)."""
        wiring.viewer(request)
        return document_answer(request, consistency_document(wiring, first, second))

    @api.get("/log/inclusion", responses=described("glaas.inclusion/1"), tags=["log"])
    def inclusion(request: Request, job: Hash = "", bundle: Hash = "",
                  size: Size = 0) -> Response:
        """That the registration of a job or a bundle is in the log's tree of `size` entries (0: the newest)."""
        proved = inclusion_document(wiring, wiring.viewer(request), bytes.fromhex(job), bytes.fromhex(bundle), size)
        return document_answer(request, proved)

    @api.get("/log/receipt", responses=described("roar.receipt/1"), tags=["log"])
    def receipt(request: Request, job: Hash = "", bundle: Hash = "") -> Response:
        """All that shows offline that a job or a bundle is in the log: `roar verify` reads it (docs/log.md)."""
        found = receipt_document(wiring, wiring.viewer(request), bytes.fromhex(job), bytes.fromhex(bundle))
        return document_answer(request, found)
