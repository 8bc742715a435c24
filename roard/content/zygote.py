"""Where hash workers come from: a small root process, forked before the daemon has threads, locks or a store.

A worker must read files as its user, and must not be that user's to tamper with: it is forked from here (so that it
needs no file of ours that the user may not read), takes the user's uid, gid and groups for good, gets no new privileges
and is not dumpable, so that the user can neither trace it nor read its memory.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import signal
import socket
import struct

from lineage.errors import UnavailableError
from roard.content.channel import Channel
from roard.content.worker import Worker

_REQUEST = struct.Struct("=II")  # uid, gid
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_MAX_FD = 65536


class Zygote:
    """The daemon's handle of the zygote process."""

    def __init__(self, end: socket.socket, pid: int) -> None:
        self._end = end
        self.pid = pid

    def worker(self, uid: int, gid: int) -> Channel:
        """A channel to a new worker that runs as this user."""
        ours, theirs = socket.socketpair()
        try:
            socket.send_fds(self._end, [_REQUEST.pack(uid, gid)], [theirs.fileno()])
        except OSError as error:
            ours.close()
            raise UnavailableError(f"no hash worker can be started: {error}", "restart roard") from error
        finally:
            theirs.close()
        return Channel(ours)

    def close(self) -> None:
        self._end.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def start() -> Zygote:
    """Forks the zygote. Call it first of all: a fork of a process with threads inherits their locks."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        ours.close()
        status = 1
        try:
            _serve(theirs)
            status = 0
        finally:
            os._exit(status)
    theirs.close()
    return Zygote(ours, pid)


def _serve(end: socket.socket) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C in a terminal is the daemon's to act on
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for workers: the kernel reaps them
    while True:
        data, fds, _, _ = socket.recv_fds(end, _REQUEST.size, 1)
        if not data:
            return
        if os.fork() == 0:
            try:
                _become_worker(end, fds[0], *_REQUEST.unpack(data))
            finally:
                os._exit(0)
        for fd in fds:
            os.close(fd)


def _become_worker(zygote: socket.socket, fd: int, uid: int, gid: int) -> None:
    zygote.close()
    os.closerange(3, fd)
    os.closerange(fd + 1, _MAX_FD)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    libc = ctypes.CDLL(None, use_errno=True)
    if uid != os.getuid() or gid != os.getgid():
        try:
            name = pwd.getpwuid(uid).pw_name
            groups = os.getgrouplist(name, gid)
        except KeyError:
            groups = [gid]
        os.setgroups(groups)
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    for option, value in ((_PR_SET_NO_NEW_PRIVS, 1), (_PR_SET_DUMPABLE, 0), (_PR_SET_PDEATHSIG, signal.SIGKILL)):
        libc.prctl(option, value, 0, 0, 0)
    os.umask(0o077)
    os.chdir("/")
    Worker(Channel(socket.socket(fileno=fd))).serve()
