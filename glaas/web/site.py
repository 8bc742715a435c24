"""From a request to a page's module and back: who looks, what they may see, HTML or JSON, and errors as pages."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import TypeAlias
from urllib.parse import parse_qs, quote, urlsplit

import jinja2
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from glaas.accounts.identity import ANONYMOUS, Identity
from glaas.accounts.limits import Action
from glaas.server.statuses import error_document, http_headers, http_status, internal
from glaas.server.wiring import Wiring
from glaas.store.viewer import Viewer
from glaas.web import words
from glaas.web.answers import HEADERS, POLICY, Data, Elsewhere, Page
from glaas.web.drawing import Drawings
from lineage.errors import AmbiguousError, DeniedError, InvalidError, RoarError
from lineage.service.view import View

_log = logging.getLogger(__name__)

_TITLES = {
    300: "That could be several things", 400: "That did not make sense", 401: "Please sign in", 403: "That is not yours to see",
    404: "Nothing is known under that address", 405: "That is not how this is asked", 409: "It is so already",
    429: "That was a lot at once", 500: "Something broke on our side", 503: "Not just now"}


@dataclass(frozen=True, slots=True)
class Registered:
    """Who registered a job, and for whose eyes; ``leaf``: the index of its entry in the log."""

    account: str
    space: str
    when: words.When | None
    leaf: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the pages see it.  ``base``: scheme and host of this site, for what is copied from it."""

    request: Request
    site: Site
    identity: Identity = ANONYMOUS

    @property
    def viewer(self) -> Viewer:
        return self.site.wiring.accounts.viewer(self.identity)

    @property
    def view(self) -> View:
        """A new one each time: it is a page's for as long as the page is made."""
        return self.site.wiring.registry.view(self.viewer)

    @property
    def address(self) -> str:
        return self.request.client.host if self.request.client else ""

    def registered(self, job: bytes) -> list[Registered]:
        found = self.site.wiring.registry.registrations(self.viewer, [job]).get(job, [])
        return [Registered(one.account, _space(one.space), words.when(one.at), one.leaf)
                for one in found]

    @property
    def base(self) -> str:
        return self.site.wiring.settings.public_url or str(self.request.base_url).rstrip("/")

    def query(self, key: str, default: str = "") -> str:
        return self.request.query_params.get(key, default)

    def whole(self, key: str, default: int, lowest: int, highest: int) -> int:
        """A number of the query, within bounds whatever was typed."""
        text = self.query(key)
        return max(lowest, min(int(text), highest)) if text.isdecimal() and len(text) < 9 else default

    def part(self, key: str = "reference") -> str:
        """A part of the path, without ``.json``."""
        return str(self.request.path_params[key]).removesuffix(".json")

    @property
    def wants_json(self) -> bool:
        if self.request.url.path.endswith(".json"):
            return True
        kinds = [kind.split(";")[0].strip() for kind in self.request.headers.get("accept", "").split(",")]
        return "application/json" in kinds and "text/html" not in kinds


Answer: TypeAlias = Page | Elsewhere | Data
Handler: TypeAlias = Callable[[Asked], Answer]
FormHandler: TypeAlias = Callable[[Asked, Mapping[str, list[str]]], Answer]
MAX_FORM = 64 << 10


class Site:
    """``wiring``: the server's parts.  Templates are compiled once."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self.drawings = Drawings()

    @cached_property
    def templates(self) -> jinja2.Environment:
        made = jinja2.Environment(loader=jinja2.PackageLoader("glaas.web"), autoescape=True, trim_blocks=True,
                                  lstrip_blocks=True, undefined=jinja2.StrictUndefined)
        made.globals.update(asset=self.asset, words=words, quote=lambda text: quote(text, safe=""))
        made.filters.update(number=words.number)
        return made

    @cached_property
    def _versions(self) -> dict[str, str]:
        static = files("glaas.web") / "static"
        return {one.name: hashlib.sha256(one.read_bytes()).hexdigest()[:12] for one in static.iterdir() if one.is_file()}

    def asset(self, name: str) -> str:
        """The address of a static file; it changes with the content, so that browsers keep it for good."""
        return f"/static/{name}?v={self._versions[name]}"

    def endpoint(self, handler: Handler, action: Action = "read") -> Callable[[Request], Response]:
        """A sync endpoint, which Starlette runs in a thread.  ``action``: the rate that it counts for."""
        def answer(request: Request) -> Response:
            return self._answered(request, handler, action)

        return answer

    def form(self, handler: FormHandler, action: Action = "read") -> Callable[[Request], Awaitable[Response]]:
        """An endpoint for what a page's form sends (application/x-www-form-urlencoded)."""

        async def answer(request: Request) -> Response:
            body = bytearray()
            async for piece in request.stream():
                body += piece
                if len(body) > MAX_FORM:
                    return self.failure(Asked(request, self), InvalidError("that is too much for a form", "send less"), 413)
            fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=100)

            def handle(asked: Asked) -> Answer:
                check_origin(request)
                return handler(asked, fields)

            return await run_in_threadpool(self._answered, request, handle, action)

        return answer

    def _answered(self, request: Request, handler: Handler, action: Action = "read") -> Response:
        asked = Asked(request, self)
        try:
            asked = Asked(request, self, self.wiring.identity(request, action))
            return self.respond(asked, handler(asked))
        except RoarError as error:
            return self.failure(asked, error)
        except Exception:
            _log.exception("%s failed", request.url.path)
            return self.failure(asked, internal())

    def respond(self, asked: Asked, answer: Page | Elsewhere | Data) -> Response:
        if isinstance(answer, Elsewhere):
            moved = RedirectResponse(answer.path, 308 if answer.lasting else 303, headers=HEADERS)
            for cookie in answer.cookies:
                moved.headers.append("Set-Cookie", cookie)
            return moved
        if isinstance(answer, Data):
            return Response(answer.content, media_type=answer.kind, headers={**HEADERS, **answer.headers})
        if asked.wants_json and answer.document is not None:
            return json_response(answer.document(), answer.status)
        headers = {**HEADERS, "Content-Security-Policy": POLICY, "Vary": "Accept, Cookie",
                   "Cache-Control": "private, no-cache" if asked.viewer.account else "no-cache", **answer.headers}
        return HTMLResponse(self.render(asked, answer), answer.status, headers)

    def render(self, asked: Asked, page: Page) -> str:
        path = page.path or asked.request.url.path.removesuffix(".json")
        return self.templates.get_template(page.template).render(
            page=page, title=page.title, canonical=asked.base + path, base=asked.base, account=asked.viewer.account,
            csrf_token=asked.identity.csrf,
            asked_for=asked.query("q") if asked.request.url.path.startswith("/search") else "", here=path,
            has_document=page.document is not None, host=urlsplit(asked.base).netloc, **page.model)

    def failure(self, asked: Asked, error: RoarError, status: int = 0) -> Response:
        status = status or (300 if isinstance(error, AmbiguousError) else http_status(error))
        if asked.wants_json:
            return json_response(error_document(error), status, http_headers(error))
        candidates = [_candidate(text) for text in error.candidates] if isinstance(error, AmbiguousError) else []
        message = error.message[:1].upper() + error.message[1:]
        page = Page("error.html", _TITLES.get(status, "That did not work"), {
            "status": status, "message": words.line(message), "hint": words.line(error.hint), "candidates": candidates},
                    status=status, headers=http_headers(error))
        return self.respond(asked, page)


def _candidate(text: str) -> tuple[str, str, str]:
    """(kind, id, address)"""
    kind, _, identity = text.partition(":")
    return kind, identity, f"/{quote(kind)}/{quote(identity)}"


def check_origin(request: Request) -> None:
    """DeniedError where a browser says that a form is of another site (Fetch Metadata, and the Origin of RFC 6454)."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if (origin is not None and urlsplit(origin).netloc != request.url.netloc) or site not in {None, "same-origin", "none"}:
        raise DeniedError("the form was not sent from this site", "open the page here, and send it again")


def _space(space: str) -> str:
    kind, _, name = space.partition(":")
    return "for all to see" if kind == "public" else "privately" if kind == "user" else f"for the organisation {name}"


def json_response(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=str).encode("utf-8", "replace"),
                    status,
                    {**HEADERS, "Content-Security-Policy": "default-src 'none'", "Vary": "Accept, Cookie",
                     "Cache-Control": "no-cache", **(headers or {})}, "application/json")
