"""Every request, counted and timed; and where the operator wants it, a line of JSON in a log."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import WatchedFileHandler

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from glaas.server.metrics import Metrics

_log = logging.getLogger("glaas.access")
_LONG = re.compile(r"[0-9a-fA-F]{4,}(?=\.|/|$)")


class Observed:
    """ASGI middleware, the outermost.  Neither queries (what people search for) nor headers with secrets are logged."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status, size = time.perf_counter(), 500, 0

        async def observed(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, observed)
        finally:
            taken = time.perf_counter() - began
            route = _route(scope, status)
            self._metrics.requests.labels(route, _method(scope), str(status)).inc()
            self._metrics.seconds.labels(route).observe(taken)
            if _log.isEnabledFor(logging.INFO):
                _log.info(_line(scope, status, size, taken))


def _route(scope: Scope, status: int) -> str:
    """The pattern, not the address: there are few of them, whatever is asked for."""
    route = getattr(scope.get("route"), "path", "")
    if route:
        return str(route)
    if status == 404 or "endpoint" not in scope:
        return "none"
    return _LONG.sub("{id}", scope["path"])[:100] if scope["path"].startswith("/lineage.v1.") else "other"


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"} else "other"


def _line(scope: Scope, status: int, size: int, taken: float) -> str:
    headers, state = Headers(scope=scope), scope.get("state", {})
    client = scope.get("client")
    return json.dumps({
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "id": state.get("request_id"), "method": scope["method"],
        "path": scope["path"][:300], "status": status, "bytes": size, "ms": round(taken * 1000, 2),
        "account": state.get("account") or None, "client": client[0] if client else None,
        "agent": headers.get("user-agent", "")[:200]})


@contextmanager
def access_log(where: str) -> Iterator[None]:
    """``where``: a file, which may be rotated under it; - is stderr; empty: none."""
    if not where:
        yield
        return
    handler: logging.Handler = logging.StreamHandler(sys.stderr) if where == "-" else WatchedFileHandler(where)
    handler.setFormatter(logging.Formatter("%(message)s"))
    _log.addHandler(handler)
    _log.setLevel(logging.INFO)
    _log.propagate = False
    try:
        yield
    finally:
        _log.removeHandler(handler)
        handler.close()
