"""``Roar``: the client for programs that wait for each answer."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from lineage.errors import RoarError
from roarctl import references
from roarctl.client import operations
from roarctl.client.channel import DaemonClient, identify, socket_path
from roarctl.client.effects import RESTART_SECONDS, Effect, Lookup, Operation, Stream, described, lost
from roarctl.context.project import project_root, working_directory

T = TypeVar("T")
P = ParamSpec("P")


def _answers(operation: Callable[Concatenate[bytes, P], Operation[T]]) -> Callable[Concatenate[Roar, P], T]:
    def method(roar: Roar, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return roar._run(operation(roar.project, *args, **kwargs))

    described(method, operation)
    return method


def _iterates(operation: Callable[Concatenate[bytes, P], Operation[Stream[T]]]) -> Callable[Concatenate[Roar, P], Iterator[T]]:
    def method(roar: Roar, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return roar._iterate(operation(roar.project, *args, **kwargs))

    described(method, operation, "Iterator[{}]")
    return method


class Roar:
    """A connection to this machine's roard, as the user that the program runs as. Every method raises a RoarError
    (lineage.errors) where there is no answer: UnavailableError, NotFoundError, AmbiguousError, DeniedError …

    ``project``: what @3 is of and `log` lists, a directory; else that of the working directory. ``socket``: of the daemon,
    else ROARD_SOCKET, else the usual place. May be used by several threads; not by both sides of a fork."""

    def __init__(self, project: str | os.PathLike[str] | None = None, socket: str | None = None) -> None:
        self.project = project_root(working_directory() if project is None else os.fsencode(project))
        self._path = socket or socket_path()
        self._client = DaemonClient(self._path, identify(self._path), guest=True)
        self._renewing = threading.Lock()

    job = _answers(operations.job)
    entries = _answers(operations.entries)
    log = _answers(operations.log)
    session = _answers(operations.session)
    artifact = _answers(operations.artifact)
    lineage = _answers(operations.lineage)
    dag = _answers(operations.dag)
    watch = _iterates(operations.watch)

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, operation: Operation[T]) -> T:
        result: object = None
        while True:
            try:
                effect = operation.send(result)
            except StopIteration as end:
                answer: T = end.value
                return answer
            result = self._do(effect)

    def _iterate(self, operation: Operation[Stream[T]]) -> Iterator[T]:
        stream = self._run(operation)
        call = stream.call
        for message in self._client.stream(call.method, call.request, call.answer, call.seconds):
            yield stream.read(message)

    def _do(self, effect: Effect) -> Any:  # noqa: ANN401 - as the effect says
        client = self._client
        try:
            return self._once(client, effect)
        except RoarError as error:
            if not lost(error):
                raise
            return self._once(self._anew(client), effect)

    def _anew(self, before: DaemonClient) -> DaemonClient:
        """Another connection, unless another thread made it meanwhile. Who still uses the one before may go on."""
        with self._renewing:
            if self._client is before:
                self._client = DaemonClient(self._path, identify(self._path, patience=RESTART_SECONDS), guest=True)
            return self._client

    def _once(self, client: DaemonClient, effect: Effect) -> Any:  # noqa: ANN401
        if isinstance(effect, Lookup):
            return references.resolve(client, effect.reference, self.project)
        if effect.streamed:
            return list(client.stream(effect.method, effect.request, effect.answer, effect.seconds))
        assert effect.seconds is not None
        return client.call(effect.method, effect.request, effect.answer, effect.seconds)
