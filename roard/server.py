"""`roard serve`: the one place where the parts are put together, and taken apart again."""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import signal
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from lineage.awake import Awake
from lineage.errors import InvalidError, RoarError, UnavailableError
from lineage.records import Host
from roard.config import Config
from roard.content import zygote
from roard.content.hashing import Hashing
from roard.probe.probes import Probes, Sizes, load
from roard.probe.supervisor import Reader
from storage import collector
from storage.notify import notify

_log = logging.getLogger("roard")
_THREADS = 32
_MESSAGE = 64 << 20
_GRACE_SECONDS = 3.0
_DYING_SECONDS = 15.0
_ANSWER_SECONDS = 1.0


def serve(state: Path, path: Path, config: Config | None = None) -> None:
    """Runs in the foreground until SIGTERM or SIGINT. Raises a RoarError where it cannot begin."""
    if os.geteuid() != 0:
        raise UnavailableError("roard needs root: it loads eBPF probes and reads files as their owners",
                               "sudo roard serve")
    claim(path)
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    # a batch task does not interrupt what runs when it wakes up: the reader is in no hurry, what it watches is
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    nursery = zygote.start()  # first: before threads, store and gRPC
    config = config or Config()
    loading = _Loading(config.sizes)
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # what is forked executes another program at once
    # grpc takes long to import: beside the compiler
    import grpc

    from roard.observe.observer import Observer, close_abandoned
    from roard.outbox.forwarder import Forwarder
    from roard.rpc.identity import Identity, IdentitySocket
    from roard.rpc.services import add_services
    from roard.store.store import Store

    host = Host(socket.gethostname(), platform.release(), platform.machine())
    with contextlib.ExitStack() as parts:
        store = parts.enter_context(Store.open(state / "store"))
        hashing = Hashing(nursery, store)
        parts.callback(nursery.close)
        parts.callback(hashing.close)
        abandoned = close_abandoned(store)
        if abandoned:
            _log.warning("%d jobs were running when roard last stopped: recorded as incomplete", abandoned)
        probes, why = loading.result()
        observer = None
        if probes is not None:
            observer = Observer(probes, Reader(probes), hashing, store, host, config.stderr)
            parts.callback(observer.close)
        identity = Identity()
        server = grpc.server(ThreadPoolExecutor(_THREADS, thread_name_prefix="rpc"), options=[
            ("grpc.max_receive_message_length", _MESSAGE), ("grpc.max_send_message_length", _MESSAGE),
            ("grpc.so_reuseport", 0)])
        add_services(server, observer, why, store, identity, host, config.forwarding)
        if server.add_insecure_port(f"unix:{path}") == 0:
            raise UnavailableError(f"cannot listen at {path}", "is its directory there, and the path under 108 bytes?")
        path.chmod(0o666)  # who a caller is, and what they may, the token says
        server.start()
        parts.callback(lambda: server.stop(_GRACE_SECONDS).wait())
        parts.callback(IdentitySocket(Path(f"{path}.id"), identity, observer).close)
        if config.forwarding.active:
            parts.callback(Forwarder(store, config.forwarding).close)
        collector.relax()
        _wait_for_end(why)
    path.unlink(missing_ok=True)


class _Loading:
    """The probes, loaded beside everything else that takes time to start."""

    def __init__(self, sizes: Sizes | None) -> None:
        self._probes: Probes | None = None
        self._why: RoarError | None = None
        self._thread = threading.Thread(target=self._load, args=(sizes,))
        self._thread.start()

    def _load(self, sizes: Sizes | None) -> None:
        try:
            self._probes = load(sizes)
        except RoarError as error:
            self._why = error
        except OSError as error:
            self._why = UnavailableError(f"the probe loader could not be started: {error}", "see `roard check`")

    def result(self) -> tuple[Probes | None, RoarError | None]:
        self._thread.join()
        return self._probes, self._why


def claim(path: Path) -> None:
    """Makes room for the sockets: removes stale ones, refuses where another roard listens."""
    if len(os.fsencode(path)) > 100:  # sun_path has 108 bytes, and .id follows
        raise InvalidError(f"the socket's path is too long: {path}", "choose one of at most 100 bytes")
    path.parent.mkdir(parents=True, exist_ok=True)
    identity = Path(f"{path}.id")
    deadline = time.monotonic() + _DYING_SECONDS
    while (state := _listener(identity)) != "none":
        if state == "answers" or time.monotonic() > deadline:
            raise UnavailableError(f"another roard serves at {path}", "stop it first, or choose another --socket")
        time.sleep(0.05)
    for each in (path, identity):
        each.unlink(missing_ok=True)


def _listener(path: Path) -> Literal["none", "answers", "silent"]:
    """Silent is one that was killed: its sockets take connections until its tracepoints are closed, some seconds."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_ANSWER_SECONDS)
        try:
            probe.connect(str(path))
        except OSError:
            return "none"
        try:
            probe.sendall(b"\n")
            return "answers" if probe.recv(1) else "silent"
        except OSError:
            return "silent"


def _wait_for_end(why: RoarError | None) -> None:
    asked: list[int] = []
    with Awake() as awake:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: asked.append(number))
        if why is not None:
            print(f"roard: nothing can be watched: {why.message}\n  hint: {why.hint}", file=sys.stderr)
        print("READY", file=sys.stderr, flush=True)
        notify("READY=1")
        while not asked:
            awake.sleep()
    notify("STOPPING=1")
