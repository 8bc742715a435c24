"""What the daemon's own mount namespace has where: /proc/self/mountinfo (proc(5))."""

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
    """Read again when the kernel says that they have changed."""

    def __init__(self) -> None:
        self._fd = os.open("/proc/self/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
        self._changed = select.poll()
        self._changed.register(self._fd, select.POLLERR | select.POLLPRI)
        self._table: dict[int, list[_Mount]] = {}

    def place(self, dev: int, inner: bytes) -> bytes | None:
        """A path here of what has the path ``inner`` inside the file system ``dev`` (as st_dev); None where that is not
        mounted. Another mount may lie above it: whoever opens the path makes sure that it is the file."""
        if not self._table or self._changed.poll(0):
            self._read()
        found = [mount.point + inner[len(mount.root):] for mount in self._table.get(dev, ())
                 if inner == mount.root or inner.startswith(mount.root + b"/")]
        return min(found, key=len, default=None)

    def close(self) -> None:
        os.close(self._fd)

    def _read(self) -> None:
        table: dict[int, list[_Mount]] = {}
        for line in self._lines():
            fields = line.split(b" ")
            major, _, minor = fields[2].partition(b":")
            mount = _Mount(_text(fields[3]).rstrip(b"/"), _text(fields[4]).rstrip(b"/"))
            table.setdefault(os.makedev(int(major), int(minor)), []).append(mount)
        self._table = table

    def _lines(self) -> list[bytes]:
        os.lseek(self._fd, 0, os.SEEK_SET)
        parts = []
        while part := os.read(self._fd, 1 << 16):
            parts.append(part)
        return b"".join(parts).splitlines()


def _text(field: bytes) -> bytes:
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 8)]), field)
