"""/api/v1: where things came from, what became of them, and what is found by words."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from glaas.registry.search import search_message
from glaas.server import documents
from glaas.server.answering import document_answer
from glaas.server.api.parameters import Depth, Direction, Id, MaxNodes, described
from glaas.server.wiring import Wiring
from lineage.service.view import View
from lineage.v1 import lineage_pb2
from lineage.whole import search_document


def add(api: APIRouter, wiring: Wiring) -> None:
    def seen(request: Request) -> View:
        """Walks and comparisons cost as much as searches."""
        return wiring.view(wiring.viewer(request, "search"))

    @api.get("/artifacts/{hash}/lineage", responses=described("roar.lineage/1"), tags=["lineage"])
    def artifact_lineage(request: Request, hash: Id, direction: Direction = "up",  # noqa: A002
                         depth: Depth = 0, max_nodes: MaxNodes = 0) -> Response:
        """Where it came from, or what was made from it."""
        return document_answer(request, documents.lineage(seen(request), "artifact", hash, direction, depth, max_nodes))

    @api.get("/jobs/{id}/lineage", responses=described("roar.lineage/1"), tags=["lineage"])
    def job_lineage(request: Request, id: Id, direction: Direction = "up",  # noqa: A002
                    depth: Depth = 0, max_nodes: MaxNodes = 0) -> Response:
        """Where what it took came from, or what was made from what it made."""
        return document_answer(request, documents.lineage(seen(request), "job", id, direction, depth, max_nodes))

    @api.get("/sessions/{id}/dag", responses=described("roar.dag/1"), tags=["lineage"])
    def dag(request: Request, id: Id, max_nodes: MaxNodes = 0) -> Response:  # noqa: A002
        """Which of its jobs took what from which."""
        return document_answer(request, documents.dag(seen(request), id, max_nodes))

    @api.get("/search", responses=described("roar.search/1"), tags=["search"])
    def search(request: Request, q: Annotated[str, Query(min_length=1, max_length=500)],
               limit: Annotated[int, Query(ge=1, le=200)] = 20) -> Response:
        """By the first digits of a hash, a pattern of paths (`*.parquet`), or words of paths, command lines and labels."""
        view = seen(request)
        asked = documents.search_request(q, limit)
        answer = search_message(wiring.store, view, asked)
        if asked.hash and not (answer.artifacts or answer.jobs):  # "cafe" is a word, too
            answer = search_message(wiring.store, view, lineage_pb2.SearchRequest(words=[q.strip()], limit=limit))
        return document_answer(request, search_document(answer))

    @api.get("/diff", responses=described("roar.diff/1"), tags=["lineage"])
    def diff(request: Request, a: Annotated[str, Query(max_length=80)],
             b: Annotated[str, Query(max_length=80)]) -> Response:
        """What differs between two artifacts, jobs or sessions, and the first cause of it: `job:1a2b`, or digits alone."""
        return document_answer(request, documents.diff(seen(request), a, b))
