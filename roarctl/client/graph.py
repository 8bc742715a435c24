"""A graph of jobs and artifacts as the client answers it, and as networkx and pandas have graphs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from lineage import wire
from lineage.dag import DagArtifact, DagEdge
from lineage.errors import UnsupportedError
from lineage.records import JobHead, Role
from lineage.v1 import lineage_pb2

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd


class Frames(NamedTuple):
    """``edges`` has the columns job, artifact, kind (input or output), path and maker; see ``Graph.to_pandas``."""

    jobs: pd.DataFrame
    artifacts: pd.DataFrame
    edges: pd.DataFrame


@dataclass(frozen=True)
class Graph:
    """Jobs, the contents that they took and left (one row for each path that a content had), and the ``edges`` between
    the two, by indexes into ``jobs`` and ``artifacts``.

    ``start``: the name of the node that was asked about, empty for a session. ``changed``: the file's present content is
    recorded nowhere, and this is of the newest that was seen at its path. ``truncated``: empty, or the limit that ended
    the walk (nodes, depth, time). Jobs that overlap can have taken from each other: there can be cycles.
    """

    jobs: tuple[JobHead, ...]
    artifacts: tuple[DagArtifact, ...]
    edges: tuple[DagEdge, ...]
    start: str = ""
    changed: bool = False
    truncated: str = ""

    @classmethod
    def of(cls, message: lineage_pb2.Graph, start: str = "", *, changed: bool = False) -> Graph:
        return cls(
            tuple(wire.head_from(head) for head in message.jobs),
            tuple(DagArtifact(one.hash or None, one.path, one.size if one.HasField("size") else None, cast(Role, one.role),
                              one.produced) for one in message.artifacts),
            tuple(DagEdge(edge.job, edge.artifact, edge.output, edge.maker if edge.HasField("maker") else None)
                  for edge in message.edges),
            start, changed, message.truncated)

    @cached_property
    def job_names(self) -> tuple[str, ...]:
        """By job ``job:`` and its id, or its run while it runs: references that the client takes."""
        return tuple(job_name(head) for head in self.jobs)

    @cached_property
    def artifact_names(self) -> tuple[str, ...]:
        """By artifact ``artifact:`` and its hash. What could not be hashed belongs to its one job: its name is ``unhashed:``,
        that job and its path."""
        user = {edge.artifact: edge.job for edge in self.edges}
        return tuple(
            f"artifact:{one.hash.hex()}" if one.hash is not None else
            f"unhashed:{self.job_names[user[at]].removeprefix('job:') if at in user else ''}:{os.fsdecode(one.path)}"
            for at, one in enumerate(self.artifacts))

    def to_networkx(self) -> nx.DiGraph[str]:
        """Job and artifact nodes, with edges in the direction in which data went. UnsupportedError without networkx.

        Nodes have a ``kind`` (job, artifact) and a ``label``. A job: number, command, cwd, project, user, host, state,
        complete, started_at and ended_at (RFC 3339), exit_code, signal. An artifact: hash, size, role, produced, and of its
        paths the first as ``path`` and their number as ``paths``. An edge: ``kind`` (input, output), and of an input the
        ``maker`` where that is known. What is not known is not there, so that all of networkx's writers take it.
        """
        try:
            import networkx
        except ImportError as error:
            raise missing("networkx") from error
        graph: nx.DiGraph[str] = networkx.DiGraph(start=self.start, changed=self.changed, truncated=self.truncated)
        for name, head in zip(self.job_names, self.jobs, strict=True):
            graph.add_node(name, **_known(_job_attributes(head)))
        for name, artifact in zip(self.artifact_names, self.artifacts, strict=True):
            if name in graph:  # the same content, at another path
                graph.nodes[name]["paths"] += 1
                graph.nodes[name]["produced"] |= artifact.produced
            else:
                graph.add_node(name, **_known(_artifact_attributes(artifact)))
        for edge in self.edges:
            job, artifact_name = self.job_names[edge.job], self.artifact_names[edge.artifact]
            if edge.output:
                graph.add_edge(job, artifact_name, kind="output")
            else:
                maker = None if edge.maker is None else self.job_names[edge.maker]
                graph.add_edge(artifact_name, job, **_known({"kind": "input", "maker": maker}))
        return graph

    def to_pandas(self) -> Frames:
        """(jobs, artifacts, edges). UnsupportedError without pandas.

        Jobs and artifacts have a column ``name``, which edges use. Times are UTC, to the nanosecond; what is not known is
        missing (NA). An artifact has a row for each of its paths.
        """
        from roarctl.client.frames import artifacts_frame, edges_frame, jobs_frame

        return Frames(jobs_frame(self.jobs), artifacts_frame(self), edges_frame(self))


def job_name(head: JobHead) -> str:
    return f"job:{(head.id or head.run).hex()}"


def missing(package: str) -> UnsupportedError:
    return UnsupportedError(f"{package} is not installed in this Python",
                            f"pip install {package} (or roar with its extra `graphs`)")


def _job_attributes(head: JobHead) -> dict[str, Any]:
    import shlex

    from lineage.document import time_text

    command = shlex.join(os.fsdecode(argument) for argument in head.argv)
    return {
        "kind": "job", "label": f"@{head.number} {command}", "number": head.number, "command": command,
        "cwd": os.fsdecode(head.cwd), "project": os.fsdecode(head.project), "user": head.user.name, "host": head.host.name,
        "state": "running" if head.id is None else "finished", "complete": head.complete,
        "started_at": time_text(head.started_at), "ended_at": time_text(head.ended_at), "exit_code": head.exit_code,
        "signal": head.signal,
    }


def _artifact_attributes(artifact: DagArtifact) -> dict[str, Any]:
    path = os.fsdecode(artifact.path)
    return {
        "kind": "artifact", "label": path.rpartition("/")[2], "hash": artifact.hash.hex() if artifact.hash else None,
        "size": artifact.size, "role": artifact.role or None, "produced": artifact.produced, "path": path, "paths": 1,
    }


def _known(attributes: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in attributes.items() if value is not None}
