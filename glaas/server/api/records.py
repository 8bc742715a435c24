"""/api/v1: artifacts, jobs, sessions, and what an account registered."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from glaas.server import documents
from glaas.server.answering import bytes_answer, document_answer
from glaas.server.api.parameters import ERROR, Id, Kinds, Roles, described
from glaas.server.wiring import Wiring
from lineage import ids
from lineage.service.view import View


def add(api: APIRouter, wiring: Wiring) -> None:
    def seen(request: Request) -> View:
        return wiring.view(wiring.viewer(request))

    @api.get("/artifacts/{hash}", responses=described("roar.artifact/1"), tags=["records"])
    def artifact(request: Request, hash: Id) -> Response:  # noqa: A002 - as the address has it
        """Some content: the jobs that left it behind and those that read it, newest first."""
        return document_answer(request, documents.artifact(seen(request), hash))

    @api.get("/jobs/{id}", responses=described("roar.job/1"), tags=["records"])
    def job(request: Request, id: Id) -> Response:  # noqa: A002
        """All that is recorded of one execution. Its run will do for the id."""
        return document_answer(request, documents.job(seen(request), id))

    @api.get("/jobs/{id}/entries", responses=described("glaas.entries/1"), tags=["records"])
    def entries(request: Request, id: Id, kind: Kinds = [], role: Roles = [],  # noqa: A002, B006
                after: Annotated[int, Query(ge=0, description="The `next` of the page before.")] = 0,
                limit: Annotated[int, Query(ge=1, le=documents.MAX_ENTRIES)] = 1000) -> Response:
        """A job's files, a page at a time: `next` is the `after` of the page that follows."""
        return document_answer(request, documents.entries(seen(request), id, kind, role, after, limit))

    @api.get("/jobs/{id}/record", tags=["records"], responses={
        200: {"description": "The stored bytes: a CBOR sequence (RFC 8742) of byte strings, the job's record, then its "
                             "chunks. The BLAKE3 of each is its id.", "content": {"application/cbor-seq": {}}}, "4XX": ERROR})
    def record(request: Request, id: Id) -> Response:  # noqa: A002
        """So that anyone can recompute the id."""
        view = seen(request)
        found = documents.resolve(view, "job", id)
        parts = [data for _, data in view.store.record(view.head(found.id).id or b"")]
        return bytes_answer(request, b"".join(map(ids.encode, parts)), "application/cbor-seq", lasting=found.whole)

    @api.get("/sessions/{id}", responses=described("roar.session/1"), tags=["records"])
    def session(request: Request, id: Id) -> Response:  # noqa: A002
        """The jobs of one user in one project, newest first."""
        return document_answer(request, documents.session(seen(request), id))

    @api.get("/accounts/{name}", responses=described("glaas.account/1"), tags=["records"])
    def account(request: Request,
                name: Annotated[str, Path(max_length=60)], before: Annotated[int, Query(ge=0, lt=1 << 63)] = 0,
                limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> Response:
        """What somebody registered, newest first: those that began before `before` (nanoseconds since 1970)."""
        return document_answer(request, documents.account(wiring.registry, wiring.viewer(request), name, before, limit))
