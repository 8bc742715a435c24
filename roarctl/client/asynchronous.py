"""``AsyncRoar``: the client for asyncio."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar, cast

import grpc
import grpc.aio

from lineage.errors import RoarError
from lineage.status import TOKEN_KEY, error_of
from roarctl import references
from roarctl.client import operations
from roarctl.client.channel import CALL_SECONDS, CHANNEL_OPTIONS, identify, socket_path
from roarctl.client.effects import RESTART_SECONDS, Call, Effect, Lookup, Operation, Stream, described, lost
from roarctl.context.project import project_root, working_directory

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from roarctl.client.channel import Client

T = TypeVar("T")
P = ParamSpec("P")


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
        self._link: _Link | None = None
        self._connecting = asyncio.Lock()

    job = _answers(operations.job)
    entries = _answers(operations.entries)
    log = _answers(operations.log)
    session = _answers(operations.session)
    artifact = _answers(operations.artifact)
    lineage = _answers(operations.lineage)
    dag = _answers(operations.dag)
    watch = _iterates(operations.watch)

    async def close(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.channel.close()

    async def __aenter__(self) -> Self:
        await self._connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _connect(self, before: _Link | None = None) -> _Link:
        """The connection; another one than ``before``. Who still uses that may go on."""
        async with self._connecting:
            if self._link is None or self._link is before:
                patience = None if before is None else RESTART_SECONDS
                token = (await asyncio.to_thread(identify, self._path, None, patience)).token
                channel = grpc.aio.insecure_channel(f"unix:{self._path}", options=CHANNEL_OPTIONS)
                self._link = _Link(channel, ((TOKEN_KEY, token),))
            return self._link

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
        async for message in (await self._connect()).stream(stream.call):
            yield stream.read(message)

    async def _do(self, effect: Effect) -> Any:  # noqa: ANN401 - as the effect says
        link = await self._connect()
        try:
            return await self._once(link, effect)
        except RoarError as error:
            if not lost(error):
                raise
            return await self._once(await self._connect(before=link), effect)

    async def _once(self, link: _Link, effect: Effect) -> Any:  # noqa: ANN401
        if isinstance(effect, Lookup):  # reads files: not in the loop's thread
            bridge = cast("Client", _Bridge(link, asyncio.get_running_loop()))
            return await asyncio.to_thread(references.resolve, bridge, effect.reference, self.project)
        if effect.streamed:
            return [message async for message in link.stream(effect)]
        return await link.call(effect)


@dataclass(frozen=True, slots=True)
class _Link:
    channel: grpc.aio.Channel
    metadata: tuple[tuple[str, str], ...]

    async def call(self, call: Call) -> Message:
        stub = self.channel.unary_unary(f"/lineage.v1.{call.method}", type(call.request).SerializeToString,
                                        call.answer.FromString)
        try:
            answer: Message = await stub(call.request, timeout=call.seconds, metadata=self.metadata)
        except grpc.RpcError as failure:
            raise error_of(failure) from failure
        return answer

    async def stream(self, call: Call) -> AsyncIterator[Message]:
        stub = self.channel.unary_stream(f"/lineage.v1.{call.method}", type(call.request).SerializeToString,
                                         call.answer.FromString)
        running = stub(call.request, timeout=call.seconds, metadata=self.metadata)
        try:
            async for message in running:
                yield message
        except grpc.RpcError as failure:
            raise error_of(failure) from failure
        finally:
            running.cancel()  # whoever stops looking ends the call


class _Bridge:
    """What references need of a Client, for a thread beside the event loop in which the calls are made."""

    def __init__(self, link: _Link, loop: asyncio.AbstractEventLoop) -> None:
        self._link = link
        self._loop = loop

    def call(self, method: str, request: Message, answer: type[Message], seconds: float = CALL_SECONDS) -> Message:
        call = self._link.call(Call(method, request, answer, seconds=seconds))
        return asyncio.run_coroutine_threadsafe(call, self._loop).result()
