"""Which tags hold for something: its ancestors are walked by the daemon, what is said of them is asked for, the rule is
that of ``lineage.tags``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lineage.annotations import Annotations, Subject
from lineage.errors import InvalidError
from lineage.records import ROLES
from lineage.tags import Tags, held_tags
from lineage.v1 import lineage_pb2
from roarctl import annotating
from roarctl.client import GRAPH_SECONDS

if TYPE_CHECKING:
    from roarctl.client import Client
    from roarctl.references import Target


def tags_of(client: Client, target: Target, reference: str) -> tuple[Tags, lineage_pb2.Graph]:
    """(tags, the graph that they were found on).  InvalidError for a session."""
    if target.kind == "session":
        raise InvalidError(f"{reference} is a session", "tags hold for jobs and files: @3, model.pt")
    request = lineage_pb2.GraphRequest(roles=ROLES)
    if target.kind == "job":
        request.job = target.id
    else:
        request.artifact, request.path = target.id, target.path
    graph = client.call("Lineage/Ancestors", request, lineage_pb2.Graph, GRAPH_SECONDS)
    said = _said(client, graph)
    if target.kind == "job":
        job = next((at for at, head in enumerate(graph.jobs) if target.id in {head.id, head.run}), None)
        return held_tags(graph, said, job=job), graph
    places = [at for at, one in enumerate(graph.artifacts) if one.hash == target.id]
    start = min(places, key=lambda at: graph.artifacts[at].path != target.path, default=None)
    return held_tags(graph, said, artifact=start), graph


def _said(client: Client, graph: lineage_pb2.Graph) -> dict[bytes, Annotations]:
    subjects = [Subject("job", job.run) for job in graph.jobs]
    subjects += [Subject("artifact", digest) for digest in dict.fromkeys(one.hash for one in graph.artifacts)]
    return {one.subject.id: one for one in annotating.listed(client, subjects)}
