"""A session's jobs drawn from top to bottom: which took what from which."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lineage import wire
from lineage.document import DagEdge, dag_edges
from lineage.v1 import lineage_pb2
from roarctl.render.jobs import job_text
from roarctl.render.lanes import Edge, Node, graph_lines
from roarctl.render.text import (
    Palette,
    command_text,
    count_text,
    hash_text,
    name_text,
    number_text,
    path_text,
    printable,
    size_text,
)

_FOLDED_FROM = 30  # jobs in the graph
_ALIKE = 4  # jobs that become one line


def dag_lines(graph: lineage_pb2.Graph, palette: Palette, *, fold: bool = True) -> list[str]:
    """``fold``: of many jobs, those that are alike but for their arguments' values, and that nobody took from, share a
    line."""
    edges = dag_edges(graph)
    joined: set[tuple[int, bool, int]] = set()  # (job, did it leave it?, artifact) of an edge between jobs
    for edge in edges:
        joined |= {(edge.source, True, artifact) for artifact in edge.artifacts}
        joined |= {(edge.target, False, artifact) for artifact in edge.artifacts}
    ends: dict[int, tuple[list[int], list[int]]] = {}  # by job: (artifacts taken, artifacts left) at the graph's ends
    for each in graph.edges:
        if (each.job, each.output, each.artifact) not in joined:
            ends.setdefault(each.job, ([], []))[each.output].append(each.artifact)
    fold = fold and len(graph.jobs) >= _FOLDED_FROM
    groups = _groups(graph, edges, ends) if fold else [[job] for job in range(len(graph.jobs))]
    place = {job: at for at, group in enumerate(groups) for job in group}
    nodes = []
    for group in groups:
        taken = dict.fromkeys(artifact for job in group for artifact in ends.get(job, ((), ()))[0])
        left = [artifact for job in group for artifact in ends.get(job, ((), ()))[1]]
        names = _names(graph, left)
        nodes.append(Node(*_heading(graph, group, palette), _names(graph, taken),
                          names if len(group) == 1 else tuple(dict.fromkeys(names))))
    drawn: dict[tuple[int, int], list[int]] = {}
    for edge in edges:
        drawn.setdefault((place[edge.source], place[edge.target]), []).extend(edge.artifacts)
    return graph_lines(nodes, [Edge(*pair, _names(graph, dict.fromkeys(artifacts))) for pair, artifacts in drawn.items()],
                       palette, printable(graph.truncated))


def artifact_lines(graph: lineage_pb2.Graph, palette: Palette, base: bytes) -> list[str]:
    """Jobs and artifacts, each with a line. ``base``: paths below it are shown without it."""
    jobs = len(graph.jobs)
    nodes = [Node(number_text(head), job_text(head, palette)) for head in map(wire.head_from, graph.jobs)]
    for artifact in graph.artifacts:
        name = path_text(artifact.path, base)
        size = size_text(artifact.size) if artifact.HasField("size") else ""
        files = f"  ({count_text(artifact.files, 'file')})" if artifact.files else ""
        nodes.append(Node(name_text(artifact.path), f"{name}  {hash_text(artifact.hash or None)}  {size}{files}".rstrip(),
                          mark="▣" if artifact.files else "▫"))
    pairs = dict.fromkeys((edge.job, jobs + edge.artifact) if edge.output else (jobs + edge.artifact, edge.job)
                          for edge in graph.edges)
    return graph_lines(nodes, [Edge(*pair, ()) for pair in pairs], palette, printable(graph.truncated))


def _groups(graph: lineage_pb2.Graph, edges: Sequence[DagEdge],
            ends: dict[int, tuple[list[int], list[int]]]) -> list[list[int]]:
    """Places of jobs that share a line, in the order of the first of each."""
    makers: dict[int, set[int]] = {}
    sources = {edge.source for edge in edges}
    for edge in edges:
        makers.setdefault(edge.target, set()).add(edge.source)
    alike: dict[object, list[int]] = {}
    for at, job in enumerate(graph.jobs):
        same = (_shape(job.argv), frozenset(makers.get(at, ())), frozenset(ends.get(at, ((), ()))[0]))
        alike.setdefault(at if at in sources else same, []).append(at)
    groups = [group for found in alike.values() for group in ([found] if len(found) >= _ALIKE else [[at] for at in found])]
    return sorted(groups)


def _shape(argv: Iterable[bytes]) -> tuple[bytes, ...]:
    """A command without the values that a sweep changes: its first words, and the names of its flags."""
    words = list(argv)
    flags = [word.partition(b"=")[0] for word in words[2:] if word.startswith(b"-") and not word[1:2].isdigit()]
    return (*words[:2], *sorted(set(flags)))


def _heading(graph: lineage_pb2.Graph, group: Sequence[int], palette: Palette) -> tuple[str, str]:
    first, last = graph.jobs[group[0]], graph.jobs[group[-1]]
    if len(group) == 1:
        head = wire.head_from(first)
        return number_text(head), job_text(head, palette)
    failed = sum(bool(graph.jobs[job].exit_code) or graph.jobs[job].HasField("signal") for job in group)
    incomplete = sum(graph.jobs[job].HasField("id") and not graph.jobs[job].complete for job in group)
    notes = ([palette.red(f"{failed} failed")] if failed else []) + (
        [palette.yellow(f"! {incomplete} incomplete")] if incomplete else [])
    return f"@{first.number}…@{last.number}", "  ".join(
        [f"@{first.number} … @{last.number}  {palette.bold(count_text(len(group), 'job'))} like  "
         f"{command_text(first.argv, 60)}", *notes])


def _names(graph: lineage_pb2.Graph, artifacts: Iterable[int]) -> tuple[str, ...]:
    return tuple(name_text(path) for path in sorted(graph.artifacts[artifact].path for artifact in artifacts))
