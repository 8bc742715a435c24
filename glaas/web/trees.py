"""A lineage as nested lists: a file, the job that made it, what that took; or what took it and what came of that.  Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from glaas.web import words
from glaas.web.heads import JobRow, job_row
from lineage import wire
from lineage.folding import folded
from lineage.records import PRIVATE_PATH
from lineage.v1 import lineage_pb2 as pb

MOST_NODES = 100


@dataclass(slots=True)
class Branch:
    """A file with the job beyond it, or (``job`` None) a file where the walk ends.  ``again``: it was shown above."""

    name: str
    path: str
    url: str
    short: str
    size: str
    role: str
    files: int
    private: bool
    job: JobRow | None = None
    again: bool = False
    below: list[Branch] = field(default_factory=list)


@dataclass(slots=True)
class Tree:
    branches: list[Branch]
    truncated: str  # the limit that ended the walk, or "rows"


def upward(graph: pb.Graph, digest: bytes) -> Tree:
    """What ``digest`` came from; one branch for each job that made it."""
    return _Growing(folded(graph, digest), up=True).from_artifact(digest)


def downward(graph: pb.Graph, digest: bytes) -> Tree:
    return _Growing(folded(graph, digest), up=False).from_artifact(digest)


class _Growing:
    def __init__(self, graph: pb.Graph, *, up: bool) -> None:
        self._graph = graph
        self._rows = [job_row(wire.head_from(job)) for job in graph.jobs]
        self._takes: dict[int, list[tuple[int, int | None]]] = {}  # job → (artifact, maker)
        self._makes: dict[int, list[int]] = {}  # job → artifacts
        self._makers: dict[int, list[int]] = {}  # artifact → jobs
        self._takers: dict[int, list[int]] = {}  # artifact → jobs
        for edge in graph.edges:
            if edge.output:
                self._makes.setdefault(edge.job, []).append(edge.artifact)
                self._makers.setdefault(edge.artifact, []).append(edge.job)
            else:
                maker = edge.maker if edge.HasField("maker") else None
                self._takes.setdefault(edge.job, []).append((edge.artifact, maker))
                self._takers.setdefault(edge.artifact, []).append(edge.job)
        self._up = up
        self._shown: set[int] = set()
        self._left = MOST_NODES
        self._cut = False

    def from_artifact(self, digest: bytes) -> Tree:
        starts = [at for at, one in enumerate(self._graph.artifacts) if one.hash == digest]
        jobs = dict.fromkeys(job for at in starts for job in (self._makers if self._up else self._takers).get(at, ()))
        branches = []
        for job in jobs:
            at = next(at for at in starts if job in (self._makers if self._up else self._takers).get(at, ()))
            branches.append(self._branch(at, job))
        return Tree(branches, self._graph.truncated or ("rows" if self._cut else ""))

    def _branch(self, artifact: int, job: int | None) -> Branch:
        self._left -= 1
        branch = self._leaf(artifact)
        if job is None:
            return branch
        branch.job = self._rows[job]
        if job in self._shown:
            branch.again = True
            return branch
        self._shown.add(job)
        for at, following in self._beyond(job):
            if self._left <= 0:
                self._cut = True
                break
            branch.below.append(self._branch(at, following))
        return branch

    def _beyond(self, job: int) -> list[tuple[int, int | None]]:
        artifacts = self._graph.artifacts
        if self._up:
            found = self._takes.get(job, [])
        else:
            found = [(at, taker) for at in self._makes.get(job, ()) for taker in (*self._takers.get(at, ()), None)]
            found = [(at, taker) for at, taker in found if taker is not None or not self._takers.get(at)]
        return sorted(found, key=lambda one: (one[1] is None, artifacts[one[0]].role, artifacts[one[0]].path))

    def _leaf(self, at: int) -> Branch:
        one = self._graph.artifacts[at]
        digest = one.hash.hex()
        return Branch(name=words.name(one.path), path=words.path(one.path), short=digest[:10], role=one.role, files=one.files,
                      url=f"/artifact/{digest}" if digest and not one.files else "",
                      size=words.size(one.size if one.HasField("size") else None),
                      private=one.path == PRIVATE_PATH)
