"""A session's jobs drawn from top to bottom: which took what from which."""

from __future__ import annotations

from collections.abc import Iterable

from lineage import wire
from lineage.document import dag_edges
from lineage.v1 import lineage_pb2
from roarctl.render.jobs import job_text
from roarctl.render.lanes import Edge, Node, graph_lines
from roarctl.render.text import Palette, name_text, printable


def dag_lines(graph: lineage_pb2.Graph, palette: Palette) -> list[str]:
    edges = dag_edges(graph)
    joined: set[tuple[int, bool, int]] = set()  # (job, did it leave it?, artifact) of an edge between jobs
    for edge in edges:
        joined |= {(edge.source, True, artifact) for artifact in edge.artifacts}
        joined |= {(edge.target, False, artifact) for artifact in edge.artifacts}
    ends: dict[int, tuple[list[int], list[int]]] = {}  # by job: (artifacts taken, artifacts left) at the graph's ends
    for each in graph.edges:
        if (each.job, each.output, each.artifact) not in joined:
            ends.setdefault(each.job, ([], []))[each.output].append(each.artifact)
    nodes = []
    for at, job in enumerate(graph.jobs):
        taken, left = ends.get(at, ((), ()))
        nodes.append(Node(f"@{job.number}", job_text(wire.head_from(job), palette), _names(graph, taken), _names(graph, left)))
    return graph_lines(nodes, [Edge(edge.source, edge.target, _names(graph, edge.artifacts)) for edge in edges], palette,
                       printable(graph.truncated))


def _names(graph: lineage_pb2.Graph, artifacts: Iterable[int]) -> tuple[str, ...]:
    return tuple(name_text(path) for path in sorted(graph.artifacts[artifact].path for artifact in artifacts))
