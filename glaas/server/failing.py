"""Whatever goes wrong in an answer outside of the pages and of Connect: the JSON document of an error."""

from __future__ import annotations

import logging

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from glaas.server.statuses import error_document, http_headers, http_status, internal
from lineage.errors import InvalidError, NotFoundError, RoarError

_log = logging.getLogger(__name__)
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_OWN = {"Cache-Control": "no-store"}


def add_handlers(app: FastAPI) -> None:
    app.add_exception_handler(RoarError, _refusal)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def fallbacks(app: FastAPI) -> list[Route]:
    """For addresses of programs that there are not: before the pages' own answer to that."""
    known = list(app.router.routes)

    async def missing(request: Request) -> Response:
        if any(route.matches(request.scope)[0] is Match.PARTIAL for route in known):
            raise HTTPException(405, "this is not how it is asked")
        raise HTTPException(404)

    return [Route(path, missing, methods=_METHODS, include_in_schema=False)
            for path in ("/api/{rest:path}", "/{service}.v1.{rest:path}", "/.well-known/{rest:path}")]


def _refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, RoarError)
    return _answer(error, http_status(error))


def _invalid(_: Request, error: Exception) -> Response:
    """What FastAPI finds wrong in parameters, as one sentence."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    name = ".".join(str(each) for each in first.get("loc", ())[1:]) or "the request"
    return _answer(InvalidError(f"{name}: {first.get('msg', 'it is not valid')}", "/api/docs says what there is"), 400)


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return _answer(NotFoundError(f"there is nothing at {request.url.path[:200]}", "/api/docs says what there is"), 404)
    answer = _answer(InvalidError(f"{request.method} {request.url.path[:200]}: {error.detail}"), error.status_code)
    answer.headers.update(error.headers or {})
    return answer


class Caught:
    """ASGI middleware, the innermost: a defect of ours is an answer like others, and a traceback in the log with its id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception:
            if begun or scope["type"] != "http":
                raise  # nothing to be said any more: the connection is closed
            _log.exception("%s %s failed, request %s", scope["method"], scope["path"], scope["state"].get("request_id"))
            await _answer(internal(), 500)(scope, receive, send)


def _answer(error: RoarError, status: int) -> Response:
    return JSONResponse(error_document(error), status, {**_OWN, **http_headers(error)})
