"""HTTP to a registry: connections that are kept, proxies, time limits, sizes that are believed up to a limit.

The standard library's http.client and nothing else: it is imported in 20 ms, and only when a registry is asked.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from lineage.errors import CorruptError, InvalidError, RoarError, UnavailableError
from roarctl.registry.address import Address, is_loopback

MAX_ANSWER = 64 << 20  # bytes of one message
_MAX_ERROR = 1 << 20
_CONNECT_SECONDS = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0  # seconds, between tries
_TRY_AGAIN = frozenset({429, 502, 503, 504})
_IDLE = 4  # connections that are kept
_BLOCK = 64 << 10


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]  # by their names in small letters
    body: bytes


class Transport:
    """``token`` goes with every request, and never anywhere but to ``address``: redirections are not followed.
    ``connecting``: seconds that it may take until somebody answers at all; ``tries``: of what may be done twice."""

    def __init__(self, address: Address, token: str = "", *, insecure: bool = False, connecting: float = _CONNECT_SECONDS,
                 tries: int = 4, environment: Mapping[str, str] | None = None) -> None:
        if token:
            address.check_secret(insecure=insecure)
        if any(not 0x21 <= ord(one) <= 0x7E for one in token):
            raise InvalidError("the token has characters that no token has", "`roar login` takes another")
        self.address = address
        self._token = token
        self._connecting = connecting
        self._tries = tries
        self._proxy = _proxy(address, os.environ if environment is None else environment)
        self._idle: list[http.client.HTTPConnection] = []
        self._tls: ssl.SSLContext | None = None

    def exchange(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None, *,
                 seconds: float, idempotent: bool) -> Answer:
        """One request and its whole answer, whatever its status. What may be done twice is tried again when the
        connection breaks, and as often as the registry asks for patience, in ``seconds``. UnavailableError, CorruptError."""
        deadline = time.monotonic() + seconds
        attempt = 0
        while True:
            pause = min(_FIRST_PAUSE * 4**attempt, _LONGEST_PAUSE) * (0.5 + random.random())  # noqa: S311 - no secret
            last = not idempotent or attempt >= self._tries - 1
            try:
                with self._open(method, path, body, headers or {}, deadline) as (response, limit):
                    answer = Answer(response.status, _headers(response), limit.whole(response))
            except _LostError as lost:
                if last or time.monotonic() + pause >= deadline:
                    raise self._unavailable(lost.__cause__ or lost) from lost
            else:
                wait = _asked_to_wait(answer)
                pause = wait or pause
                again = answer.status in _TRY_AGAIN and idempotent and (wait or not last)
                if not again or time.monotonic() + pause >= deadline:
                    return answer
                attempt -= bool(wait)  # that is no failure
            attempt += 1
            time.sleep(pause)

    @contextlib.contextmanager
    def opened(self, method: str, path: str, body: bytes, headers: Mapping[str, str], *,
               seconds: float | None) -> Iterator[tuple[Answer, Reader]]:
        """An answer that is read as it comes: its body is empty where the status is 200, and the reader has it."""
        deadline = time.monotonic() + seconds if seconds is not None else None
        try:
            while True:
                with self._open(method, path, body, headers, deadline) as (response, limit):
                    whole = b"" if response.status == http.HTTPStatus.OK else limit.whole(response)
                    answer = Answer(response.status, _headers(response), whole)
                    wait = _asked_to_wait(answer)
                    if not wait or (deadline is not None and time.monotonic() + wait >= deadline):
                        yield answer, Reader(response, limit)
                        return
                time.sleep(wait)
        except _LostError as lost:
            raise self._unavailable(lost.__cause__ or lost) from lost

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    @contextlib.contextmanager
    def _open(self, method: str, path: str, body: bytes, headers: Mapping[str, str], deadline: float | None,
              ) -> Iterator[tuple[http.client.HTTPResponse, _Limit]]:
        connection, response = self._sent(method, path, body, headers, deadline)
        limit = _Limit(connection, deadline)
        try:
            yield response, limit
        except BaseException:
            connection.close()
            raise
        if response.isclosed() and not response.will_close and len(self._idle) < _IDLE:
            self._idle.append(connection)
        else:
            connection.close()

    def _sent(self, method: str, path: str, body: bytes, headers: Mapping[str, str], deadline: float | None,
              ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """On a connection that was kept, or on a new one where that was closed meanwhile before anything was answered."""
        while True:
            kept = self._idle.pop() if self._idle else None
            connection = kept or self._connection()
            try:
                if kept is None:
                    connection.timeout = min(self._connecting, _left(deadline) or self._connecting)
                    connection.connect()
                _Limit(connection, deadline).apply()
                connection.request(method, self._target(path), body or None, self._headers(headers))
                return connection, connection.getresponse()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                if kept is not None and isinstance(error, (ConnectionError, http.client.RemoteDisconnected)):
                    continue  # it had been idle for too long
                raise _LostError from error

    def _connection(self) -> http.client.HTTPConnection:
        address, proxy = self.address, self._proxy
        host, port = (proxy.host, proxy.port) if proxy else (address.host, address.port)
        if address.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=self._connecting)
        if self._tls is None:
            self._tls = ssl.create_default_context()
        connection = http.client.HTTPSConnection(host, port, timeout=self._connecting, context=self._tls)
        if proxy:
            connection.set_tunnel(address.host, address.port)
        return connection

    def _target(self, path: str) -> str:
        if self._proxy and self.address.scheme == "http":
            return self.address.url + path
        return self.address.prefix + path

    def _headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        own = {"Host": self.address.authority, "User-Agent": "roar", "Accept-Encoding": "identity"}
        if self._token:
            own["Authorization"] = f"Bearer {self._token}"
        return {**own, **headers}

    def _unavailable(self, error: BaseException) -> RoarError:
        url = self.address.url
        if isinstance(error, TimeoutError):
            return UnavailableError(f"the registry {url} did not answer in time", "try again; is it very busy?")
        if isinstance(error, ssl.SSLCertVerificationError):
            return UnavailableError(f"{url} does not prove that it is who it claims: {error.verify_message}",
                                    "SSL_CERT_FILE names the certificates that you trust beside the usual ones")
        if isinstance(error, ConnectionRefusedError):
            return UnavailableError(f"no registry is running at {url}", "start it with `glaas serve`, or give another "
                                    "address: roar login URL, GLAAS_URL")
        if isinstance(error, socket.gaierror):
            return UnavailableError(f"there is no {self._proxy.host if self._proxy else self.address.host} in this network: "
                                    f"{error.strerror}", "is the registry's address right? `roar auth` shows it")
        words = (error.strerror if isinstance(error, OSError) else "") or str(error) or type(error).__name__
        return UnavailableError(f"the registry {url} cannot be reached: {words}", "is its address right? `roar auth` shows it")


class Reader:
    """The body of an answer, as it comes."""

    def __init__(self, response: http.client.HTTPResponse, limit: _Limit) -> None:
        self._response = response
        self._limit = limit

    def exactly(self, size: int) -> bytes:
        """Fewer bytes only at the end of the body."""
        parts, left = [], size
        while left:
            part = self._limit.read(self._response, left)
            if not part:
                break
            parts.append(part)
            left -= len(part)
        return b"".join(parts)


class _LostError(Exception):
    """The connection is gone; the cause says how."""


class _Limit:
    """Of time, for all that is still to be read."""

    def __init__(self, connection: http.client.HTTPConnection, deadline: float | None) -> None:
        self._socket = connection.sock  # the connection forgets it when the answer ends it
        self._deadline = deadline

    def apply(self) -> None:
        left = _left(self._deadline)
        if left is not None and left <= 0:
            raise TimeoutError
        if self._socket is not None:
            with contextlib.suppress(OSError):  # closed, all is read
                self._socket.settimeout(left)

    def read(self, response: http.client.HTTPResponse, most: int) -> bytes:
        try:
            self.apply()
            return response.read1(min(most, _BLOCK)) or response.read(0)  # which notices that it is all, where read1 does not
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _LostError from error

    def whole(self, response: http.client.HTTPResponse) -> bytes:
        most = MAX_ANSWER if response.status == http.HTTPStatus.OK else _MAX_ERROR
        parts: list[bytes] = []
        size = 0
        while part := self.read(response, _BLOCK):
            size += len(part)
            if size > most:
                raise CorruptError(f"the registry answers with more than {most >> 20} MB", "ask for less: --depth, --limit")
            parts.append(part)
        if response.length:
            raise _LostError from http.client.IncompleteRead(b"", response.length)
        return b"".join(parts)


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else deadline - time.monotonic()


def _headers(response: http.client.HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.getheaders()}


def _asked_to_wait(answer: Answer) -> float:
    """Seconds (RFC 9110 section 10.2.3); 0: it did not ask."""
    value = answer.headers.get("retry-after", "")
    return float(value) if answer.status in _TRY_AGAIN and value.isascii() and value.isdigit() else 0.0


def _proxy(address: Address, environment: Mapping[str, str]) -> Address | None:
    """As curl and others read the environment: http_proxy, HTTPS_PROXY, ALL_PROXY, NO_PROXY."""
    def value(name: str) -> str:
        return environment.get(name) or environment.get(name.upper()) or ""

    if is_loopback(address.host):
        return None
    for one in value("no_proxy").replace(",", " ").split():
        name = one.lstrip("*").lstrip(".").lower()
        if one == "*" or address.host == name or (name and address.host.endswith(f".{name}")) or name == address.authority:
            return None
    proxy = value(f"{address.scheme}_proxy") or value("all_proxy")
    if not proxy:
        return None
    found = Address.parse(proxy if "://" in proxy else f"http://{proxy}")
    if found.scheme != "http":
        raise InvalidError(f"a proxy that is spoken to by {found.scheme} is not supported", "give one with http://")
    return found
