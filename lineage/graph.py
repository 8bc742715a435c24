"""Where things came from and what was made from them: walks over a ``GraphStore``, breadth-first, level by level.

The rule of provenance, for an input (artifact, path) of job J: among the visible jobs with a number below J's that left
the artifact behind, the latest that left it at the same path, else the latest; none: the input is a root.  Content that
was moved or copied keeps its maker that way, and content that many jobs made (an empty file) is the nearest one's.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from lineage.store import GraphStore, Link, Visible

Truncated: TypeAlias = Literal["", "depth", "nodes", "time"]

SLICE = 4096  # jobs of a level that are asked about at once: bounds memory, and how late a time limit is noticed
_AFTER_ALL = 1 << 64  # above every job number


@dataclass(frozen=True, slots=True)
class Limits:
    """``depth``: how many jobs away from the start the farthest job may be; ``nodes``: jobs and artifacts together."""

    depth: int = 1000
    nodes: int = 10_000
    seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Start:
    """A job's number, or an artifact's with the number of the path it was named by, where that is known."""

    job: int | None = None
    artifact: int | None = None
    path: int | None = None


class Node(NamedTuple):
    """An artifact at a path: that of the job which made it, where there is one; else that where it was read."""

    artifact: int
    path: int


class Edge(NamedTuple):
    job: int
    node: Node
    output: bool


@dataclass(slots=True)
class Graph:
    """What a walk found, nearest first.  ``roots`` are nodes that no visible job made.  An output edge is only there
    for a job that is.  A job that leaves behind the content it read has both edges to one node.  ``truncated`` names
    the limit that ended the walk."""

    jobs: list[int] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    roots: set[Node] = field(default_factory=set)
    truncated: Truncated = ""


def ancestors(store: GraphStore, start: Start, limits: Limits, visible: Visible) -> Graph:
    """The jobs and inputs that ``start`` came from: a job's inputs, or the latest maker of an artifact."""
    walk, makers = _Walk(limits), _Makers(store, visible)
    level: list[int] = []
    try:
        if start.job is not None:
            walk.add_job(start.job)
            level = [start.job]
        elif start.artifact is not None:
            makers.learn([start.artifact])
            maker = makers.of(_AFTER_ALL, start.artifact, start.path)
            node = walk.node((start.artifact, maker.path if maker else start.path or 0))
            if walk.made_by(node, maker, deepest=False) and maker is not None:
                level = [maker.node]
        depth = len(level) if start.job is None else 0
        while level:
            following: list[int] = []
            for part in walk.slices(level):
                inputs = store.inputs(part)
                makers.learn({link.node for links in inputs.values() for link in links})
                for job in part:
                    taken: set[Node] = set()  # a job can take one node under two paths: one edge
                    for link in inputs[job]:
                        maker = makers.of(job, link.node, link.path)
                        node = walk.node(link if maker is None or maker.path == link.path else (link.node, maker.path))
                        if node not in taken:
                            taken.add(node)
                            walk.graph.edges.append(Edge(job, node, False))
                        if walk.made_by(node, maker, deepest=depth >= limits.depth) and maker is not None:
                            following.append(maker.node)
            level, depth = following, depth + 1
    except _LimitReached as limit:
        walk.graph.truncated = limit.name
    return walk.graph


def descendants(store: GraphStore, start: Start, limits: Limits, visible: Visible) -> Graph:
    """The jobs and outputs that ``start`` went into; of an artifact all readers count, whoever made what they read."""
    walk, readers = _Walk(limits), _Readers(store, visible)
    level: list[int] = []
    try:
        if start.job is not None:
            walk.add_job(start.job)
            level = [start.job]
        elif start.artifact is not None:
            node = walk.node((start.artifact, start.path or 0))
            level = [job for job in readers.nearest(start.artifact) if walk.read(node, job, deepest=False)]
            walk.graph.roots |= set() if readers.makers.any(start.artifact) else {node}
        depth = 0 if start.job is not None else 1
        while level:
            following: list[int] = []
            for part in walk.slices(level):
                outputs = store.outputs(part)
                readers.learn({link.node for links in outputs.values() for link in links})
                for job in part:
                    for link in outputs[job]:
                        node = walk.node(link)
                        walk.graph.edges.append(Edge(job, node, True))
                        following += [reader for reader in readers.of(link.node, Link(job, link.path))
                                      if walk.read(node, reader, deepest=depth >= limits.depth)]
            level, depth = following, depth + 1
    except _LimitReached as limit:
        walk.graph.truncated = limit.name
    return walk.graph


class _LimitReached(Exception):  # noqa: N818 - it ends a walk, it is no error
    def __init__(self, name: Truncated) -> None:
        super().__init__(name)
        self.name: Truncated = name


class _Walk:
    """The graph as it grows, and its limits."""

    def __init__(self, limits: Limits) -> None:
        self.graph = Graph()
        self._jobs: set[int] = set()
        self._nodes: dict[tuple[int, int], Node] = {}
        self._made: dict[Node, set[int]] = {}  # by node, the makers that have their edge
        self._limits = limits
        self._deadline = time.monotonic() + limits.seconds

    def slices(self, level: list[int]) -> Iterator[list[int]]:
        for at in range(0, len(level), SLICE):
            if time.monotonic() > self._deadline:
                raise _LimitReached("time")
            yield level[at:at + SLICE]

    def add_job(self, job: int) -> bool:
        """True where it is new."""
        if job in self._jobs:
            return False
        self._room()
        self._jobs.add(job)
        self.graph.jobs.append(job)
        return True

    def node(self, key: tuple[int, int]) -> Node:
        """The one node of (artifact, path).  A Link is such a pair too, and most are known: nothing is made for it."""
        node = self._nodes.get(key)
        if node is None:
            self._room()
            node = self._nodes[key] = Node(*key)
            self.graph.nodes.append(node)
        return node

    def made_by(self, node: Node, maker: Link | None, *, deepest: bool) -> bool:
        """Adds who made a node; True if the maker is new.  ``deepest``: new makers are beyond the limit."""
        if maker is None:
            self.graph.roots.add(node)
            return False
        made = self._made.get(node)
        if made is not None and maker.node in made:
            return False
        if deepest and maker.node not in self._jobs:
            self.graph.truncated = "depth"
            return False
        new = self.add_job(maker.node)
        self._made.setdefault(node, set()).add(maker.node)
        self.graph.edges.append(Edge(maker.node, node, True))
        return new

    def read(self, node: Node, reader: int, *, deepest: bool) -> bool:
        """Adds a reader of a node; True where it is new."""
        if deepest and reader not in self._jobs:
            self.graph.truncated = "depth"
            return False
        new = self.add_job(reader)
        self.graph.edges.append(Edge(reader, node, False))
        return new

    def _room(self) -> None:
        if len(self._jobs) + len(self._nodes) >= self._limits.nodes:
            raise _LimitReached("nodes")


class _Makers:
    """The rule of provenance, over what was learned of artifacts: their visible producers, in order."""

    def __init__(self, store: GraphStore, visible: Visible) -> None:
        self._store = store
        self._visible = visible
        self._made: dict[int, Sequence[Link]] = {}
        self._at_path: dict[int, dict[int, list[int]]] = {}  # artifact → path → jobs; only where there are many
        self._seen: dict[int, bool] = {}

    def learn(self, artifacts: Iterable[int]) -> None:
        """One question for producers, one for their owners."""
        new = [artifact for artifact in artifacts if artifact not in self._made]
        if not new:
            return
        produced = self._store.producers(new)
        may_see = self.may_see(link.node for links in produced.values() for link in links)
        for artifact, links in produced.items():
            self._made[artifact] = [link for link in links if may_see[link.node]]

    def may_see(self, jobs: Iterable[int]) -> Mapping[int, bool]:
        """By job, for at least those asked for.  A job without an owner (it is damaged, or gone) is not seen."""
        new = [job for job in set(jobs) if job not in self._seen]
        if new:
            owners = self._store.owners(new)
            for job in new:
                owner = owners.get(job)
                self._seen[job] = owner is not None and self._visible(owner)
        return self._seen

    def any(self, artifact: int) -> bool:
        return bool(self._made[artifact])

    def of(self, job: int, artifact: int, path: int | None) -> Link | None:
        """Who made what ``job`` read as ``artifact`` at ``path``: the maker and its path."""
        links = self._made[artifact]
        end = bisect_left(links, (job,))  # a Link is a tuple that begins with the job's number
        if not end:
            return None
        if end == 1 or path is None or links[end - 1].path == path:
            return links[end - 1]
        by_path = self._at_path.get(artifact)
        if by_path is None:
            by_path = self._at_path[artifact] = {}
            for link in links:
                by_path.setdefault(link.path, []).append(link.node)
        jobs = by_path.get(path, [])
        at = bisect_left(jobs, job)
        return Link(jobs[at - 1], path) if at else links[end - 1]


class _Readers:
    """The rule of provenance, the other way round: whose input was made by whom."""

    def __init__(self, store: GraphStore, visible: Visible) -> None:
        self.makers = _Makers(store, visible)
        self._store = store
        self._by_maker: dict[int, dict[Link | None, list[int]]] = {}

    def learn(self, artifacts: Iterable[int]) -> None:
        new = [artifact for artifact in artifacts if artifact not in self._by_maker]
        if not new:
            return
        self.makers.learn(new)
        consumed = self._store.consumers(new)
        may_see = self.makers.may_see(link.node for links in consumed.values() for link in links)
        for artifact, links in consumed.items():
            by_maker: dict[Link | None, list[int]] = {}
            for job, path in links:
                if may_see[job]:
                    by_maker.setdefault(self.makers.of(job, artifact, path), []).append(job)
            self._by_maker[artifact] = by_maker

    def of(self, artifact: int, maker: Link) -> list[int]:
        """The jobs whose input ``artifact`` was left behind by the maker, at its path."""
        return self._by_maker[artifact].get(maker, [])

    def nearest(self, artifact: int) -> list[int]:
        """All readers, but not those that read a copy which another reader of it left behind: they come after it."""
        self.learn([artifact])
        by_maker = self._by_maker[artifact]
        readers = {job for jobs in by_maker.values() for job in jobs}
        return sorted({job for maker, jobs in by_maker.items() if maker is None or maker.node not in readers
                       for job in jobs})
