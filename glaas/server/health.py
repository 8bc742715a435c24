"""/healthz: the process answers. /readyz: its store does, too."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from glaas.server.wiring import Wiring


def routes(_: Wiring) -> list[Route]:
    async def alive(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    return [Route("/healthz", alive)]
