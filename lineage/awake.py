"""Waiting for signals without missing one."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from typing import Self


class Awake:
    """In the main thread: ``sleep`` until a signal that Python handles has come, also one that came just before.

    No lock and no system call alone is enough.  Python's handlers run in the main thread, between two of its instructions: a
    signal that arrives after its last look and before the call, or that the kernel gives to another thread, would not end the
    call; and a handler that runs while an Event's lock is being taken waits for it for ever.  What the interpreter writes to a
    descriptor for each signal (``signal.set_wakeup_fd``) is there whenever it came."""

    def __enter__(self) -> Self:
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._before)
        os.close(self._read)
        os.close(self._write)

    def sleep(self) -> None:
        select.select([self._read], [], [])
        with contextlib.suppress(BlockingIOError):
            os.read(self._read, 1000)

    def wake(self) -> None:
        """From any thread, while it is entered."""
        with contextlib.suppress(BlockingIOError):  # full: it wakes anyway
            os.write(self._write, b"\0")
