"""What `roar attach` names: a process that runs, or a cgroup; shown to the daemon by descriptor, so that no number or
path can come to mean another one on the way."""

from __future__ import annotations

import contextlib
import errno
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage.errors import ConflictError, DeniedError, InvalidError, NotFoundError, RoarError

if TYPE_CHECKING:
    from lineage.v1.observe_pb2 import AttachResponse, FinishResponse
    from roarctl.client import DaemonClient

_CGROUPS = b"/sys/fs/cgroup"
#: Where systems that still have the cgroups of v1 mount those of v2.
_UNIFIED = b"/sys/fs/cgroup/unified"
_ATTACH_SECONDS = 30.0  # a large tree; the first job after a while has the probes attached first
_INTERVAL_MS = 1000


@dataclass(frozen=True, slots=True)
class Running:
    """``argv`` is what the job is called by, ``words`` what people call it by."""

    descriptor: int
    words: str
    argv: tuple[bytes, ...]
    cwd: bytes
    environment: dict[bytes, bytes]


def process(pid: int, cwd: bytes) -> Running:
    """A running process, and what it says of itself; ``cwd`` where it does not say. NotFoundError, InvalidError."""
    try:
        descriptor = os.pidfd_open(pid)
    except OSError as error:
        if error.errno == errno.ESRCH or not Path(f"/proc/{pid}").exists():
            raise NotFoundError(f"there is no process {pid}", "`ps -ef` lists those that run") from error
        raise InvalidError(f"{pid} is a thread, not a process",
                           f"its process is the Tgid in /proc/{pid}/status") from error
    argv = [word for word in _told(pid, "cmdline").split(b"\0") if word] or [_told(pid, "comm").strip() or b"?"]
    with contextlib.suppress(OSError):
        cwd = os.readlink(f"/proc/{pid}/cwd".encode())
    environment = dict(item.partition(b"=")[::2] for item in _told(pid, "environ").split(b"\0") if b"=" in item)
    return Running(descriptor, f"PID {pid}", tuple(argv), cwd, environment)


def cgroup(name: str, cwd: bytes) -> Running:
    """A cgroup by its path, from the root of the cgroups or of the files, or by a process in it."""
    root, path = _root(), os.fsencode(name)
    if name.isdecimal() and not os.path.lexists(os.path.join(root, path)):
        path = _cgroup_of(int(name))
    place = path if path.startswith(_CGROUPS + b"/") else root + b"/" + path.strip(b"/")
    try:
        descriptor = os.open(place, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except PermissionError as error:
        raise DeniedError(f"you may not look at the cgroup {name}", "root may: sudo roar attach --cgroup …") from error
    except OSError as error:
        raise NotFoundError(f"there is no cgroup {name}",
                            f"cgroups (v2) are the directories below {os.fsdecode(root)}; `cat /proc/PID/cgroup` tells "
                            "that of a process") from error
    inside = b"/" + os.path.realpath(place)[len(root):].strip(b"/")
    return Running(descriptor, f"cgroup {os.fsdecode(inside)}", (b"cgroup", inside), cwd, {})


def attach(client: DaemonClient, target: Running, project: bytes, cwd: bytes) -> AttachResponse:
    from lineage.redact import redact_argv, redact_environment
    from lineage.v1 import observe_pb2
    from lineage.wire import struct_to
    from roarctl.context.git import GitProbe
    from roarctl.context.hardware import hardware
    from roarctl.forward import asked
    from roarctl.settings import load

    context: dict[str, Any] = {"hardware": hardware()}
    if target.environment:
        context["environment"] = redact_environment(target.environment)
    probe = GitProbe(cwd)
    try:
        tracked = zlib.compress(probe.tracked, 1)
        if target.cwd == project or target.cwd.startswith(project.rstrip(b"/") + b"/"):  # else it is not its code
            context["git"] = probe.result()
    finally:
        probe.stop()
    request = observe_pb2.AttachRequest(process=client.process, argv=redact_argv(target.argv), cwd=target.cwd,
                                        project=project, context=struct_to(context), tracked=tracked,
                                        forward=asked(load(project)))
    return client.call("Observe/Attach", request, observe_pb2.AttachResponse, _ATTACH_SECONDS)


def wait(client: DaemonClient, run: bytes) -> FinishResponse:
    """Until the job is over."""
    from lineage.v1 import observe_pb2

    request = observe_pb2.WatchRequest(run=run, interval_ms=_INTERVAL_MS)
    try:
        for _ in client.stream("Observe/Watch", request, observe_pb2.Progress, None):
            pass
    except NotFoundError:  # a cgroup that nobody came to
        return observe_pb2.FinishResponse(final=True)
    client.renew(0)  # it may have taken longer than a token is good for
    return client.call("Observe/Finish", observe_pb2.FinishRequest(run=run), observe_pb2.FinishResponse)


def explained(error: RoarError, target: Running) -> RoarError:
    """An error of the daemon's, by the name that the person gave."""
    if isinstance(error, DeniedError):
        return DeniedError(f"{target.words} is not yours", "root may attach to any: sudo roar attach …")
    if isinstance(error, (ConflictError, InvalidError, NotFoundError)):
        return type(error)(f"{target.words}: {error.message}", error.hint)
    return error


def _told(pid: int, name: str) -> bytes:
    """Empty where it is not for us to know."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def _root() -> bytes:
    return _UNIFIED if os.path.exists(_UNIFIED + b"/cgroup.procs") else _CGROUPS


def _cgroup_of(pid: int) -> bytes:
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_bytes().splitlines()
    except OSError as error:
        raise NotFoundError(f"there is no process {pid}", "`ps -ef` lists those that run") from error
    return next((line[3:] for line in lines if line.startswith(b"0::")), b"")
