"""/.well-known/glaas: what a client needs to know of a registry before it asks it anything."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from glaas.server.wiring import Wiring
from lineage.transparency import verifier_key


def version() -> str:
    try:
        return version_of("roar")
    except PackageNotFoundError:  # run from its source
        return "0"


def document(wiring: Wiring) -> dict[str, Any]:
    """``grpc``: HOST:PORT, null where there is none; a wildcard's host is left out (":8081"): it is the URL's."""
    limits = wiring.settings.limits
    grpc, head = wiring.grpc, wiring.log.head()
    return {
        "schema": "glaas.server/1", "name": "glaas", "version": version(), "url": wiring.url,
        "grpc": None if grpc is None else f":{grpc.port}" if grpc.everywhere else grpc.text,
        "log": {"origin": head.origin, "key": head.key.hex(),
                "verifier_key": verifier_key(head.origin, head.key)},
        "limits": {"bundle_bytes": limits.bundle, "request_bytes": limits.request, "call_seconds": limits.call_seconds},
    }


def routes(wiring: Wiring) -> list[Route]:
    def answer(_: Request) -> Response:
        return JSONResponse(document(wiring), headers={"Cache-Control": "public, max-age=60"})

    return [Route("/.well-known/glaas", answer)]
