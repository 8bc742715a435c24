"""No request's body is larger than is taken, or slower, whoever reads it. Bundles have bounds of their own (``bodies``)."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from glaas.server.bodies import too_large
from glaas.server.settings import Limits
from glaas.server.statuses import SlowError, error_document, http_status
from lineage.errors import RoarError

_OWN = ("/lineage.v1.", "/api/v1/bundles")


class Bounded:
    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_OWN) or scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            await self._app(scope, receive, send)
            return
        try:
            body = await self._whole(scope, receive)
        except RoarError as error:
            await JSONResponse(error_document(error), http_status(error))(scope, receive, send)
            return
        given = False

        async def again() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, again, send)

    async def _whole(self, scope: Scope, receive: Receive) -> bytes:
        limit = self._limits.request
        promised = Headers(scope=scope).get("content-length", "")
        if promised.isdecimal() and int(promised) > limit:
            raise too_large(limit)
        body = bytearray()
        try:
            async with asyncio.timeout(self._limits.idle_seconds):
                while True:
                    message = await receive()
                    body += message.get("body", b"")
                    if len(body) > limit:
                        raise too_large(limit)
                    if not message.get("more_body"):
                        return bytes(body)
        except TimeoutError as error:
            raise SlowError("the request's body did not come in time",
                            f"{self._limits.idle_seconds:.0f} seconds") from error
