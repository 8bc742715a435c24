"""gzip for pages and documents, not for the protobuf services: Connect has its own way."""

from __future__ import annotations

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

_MINIMUM, _LEVEL = 1000, 4  # bytes; a megabyte takes the event loop some milliseconds
_PLAIN = ("/lineage.v1.", "/metrics")


class Compressed:
    def __init__(self, app: ASGIApp) -> None:
        self._plain = app
        self._compressed = GZipMiddleware(app, minimum_size=_MINIMUM, compresslevel=_LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._plain if scope["type"] != "http" or scope["path"].startswith(_PLAIN) else self._compressed
        await app(scope, receive, send)
