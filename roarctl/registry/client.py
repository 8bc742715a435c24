"""A registry's services in the Connect protocol (https://connectrpc.com/docs/protocol): protobuf over plain HTTP POST."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from google.protobuf.message import DecodeError

from lineage.errors import (
    ConflictError,
    CorruptError,
    DeniedError,
    InvalidError,
    NotFoundError,
    RoarError,
    UnavailableError,
    UnsupportedError,
    of_document,
)
from roarctl.client.channel import CALL_SECONDS, GRAPH_SECONDS, Client
from roarctl.registry.http import MAX_ANSWER, Transport

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from roarctl.registry.http import Answer as HttpAnswer

    Answer = TypeVar("Answer", bound=Message)

_UNARY, _STREAM = "application/proto", "application/connect+proto"
_COMPRESSED, _END = 0x01, 0x02
_ENVELOPE = struct.Struct(">BI")
_RIGHT = "is the address right? `roar auth` shows it"
_PAUSE = 1.0  # seconds, before a stream that was too much is asked for again
_LEAST_SECONDS = 10.0  # a registry is further away than a daemon
#: Connect's words for errors, for servers or proxies that say no more.
_CODES: Mapping[str, type[RoarError]] = {
    "not_found": NotFoundError, "invalid_argument": InvalidError, "out_of_range": InvalidError,
    "failed_precondition": ConflictError, "already_exists": ConflictError, "data_loss": CorruptError,
    "permission_denied": DeniedError, "unauthenticated": DeniedError, "unavailable": UnavailableError,
    "deadline_exceeded": UnavailableError, "resource_exhausted": UnavailableError, "unimplemented": UnsupportedError}
_STATUSES: Mapping[int, type[RoarError]] = {
    400: InvalidError, 401: DeniedError, 403: DeniedError, 404: NotFoundError, 409: ConflictError, 413: InvalidError,
    422: InvalidError, 429: UnavailableError, 500: RoarError, 501: UnsupportedError, 502: UnavailableError,
    503: UnavailableError, 504: UnavailableError}


class RegistryClient(Client):
    """``patience``: the most seconds that any call may take (0: as its caller says)."""

    def __init__(self, transport: Transport, *, patience: float = 0) -> None:
        self._transport = transport
        self._patience = patience
        self.url = transport.address.url

    def call(self, method: str, request: Message, answer: type[Answer], seconds: float = CALL_SECONDS) -> Answer:
        headers = {"Content-Type": _UNARY, "Connect-Protocol-Version": "1"}
        # Each of them does the same the second time.
        got = self._transport.exchange("POST", f"/lineage.v1.{method}", request.SerializeToString(), headers,
                                       seconds=self._seconds(seconds), idempotent=True)
        if got.status != 200 or not got.headers.get("content-type", "").startswith(_UNARY):
            raise self._error(got)
        return _decoded(answer, got.body)

    def stream(self, method: str, request: Message, answer: type[Answer],
               seconds: float | None = GRAPH_SECONDS) -> Iterator[Answer]:
        limit = None if seconds is None and not self._patience else self._seconds(seconds or self._patience)
        deadline = None if limit is None else time.monotonic() + limit
        while True:
            try:
                yield from self._streamed(method, request, answer, deadline)
            except _BusyError as busy:  # before the first part
                if deadline is not None and time.monotonic() + _PAUSE >= deadline:
                    raise busy.error from None
                time.sleep(_PAUSE)
            else:
                return

    def _streamed(self, method: str, request: Message, answer: type[Answer], deadline: float | None) -> Iterator[Answer]:
        body = request.SerializeToString()
        headers = {"Content-Type": _STREAM, "Connect-Protocol-Version": "1"}
        left = None if deadline is None else deadline - time.monotonic()
        with self._transport.opened("POST", f"/lineage.v1.{method}", _ENVELOPE.pack(0, len(body)) + body, headers,
                                    seconds=left) as (got, reader):
            if got.status != 200 or not got.headers.get("content-type", "").startswith(_STREAM):
                raise self._error(got)
            first = True
            while True:
                head = reader.exactly(_ENVELOPE.size)
                if len(head) < _ENVELOPE.size:
                    raise UnavailableError(f"the answer of {self.url} broke off", "try again")
                flags, size = _ENVELOPE.unpack(head)
                if size > MAX_ANSWER or flags & _COMPRESSED:
                    raise CorruptError(f"{self.url} answers in a way that was not asked for", "is it a registry?")
                message = reader.exactly(size)
                if len(message) < size:
                    raise UnavailableError(f"the answer of {self.url} broke off", "try again")
                if flags & _END:
                    reader.exactly(1)  # the body's end, so that the connection can be used again
                    self._check_end(message, first=first)
                    return
                first = False
                yield _decoded(answer, message)

    def send(self, method: str, requests: Iterator[Message], answer: type[Answer],
             seconds: float = GRAPH_SECONDS) -> Answer:
        del method, requests, answer, seconds
        raise UnsupportedError("a registry takes no calls in parts", "bundles are registered whole: Registry/RegisterBundle")

    def document(self, method: str, path: str, value: Mapping[str, Any] | None = None, *, idempotent: bool = True,
                 seconds: float = _LEAST_SECONDS) -> dict[str, Any]:
        """A call of what is JSON only (accounts); raises the registry's RoarError."""
        headers = {"Accept": "application/json"}
        body = b""
        if value is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(value).encode()
        got = self._transport.exchange(method, path, body, headers, seconds=self._seconds(seconds), idempotent=idempotent)
        if not 200 <= got.status < 300:
            raise self._error(got)
        if not got.body:
            return {}
        try:
            found = json.loads(got.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise self._error(got)
        return found

    def close(self) -> None:
        self._transport.close()

    def _seconds(self, seconds: float) -> float:
        return self._patience or max(seconds, _LEAST_SECONDS)

    def _check_end(self, message: bytes, *, first: bool) -> None:
        try:
            end = json.loads(message or b"{}")
        except ValueError as error:
            raise CorruptError(f"{self.url} does not answer as a registry does", "is the address right?") from error
        if isinstance(end, dict) and "error" in end:
            raised = error_of(end, 500, self.url)
            if first and isinstance(end["error"], dict) and end["error"].get("code") == "resource_exhausted":
                raise _BusyError(raised)
            raise raised

    def _error(self, got: HttpAnswer) -> RoarError:
        if 300 <= got.status < 400:
            return InvalidError(f"{self.url} sends on to {got.headers.get('location', 'another place')[:200]}, which is not "
                                "followed: a token goes only where it was meant for", "give that address, if that is it")
        try:
            document = json.loads(got.body)
        except ValueError:
            document = None
        if got.status == 200 or not isinstance(document, dict):
            if got.status in {429, 502, 503, 504}:
                return UnavailableError(f"the registry {self.url} cannot answer now ({got.status})", "try again later")
            return UnavailableError(f"{self.url} does not answer as a registry does (status {got.status})", _RIGHT)
        return error_of(document, got.status, self.url)


class _BusyError(Exception):
    """Too much was asked at once, and nothing was answered yet."""

    def __init__(self, error: RoarError) -> None:
        super().__init__(error.message)
        self.error = error


def error_of(document: Mapping[str, Any], status: int, url: str) -> RoarError:
    """What a registry (or a server of Connect) said, as the error that it is."""
    inner = document.get("error", document)
    if isinstance(inner, dict) and isinstance(inner.get("message"), str):
        code = inner.get("code")
        for detail in inner.get("details") or ():
            debug = detail.get("debug") if isinstance(detail, dict) else None
            if isinstance(debug, dict) and {"code", "message"} <= debug.keys():
                return of_document(debug)
        if "hint" in inner:
            return of_document({**inner, "code": str(code)})
        kind = _CODES.get(str(code)) or _STATUSES.get(status, RoarError)
        return kind(f"the registry {url}: {inner['message']}")
    return _STATUSES.get(status, RoarError)(f"the registry {url} answers with status {status}")


def _decoded(answer: type[Answer], body: bytes) -> Answer:
    try:
        return answer.FromString(body)
    except DecodeError as error:
        raise CorruptError("the registry's answer cannot be read", "is it of another version?") from error
