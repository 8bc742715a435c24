"""Who a caller is, by the kernel's word: a small unix socket beside the gRPC one, since gRPC does not expose
SO_PEERCRED (unix(7)).

A client connects, sends one line (with a pidfd attached by SCM_RIGHTS if it wants a process watched, or the directory of a
cgroup) and gets one line: a token for its calls, and a ticket for that process. A token is a MAC over uid, gid, pid and
expiry, so nothing is kept; a ticket is good once.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import logging
import os
import secrets
import socket
import struct
import threading
import time
from pathlib import Path

import grpc

from lineage.errors import DeniedError, InvalidError, RoarError
from lineage.status import TOKEN_KEY
from roard.observe.attach import is_cgroup
from roard.observe.job import Process
from roard.observe.observer import Observer
from roard.rpc import cells
from roard.rpc.caller import Caller

_log = logging.getLogger(__name__)
_SECONDS = 600
_TICKET_SECONDS = 60
_CREDENTIALS = struct.Struct("=iII")  # struct ucred: pid, uid, gid
_CLAIM = struct.Struct("=IIIQ")
_LINE = 1024
_CLIENT_SECONDS = 5.0
_MAX_TICKETS = 10_000


class Identity:
    """Issues and checks tokens; ``caller`` is what the services ask."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self._tickets: dict[str, tuple[float, Process]] = {}
        self._lock = threading.Lock()

    def token(self, caller: Caller) -> str:
        claim = _CLAIM.pack(caller.uid, caller.gid, caller.pid, int(time.time()) + _SECONDS)
        return (claim + self._mac(claim)).hex()

    def caller(self, context: grpc.ServicerContext) -> Caller:
        for key, value in context.invocation_metadata() or ():
            if key == TOKEN_KEY:
                return self.check(str(value))
        raise DeniedError("the call has no token", "ask the identity socket for one: it is beside roard's, with .id")

    def check(self, token: str) -> Caller:
        try:
            data = bytes.fromhex(token)
            claim, mac = data[:_CLAIM.size], data[_CLAIM.size:]
            uid, gid, pid, expires = _CLAIM.unpack(claim)
        except (ValueError, struct.error):
            uid = gid = pid = expires = 0
            claim = mac = b""
        if not hmac.compare_digest(mac, self._mac(claim)) or expires < time.time():
            raise DeniedError("the token is not valid (any more)", "ask the identity socket for a new one")
        return Caller(uid, gid, pid)

    def _mac(self, claim: bytes) -> bytes:
        return hmac.new(self._secret, claim, hashlib.sha256).digest()

    def ticket(self, process: Process) -> str:
        name = secrets.token_hex(16)
        with self._lock:
            now = time.monotonic()
            for old, (expires, held) in list(self._tickets.items()):
                if expires < now:
                    del self._tickets[old]
                    held.close()
            if len(self._tickets) >= _MAX_TICKETS:
                process.close()
                raise InvalidError("too many processes wait to be registered", "try again in a minute")
            self._tickets[name] = (now + _TICKET_SECONDS, process)
        return name

    def redeem(self, ticket: str, caller: Caller) -> Process:
        with self._lock:
            expires, process = self._tickets.get(ticket, (0.0, None))
            if process is None or process.uid != caller.uid or expires < time.monotonic():
                raise InvalidError("no such process waits to be registered",
                                   "send its pidfd to the identity socket, and register it within a minute")
            del self._tickets[ticket]
        return process


def process_of(pidfd: int, client: int, uid: int, gid: int) -> Process:
    """The process behind a pidfd, if it is the caller's own: its real, effective and saved uids all are. ``client`` is a
    pidfd of the caller."""
    pid = _pid_behind(pidfd)
    if pid is None:
        raise InvalidError("what was sent is no pidfd", "send what pidfd_open(2) gives")
    if pid <= 0:
        raise InvalidError("the process to watch has ended, or is not visible from here", "try again")
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError as error:
        raise InvalidError("the process to watch has ended", "try again") from error
    uids = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1:4]
    if uid != 0 and any(int(each) != uid for each in uids):
        raise DeniedError("the process to watch is not yours", "a job is registered by who runs it")
    return Process(pidfd, client, pid, uid, gid)


def _pid_behind(fd: int) -> int | None:
    """None for what is no pidfd."""
    information = Path(f"/proc/self/fdinfo/{fd}").read_text()  # proc_pid_fdinfo(5): Pid is as we see it
    fields = dict(line.split(":", 1) for line in information.splitlines() if ":" in line)
    return int(fields["Pid"]) if "Pid" in fields else None


def cgroup_of(directory: int, client: int, uid: int, gid: int) -> Process:
    """The cgroup (v2) behind a descriptor, if it is the caller's own. No path of theirs is looked up here."""
    if not is_cgroup(directory):
        raise InvalidError("this is neither a process nor a cgroup of version 2",
                           "see cgroups(7); they must be mounted where roard runs too")
    status = os.fstat(directory)
    if uid not in (0, status.st_uid):
        raise DeniedError("the cgroup is not yours", "its directory's owner may watch it, and root any")
    return Process(-1, client, 0, uid, gid, directory)


class IdentitySocket:
    """Listens at ``path`` until closed."""

    def __init__(self, path: Path, identity: Identity, observer: Observer | None = None) -> None:
        self._identity = identity
        self._observer = observer
        self._path = path
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        path.chmod(0o666)  # everybody may ask who they are
        self._listener.listen(128)
        threading.Thread(target=self._accept, name="identity", daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(_CLIENT_SECONDS)
            try:
                answer = self._answer(connection)
            except RoarError as error:
                answer = {"error": error.document()}
            except (OSError, ValueError, StopIteration):
                _log.info("a client of the identity socket failed", exc_info=True)
                return
            with contextlib.suppress(OSError):
                connection.sendall(json.dumps(answer).encode() + b"\n")

    def _answer(self, connection: socket.socket) -> dict[str, object]:
        pid, uid, gid = _CREDENTIALS.unpack(
            connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
        data, descriptors, _, _ = socket.recv_fds(connection, _LINE, 4)
        try:
            cell = cells.request_of(data)
            if cell is not None:
                return cells.answer(self._observer, pid, uid, cell, data, connection)
            answer: dict[str, object] = {"token": self._identity.token(Caller(uid, gid, pid)), "expires_in": _SECONDS}
            if descriptors:
                client = _pidfd(pid)
                if client >= 0:
                    descriptors.append(client)
                named = cgroup_of if _pid_behind(descriptors[0]) is None else process_of
                process = named(descriptors[0], client, uid, gid)
                held = (process.pidfd, process.client, process.directory)
                descriptors = [fd for fd in descriptors if fd not in held]  # the ticket's now
                answer["process"] = self._identity.ticket(process)
            return answer
        finally:
            for fd in descriptors:
                os.close(fd)


def _pidfd(pid: int) -> int:
    """-1 for a process that cannot be seen from here (pid 0: in another pid namespace), or has gone."""
    try:
        return os.pidfd_open(pid)
    except OSError:
        return -1
