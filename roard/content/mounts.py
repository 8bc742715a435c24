"""What a mount namespace has where: mountinfo (proc(5))."""

from __future__ import annotations

import os
import re
import select
from typing import NamedTuple

_ESCAPE = re.compile(rb"\\([0-7]{3})")


class Mount(NamedTuple):
    """A line of mountinfo; no slash at the end of paths. ``dev`` as st_dev, ``root`` inside the file system."""

    identity: int
    dev: int
    root: bytes
    point: bytes


def parse_mounts(text: bytes) -> list[Mount]:
    found = []
    for line in text.splitlines():
        fields = line.split(b" ")
        major, _, minor = fields[2].partition(b":")
        found.append(Mount(int(fields[0]), os.makedev(int(major), int(minor)), _unescaped(fields[3]).rstrip(b"/"),
                           _unescaped(fields[4]).rstrip(b"/")))
    return found


class Mounts:
    """Those of a process's namespace, read again when the kernel says that they have changed. Raises OSError."""

    def __init__(self, process: str = "self") -> None:
        self._fd = os.open(f"/proc/{process}/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
        self._changed = select.poll()
        self._changed.register(self._fd, select.POLLERR | select.POLLPRI)
        self._mounts: list[Mount] = []
        self._by_device: dict[int, list[Mount]] = {}

    def place(self, dev: int, inner: bytes) -> bytes | None:
        """A path there of what has the path ``inner`` inside the file system ``dev`` (as st_dev); None where that is not
        mounted. Another mount may lie above it: whoever opens the path makes sure that it is the file."""
        if not self._mounts or self._changed.poll(0):
            self._read()
        found = [mount.point + inner[len(mount.root):] for mount in self._by_device.get(dev, ())
                 if inner == mount.root or inner.startswith(mount.root + b"/")]
        return min(found, key=len, default=None)

    def inside(self, path: bytes) -> tuple[int, bytes]:
        """(device, path inside its file system) of a canonical path there. Of mounts at one point the last one is seen."""
        self._read()
        above = [(len(mount.point), at) for at, mount in enumerate(self._mounts)
                 if path == mount.point or path.startswith(mount.point + b"/")]
        mount = self._mounts[max(above)[1]]
        return mount.dev, mount.root + path[len(mount.point):]

    def close(self) -> None:
        os.close(self._fd)

    def _read(self) -> None:
        self._mounts = parse_mounts(self._text())
        self._by_device = {}
        for mount in self._mounts:
            self._by_device.setdefault(mount.dev, []).append(mount)

    def _text(self) -> bytes:
        os.lseek(self._fd, 0, os.SEEK_SET)
        parts = []
        while part := os.read(self._fd, 1 << 16):
            parts.append(part)
        return b"".join(parts)


def _unescaped(field: bytes) -> bytes:
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 8)]), field)
