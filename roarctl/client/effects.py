"""What an operation of the client asks of the world, apart from how it is done.

An operation (``operations.py``) is written once, as a generator: it yields effects, is sent their results and returns its
answer. ``roar.py`` and ``asynchronous.py`` are the two ways to carry effects out.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from google.protobuf.message import Message

from lineage.errors import DeniedError, RoarError
from roarctl.client.channel import CALL_SECONDS

if TYPE_CHECKING:
    from roarctl.references import Target

#: What systemd may take to start a daemon again.
RESTART_SECONDS = 3.0

T = TypeVar("T")
A = TypeVar("A", bound=Message)


@dataclass(frozen=True, slots=True)
class Call:
    """One call to the daemon, like ``Lineage/GetJob``; its result is an ``answer``, or a list of them if it is
    ``streamed``."""

    method: str
    request: Message
    answer: type[Message]
    streamed: bool = False
    seconds: float | None = CALL_SECONDS


@dataclass(frozen=True, slots=True)
class Lookup:
    """What a reference names: a Target. For it a file may have to be read and hashed."""

    reference: str


Effect: TypeAlias = Call | Lookup
Operation: TypeAlias = Generator[Effect, Any, T]


@dataclass(frozen=True, slots=True)
class Stream(Generic[T]):
    """An answer that comes in parts: each message of ``call``, as ``read`` reads it."""

    call: Call
    read: Callable[[Any], T]


def ask(method: str, request: Message, answer: type[A], seconds: float = CALL_SECONDS) -> Operation[A]:
    result: A = yield Call(method, request, answer, seconds=seconds)
    return result


def collect(method: str, request: Message, answer: type[A], seconds: float) -> Operation[list[A]]:
    result: list[A] = yield Call(method, request, answer, streamed=True, seconds=seconds)
    return result


def look_up(reference: str) -> Operation[Target]:
    result: Target = yield Lookup(reference)
    return result


def lost(error: RoarError) -> bool:
    """The token's time is over, or another daemon gave it; or the connection broke off. Both can be had anew."""
    import grpc

    cause = error.__cause__
    broken = isinstance(cause, grpc.RpcError) and cause.code() == grpc.StatusCode.UNAVAILABLE
    return broken or isinstance(error, DeniedError)


def described(method: Callable[..., Any], operation: Callable[..., Any], answer: str = "{}") -> None:
    """For help(): the method's name, words and parameters are the operation's, whose first parameter is the project.
    ``answer``: what becomes of the operation's type."""
    signature = inspect.signature(operation)
    _, *rest = signature.parameters.values()
    inner = str(signature.return_annotation).replace("Operation[Stream[", "Operation[").removeprefix("Operation[").rstrip("]")
    inner += "]" * (inner.count("[") - inner.count("]"))
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    method.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[own, *rest], return_annotation=answer.format(inner))
    method.__name__, method.__doc__ = operation.__name__, operation.__doc__
