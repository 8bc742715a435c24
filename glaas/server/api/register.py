"""POST /api/v1/bundles: registering without protobuf."""

from __future__ import annotations

from typing import Annotated

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from glaas.server import bodies
from glaas.server.answering import document_answer
from glaas.server.api.parameters import described
from glaas.server.registry_service import register, someone
from glaas.server.wiring import Wiring
from lineage.errors import InvalidError


def add(api: APIRouter, wiring: Wiring) -> None:
    limits = wiring.settings.limits
    registering = CapacityLimiter(limits.verifiers + limits.waiting_bundles)

    @api.post("/bundles", responses=described("glaas.registered/1"), tags=["register"], openapi_extra={
        "requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {
            "type": "string", "format": "binary", "description": "A bundle (docs/bundle.md)."}}}}})
    async def bundles(request: Request, space: Annotated[str, Query(max_length=80)] = "private",
                      show_hashes: Annotated[bool, Query()] = False) -> Response:
        """Registers a bundle, as `roar export --format bundle` writes it: `private`, `public` or `org:NAME`. It needs a token
        with the scope `register`. Doing it again changes nothing."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/octet-stream":
            raise InvalidError(f"{kind[:60] or 'nothing'} is not how a bundle comes", "Content-Type: application/octet-stream")
        if request.headers.get("content-encoding", "identity") != "identity":
            raise InvalidError("the bundle is compressed", "send it as it is")
        # Before 64 MB are read; a cookie will not do: no other site's page can make somebody register.
        identity = someone(await to_thread.run_sync(wiring.token_of, request))
        async with bodies.large_body(request, limits, wiring.budget) as body:
            done = await to_thread.run_sync(
                lambda: register(wiring, identity, request.client.host if request.client else "", body, space,
                                 show_hashes=show_hashes), limiter=registering)
        return document_answer(request, {
            "schema": "glaas.registered/1", "bundle": done.bundle.hex(), "registered": [job.hex() for job in done.new],
            "known": [job.hex() for job in done.known], "leaf": done.leaf}, 201 if done.new else 200)
