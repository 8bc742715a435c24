"""The one writer: a thread that takes all that is waiting, does it in one transaction, and commits once.

A durable commit costs a disk's flush (0.3 ms to 10 ms); sharing it is what makes many small writes cheap.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import lmdb

from lineage.errors import UnavailableError
from storage.environment import storage_error
from storage.owner import Owner
from storage.values import Txn

T = TypeVar("T")

GROUP = 4096  # operations in one transaction at most


class _Operation(NamedTuple):
    work: Callable[[Txn], Any]
    future: Future[Any]


class Writer:
    """``submit`` gives work to the thread.  Work may be done more than once before it is committed, so all that it
    changes must be in its transaction."""

    def __init__(self, env: lmdb.Environment, directory: Path, owner: Owner) -> None:
        self._env = env
        self._directory = directory
        self._owner = owner
        self._queue: queue.SimpleQueue[_Operation | None] = queue.SimpleQueue()
        self._lock = threading.Lock()  # orders submit against close: nothing is queued after the end mark
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Txn], T]) -> Future[T]:
        """The future has the result when it is durable.  It fails with what ``work`` raised, or with
        UnavailableError where it cannot be stored; then nothing of it was written."""
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise UnavailableError("the store is closed", f"{self._owner.program} is ending; try again when it is up")
            self._queue.put(_Operation(work, future))
        return future

    def do(self, work: Callable[[Txn], T]) -> T:
        return self.submit(work).result()

    def close(self) -> None:
        """Everything submitted before is done first."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            group, more = [first], True
            while more and len(group) < GROUP:
                try:
                    operation = self._queue.get_nowait()
                except queue.Empty:
                    break
                if operation is None:
                    self._queue.put(None)  # nothing comes after it: the outer loop meets it next
                    more = False
                else:
                    group.append(operation)
            self._commit([operation for operation in group if operation.future.set_running_or_notify_cancel()])

    def _commit(self, group: list[_Operation]) -> None:
        """Together if that works.  Else in halves, in order, until what fails stands alone: one bad operation costs
        the others some commits, never their result."""
        if not group:
            return
        try:
            with self._env.begin(write=True) as txn:
                results = [operation.work(txn) for operation in group]
        except BaseException as error:  # whatever it is belongs to whoever waits for the future
            if len(group) == 1:
                failure = storage_error(error, self._directory, self._owner) if isinstance(error, lmdb.Error) else error
                group[0].future.set_exception(failure)
                return
            half = len(group) // 2
            self._commit(group[:half])
            self._commit(group[half:])
            return
        for operation, result in zip(group, results, strict=True):
            operation.future.set_result(result)
