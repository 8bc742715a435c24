"""Which address is which page."""

from __future__ import annotations

from functools import partial
from importlib.resources import files
from mimetypes import guess_type

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from glaas.accounts.limits import Action
from glaas.server.wiring import Wiring
from glaas.web.answers import HEADERS, Data, Elsewhere, Page
from glaas.web.pages import account, artifact, badge, diff, graph, home, job, log, people, search, session
from glaas.web.site import Asked, FormHandler, Handler, Site
from lineage.errors import NotFoundError

_FOR_GOOD = "public, max-age=31536000, immutable"
_WALKED = ("artifact", "job")


def routes(wiring: Wiring) -> list[BaseRoute]:
    site = Site(wiring)
    get, post = partial(_get, site), partial(_post, site)
    return [
        get("/", home.page), get("/index.json", home.page),
        get("/artifact/{reference}/card.svg", badge.card_picture), get("/artifact/{reference}/card.png", badge.card_picture),
        get("/badge/{reference}", badge.badge),
        *(route for kind in _WALKED for route in (
            get(f"/{kind}/{{reference}}/drawing.json", _of_kind(kind, graph.walk_data), "search"),
            get(f"/{kind}/{{reference}}/graph.json", _of_kind(kind, graph.walk_page), "search"),
            get(f"/{kind}/{{reference}}/graph.svg", _of_kind(kind, graph.walk_picture), "search"),
            get(f"/{kind}/{{reference}}/graph", _of_kind(kind, graph.walk_page), "search"))),
        get("/session/{reference}/drawing.json", graph.session_data, "search"),
        get("/session/{reference}/graph.json", graph.session_document, "search"),
        get("/session/{reference}/graph.svg", graph.session_picture, "search"),
        get("/artifact/{reference}", artifact.page), get("/job/{reference}", job.page),
        get("/session/{reference}", session.page),
        get("/user/{name}", people.user_page), get("/org/{name}", people.organisation_page),
        get("/search", search.page, "search"), get("/search.json", search.page, "search"),
        get("/diff", diff.page, "search"), get("/diff.json", diff.page, "search"),
        get("/log", log.page), get("/log.json", log.page),
        get("/login", account.login), post("/login", account.sign_in, "sign-in"), post("/logout", account.sign_out),
        get("/account", account.account), post("/account", account.change),
        get("/device", account.device), post("/device", account.answer_device),
        Route("/static/{name}", _static, methods=["GET", "HEAD"]),
        get("/favicon.ico", lambda _: Elsewhere(site.asset("icon.svg"), lasting=True)),
        get("/robots.txt", _robots),
        get("/{rest:path}", _nothing),
    ]


def _get(site: Site, path: str, handler: Handler, action: Action = "read") -> Route:
    return Route(path, site.endpoint(handler, action), methods=["GET", "HEAD"], include_in_schema=False)


def _post(site: Site, path: str, handler: FormHandler, action: Action = "read") -> Route:
    return Route(path, site.form(handler, action), methods=["POST"], include_in_schema=False)


def _of_kind(kind: str, handler: Handler) -> Handler:
    def handle(asked: Asked) -> Page | Elsewhere | Data:
        asked.request.path_params["kind"] = kind
        return handler(asked)

    return handle


def _nothing(asked: Asked) -> Page:
    raise NotFoundError(f"there is no page {asked.request.url.path[:120]}", "the search may know what you look for")


def _robots(asked: Asked) -> Data:
    del asked
    return Data(b"User-agent: *\nDisallow: /search\nDisallow: /diff\nDisallow: /login\nDisallow: /*/graph\n", "text/plain")


def _static(request: Request) -> Response:
    """Files that come with this package, and nothing else."""
    name = str(request.path_params["name"])
    found = next((one for one in (files("glaas.web") / "static").iterdir() if one.name == name and one.is_file()), None)
    if found is None:
        return Response("not found\n", 404, HEADERS, "text/plain")
    kind = {"js": "text/javascript", "css": "text/css",
            "svg": "image/svg+xml"}.get(name.rpartition(".")[2]) or guess_type(name)[0]
    keep = _FOR_GOOD if request.query_params.get("v") else "no-cache"
    return Response(found.read_bytes(), 200, {**HEADERS, "Cache-Control": keep}, kind or "application/octet-stream")
