"""What a mount namespace has where: mountinfo (proc(5))."""

from __future__ import annotations

import os
import re
import select
from typing import NamedTuple

_ESCAPE = re.compile(rb"\\([0-7]{3})")


class _Mount(NamedTuple):
    root: bytes  # inside the file system, without a slash at the end
    point: bytes  # likewise


class Mounts:
    """Those of a process's namespace, read again when the kernel says that they have changed. Raises OSError."""

    def __init__(self, process: str = "self") -> None:
        self._fd = os.open(f"/proc/{process}/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
        self._changed = select.poll()
        self._changed.register(self._fd, select.POLLERR | select.POLLPRI)
        self._table: dict[int, list[_Mount]] = {}
        self._order: list[tuple[int, _Mount]] = []

    def place(self, dev: int, inner: bytes) -> bytes | None:
        """A path there of what has the path ``inner`` inside the file system ``dev`` (as st_dev); None where that is not
        mounted. Another mount may lie above it: whoever opens the path makes sure that it is the file."""
        if not self._table or self._changed.poll(0):
            self._read()
        found = [mount.point + inner[len(mount.root):] for mount in self._table.get(dev, ())
                 if inner == mount.root or inner.startswith(mount.root + b"/")]
        return min(found, key=len, default=None)

    def inside(self, path: bytes) -> tuple[int, bytes]:
        """(device, path inside its file system) of a canonical path there. Of mounts at one point the last one is seen."""
        self._read()
        found = max(((len(mount.point), at, dev, mount) for at, (dev, mount) in enumerate(self._order)
                     if path == mount.point or path.startswith(mount.point + b"/")), key=lambda each: each[:2])
        return found[2], found[3].root + path[len(found[3].point):]

    def close(self) -> None:
        os.close(self._fd)

    def _read(self) -> None:
        table: dict[int, list[_Mount]] = {}
        order = []
        for line in self._lines():
            fields = line.split(b" ")
            major, _, minor = fields[2].partition(b":")
            mount = _Mount(_text(fields[3]).rstrip(b"/"), _text(fields[4]).rstrip(b"/"))
            dev = os.makedev(int(major), int(minor))
            table.setdefault(dev, []).append(mount)
            order.append((dev, mount))
        self._table, self._order = table, order

    def _lines(self) -> list[bytes]:
        os.lseek(self._fd, 0, os.SEEK_SET)
        parts = []
        while part := os.read(self._fd, 1 << 16):
            parts.append(part)
        return b"".join(parts).splitlines()


def _text(field: bytes) -> bytes:
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 8)]), field)
