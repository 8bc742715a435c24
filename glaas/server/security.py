"""What holds for each request whatever it asks: the Host it names, the headers that an answer has, an id to find it by."""

from __future__ import annotations

import re
import secrets
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from glaas.server.settings import Settings
from glaas.server.statuses import error_document
from lineage.errors import InvalidError

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_HEALTH = frozenset({"/healthz", "/readyz"})  # probes ask addresses
_POLICY = ("default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
           "frame-ancestors 'none'")


class Security:
    """ASGI middleware.  An answer may have a Content-Security-Policy of its own."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._hosts = settings.hosts()
        self._behind_proxy = settings.behind_proxy
        self._headers = {
            "Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
            "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
            **({"Strict-Transport-Security": "max-age=31536000"} if settings.https else {}),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if self._behind_proxy:
            _forwarded(scope, headers)
        given = headers.get("x-request-id", "")
        identity = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = identity

        async def completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                answer["X-Request-Id"] = identity
                for name, value in self._headers.items():
                    answer.setdefault(name, value)
            await send(message)

        app = self._app
        if self._hosts and scope["path"] not in _HEALTH and _host(headers.get("host", "")) not in self._hosts:
            app = _misdirected(headers.get("host", ""))
        await app(scope, receive, completed)


def _forwarded(scope: Scope, headers: Headers) -> None:
    """What the one proxy before us says: the last address is the one that it saw; others are its client's word."""
    addresses = headers.get("x-forwarded-for", "").split(",")
    if last := addresses[-1].strip():
        scope["client"] = (last[:64], 0)
    if headers.get("x-forwarded-proto") in {"http", "https"}:
        scope["scheme"] = headers["x-forwarded-proto"]


def _host(header: str) -> str:
    """Its name without the port; empty for what is no host."""
    try:
        return urlsplit("//" + header).hostname or ""
    except ValueError:
        return ""


def _misdirected(host: str) -> ASGIApp:
    error = InvalidError(f"this registry is not {host[:100]!r}",
                         "its operator says with --public-url what it is called")
    return JSONResponse(error_document(error), 421)
