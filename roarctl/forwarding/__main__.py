"""The loop: a bundle comes in, what came of it goes out, until the other end is closed."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys

from lineage import relay

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_CHANNEL = 0  # the descriptor: standard input


def main() -> int:
    """Exit status 2: it was not started by roard, or as root."""
    if os.geteuid() == 0 or os.getuid() == 0:
        print("roar forwarding: this is never run as root; roard starts it", file=sys.stderr)
        return 2
    libc = ctypes.CDLL(None, use_errno=True)
    # before anything is read: no other process of this account may look into this one, and it ends with roard
    for option, value in ((_PR_SET_DUMPABLE, 0), (_PR_SET_NO_NEW_PRIVS, 1), (_PR_SET_PDEATHSIG, signal.SIGKILL)):
        if libc.prctl(option, value, 0, 0, 0) != 0:
            print(f"roar forwarding: prctl({option}) is refused", file=sys.stderr)
            return 2
    try:
        channel = socket.socket(fileno=_CHANNEL)
        channel.getpeername()
    except OSError:
        print("roar forwarding: roard starts this; see docs/forwarding.md", file=sys.stderr)
        return 2
    from roarctl.forwarding.sending import Sender

    with channel.makefile("rb") as incoming:
        hello = relay.read(incoming)
        if hello is None:
            return 0
        sender = Sender.of(hello[0])
        while (asked := relay.read(incoming)) is not None:
            channel.sendall(relay.encode(sender.send(*asked)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
