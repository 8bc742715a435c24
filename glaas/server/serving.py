"""`glaas serve`: in the foreground, until SIGTERM or SIGINT."""

from __future__ import annotations

import contextlib
import shlex
import signal
import socket
import sys
import threading
from types import FrameType

import uvicorn

from glaas.server import claim, grpc_server
from glaas.server.app import create_app
from glaas.server.observing import access_log
from glaas.server.protocol import LimitedProtocol
from glaas.server.services import services_of
from glaas.server.settings import Address, Settings
from glaas.server.wiring import wired
from lineage.awake import Awake
from lineage.errors import InvalidError, UnavailableError
from storage import collector
from storage.notify import notify

_GRACE_SECONDS = 20
_KEEP_ALIVE_SECONDS = 30


def serve(settings: Settings) -> None:
    """Raises a RoarError where it cannot begin."""
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise InvalidError("a certificate needs its key", "give both: --tls-cert FILE --tls-key FILE")
    with contextlib.ExitStack() as parts:
        parts.enter_context(claim.state_directory(settings.state, alone=not settings.store))
        parts.enter_context(access_log(settings.access_log))
        listener = parts.enter_context(contextlib.closing(claim.bound(settings.listen, "--listen")))
        address = Address(settings.listen.host, listener.getsockname()[1])
        wiring = parts.enter_context(wired(settings))
        wiring.url = settings.public_url or f"{'https' if settings.tls else 'http'}://{_shown(address).text}"
        services = services_of(wiring)
        wiring.grpc = parts.enter_context(grpc_server.served(settings, services))
        wiring.verifiers.warm()
        collector.relax()
        server = parts.enter_context(_Running(uvicorn.Config(
            create_app(wiring, services), http=LimitedProtocol, ws="none", log_config=None, access_log=False,
            server_header=False, proxy_headers=False,
            limit_concurrency=settings.limits.connections, timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS, ssl_certfile=settings.tls_cert or None,
            ssl_keyfile=settings.tls_key or None), listener))
        print(f"glaas: READY, open {wiring.url}/", file=sys.stderr, flush=True)
        if not wiring.accounts.users.any():
            print(f"  next: glaas user add NAME {_where(settings)}", file=sys.stderr, flush=True)
        notify(f"READY=1\nSTATUS=serving {wiring.url}")
        server.wait()
        notify("STOPPING=1")


class _Running:
    """uvicorn in a thread of its own; this one waits for signals.  The second one ends it without waiting for requests."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket) -> None:
        self._server = uvicorn.Server(config)
        self._listener = listener
        self._thread = threading.Thread(target=self._serve, name="http")
        self._over = False
        self._awake = Awake()

    def __enter__(self) -> _Running:
        self._awake.__enter__()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self._thread.start()
        while not self._server.started:
            self._thread.join(0.01)
            if not self._thread.is_alive():
                raise UnavailableError("the HTTP server could not be started", "its log, above, says why")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._awake.__exit__()

    def wait(self) -> None:
        while not self._over:
            self._awake.sleep()

    def _serve(self) -> None:
        try:
            self._server.run([self._listener])
        finally:
            self._over = True
            self._awake.wake()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._server.force_exit = self._server.should_exit
        self._server.should_exit = True
        self._over = True


def _where(settings: Settings) -> str:
    """Without the store's URL: there may be a password in it."""
    return f"--state-dir {shlex.quote(str(settings.state))}" if not settings.store else "--store …"


def _shown(address: Address) -> Address:
    """What can be opened: not 0.0.0.0."""
    return Address(socket.gethostname(), address.port) if address.everywhere else address
