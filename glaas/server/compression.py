"""gzip for pages and documents, not for the protobuf services: Connect has its own way.

A thread compresses what is large: a walk of 100,000 nodes is 50 MB of JSON, and nobody else waits for that."""

from __future__ import annotations

import gzip
import re

from anyio import to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_MINIMUM, _LARGE, _LEVEL = 1000, 64 << 10, 4  # bytes
_PLAIN = ("/lineage.v1.", "/metrics")
_KINDS = re.compile(r"text/|application/(?:json|javascript|xml|manifest\+json)|image/svg\+xml")
_GZIP = re.compile(r"(?:^|,)\s*(?:x-)?gzip\s*(?:;\s*q\s*=\s*(?P<quality>[0-9.]+))?\s*(?:,|$)", re.IGNORECASE)


class Compressed:
    """ASGI middleware.  What is streamed goes as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_PLAIN):
            await self._app(scope, receive, send)
        else:
            wanted = accepts_gzip(Headers(scope=scope).get("accept-encoding", ""))
            await self._app(scope, receive, _Answer(send, wanted).send)


class _Answer:
    def __init__(self, send: Send, wanted: bool) -> None:
        self._send = send
        self._wanted = wanted
        self._start: Message | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        if self._start is None:  # a later piece of a stream
            await self._send(message)
            return
        start, self._start = self._start, None
        headers, body = MutableHeaders(scope=start), message.get("body", b"")
        if _KINDS.match(headers.get("content-type", "")) and "content-encoding" not in headers:
            headers.add_vary_header("Accept-Encoding")
            if self._wanted and not message.get("more_body") and len(body) >= _MINIMUM:
                body = await to_thread.run_sync(_compressed, body) if len(body) >= _LARGE else _compressed(body)
                headers["Content-Encoding"] = "gzip"
                headers["Content-Length"] = str(len(body))
        await self._send(start)
        await self._send({**message, "body": body})


def accepts_gzip(header: str) -> bool:
    """Accept-Encoding (RFC 9110 section 12.5.3) names it, and does not give it the weight 0."""
    found = _GZIP.search(header)
    return found is not None and (found["quality"] or "1").strip("0.") != ""


def _compressed(body: bytes) -> bytes:
    return gzip.compress(body, _LEVEL, mtime=0)
