"""The program that speaks to the registry: started by its name, as an account that owns nothing, told what it needs over a
socket that it inherits.  Neither its arguments nor its environment hold a secret."""

from __future__ import annotations

import contextlib
import io
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, cast

from lineage import relay
from lineage.errors import UnavailableError
from roard.outbox.policy import Account

_MODULE = "roarctl.forwarding"
#: What it needs to know of the environment: how to reach the network, and where this program is installed.
_KEPT = ("PYTHONPATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
         "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_PART_SECONDS = 30.0  # for the rest of a message that has begun
_END_SECONDS = 2.0


class Child:
    """Raises UnavailableError where it cannot be started, or has ended."""

    def __init__(self, account: Account, hello: Mapping[str, Any]) -> None:
        ours, theirs = socket.socketpair()
        environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **{name: os.environ[name] for name in _KEPT
                                                                       if name in os.environ}}
        try:
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", _MODULE], stdin=theirs.fileno(), stdout=subprocess.DEVNULL, cwd="/",
                    env=environment, user=account.uid, group=account.gid, extra_groups=[], umask=0o077, start_new_session=True)
        except (OSError, subprocess.SubprocessError) as error:
            ours.close()
            raise UnavailableError(f"the forwarder cannot be started as {account.name}: {error}",
                                   f"may {account.name} read {sys.executable} and what it imports?") from error
        self._socket = ours
        self.pid = self._process.pid
        try:
            self.send(hello)
        except UnavailableError:
            self.close()
            raise

    def send(self, document: Mapping[str, Any], data: bytes = b"") -> None:
        self._socket.settimeout(_PART_SECONDS)
        try:
            self._socket.sendall(relay.encode(document, data))
        except OSError as error:
            raise self._ended() from error

    def receive(self, seconds: float, wake: int, stopped: Callable[[], bool]) -> dict[str, Any] | None:
        """What it says, within so many seconds; None where ``stopped``, which is looked at whenever ``wake`` (an eventfd) is
        written to.  CorruptError for what it should not say."""
        deadline = time.monotonic() + seconds
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        poll.register(wake, select.POLLIN)
        while not stopped():
            left = deadline - time.monotonic()
            ready = dict(poll.poll(max(left, 0) * 1000))
            if wake in ready:
                with contextlib.suppress(BlockingIOError):
                    os.eventfd_read(wake)
            if self._socket.fileno() in ready:
                self._socket.settimeout(_PART_SECONDS)
                try:
                    found = relay.read(cast(io.BufferedReader, _Reader(self._socket)), 0)
                except OSError as error:
                    raise self._ended() from error
                if found is None:
                    raise self._ended()
                return found[0]
            if left <= 0:
                raise UnavailableError("the forwarder does not answer", "it is started again")
        return None

    def close(self) -> None:
        """It may be in the middle of something: that is done again."""
        self._socket.close()
        self._process.terminate()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ended(self) -> UnavailableError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)
        code = self._process.returncode
        how = "closed its connection" if code is None else f"was killed by signal {-code}" if code < 0 else f"ended with {code}"
        return UnavailableError(f"the forwarder {how}", "it is started again; roard's log has its last words")


class _Reader:
    """``read(n)`` of a socket: n bytes, or fewer at its end."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def read(self, size: int) -> bytes:
        parts: list[bytes] = []
        while size and (part := self._end.recv(min(size, 1 << 20))):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)
