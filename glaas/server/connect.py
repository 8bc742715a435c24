"""The Connect protocol (https://connectrpc.com/docs/protocol): protobuf services over plain HTTP.

``POST /lineage.v1.SERVICE/METHOD``.  Unary: ``application/proto`` or ``application/json``, one message each way; GET is not
offered.  Server streams: ``application/connect+proto`` (or +json), each message in an envelope of one byte of flags and four of
length; the last has flag 2 and is JSON.  An error's one detail is the whole RoarError (``statuses.connect_error``); the header
``trailer-roar-error-bin``, in streams the metadata of their end, has it in base64 too.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from anyio import CapacityLimiter, to_thread
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from glaas.server import bodies
from glaas.server.bodies import Budget
from glaas.server.context import HttpContext
from glaas.server.methods import Method
from glaas.server.settings import Limits
from glaas.server.statuses import (
    ERROR_HEADER,
    TooLargeError,
    connect_code,
    connect_error,
    connect_status,
    error_header,
    http_headers,
    http_status,
    internal,
)
from lineage.errors import InvalidError, RoarError, UnsupportedError
from lineage.status import ERROR_KEY

_log = logging.getLogger(__name__)
_UNARY = {"application/proto": "proto", "application/json": "json"}
_STREAM = {"application/connect+proto": "proto", "application/connect+json": "json"}
_LARGE = frozenset({"RegisterBundle"})
_END = 2  # the flag of an EndStreamResponse
_MAX_TIMEOUT_DIGITS = 10
_LONG = 64 << 10  # bytes: to read more than that as a message is a thread's work
_MAX_JSON = 4 << 20
_DONE = object()


@dataclass(frozen=True, slots=True)
class Room:
    """``admit``: raises for who may not bring a bundle, by a request's headers; it blocks.  ``registering``: who brings bundles
    waits for a verifier in threads of their own, so that readers have theirs."""

    limits: Limits
    budget: Budget
    admit: Callable[[Request], object]
    registering: CapacityLimiter


def routes(methods: Mapping[str, Method], limits: Limits, budget: Budget, admit: Callable[[Request], object]) -> list[Route]:
    room = Room(limits, budget, admit, CapacityLimiter(limits.verifiers + limits.waiting_bundles))
    return [Route(path, partial(_answer, method, room), methods=["POST"]) for path, method in methods.items()]


async def _answer(method: Method, room: Room, request: Request) -> Response:
    kinds = _STREAM if method.streaming else _UNARY
    codec = kinds.get(request.headers.get("content-type", "").partition(";")[0].strip().lower())
    if codec is None:
        # No error of Connect's: it prescribes this status, with an Accept-Post header of what there is.
        return Response(status_code=415, headers={"Accept-Post": ", ".join(kinds)})
    try:
        large = method.name in _LARGE
        seconds = _timeout(request, room.limits.register_seconds if large else room.limits.call_seconds)
        _only_plain(request, method.streaming)
        if large:
            await to_thread.run_sync(room.admit, request)
            async with bodies.large_body(request, room.limits, room.budget) as body:
                return await _call(method, codec, body, request, seconds, room.registering)
        return await _call(method, codec, await bodies.read(request, room.limits.request, room.limits), request, seconds)
    except RoarError as error:
        return _refusal(error, method, codec)


async def _call(method: Method, codec: str, body: bytes, request: Request, seconds: float,
                limiter: CapacityLimiter | None = None) -> Response:
    client = request.client
    context = HttpContext(request.headers, peer_text(client.host, client.port) if client else "", seconds)
    if method.streaming:
        message = _parsed(method.request, codec, _enveloped(body))
        return StreamingResponse(_streamed(method, codec, message, context, seconds),
                                 media_type=f"application/connect+{codec}")
    if codec == "json" and len(body) > _MAX_JSON:
        raise TooLargeError(f"the request is larger than {_MAX_JSON >> 20} MB, as JSON", "send application/proto")
    try:
        async with asyncio.timeout(seconds):
            if len(body) > _LONG:
                message = await _run(method, _parsed, method.request, codec, body, limiter=limiter)
            else:
                message = _parsed(method.request, codec, body)
            answer = await _run(method, _handled, method, codec, message, context, limiter=limiter)
    except TimeoutError:
        return _late(method, seconds)
    finally:
        context.cancel()
        request.scope["state"]["account"] = context.account
    return Response(answer, media_type=f"application/{codec}")


def _handled(method: Method, codec: str, message: Message, context: HttpContext) -> bytes:
    """The answer is written down in the thread too: a graph may have many megabytes."""
    return _encoded(method.handler(message, context), codec)


async def _run(method: Method, work: Any, *arguments: object, limiter: CapacityLimiter | None = None) -> Any:  # noqa: ANN401
    """In a thread of the pool: stores block.  Who has no time to wait for its end leaves it behind."""
    try:
        return await to_thread.run_sync(work, *arguments, abandon_on_cancel=True, limiter=limiter)
    except RoarError:
        raise
    except Exception:
        _log.exception("%s failed", method.path)
        raise internal() from None


async def _streamed(method: Method, codec: str, message: Message, context: HttpContext, seconds: float) -> AsyncIterator[bytes]:
    end: dict[str, Any] = {}
    try:
        async with asyncio.timeout(seconds):
            answers: Iterator[Message] = method.handler(message, context)
            while (answer := await _run(method, next, answers, _DONE)) is not _DONE:
                yield _envelope(0, _encoded(answer, codec))
    except TimeoutError:
        end = {"error": {"code": "deadline_exceeded", "message": _late_text(method, seconds)}}
    except RoarError as error:
        end = {"error": connect_error(error), "metadata": {ERROR_KEY: [error_header(error)]}}
    finally:
        context.cancel()
    yield _envelope(_END, json.dumps(end).encode())


def _refusal(error: RoarError, method: Method, codec: str) -> Response:
    document = connect_error(error)
    headers = {ERROR_HEADER: error_header(error), **http_headers(error)}
    if method.streaming:  # a stream's status is always 200
        end = {"error": document, "metadata": {ERROR_KEY: [error_header(error)]}}
        return Response(_envelope(_END, json.dumps(end).encode()), media_type=f"application/connect+{codec}", headers=headers)
    own = http_status(error)
    status = own if own in {408, 413} else connect_status(connect_code(error))
    return Response(json.dumps(document), status, headers, "application/json")


def _late(method: Method, seconds: float) -> Response:
    document = {"code": "deadline_exceeded", "message": _late_text(method, seconds)}
    return Response(json.dumps(document), 504, media_type="application/json")


def _late_text(method: Method, seconds: float) -> str:
    return f"{method.name} took longer than {seconds:g} seconds"


def _timeout(request: Request, most: float) -> float:
    """Connect-Timeout-Ms: a positive number of at most 10 digits."""
    text = request.headers.get("connect-timeout-ms")
    if text is None:
        return most
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_TIMEOUT_DIGITS):
        raise InvalidError(f"connect-timeout-ms is {text[:20]!r}", "give milliseconds, 10 digits at most")
    return min(int(text) / 1000, most)


def _only_plain(request: Request, streaming: bool) -> None:
    """Bodies are taken as they are: what is compressed may be a thousand times as large as it looks."""
    name = "connect-content-encoding" if streaming else "content-encoding"
    encoding = request.headers.get(name, "identity")
    if encoding != "identity":
        raise UnsupportedError(f"the request is compressed ({encoding[:20]})", "send it uncompressed: identity")


def _parsed(kind: type[Message], codec: str, body: bytes) -> Message:
    try:
        if codec == "proto":
            return kind.FromString(body)
        return json_format.Parse(body or b"{}", kind(), ignore_unknown_fields=True, max_recursion_depth=20)
    except (DecodeError, json_format.ParseError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise InvalidError(f"the request is no {kind.DESCRIPTOR.name}: {str(error)[:200]}", "see proto/lineage/v1") from error


def _encoded(message: Message, codec: str) -> bytes:
    if codec == "proto":
        return message.SerializeToString()
    return json_format.MessageToJson(message, indent=None).encode()


def _enveloped(body: bytes) -> bytes:
    """The one message of a request to a stream."""
    if len(body) < 5 or len(body) != 5 + int.from_bytes(body[1:5], "big"):
        raise InvalidError("the request is not one message in an envelope", "one byte of flags, four of length, the message")
    if body[0]:
        raise UnsupportedError("the request's message is compressed", "send it uncompressed: flags 0")
    return body[5:]


def _envelope(flags: int, data: bytes) -> bytes:
    return bytes([flags]) + len(data).to_bytes(4, "big") + data


def peer_text(host: str, port: int) -> str:
    """As gRPC has it."""
    return f"ipv6:[{host}]:{port}" if ":" in host else f"ipv4:{host}:{port}"
