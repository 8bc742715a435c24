"""Bundles are verified and stored in processes of their own: reading goes on meanwhile, and what a hostile bundle makes of its
reader is not the server's end."""

from __future__ import annotations

import io
import logging
import multiprocessing
import os
import resource
import signal
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeVar

from glaas.server.signatures import check
from glaas.server.statuses import BusyError
from lineage import bundle
from lineage.errors import InvalidError, UnavailableError
from storage import collector

if TYPE_CHECKING:
    from glaas.registry.registry import Registered, Registry, Said
    from glaas.server.metrics import Metrics
    from glaas.server.settings import Settings

T = TypeVar("T")

_log = logging.getLogger(__name__)
_SERVERS = (signal.SIGINT, signal.SIGTERM)  # what is the server's to act on
_NICE = 5  # below who reads
_MEMORY = 3 << 30  # bytes of data of one process; a bundle takes up to ten times its size


@dataclass(frozen=True, slots=True)
class Task:
    """``said``: as ``Registry.register`` has it.  ``keys``: the account's, by fingerprint."""

    account: str
    space: str
    data: bytes
    show_hashes: bool
    said: Said
    keys: Mapping[str, bytes]


class Verifiers:
    """``submit`` may be called from any thread."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._lock = threading.Lock()
        self._pool = self._made()
        self._waiting = 0
        self._most = settings.limits.verifiers + settings.limits.waiting_bundles

    def submit(self, task: Task) -> Future[Registered]:
        """BusyError where too many wait already."""
        with self._lock:
            if self._waiting >= self._most:
                raise BusyError(f"{self._waiting} bundles wait already", "try again in some seconds", retry_after=3)
            try:
                future = self._begun(_register, task)
            except BrokenProcessPool:
                _log.exception("a process that verifies bundles died: starting another")
                self._pool.shutdown(wait=False)
                self._pool = self._made()
                future = self._begun(_register, task)
            self._waiting += 1
        self._metrics.waiting_bundles.inc()
        future.add_done_callback(self._done)
        return future

    def register(self, task: Task) -> Registered:
        """UnavailableError where the process died over it."""
        try:
            return self.submit(task).result()
        except BrokenProcessPool as error:
            raise UnavailableError("the process that verified the bundle died",
                                   "send it again; if that stays so, send less at once") from error

    def warm(self) -> None:
        """Starts the processes, so that the first bundle need not wait for that."""
        with self._lock:
            self._begun(os.getpid)

    def close(self) -> None:
        """What was begun is brought to its end."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _done(self, _: Future[Registered]) -> None:
        with self._lock:
            self._waiting -= 1
        self._metrics.waiting_bundles.dec()

    def _begun(self, work: Callable[..., T], *arguments: object) -> Future[T]:
        """It may start a process: with the signals of a terminal blocked, which else interrupt it before it can ignore them."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SERVERS)
        try:
            return self._pool.submit(work, *arguments)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _made(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self._settings.limits.verifiers, multiprocessing.get_context("spawn"), _begin,
                                   (self._settings,))


class _Process:
    """What a process of the pool has: the executor gives a function nothing else to keep it in."""

    parts: ClassVar[ExitStack] = ExitStack()
    registry: ClassVar[Registry | None] = None


def _begin(settings: Settings) -> None:
    from glaas.server.wiring import opened

    for number in _SERVERS:
        signal.signal(number, signal.SIG_IGN)  # the server says when it is over
    os.nice(_NICE)
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _Process.registry = _Process.parts.enter_context(opened(settings)).registry
    collector.relax()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _register(task: Task) -> Registered:
    registry = _Process.registry
    assert registry is not None
    try:
        raw = bundle.read(io.BytesIO(task.data))
        check(raw, task.keys)
        return registry.register(task.account, task.space, raw, show_hashes=task.show_hashes, said=task.said)
    except (MemoryError, RecursionError):
        raise InvalidError("the bundle takes too much memory to verify", "send it in several") from None
