"""Which jobs a registration needs: those that made it, all that came before them, and what built their environments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lineage import wire
from lineage.errors import ConflictError, InvalidError, NotFoundError
from lineage.records import JobHead
from lineage.v1 import lineage_pb2
from roarctl import queries
from roarctl.client.channel import GRAPH_SECONDS
from roarctl.reproducing.gather import builds

if TYPE_CHECKING:
    from roarctl.client import Client
    from roarctl.references import Target

_MOST_NODES = 100_000  # the most that one walk may have
_MOST_LOG = 10_000


@dataclass(frozen=True, slots=True)
class Closure:
    """``heads``: of ended jobs, by session and in the order in which they ran. ``running``: how many have not ended yet.
    ``first``: the job that was asked for, of an artifact its newest maker; None of a session."""

    heads: tuple[JobHead, ...]
    running: int
    first: JobHead | None


def closure(client: Client, target: Target, *, direct: bool = False) -> Closure:
    """``direct``: only what is named: the job that made an artifact, a job, the jobs of a session. NotFoundError where no job
    made the artifact; ConflictError for a job that still runs; InvalidError where there are too many."""
    heads: dict[bytes, JobHead] = {}
    first = None
    if target.kind == "session":
        found, more = queries.log(client, session=target.id, limit=_MOST_LOG)
        if more:
            raise InvalidError(f"this session has more than {_MOST_LOG} jobs", "register the files that matter, or jobs")
        heads = {head.run: head for head in found}
        starts: list[JobHead] = [] if direct else list(found)
    else:
        graph = _walk(client, target, depth=1 if direct else 0)
        if not graph.jobs:
            raise NotFoundError("no recorded job made this: there is nothing to register",
                                "`roar show REF` says who used it")
        first = wire.head_from(graph.jobs[0])
        if first.id is None:
            raise ConflictError(f"job @{first.number} still runs: its record is made when it ends", "wait for its end")
        wanted = graph.jobs[:1] if direct else graph.jobs
        heads = {head.run: head for head in map(wire.head_from, wanted)}
        starts = list(heads.values()) if graph.truncated and not direct else []
    _complete(client, heads, starts)
    if not direct:
        heads.update({head.run: head for head in builds(client, list(heads.values()))})
    ended = [head for head in heads.values() if head.id is not None]
    ended.sort(key=lambda head: (head.session, head.number, head.started_at, head.run))
    return Closure(tuple(ended), len(heads) - len(ended), first)


def _complete(client: Client, heads: dict[bytes, JobHead], starts: Iterable[JobHead]) -> None:
    """Job by job, where one walk is too long or there is more than one start."""
    waiting = [head for head in starts if head.id is not None]
    while waiting:
        head = waiting.pop()
        request = lineage_pb2.GraphRequest(job=head.id or b"", depth=1, max_nodes=_MOST_NODES, roles=["data"])
        graph = client.call("Lineage/Ancestors", request, lineage_pb2.Graph, GRAPH_SECONDS)
        for maker in map(wire.head_from, graph.jobs):
            if maker.run not in heads:
                heads[maker.run] = maker
                waiting.append(maker)


def _walk(client: Client, target: Target, *, depth: int) -> lineage_pb2.Graph:
    request = lineage_pb2.GraphRequest(max_nodes=_MOST_NODES, roles=["data"], depth=depth)
    if target.kind == "job":
        request.job = target.id
    else:
        request.artifact, request.path = target.id, target.path
    return client.call("Lineage/Ancestors", request, lineage_pb2.Graph, GRAPH_SECONDS)
