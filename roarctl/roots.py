"""The inputs that a lineage begins with, from its graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lineage import wire
from lineage.records import JobHead
from lineage.v1 import lineage_pb2


@dataclass(frozen=True, slots=True)
class Input:
    """``maker`` is None for a root.  ``users``: who took it, in the order of the graph."""

    hash: bytes
    path: bytes
    size: int | None
    role: str
    maker: JobHead | None
    users: tuple[JobHead, ...]


def roots(graph: lineage_pb2.Graph) -> list[Input]:
    """What no recorded job made, data first; also what was asked about itself, where nobody made it."""
    users: dict[int, list[int]] = {}
    for edge in graph.edges:
        if not edge.output:
            users.setdefault(edge.artifact, []).append(edge.job)
    return _inputs(graph, {at: (None, users.get(at, [])) for at, one in enumerate(graph.artifacts) if not one.produced})


def direct_inputs(graph: lineage_pb2.Graph, job: int) -> list[Input]:
    """What one job of the graph took, whoever made it."""
    taken: dict[int, tuple[int | None, Sequence[int]]] = {}
    for edge in graph.edges:
        if edge.job == job and not edge.output:
            taken[edge.artifact] = (edge.maker if edge.HasField("maker") else None, [job])
    return _inputs(graph, taken)


def asked_job(graph: lineage_pb2.Graph, kind: str, identity: bytes) -> int | None:
    """The job that was asked about, or that made the artifact that was: its index."""
    if kind == "job":
        return next((at for at, job in enumerate(graph.jobs) if identity in {job.id, job.run}), None)
    makers = [edge.job for edge in graph.edges if edge.output and graph.artifacts[edge.artifact].hash == identity]
    return min(makers, default=None)  # the nearest comes first


def _inputs(graph: lineage_pb2.Graph, chosen: dict[int, tuple[int | None, Sequence[int]]]) -> list[Input]:
    found = []
    for at, (maker, users) in chosen.items():
        one = graph.artifacts[at]
        found.append(Input(
            one.hash, one.path, one.size if one.HasField("size") else None, one.role,
            None if maker is None else wire.head_from(graph.jobs[maker]),
            tuple(wire.head_from(graph.jobs[user]) for user in dict.fromkeys(users))))
    return sorted(found, key=lambda one: (one.role != "data", one.role, one.path))
