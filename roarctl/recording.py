"""The daemon's side of `roar run`: a job registered before its command executes, described while it runs, finished
when it has ended."""

from __future__ import annotations

import contextlib
import os
import threading
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lineage.errors import RoarError
from roarctl import client as clients
from roarctl import launch

if TYPE_CHECKING:
    from lineage.records import Json
    from lineage.v1.observe_pb2 import FinishResponse
    from roarctl.client import DaemonClient
    from roarctl.context.git import GitProbe
    from roarctl.launch import Command, Ended, Held
    from roarctl.settings import Settings

_RESTART_SECONDS = 3.0  # what systemd may take to start a daemon again that was killed
_FINISH_WAIT_MS = 30_000
_FINISH_SECONDS = _FINISH_WAIT_MS / 1000 + 5
_REGISTER_SECONDS = 30.0  # the first job after a while has the probes attached first
_MOST_FILES = 20_000  # of a job, that a summary asks for
_INPUTS_WAIT_MS = 300
_FORGET_SECONDS = 1.0
#: How long the end of a short command waits for the slower context.
_DESCRIBE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class About:
    """What a job is given besides its command. ``stderr``: what it writes there may be kept, if it fails."""

    labels: Mapping[str, str] = field(default_factory=dict)
    context: Mapping[str, str] = field(default_factory=dict)
    stderr: bool = True
    settings: Settings | None = None


class Recording:
    """One job that the daemon watches."""

    def __init__(self, client: DaemonClient, run: bytes, number: int, cwd: bytes) -> None:
        self.number = number
        self.cwd = cwd
        self._client = client
        self.run = run
        self._describing: threading.Thread | None = None

    @classmethod
    def begin(cls, child: Held, environment: Mapping[bytes, bytes], cwd: bytes, about: About | None = None) -> Recording:
        """Register the waiting child. Raises a RoarError where the job cannot be watched."""
        path = clients.socket_path()
        identity = clients.identify(path, child.pidfd)  # first: it is quick, and says whether there is a daemon
        from roarctl.context.git import GitProbe

        probe = GitProbe(cwd)
        try:
            # git works while grpc is being imported.
            return cls._register(clients.DaemonClient(path, identity), child, environment, cwd, probe, about or About())
        finally:
            probe.stop()

    @classmethod
    def _register(cls, client: DaemonClient, child: Held, environment: Mapping[bytes, bytes], cwd: bytes,
                  git: GitProbe, about: About) -> Recording:
        from lineage.redact import redact_argv
        from lineage.v1 import observe_pb2
        from lineage.wire import struct_to
        from roarctl.context.environment import recorded
        from roarctl.context.project import project_root
        from roarctl.forward import asked

        project = project_root(cwd)
        settings = about.settings
        omit, record = ((), ()) if settings is None else (
            settings.words("environment.omit"), settings.words("environment.record"))
        context = {**about.context, "git": git.result(), "environment": recorded(environment, omit, record)}
        request = observe_pb2.RegisterRequest(
            process=client.process, argv=redact_argv(child.command.argv), cwd=cwd, project=project,
            context=struct_to(context), tracked=zlib.compress(git.tracked, 1),
            labels=about.labels, no_stderr=not about.stderr, forward=asked(settings),
            compat=launch.is_compat(launch.interpreter(child.command.path, environment), project, cwd))
        answer = client.call("Observe/Register", request, observe_pb2.RegisterResponse, _REGISTER_SECONDS)
        return cls(client, answer.run, answer.number, cwd)

    def describe(self, command: Command, environment: Mapping[bytes, bytes]) -> None:
        """Gather and send the slower context beside the running command."""
        self._describing = threading.Thread(target=self._describe, args=(command, environment), daemon=True)
        self._describing.start()

    def _describe(self, command: Command, environment: Mapping[bytes, bytes]) -> None:
        from lineage.v1 import observe_pb2
        from lineage.wire import struct_to
        from roarctl.context.container import container, limits, scheduler
        from roarctl.context.hardware import hardware
        from roarctl.context.python import PythonProbe

        path = command.path  # a python that is a script itself (a shim) knows best which one it stands for
        if not os.path.basename(path).startswith((b"python", b"pypy")):
            path = launch.interpreter(path, environment)
        probe = PythonProbe(path)
        context = {"hardware": {**hardware(), **limits()}, "python": probe.result(), "container": container(environment),
                   "scheduler": scheduler(environment)}
        request = observe_pb2.DescribeRequest(run=self.run, context=struct_to(context))
        with contextlib.suppress(RoarError):  # the job goes on without, and Finish says if the daemon is gone
            self._client.call("Observe/Describe", request, observe_pb2.DescribeResponse)

    def _describe_inputs(self) -> None:
        """What only the inputs tell: where else the job's code came from."""
        from lineage.v1 import observe_pb2
        from lineage.wire import struct_to
        from roarctl.context.project import git_root

        answer = self._client.call("Observe/Inputs", observe_pb2.InputsRequest(run=self.run, wait_ms=_INPUTS_WAIT_MS),
                                   observe_pb2.InputsResponse)
        if not answer.paths:
            return
        from roarctl.context import repositories

        project = git_root(os.path.realpath(self.cwd))
        deadline = repositories.within()
        found: dict[str, Json] = {}
        others = repositories.repositories(answer.paths, project, deadline)
        if others:
            found["repositories"] = list(others)
        large = repositories.large_files(answer.paths, project, deadline) if project else []
        if large:
            found["git"] = {"lfs": list(large)}
        if found:
            request = observe_pb2.DescribeRequest(run=self.run, context=struct_to(found))
            self._client.call("Observe/Describe", request, observe_pb2.DescribeResponse)

    def finish(self, ended: Ended, *, interrupted: bool) -> FinishResponse:
        """Tell how the command ended and wait for the record, within limits."""
        from lineage.v1 import observe_pb2
        from lineage.wire import struct_to

        if self._describing:
            self._describing.join(_DESCRIBE_SECONDS)
        self._client.renew(_RESTART_SECONDS)
        with contextlib.suppress(RoarError):  # Finish says if the daemon is gone
            self._describe_inputs()
        request = observe_pb2.FinishRequest(
            run=self.run, exit_code=ended.exit_code, signal=ended.signal, interrupted=interrupted,
            resources=struct_to(_resources(ended)), wait_ms=_FINISH_WAIT_MS)
        return self._client.call("Observe/Finish", request, observe_pb2.FinishResponse, _FINISH_SECONDS)

    def complete(self, answer: FinishResponse) -> None:
        """Asks for the files that the answer had no room for, where they are not too many: together they may be one set."""
        counts = answer.job.head.counts
        total = sum(counts[name] for name in ("input/shown", "output/shown") if name in counts)
        if not answer.final or not len(answer.entries) < total <= _MOST_FILES:
            return
        from lineage.records import SHOWN_ROLES
        from lineage.v1 import lineage_pb2

        request = lineage_pb2.ListEntriesRequest(id=answer.job.head.id, kinds=("input", "output"), roles=sorted(SHOWN_ROLES))
        entries = [entry for page in self._client.stream("Lineage/ListEntries", request, lineage_pb2.EntryPage)
                   for entry in page.entries]
        del answer.entries[:]
        answer.entries.extend(entries)

    def document(self) -> str:
        """What is recorded by now, as `roar show --json` has it, on one line."""
        import json

        from roarctl import annotating, queries

        return json.dumps(annotating.job_document(self._client, queries.job(self._client, self.run)))

    def forget(self) -> None:
        """The command never ran."""
        from lineage.v1 import observe_pb2

        request = observe_pb2.FinishRequest(run=self.run, never_ran=True)
        self._client.call("Observe/Finish", request, observe_pb2.FinishResponse, _FORGET_SECONDS)

    def close(self) -> None:
        self._client.close()


def _resources(ended: Ended) -> dict[str, float]:
    """What wait4(2) says of the command and of those of its children that it waited for."""
    usage = ended.usage
    return {
        "wall_seconds": round(ended.wall_seconds, 6), "user_seconds": usage.ru_utime, "system_seconds": usage.ru_stime,
        "max_rss_bytes": usage.ru_maxrss * 1024, "page_faults": usage.ru_majflt, "blocks_read": usage.ru_inblock,
        "blocks_written": usage.ru_oublock, "voluntary_switches": usage.ru_nvcsw,
        "involuntary_switches": usage.ru_nivcsw,
    }
