"""/healthz: the process answers. /readyz: its store does, too. /metrics: numbers, for addresses of private networks."""

from __future__ import annotations

import ipaddress

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from glaas.server.wiring import Wiring
from lineage.errors import DeniedError, RoarError

_FRESH = {"Cache-Control": "no-store"}


def routes(wiring: Wiring) -> list[Route]:
    async def alive(_: Request) -> Response:
        return PlainTextResponse("ok\n", headers=_FRESH)

    def ready(_: Request) -> Response:
        """503 where the store does not answer: a load balancer sends requests elsewhere then."""
        try:
            size = wiring.log.head().size
        except RoarError as error:
            return JSONResponse({"ready": False, "error": error.document()}, 503, _FRESH)
        return JSONResponse({"ready": True, "log_size": size}, headers=_FRESH)

    def metrics(request: Request) -> Response:
        if not _is_private(request.client.host if request.client else ""):
            raise DeniedError("metrics are for addresses of private networks", "ask from the operator's network")
        wiring.metrics.log_size.set(wiring.log.head().size)
        return Response(wiring.metrics.text(), media_type=CONTENT_TYPE_PLAIN_0_0_4, headers=_FRESH)

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", metrics)]


def _is_private(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_private
    except ValueError:
        return False
