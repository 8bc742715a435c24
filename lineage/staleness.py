"""What of a session would have to run again, now that files have changed: from its graph and what is on disk.

Only a job that made the newest content of some path counts: what a later job made anew is history. Such a job would have to
run again if a file that it took has other content now (edited, or made anew since), if it took something from a job that
would have to, or if something that it left and nobody took is gone. What is gone, and only such jobs need, has its
maker run again too. Content that is not known is taken for unchanged: ``State`` "unchecked" says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from lineage.dag import Dag, DagArtifact, DagEdge

#: Of the content at a path now, against one that is recorded.
State: TypeAlias = Literal["same", "edited", "missing", "unchecked"]
Code: TypeAlias = Literal["edited", "remade", "upstream", "gone", "needed"]


class Cause(NamedTuple):
    """``edited``: the file was changed by hand; ``remade``: by job ``job``; ``upstream``: ``job`` would have to run again;
    ``gone``: an end product is missing; ``needed``: what it left is missing, and ``job`` would take it. ``job`` is an index
    into the graph's jobs."""

    code: Code
    path: bytes
    job: int | None = None


@dataclass(slots=True)
class Again:
    """``lost``: paths that it took, which nobody can make and which are gone: it cannot run."""

    job: int
    causes: list[Cause] = field(default_factory=list)
    lost: list[bytes] = field(default_factory=list)


def to_run_again(dag: Dag, state: Callable[[DagArtifact], State]) -> list[Again]:
    """In the order of the jobs. ``state`` compares an artifact with what is at its path now."""
    return _Session(dag, state).again()


class _Session:
    def __init__(self, dag: Dag, state: Callable[[DagArtifact], State]) -> None:
        self._dag = dag
        self._state = state
        self._known: dict[int, State] = {}
        self._taken: dict[int, list[DagEdge]] = {}
        self._left: dict[int, list[int]] = {}
        self._newest: dict[bytes, tuple[int, int]] = {}  # path → (job, artifact)
        for edge in dag.edges:
            if edge.output:
                self._left.setdefault(edge.job, []).append(edge.artifact)
                path = dag.artifacts[edge.artifact].path
                if path not in self._newest or self._newest[path][0] <= edge.job:
                    self._newest[path] = (edge.job, edge.artifact)
            else:
                self._taken.setdefault(edge.job, []).append(edge)
        self._used = {edge.artifact for edges in self._taken.values() for edge in edges}
        self._live = sorted({job for job, _ in self._newest.values() if dag.jobs[job].id is not None})

    def again(self) -> list[Again]:
        found: dict[int, Again] = {}
        for job in self._live:
            causes = [*self._changed(job), *self._gone(job)]
            if causes:
                found[job] = Again(job, causes)
        changed = True
        while changed:
            changed = any([self._follow(found), self._need(found)])  # both, each time
        for one in found.values():
            one.lost = sorted({self._path(edge.artifact) for edge in self._taken.get(one.job, ())
                               if edge.maker is None and self._path(edge.artifact) not in self._newest
                               and self._at(edge.artifact) == "missing"})
        return [found[job] for job in sorted(found)]

    def _changed(self, job: int) -> list[Cause]:
        causes = []
        for edge in self._taken.get(job, ()):
            artifact = self._dag.artifacts[edge.artifact]
            maker, newest = self._newest.get(artifact.path, (None, None))
            if maker == job:
                continue  # it changed the file itself
            if maker is not None and newest is not None and maker > job and self._dag.artifacts[newest].hash != artifact.hash:
                causes.append(Cause("remade", artifact.path, maker))
            elif self._at(edge.artifact) == "edited":
                causes.append(Cause("edited", artifact.path))
        return causes

    def _gone(self, job: int) -> list[Cause]:
        return [Cause("gone", self._path(artifact)) for artifact in self._left.get(job, ())
                if artifact not in self._used and self._newest[self._path(artifact)][0] == job
                and self._at(artifact) == "missing"]

    def _follow(self, found: dict[int, Again]) -> bool:
        """Who took from one that would have to run again."""
        grew = False
        for job in self._live:
            for edge in self._taken.get(job, ()):
                cause = Cause("upstream", self._path(edge.artifact), edge.maker)
                if edge.maker in found and edge.maker != job and cause not in getattr(found.get(job), "causes", ()):
                    found.setdefault(job, Again(job)).causes.append(cause)
                    grew = True
        return grew

    def _need(self, found: dict[int, Again]) -> bool:
        """Who made what is gone and would be taken again."""
        grew = False
        for job in sorted(found):
            for edge in self._taken.get(job, ()):
                path = self._path(edge.artifact)
                maker = self._newest.get(path, (edge.maker, 0))[0]
                if maker is not None and maker != job and maker not in found and self._at(edge.artifact) == "missing":
                    found[maker] = Again(maker, [Cause("needed", path, job)])
                    grew = True
        return grew

    def _path(self, artifact: int) -> bytes:
        return self._dag.artifacts[artifact].path

    def _at(self, artifact: int) -> State:
        if artifact not in self._known:
            self._known[artifact] = self._state(self._dag.artifacts[artifact])
        return self._known[artifact]
