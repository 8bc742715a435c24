"""A graph in which the files of a set are one node, where all of them come from and go to the same jobs."""

from __future__ import annotations

from lineage.composite import Group, Member, grouped
from lineage.v1 import lineage_pb2

_Key = tuple[str, bool, tuple[tuple[int, bool, int], ...]]


def folded(graph: lineage_pb2.Graph, keep: bytes = b"") -> lineage_pb2.Graph:
    """A copy with composites for artifacts (``files`` says of how many). ``keep``: the hash of one that stays itself."""
    alike: dict[_Key, list[int]] = {}
    for at, key in enumerate(_keys(graph)):
        if graph.artifacts[at].hash and graph.artifacts[at].hash != keep and graph.artifacts[at].path:
            alike.setdefault(key, []).append(at)
    groups: list[Group[int]] = []
    for places in alike.values():
        if len({graph.artifacts[at].path for at in places}) == len(places):  # else a path had several contents
            found = grouped(places, lambda at: _member(graph.artifacts[at]))
            groups += [one for one in found if isinstance(one, Group)]
    return _rebuilt(graph, groups) if groups else graph


def _keys(graph: lineage_pb2.Graph) -> list[_Key]:
    """By artifact, what it has in common with others of its set: its role, and all of its edges."""
    edges: list[list[tuple[int, bool, int]]] = [[] for _ in graph.artifacts]
    for edge in graph.edges:
        edges[edge.artifact].append((edge.job, edge.output, edge.maker if edge.HasField("maker") else -1))
    return [(artifact.role, artifact.produced, tuple(sorted(set(own))))
            for artifact, own in zip(graph.artifacts, edges, strict=True)]


def _member(artifact: lineage_pb2.GraphArtifact) -> Member:
    return Member(artifact.path, artifact.hash or None, artifact.size if artifact.HasField("size") else None)


def _rebuilt(graph: lineage_pb2.Graph, groups: list[Group[int]]) -> lineage_pb2.Graph:
    made = lineage_pb2.Graph(jobs=graph.jobs, truncated=graph.truncated)
    places: dict[int, int] = {}
    first = {group.items[0]: group for group in groups}
    inside = {at for group in groups for at in group.items}
    for at, artifact in enumerate(graph.artifacts):
        if at in first:
            group = first[at]
            places.update(dict.fromkeys(group.items, len(made.artifacts)))
            made.artifacts.add(hash=group.hash or b"", path=group.path, size=group.size, role=artifact.role,
                               produced=artifact.produced, files=len(group.items))
        elif at not in inside:
            places[at] = len(made.artifacts)
            made.artifacts.append(artifact)
    seen: set[tuple[int, int, bool, int]] = set()
    for edge in graph.edges:
        key = (edge.job, places[edge.artifact], edge.output, edge.maker if edge.HasField("maker") else -1)
        if key not in seen:
            seen.add(key)
            made.edges.add(job=edge.job, artifact=key[1], output=edge.output,
                           maker=edge.maker if edge.HasField("maker") else None)
    return made
