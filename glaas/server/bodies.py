"""Request bodies: read in pieces, with a limit of bytes and of time, and a budget that all of them share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.requests import ClientDisconnect, Request

from glaas.server.settings import Limits
from glaas.server.statuses import BusyError, SlowError, TooLargeError
from lineage.errors import InvalidError


class Budget:
    """Bytes of large bodies that may be in memory at one time, of all requests together.  For one event loop."""

    def __init__(self, size: int) -> None:
        self._left = size

    def take(self, size: int) -> None:
        """BusyError where they are not there."""
        if size > self._left:
            raise BusyError("the registry is receiving as much as it can hold", "try again in some seconds", retry_after=5)
        self._left -= size

    def give(self, size: int) -> None:
        self._left += size


@asynccontextmanager
async def large_body(request: Request, limits: Limits, budget: Budget) -> AsyncIterator[bytes]:
    """Of a registration; its bytes count against the budget until the block ends."""
    taken = 0

    def account(size: int) -> None:
        nonlocal taken
        budget.take(size)
        taken += size

    promised = _promised(request)
    if promised is not None and promised <= limits.bundle:
        account(promised)  # who cannot be taken is told so before they send 64 MB
    try:
        body = await read(request, limits.bundle, limits, None if promised is not None else account)
        yield body
    finally:
        budget.give(taken)


async def read(request: Request, limit: int, limits: Limits, account: Callable[[int], None] | None = None) -> bytes:
    """TooLargeError beyond ``limit`` bytes; SlowError for who takes too long; ``account`` is called with the size of pieces."""
    promised = _promised(request)
    if promised is not None and promised > limit:
        raise too_large(limit)
    body = bytearray()
    stream = request.stream()
    try:
        async with asyncio.timeout(limits.body_seconds):
            while True:
                async with asyncio.timeout(limits.idle_seconds):
                    piece = await anext(stream, None)
                if piece is None:
                    break
                if len(body) + len(piece) > limit:
                    raise too_large(limit)
                if account is not None:
                    account(len(piece))
                body += piece
    except TimeoutError as error:
        raise SlowError("the request's body did not come in time",
                        f"{limits.idle_seconds:.0f} seconds between two pieces, {limits.body_seconds:.0f} in all") from error
    except ClientDisconnect as error:
        raise InvalidError("the request's body is cut off", "send it again") from error
    return bytes(body)


def _promised(request: Request) -> int | None:
    """Content-Length is digits alone (RFC 9110 section 8.6); the HTTP parser has refused others before."""
    text = request.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else None


def too_large(limit: int) -> TooLargeError:
    text = f"{limit >> 20} MB" if limit >= 1 << 20 else f"{limit} bytes"
    return TooLargeError(f"the request is larger than {text}", f"at most {text} are taken here; a bundle has at most 64 MB")
