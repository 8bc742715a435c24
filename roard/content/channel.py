"""Messages between the daemon's own processes: marshal over a unix stream socket.

Both ends are this program, started by it; marshal is what travels fastest, and nothing else ever writes here: a hash
worker's memory cannot be touched by the user it runs as (it is not dumpable).
"""

from __future__ import annotations

import contextlib
import marshal
import socket
import struct
import threading
from typing import Any

_LENGTH = struct.Struct("=Q")
_LARGEST = 1 << 30


class Channel:
    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._lock = threading.Lock()

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, message: Any) -> None:  # noqa: ANN401 - whatever marshal takes
        data = marshal.dumps(message)
        with self._lock:
            self._socket.sendall(_LENGTH.pack(len(data)) + data)

    def receive(self) -> Any:  # noqa: ANN401 - whatever was sent
        """The next message, None when the other end is closed."""
        head = self._exactly(_LENGTH.size)
        if head is None:
            return None
        length = _LENGTH.unpack(head)[0]
        if length > _LARGEST:
            raise ConnectionResetError("a message that is too large")
        body = self._exactly(length)
        return None if body is None else marshal.loads(body)  # noqa: S302 - see above

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _exactly(self, length: int) -> bytes | None:
        parts: list[bytes] = []
        while length:
            try:
                part = self._socket.recv(min(length, 1 << 20))
            except ConnectionResetError:
                return None
            if not part:
                return None
            parts.append(part)
            length -= len(part)
        return b"".join(parts)
