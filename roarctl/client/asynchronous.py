"""``AsyncRoar``: the client for asyncio."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar, cast

import grpc
import grpc.aio

from lineage.errors import DeniedError
from lineage.status import TOKEN_KEY, error_of
from roarctl import references
from roarctl.client import operations
from roarctl.client.channel import CALL_SECONDS, CHANNEL_OPTIONS, identify, socket_path
from roarctl.client.effects import Call, Effect, Lookup, Operation, Stream, described
from roarctl.context.project import project_root, working_directory

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from roarctl.client.channel import Client

T = TypeVar("T")
P = ParamSpec("P")

_RENEW_SECONDS = 3.0  # what systemd may take to start a daemon again


def _answers(operation: Callable[Concatenate[bytes, P], Operation[T]],
             ) -> Callable[Concatenate[AsyncRoar, P], Coroutine[Any, Any, T]]:
    async def method(roar: AsyncRoar, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await roar._run(operation(roar.project, *args, **kwargs))

    described(method, operation)
    return method


def _iterates(operation: Callable[Concatenate[bytes, P], Operation[Stream[T]]],
              ) -> Callable[Concatenate[AsyncRoar, P], AsyncIterator[T]]:
    def method(roar: AsyncRoar, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        return roar._iterate(operation(roar.project, *args, **kwargs))

    described(method, operation, "AsyncIterator[{}]")
    return method


class AsyncRoar:
    """As ``Roar``, for asyncio: its methods are to be awaited, `watch` to be iterated with ``async for``. It connects with
    ``async with``, or at the first call; it belongs to one event loop."""

    def __init__(self, project: str | os.PathLike[str] | None = None, socket: str | None = None) -> None:
        self.project = project_root(working_directory() if project is None else os.fsencode(project))
        self._path = socket or socket_path()
        self._metadata: tuple[tuple[str, str], ...] = ()
        self._channel: grpc.aio.Channel | None = None

    job = _answers(operations.job)
    entries = _answers(operations.entries)
    log = _answers(operations.log)
    session = _answers(operations.session)
    artifact = _answers(operations.artifact)
    lineage = _answers(operations.lineage)
    dag = _answers(operations.dag)
    watch = _iterates(operations.watch)

    async def close(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()

    async def __aenter__(self) -> Self:
        await self._connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _connect(self, patience: float | None = None) -> grpc.aio.Channel:
        """Also with a new token, where there is a patience."""
        if not self._metadata or patience is not None:
            identity = await asyncio.to_thread(identify, self._path, None, patience)
            self._metadata = ((TOKEN_KEY, identity.token),)
        if self._channel is None:
            self._channel = grpc.aio.insecure_channel(f"unix:{self._path}", options=CHANNEL_OPTIONS)
        return self._channel

    async def _run(self, operation: Operation[T]) -> T:
        result: object = None
        while True:
            try:
                effect = operation.send(result)
            except StopIteration as end:
                answer: T = end.value
                return answer
            result = await self._do(effect)

    async def _iterate(self, operation: Operation[Stream[T]]) -> AsyncIterator[T]:
        stream = await self._run(operation)
        async for message in self._messages(stream.call):
            yield stream.read(message)

    async def _do(self, effect: Effect) -> Any:  # noqa: ANN401 - as the effect says
        try:
            return await self._once(effect)
        except DeniedError:  # also of a token whose time is over, or that another daemon gave
            await self._connect(_RENEW_SECONDS)
            return await self._once(effect)

    async def _once(self, effect: Effect) -> Any:  # noqa: ANN401
        if isinstance(effect, Lookup):  # reads files: not in the loop's thread
            bridge = cast("Client", _Bridge(self, asyncio.get_running_loop()))
            return await asyncio.to_thread(references.resolve, bridge, effect.reference, self.project)
        if effect.streamed:
            return [message async for message in self._messages(effect)]
        return await self._message(effect)

    async def _message(self, call: Call) -> Message:
        channel = await self._connect()
        stub = channel.unary_unary(f"/lineage.v1.{call.method}", type(call.request).SerializeToString, call.answer.FromString)
        try:
            answer: Message = await stub(call.request, timeout=call.seconds, metadata=self._metadata)
        except grpc.RpcError as failure:
            raise error_of(failure) from failure
        return answer

    async def _messages(self, call: Call) -> AsyncIterator[Message]:
        channel = await self._connect()
        stub = channel.unary_stream(f"/lineage.v1.{call.method}", type(call.request).SerializeToString, call.answer.FromString)
        running = stub(call.request, timeout=call.seconds, metadata=self._metadata)
        try:
            async for message in running:
                yield message
        except grpc.RpcError as failure:
            raise error_of(failure) from failure
        finally:
            running.cancel()  # whoever stops looking ends the call


class _Bridge:
    """What references need of a Client, for a thread beside the event loop in which the calls are made."""

    def __init__(self, roar: AsyncRoar, loop: asyncio.AbstractEventLoop) -> None:
        self._roar = roar
        self._loop = loop

    def call(self, method: str, request: Message, answer: type[Message], seconds: float = CALL_SECONDS) -> Message:
        call = self._roar._message(Call(method, request, answer, seconds=seconds))
        return asyncio.run_coroutine_threadsafe(call, self._loop).result()
