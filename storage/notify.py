"""sd_notify(3): tells systemd what a service is at, where it asks for it."""

from __future__ import annotations

import contextlib
import os
import socket


def notify(state: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to, contextlib.suppress(OSError):
        to.connect("\0" + address[1:] if address.startswith("@") else address)
        to.sendall(state.encode())
