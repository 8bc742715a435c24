"""The lineage that is exported, asked of the daemon: which jobs, whole, and who made what they took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lineage import wire
from lineage.errors import InvalidError, NotFoundError
from lineage.export.model import ELSEWHERE, MakerOf
from lineage.records import Entry, Job, JobHead
from lineage.v1 import lineage_pb2, records_pb2
from roarctl import queries

if TYPE_CHECKING:
    from roarctl.client import Client
    from roarctl.references import Target

MAX_JOBS = 1000
_NODES_A_JOB = 100  # jobs and files together are what the daemon limits


@dataclass(frozen=True, slots=True)
class Gathered:
    """``jobs`` oldest first, as they were recorded. ``truncated``: the limit that left some out, or ""."""

    jobs: tuple[Job, ...]
    maker_of: MakerOf
    truncated: str


def gather(client: Client, target: Target, *, direct: bool, max_jobs: int = MAX_JOBS, whole: bool = True) -> Gathered:
    """The jobs that made an artifact or led to a job, with what came before them, or (``direct``) the one alone; all jobs of
    a session. Not ``whole``: of their files only those that exports show, which are a hundredth of them. NotFoundError where
    nobody made the artifact."""
    session = target.kind == "session"
    graph = _session_graph(client, target, max_jobs) if session else _walk(client, target, direct, max_jobs)
    heads = [wire.head_from(head) for head in graph.jobs]
    if not heads:
        raise NotFoundError("no recorded job made this: there is no lineage to export",
                            "`roar show REF` says who used it; `roar export @` exports a job")
    order = sorted(range(len(heads)), key=lambda at: (heads[at].started_at, heads[at].run))[-max_jobs:]
    truncated = graph.truncated
    if len(heads) > max_jobs:
        truncated = "jobs"
        if not session:  # nearest first, as the walk gave them
            order = sorted(range(max_jobs), key=lambda at: (heads[at].started_at, heads[at].run))
    read = queries.job if whole else _job
    jobs = tuple(read(client, heads[at].id or heads[at].run) for at in order)
    places = {old: new for new, old in enumerate(order)}
    return Gathered(jobs, _maker_of(graph, places), truncated)


def _job(client: Client, identity: bytes) -> Job:
    message = client.call("Lineage/GetJob", lineage_pb2.GetJobRequest(id=identity), records_pb2.Job)
    return wire.job_from(message, queries.entries(client, identity, ("input", "output"), ("data", "source", "config")))


def _session_graph(client: Client, target: Target, max_jobs: int) -> lineage_pb2.Graph:
    from roarctl.client import GRAPH_SECONDS

    request = lineage_pb2.SessionDagRequest(session=target.id, max_nodes=max_jobs * _NODES_A_JOB)
    graph = client.call("Lineage/SessionDag", request, lineage_pb2.Graph, GRAPH_SECONDS)
    if not graph.jobs:
        raise NotFoundError("this session has no jobs", "record a command with `roar run CMD`")
    return graph


def _walk(client: Client, target: Target, direct: bool, max_jobs: int) -> lineage_pb2.Graph:
    from lineage.records import ROLES
    from roarctl.client import GRAPH_SECONDS

    request = lineage_pb2.GraphRequest(max_nodes=max_jobs * _NODES_A_JOB, roles=ROLES)
    if target.kind == "job":
        request.job = target.id
    elif target.kind == "artifact":
        request.artifact, request.path = target.id, target.path
    else:
        raise InvalidError(f"a {target.kind} cannot be exported", "give an artifact, a job or a session")
    if direct:  # to know the makers of what it took, the walk goes one job further
        request.depth = 1 if target.kind == "job" else 2
    graph = client.call("Lineage/Ancestors", request, lineage_pb2.Graph, GRAPH_SECONDS)
    return _only_first(graph) if direct else graph


def _only_first(graph: lineage_pb2.Graph) -> lineage_pb2.Graph:
    """Nothing is truncated where only one job was asked for: what it took is there, with who made it being elsewhere."""
    alone = lineage_pb2.Graph(jobs=graph.jobs[:1], artifacts=graph.artifacts)
    alone.edges.extend(lineage_pb2.GraphEdge(job=0, artifact=edge.artifact, output=edge.output,
                                             maker=edge.maker if edge.HasField("maker") else None)
                       for edge in graph.edges if edge.job == 0)
    return alone


def _maker_of(graph: lineage_pb2.Graph, places: Mapping[int, int]) -> MakerOf:
    known: dict[tuple[int, bytes], list[tuple[bytes, int]]] = {}
    for edge in graph.edges:
        if edge.output or edge.job not in places:
            continue
        artifact = graph.artifacts[edge.artifact]
        if edge.HasField("maker"):
            maker = places.get(edge.maker, ELSEWHERE)
        elif artifact.produced:
            maker = ELSEWHERE
        else:
            continue
        known.setdefault((places[edge.job], artifact.hash), []).append((artifact.path, maker))

    def maker_of(job: int, entry: Entry) -> int | None:
        """The daemon names a file by the path at which it was made: the same one, else any with this content."""
        made = known.get((job, entry.hash or b""), ())
        return next((maker for path, maker in made if path == entry.path), made[0][1] if made else None)

    return maker_of


def records(client: Client, heads: list[JobHead]) -> tuple[list[bytes], list[tuple[bytes, dict[bytes, bytes]]]]:
    """The stored bytes of sessions and of jobs, as a bundle has them."""
    sessions = []
    for session in sorted({head.session for head in heads}):
        request = lineage_pb2.GetRecordRequest(id=session)
        sessions.append(client.call("Bundles/SessionRecord", request, lineage_pb2.RecordPart).data)
    jobs = []
    for head in heads:
        request = lineage_pb2.GetRecordRequest(id=head.id or b"")
        first, *chunks = client.stream("Lineage/GetRecord", request, lineage_pb2.RecordPart)
        jobs.append((first.data, {part.id: part.data for part in chunks}))
    return sessions, jobs
