"""The jobs of one session as a graph, from their records alone.

The rule of provenance is that of ``lineage.graph``, restricted to the session: for an input, the latest earlier job
that left the same content behind, at the same path if there is one; else it is a root of the session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from lineage.records import SHOWN_ROLES, Entry, JobHead, Role


class DagArtifact(NamedTuple):
    """Content at a path.  ``hash`` is None for what could not be hashed: then it belongs to its one job alone."""

    hash: bytes | None
    path: bytes
    size: int | None
    role: Role
    produced: bool


class DagEdge(NamedTuple):
    """``job`` and ``artifact`` are indexes; ``output``: the job left it behind, else it read it."""

    job: int
    artifact: int
    output: bool


@dataclass(slots=True)
class Dag:
    """``job_edges`` are (maker, reader) indexes into ``jobs``, each once."""

    jobs: list[JobHead] = field(default_factory=list)
    artifacts: list[DagArtifact] = field(default_factory=list)
    edges: list[DagEdge] = field(default_factory=list)
    job_edges: list[tuple[int, int]] = field(default_factory=list)
    truncated: str = ""


def session_dag(heads: Iterable[JobHead], entries_of: Callable[[JobHead], Iterable[Entry]], *,
                roles: Iterable[Role] | None = SHOWN_ROLES, max_nodes: int = 0) -> Dag:
    """``heads`` oldest first, in the order in which they ended.  ``roles`` None: all.  ``max_nodes`` 0: no limit; else
    the oldest jobs that fit are there, and ``truncated`` is "nodes"."""
    builder = _Builder()
    wanted = None if roles is None else frozenset(roles)
    for head in heads:
        linked = [entry for entry in entries_of(head)
                  if entry.kind in {"input", "output"} and (wanted is None or entry.role in wanted)]
        if max_nodes and builder.size() + 1 + builder.new_artifacts(linked) > max_nodes:
            builder.dag.truncated = "nodes"
            break
        builder.add(head, linked)
    return builder.dag


class _Builder:
    def __init__(self) -> None:
        self.dag = Dag()
        self._nodes: dict[tuple[bytes, bytes], int] = {}  # (hash, path) → index of the artifact
        self._at_path: dict[tuple[bytes, bytes], int] = {}  # (hash, path) → index of the latest maker
        self._anywhere: dict[bytes, tuple[int, bytes]] = {}  # hash → (index of the latest maker, its path)

    def size(self) -> int:
        return len(self.dag.jobs) + len(self.dag.artifacts)

    def new_artifacts(self, entries: Sequence[Entry]) -> int:
        """How many artifacts these entries would add, at most."""
        return sum(entry.hash is None or (entry.hash, entry.path) not in self._nodes for entry in entries)

    def add(self, head: JobHead, entries: Sequence[Entry]) -> None:
        dag, job = self.dag, len(self.dag.jobs)
        dag.jobs.append(head)
        edges: dict[DagEdge, None] = {}
        makers: dict[int, None] = {}
        for entry in entries:  # inputs first, so that what the job makes is not taken for what it read
            if entry.kind == "input":
                maker, path = self._maker(entry)
                edges[DagEdge(job, self._artifact(entry, path, produced=maker is not None), False)] = None
                if maker is not None:
                    makers[maker] = None
        for entry in entries:
            if entry.kind == "output":
                edges[DagEdge(job, self._artifact(entry, entry.path, produced=True), True)] = None
                if entry.hash is not None:
                    self._at_path[entry.hash, entry.path] = job
                    self._anywhere[entry.hash] = (job, entry.path)
        dag.edges += edges
        dag.job_edges += [(maker, job) for maker in makers]

    def _maker(self, entry: Entry) -> tuple[int | None, bytes]:
        """The latest earlier maker, and the path of what it made."""
        if entry.hash is None:
            return None, entry.path
        same = self._at_path.get((entry.hash, entry.path))
        return self._anywhere.get(entry.hash, (None, entry.path)) if same is None else (same, entry.path)

    def _artifact(self, entry: Entry, path: bytes, *, produced: bool) -> int:
        artifacts = self.dag.artifacts
        key = None if entry.hash is None else (entry.hash, path)
        at = None if key is None else self._nodes.get(key)
        if at is None:
            at = len(artifacts)
            artifacts.append(DagArtifact(entry.hash, path, entry.size, entry.role, produced))
            if key is not None:
                self._nodes[key] = at
        elif produced and not artifacts[at].produced:
            artifacts[at] = artifacts[at]._replace(produced=True)
        return at
