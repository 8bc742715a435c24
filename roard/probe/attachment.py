"""When the programs are attached: while jobs run, and some seconds longer."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from lineage.errors import UnsupportedError
from roard.probe import kernel, table

#: Detaching costs a grace period for each descriptor, seconds in all: not at once, another job may come.
LINGER_SECONDS = 5.0


#: By name of a tracepoint: opens it, and gives its descriptor.
Points = dict[str, Callable[[], int]]


class Attachment:
    """Programs on their tracepoints while anybody holds them. ``find``: says which, when they are first wanted.

    A program cannot be attached to a tracepoint twice (kernel/bpf/core.c: bpf_prog_array_copy), so who comes while it is
    being detached keeps what is left, waits for the one descriptor that is being closed, and opens the rest.
    """

    def __init__(self, find: Callable[[], Points], linger_seconds: float = LINGER_SECONDS) -> None:
        self._find = find
        self._linger_seconds = linger_seconds
        self._linger: threading.Timer | None = None
        self._changed = threading.Condition()
        self._points: Points = {}
        self._open: dict[str, int] = {}
        self._closing: set[str] = set()
        self._holders = 0

    @property
    def attached(self) -> bool:
        return bool(self._open)

    def hold(self) -> None:
        """For a job's life: attaches what is not attached (3 ms)."""
        with self._changed:
            self._holders += 1
            if self._linger:
                self._linger.cancel()
                self._linger = None
            try:
                self._attach()
            except BaseException:
                self._let_go()
                raise

    def release(self) -> None:
        """The last one detaches, after a linger, in a thread."""
        with self._changed:
            self._let_go()

    def close(self) -> None:
        """Detaches by ending: the kernel closes what this process leaves open, without making it wait here."""
        with self._changed:
            if self._linger:
                self._linger.cancel()

    def _let_go(self) -> None:
        self._holders -= 1
        if self._holders == 0 and self._open:
            self._linger = threading.Timer(self._linger_seconds, self._detach)
            self._linger.daemon = True
            self._linger.start()

    def _attach(self) -> None:
        if not self._points:
            self._points = self._find()
        for name, attach in self._points.items():
            self._changed.wait_for(lambda name=name: name not in self._closing)  # type: ignore[misc]
            if name not in self._open:
                self._open[name] = attach()

    def _detach(self) -> None:
        while True:
            with self._changed:
                if self._holders or not self._open:
                    return
                name, fd = self._open.popitem()
                self._closing.add(name)
            os.close(fd)
            with self._changed:
                self._closing.remove(name)
                self._changed.notify_all()


def call_points(programs: Mapping[str, int]) -> Points:
    """The tracepoints of the table but those of 32-bit calls. ``programs``: descriptors by the names of handlers."""
    root = kernel.tracefs()
    points: Points = {}
    uring = {point.handler: _first(root, point) for point in table.URING if point.handler in programs}
    seen = len(uring) == len(table.URING) and all(uring.values())
    for row in table.CALLS if seen else (*table.CALLS, table.NO_URING):
        name = f"syscalls/sys_{row.edge}_{row.call}"
        identity = kernel.tracepoint_id(root, name)
        if identity is not None:
            points[name] = partial(kernel.open_tracepoint, identity, programs[row.handler])
        elif row.needed:
            raise UnsupportedError(f"this kernel has no tracepoint for {row.call}", "roar needs CONFIG_FTRACE_SYSCALLS")
    if seen:
        points |= {handler: partial(kernel.open_tracepoint, identity or 0, programs[handler])
                   for handler, identity in uring.items()}
    for name, handler in table.RAW:
        points[handler] = partial(kernel.open_raw_tracepoint, name, programs[handler])
    return points


def group_points(programs: Mapping[str, int]) -> Points:
    """The tracepoints by which a process comes into a cgroup."""
    return {handler: partial(kernel.open_raw_tracepoint, name, programs[handler]) for name, handler in table.GROUPS}


def compat_points(programs: Mapping[str, int]) -> Points:
    """The tracepoint that sees 32-bit calls, and every other call of every process: for as short as can be."""
    identity = _first(kernel.tracefs(), table.COMPAT)
    if identity is None:
        raise UnsupportedError("this kernel has no raw_syscalls tracepoint", "roar needs CONFIG_FTRACE_SYSCALLS")
    return {"compat": partial(kernel.open_tracepoint, identity, programs[table.COMPAT.handler])}


def _first(root: Path, point: table.Point) -> int | None:
    return next(filter(None, (kernel.tracepoint_id(root, name) for name in point.names)), None)
