"""The jobs of one session as a graph, from their records alone.

The rule of provenance is that of ``lineage.provenance``, restricted to the session: of the other jobs that had begun
when the reader ended and that left the same content behind, the latest at the same path, else the latest; none: it is a
root of the session.  Jobs that overlap can take from each other, so there can be cycles.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import inf
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
    """``job`` and ``artifact`` are indexes; ``output``: the job left it behind, else it read it, and ``maker`` is the
    index of the job that it came from, None for a root."""

    job: int
    artifact: int
    output: bool
    maker: int | None = None


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
    """``heads`` in the order in which they began.  ``roles`` None: all.  ``max_nodes`` 0: no limit; else the oldest
    jobs that fit are there, and ``truncated`` is "nodes"."""
    wanted = None if roles is None else frozenset(roles)
    jobs: list[tuple[JobHead, list[Entry]]] = []
    nodes: set[tuple[bytes, bytes]] = set()
    size, truncated = 0, ""
    for head in heads:
        linked = [entry for entry in entries_of(head)
                  if entry.kind in {"input", "output"} and (wanted is None or entry.role in wanted)]
        here = {(entry.hash, entry.path) for entry in linked if entry.hash is not None} - nodes
        size += 1 + len(here) + sum(entry.hash is None for entry in linked)
        if max_nodes and size > max_nodes:
            truncated = "nodes"
            break
        nodes |= here
        jobs.append((head, linked))
    builder = _Builder(jobs)
    for job in range(len(jobs)):
        builder.add(job)
    builder.dag.truncated = truncated
    return builder.dag


def _untils(heads: Sequence[JobHead]) -> list[int]:
    """By job, the index of the first from which on all began after it had ended; those before it count as makers of
    what it took.  The clock may have been set back between two jobs: their order counts more than their times."""
    began: list[float] = []  # by index, the earliest beginning from there on: ascending
    earliest = inf
    for head in reversed(heads):
        earliest = min(earliest, head.started_at)
        began.append(earliest)
    began.reverse()
    return [len(heads) if head.ended_at is None else max(job, bisect_left(began, head.ended_at))
            for job, head in enumerate(heads)]


class _Made(NamedTuple):
    job: int
    path: bytes


class _Builder:
    """Knows all that was made before it joins anything: a maker may come after its reader."""

    def __init__(self, jobs: Sequence[tuple[JobHead, Sequence[Entry]]]) -> None:
        self.dag = Dag(jobs=[head for head, _ in jobs])
        self._entries = [entries for _, entries in jobs]
        self._nodes: dict[tuple[bytes, bytes], int] = {}  # (hash, path) → index of the artifact
        self._untils = _untils(self.dag.jobs)
        self._made: dict[bytes, list[_Made]] = {}  # by hash, in the order of the jobs
        self._made_at: dict[tuple[bytes, bytes], list[_Made]] = {}  # by (hash, path), likewise
        for job, entries in enumerate(self._entries):
            for entry in entries:
                if entry.kind == "output" and entry.hash is not None:
                    made = _Made(job, entry.path)
                    self._made.setdefault(entry.hash, []).append(made)
                    self._made_at.setdefault((entry.hash, entry.path), []).append(made)

    def add(self, job: int) -> None:
        dag, edges, makers = self.dag, dict[DagEdge, None](), dict[int, None]()
        for entry in self._entries[job]:
            if entry.kind == "input":
                made = self._maker(job, entry)
                at = self._artifact(entry, entry.path if made is None else made.path, produced=made is not None)
                edges[DagEdge(job, at, False, None if made is None else made.job)] = None
                if made is not None:
                    makers[made.job] = None
        for entry in self._entries[job]:
            if entry.kind == "output":
                edges[DagEdge(job, self._artifact(entry, entry.path, produced=True), True)] = None
        dag.edges += edges
        dag.job_edges += [(maker, job) for maker in makers]

    def _maker(self, job: int, entry: Entry) -> _Made | None:
        if entry.hash is None:
            return None
        for made in (self._made_at.get((entry.hash, entry.path), []), self._made.get(entry.hash, [])):
            end = bisect_left(made, (self._untils[job],))
            if end and made[end - 1].job == job:
                end = bisect_left(made, (job,))
            if end:
                return made[end - 1]
        return None

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
