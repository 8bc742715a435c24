"""What the client can do, each thing once (``effects.py`` says how). The first parameter is the project whose session is
meant where no other is named; each docstring is that of the method of ``Roar`` and ``AsyncRoar``."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import TYPE_CHECKING, TypeAlias

from lineage import wire
from lineage.errors import InvalidError
from lineage.records import SHOWN_ROLES, Entry, EntryKind, Job, Role, Session
from lineage.v1 import lineage_pb2, observe_pb2, records_pb2
from roarctl.client.answers import Artifact, Log, Progress
from roarctl.client.channel import GRAPH_SECONDS
from roarctl.client.effects import Call, Operation, Stream, ask, collect, look_up
from roarctl.client.graph import Graph

if TYPE_CHECKING:
    from roarctl.references import Target

#: As the command line has them: "@", "@3", "@~2", a path, a hash prefix, "job:…", "artifact:…", "session:…".
Reference: TypeAlias = "str | os.PathLike[str]"

_KINDS = {"job": "a job", "artifact": "a file or its content", "session": "a session"}


def job(project: bytes, reference: Reference = "@") -> Operation[Job]:
    """A whole job, with its entries. NotFoundError, AmbiguousError; InvalidError for what is no job."""
    del project
    target = yield from _target(reference, "job")
    message = yield from ask("Lineage/GetJob", lineage_pb2.GetJobRequest(id=target.id), records_pb2.Job)
    return wire.job_from(message, (yield from _entries(target.id, (), ())))


def entries(project: bytes, reference: Reference = "@", *, kinds: Collection[EntryKind] = (),
            roles: Collection[Role] = ()) -> Operation[list[Entry]]:
    """A job's entries of these kinds and roles; none named: of all."""
    del project
    target = yield from _target(reference, "job")
    return (yield from _entries(target.id, kinds, roles))


def log(project: bytes, *, limit: int = 50, session: Reference = "", everywhere: bool = False) -> Operation[Log]:
    """The newest jobs of the project's session; of another ``session``; or ``everywhere``, of all that one may see."""
    if session:
        name = os.fspath(session)
        target = yield from _target(name if ":" in name else f"session:{name}", "session")
        request = lineage_pb2.LogRequest(session=target.id, limit=limit)
    else:
        request = lineage_pb2.LogRequest(project=b"" if everywhere else project, limit=limit)
    return Log.of((yield from ask("Lineage/Log", request, lineage_pb2.LogResponse)))


def session(project: bytes, reference: Reference = "") -> Operation[Session]:
    """A session; without a reference the project's current one."""
    request = lineage_pb2.GetSessionRequest(project=project)
    if reference:
        request = lineage_pb2.GetSessionRequest(id=(yield from _target(reference, "session")).id)
    return wire.session_from((yield from ask("Lineage/GetSession", request, records_pb2.Session)))


def artifact(project: bytes, reference: Reference, *, limit: int = 0) -> Operation[Artifact]:
    """Some content, by file or hash, with the jobs that left and took it: at most ``limit`` of each, 0: all."""
    del project
    target = yield from _target(reference, "artifact")
    request = lineage_pb2.GetArtifactRequest(hash=target.id, limit=limit)
    return Artifact.of((yield from ask("Lineage/GetArtifact", request, records_pb2.Artifact)), target)


def lineage(project: bytes, reference: Reference, *, down: bool = False, depth: int = 0, max_nodes: int = 0,
            roles: Collection[Role] = SHOWN_ROLES) -> Operation[Graph]:
    """Where a file, artifact or job came from, back to the roots; or, with ``down``, what was made from it.

    ``depth`` jobs away at most and ``max_nodes`` in all, 0: the daemon's limits; the graph says if one ended it. Of its
    ends (roots above, leaves below) those of these ``roles`` are in it."""
    del project
    target = yield from _target(reference, "artifact", "job")
    request = lineage_pb2.GraphRequest(depth=depth, max_nodes=max_nodes, roles=sorted(roles))
    if target.kind == "job":
        request.job = target.id
    else:
        request.artifact, request.path = target.id, target.path
    method = "Lineage/Descendants" if down else "Lineage/Ancestors"
    message = yield from ask(method, request, lineage_pb2.Graph, GRAPH_SECONDS)
    return Graph.of(message, start=f"{target.kind}:{target.id.hex()}", changed=target.changed)


def dag(project: bytes, reference: Reference = "", *, max_nodes: int = 0) -> Operation[Graph]:
    """All jobs of a session, without a reference the project's current one, in the order in which they began."""
    request = lineage_pb2.SessionDagRequest(project=project, max_nodes=max_nodes)
    if reference:
        target = yield from _target(reference, "session")
        request = lineage_pb2.SessionDagRequest(session=target.id, max_nodes=max_nodes)
    return Graph.of((yield from ask("Lineage/SessionDag", request, lineage_pb2.Graph, GRAPH_SECONDS)))


def watch(project: bytes, reference: Reference = "@", *, interval: float = 1.0) -> Operation[Stream[Progress]]:
    """How far a job is, every ``interval`` seconds until it is over; the last is of the record as it is stored."""
    del project
    target = yield from _target(reference, "job")
    message = yield from ask("Lineage/GetJob", lineage_pb2.GetJobRequest(id=target.id), records_pb2.Job)
    request = observe_pb2.WatchRequest(run=message.head.run, interval_ms=round(interval * 1000))
    return Stream(Call("Observe/Watch", request, observe_pb2.Progress, streamed=True, seconds=None), Progress.of)


def _target(reference: Reference, *kinds: str) -> Operation[Target]:
    target = yield from look_up(os.fspath(reference))
    if target.kind not in kinds:
        raise InvalidError(f"{os.fspath(reference)} is {_KINDS.get(target.kind, target.kind)}",
                           f"name {' or '.join(_KINDS[kind] for kind in kinds)}")
    return target


def _entries(identity: bytes, kinds: Collection[EntryKind], roles: Collection[Role]) -> Operation[list[Entry]]:
    request = lineage_pb2.ListEntriesRequest(id=identity, kinds=kinds, roles=roles)
    pages = yield from collect("Lineage/ListEntries", request, lineage_pb2.EntryPage, GRAPH_SECONDS)
    return [wire.entry_from(entry) for page in pages for entry in page.entries]
