"""The HTTP side of a registry as one ASGI application: pages, JSON, and the protobuf services."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from anyio import to_thread
from fastapi import FastAPI

from glaas import web
from glaas.accounts import http as accounts_api
from glaas.server import api, connect, failing, health, wellknown
from glaas.server.api import docs
from glaas.server.bounds import Bounded
from glaas.server.compression import Compressed
from glaas.server.methods import Service, methods_of
from glaas.server.observing import Observed
from glaas.server.registry_service import someone
from glaas.server.security import Security
from glaas.server.services import services_of
from glaas.server.wiring import Wiring


def create_app(wiring: Wiring, services: Iterable[Service] | None = None) -> FastAPI:
    """``services``: those of the registry, where they are made already."""
    limits = wiring.settings.limits

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = limits.handlers  # stores block: handlers run in threads
        yield

    app = FastAPI(title="glaas", summary="The registry where any hash has a history", version=wellknown.version(),
                  openapi_url="/api/openapi.json", docs_url=None, redoc_url=None, lifespan=life, redirect_slashes=False)
    app.state.wiring = wiring
    methods = methods_of(services_of(wiring) if services is None else services)
    app.router.routes += connect.routes(methods, limits, wiring.budget, lambda request: someone(wiring.token_of(request)))
    app.router.routes += [*health.routes(wiring), *wellknown.routes(wiring), *docs.routes(app)]
    app.include_router(api.router(wiring))
    app.include_router(accounts_api.router(wiring.accounts, wiring.rates, lambda: wiring.url, wiring.settings.oidc))
    app.router.routes += failing.fallbacks(app)
    app.router.routes += web.routes(wiring)
    failing.add_handlers(app)
    app.add_middleware(failing.Caught)
    app.add_middleware(Bounded, limits=limits)
    app.add_middleware(Compressed)
    app.add_middleware(Security, settings=wiring.settings)
    app.add_middleware(Observed, metrics=wiring.metrics)  # the outermost
    return app

