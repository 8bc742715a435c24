"""A store whose transactions are timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from glaas.server.metrics import Metrics
from glaas.store.keyed import KeyedStore, Reader, Writer

T = TypeVar("T")


class TimedStore:
    """``glaas_store_seconds``: of reads from their first question to their last answer, of writes until they are durable."""

    def __init__(self, store: KeyedStore, metrics: Metrics) -> None:
        self._store = store
        self._reads = metrics.store_seconds.labels("read")
        self._writes = metrics.store_seconds.labels("write")

    @contextmanager
    def read(self) -> Iterator[Reader]:
        began = time.perf_counter()
        with self._store.read() as reader:
            yield reader
        self._reads.observe(time.perf_counter() - began)

    def write(self, work: Callable[[Writer], T]) -> T:
        with self._writes.time():
            return self._store.write(work)

    def close(self) -> None:
        self._store.close()
