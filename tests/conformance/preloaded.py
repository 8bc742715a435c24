"""`roar` with its imports done, which are most of what a short run takes: forks one for each command line it is sent.

On the socket that is its standard input come {"arguments", "directory", "descriptors"} with these descriptors, which the new
process then has by these numbers and no others; back go its pid and, when it has ended, its exit code, a line each.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
import traceback
from typing import Any

import grpc  # noqa: F401
from google.protobuf import message  # noqa: F401

import roarctl.client
import roarctl.context
import roarctl.context.command
import roarctl.context.environment
import roarctl.context.git
import roarctl.context.hardware
import roarctl.context.project
import roarctl.context.python
import roarctl.recording
import roarctl.running  # noqa: F401
from lineage.v1 import lineage_pb2, observe_pb2  # noqa: F401
from roarctl.main import main

_OUT_OF_THE_WAY = 500


def _become(request: dict[str, Any], fds: list[int]) -> None:
    moved = [fcntl.fcntl(fd, fcntl.F_DUPFD, _OUT_OF_THE_WAY) for fd in fds]
    os.closerange(0, _OUT_OF_THE_WAY)
    for fd, number in zip(moved, request["descriptors"], strict=True):
        os.dup2(fd, number)
    os.closerange(_OUT_OF_THE_WAY, _OUT_OF_THE_WAY + len(fds))
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)     # they knew other files
    os.chdir(request["directory"])
    sys.argv = ["roar", *request["arguments"]]
    main()


def serve() -> None:
    with socket.socket(fileno=os.dup(0)) as control:
        while True:
            text, fds, _, _ = socket.recv_fds(control, 1 << 16, 16)
            if not text:
                return
            pid = os.fork()
            if pid == 0:
                try:
                    _become(json.loads(text), fds)
                except BaseException:
                    traceback.print_exc()
                    sys.stderr.flush()
                    os._exit(125)
            for fd in fds:
                os.close(fd)
            control.sendall(b"%d\n" % pid)
            _, status = os.waitpid(pid, 0)
            control.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    serve()
