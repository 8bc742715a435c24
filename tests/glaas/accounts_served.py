"""The accounts' API on a real HTTP server of loopback, in this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from harness import PATIENCE

from glaas.accounts.accounts import Accounts
from glaas.accounts.http import router
from glaas.accounts.limits import Limits
from glaas.accounts.oidc.settings import Provider
from glaas.server.statuses import error_document, http_headers, http_status
from lineage.errors import RoarError


@contextmanager
def served(accounts: Accounts, limits: Limits, providers: Sequence[Provider] = ()) -> Iterator[str]:
    """Its URL."""
    url = [""]
    app = FastAPI(openapi_url="/api/openapi.json")
    app.include_router(router(accounts, limits, lambda: url[0], providers))

    @app.exception_handler(RoarError)
    def refuse(_: Request, error: RoarError) -> JSONResponse:
        return JSONResponse(error_document(error), http_status(error), http_headers(error))

    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, ws="none", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 30 * PATIENCE
    while not server.started:
        assert thread.is_alive() and time.monotonic() < deadline
        time.sleep(0.01)
    url[0] = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield url[0]
    finally:
        server.should_exit = True
        thread.join()
