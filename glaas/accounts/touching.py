"""Remembering when something was last used: now and then, by one thread, and never to the harm of who uses it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from glaas.store.keyed import KeyedStore, Writer
from lineage.errors import UnavailableError

STEP = 5 * 60 * 10**9  # nanoseconds: so exact it is


class Touching:
    """``clock``: nanoseconds."""

    def __init__(self, store: KeyedStore, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._under_way: set[bytes] = set()

    def touch(self, key: bytes, last: int, work: Callable[[Writer, int], None]) -> None:
        """``work`` with the time, in a transaction, if ``last`` is long ago and no other thread is at it for this key.  A store
        that takes nothing in now is not the caller's trouble."""
        now = self._clock()
        if now - last < STEP:
            return
        with self._lock:
            if key in self._under_way:
                return
            self._under_way.add(key)
        try:
            with contextlib.suppress(UnavailableError):
                self._store.write(lambda writer: work(writer, now))
        finally:
            with self._lock:
                self._under_way.discard(key)
