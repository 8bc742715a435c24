"""Where things came from and what was made from them: walks over a ``GraphStore``, breadth-first, level by level.

Which job made what another took is the rule of ``lineage.provenance``.  A walk can have hundreds of thousands of
edges, so they are kept as numbers in lists: an object for each would cost more than the walk.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from lineage.provenance import AFTER_ALL, NOBODY, Makers, Readers
from lineage.store import GraphStore, Visible

Truncated: TypeAlias = Literal["", "depth", "nodes", "time"]

SLICE = 4096  # jobs of a level that are asked about at once: bounds memory, and how late a time limit is noticed
OUTPUT = -1  # in the place of an edge's maker: the job itself made it


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


def _numbers() -> array[int]:
    return array("q")


@dataclass(slots=True)
class Graph:
    """What a walk found, nearest first.  ``truncated`` names the limit that ended it.

    A node's place is its index in ``keys``.  ``nodes``, ``roots`` and ``edges`` are made anew each time.
    """

    jobs: list[int] = field(default_factory=list)
    keys: list[tuple[int, int]] = field(default_factory=list)  # (artifact, path): the nodes
    root_places: set[int] = field(default_factory=set)
    truncated: Truncated = ""
    edge_jobs: array[int] = field(default_factory=_numbers)
    edge_places: array[int] = field(default_factory=_numbers)
    edge_makers: array[int] = field(default_factory=_numbers)

    def rows(self) -> Iterator[tuple[int, int, int]]:
        """(job, place, maker) by edge.  The maker is OUTPUT where the job itself made the node; else the job that it
        was taken from, which may be beyond a limit, or NOBODY where none is known.  An output edge is only there for a
        job that is.  A job that leaves behind the content it read has both edges to one node."""
        return zip(self.edge_jobs, self.edge_places, self.edge_makers, strict=True)

    @property
    def nodes(self) -> list[Node]:
        return [Node(*key) for key in self.keys]

    @property
    def roots(self) -> set[Node]:
        """Nodes that no visible job made."""
        return {Node(*self.keys[place]) for place in self.root_places}

    @property
    def edges(self) -> list[Edge]:
        nodes = self.nodes
        return [Edge(job, nodes[place], maker == OUTPUT) for job, place, maker in self.rows()]


def ancestors(store: GraphStore, start: Start, limits: Limits, visible: Visible) -> Graph:
    """The jobs and inputs that ``start`` came from: a job's inputs, or the latest maker of an artifact."""
    walk, makers = _Walk(limits), Makers(store, visible)
    level: list[int] = []
    try:
        if start.job is not None:
            walk.add_job(start.job)
            level = [start.job]
        elif start.artifact is not None:
            makers.learn([start.artifact])
            maker = makers.of(NOBODY, AFTER_ALL, start.artifact, start.path)
            place = walk.place((start.artifact, maker[1] if maker else start.path or 0))
            if maker is None:
                walk.graph.root_places.add(place)
            elif walk.made_by(place, maker[0], deepest=False):
                level = [maker[0]]
        depth = len(level) if start.job is None else 0
        while level:
            following: list[int] = []
            for part in walk.slices(level):
                inputs, untils = store.inputs(part), store.untils(part)
                makers.learn({artifact for links in inputs.values() for artifact, _ in links})
                for job in part:
                    until = untils.get(job, job)
                    taken: set[int] = set()  # a job can take one node under two paths: one edge
                    for link in inputs[job]:
                        artifact, path = link
                        maker = makers.of(job, until, artifact, path)
                        place = walk.place(link if maker is None or maker[1] == path else (artifact, maker[1]))
                        if place in taken:
                            continue
                        taken.add(place)
                        if maker is None:
                            walk.add_edge(job, place, NOBODY)
                            walk.graph.root_places.add(place)
                            continue
                        walk.add_edge(job, place, maker[0])
                        if walk.made_by(place, maker[0], deepest=depth >= limits.depth):
                            following.append(maker[0])
            level, depth = following, depth + 1
    except _LimitReached as limit:
        walk.graph.truncated = limit.name
    return walk.graph


def descendants(store: GraphStore, start: Start, limits: Limits, visible: Visible) -> Graph:
    """The jobs and outputs that ``start`` went into; of an artifact all readers count, whoever made what they read."""
    walk, readers = _Walk(limits), Readers(store, visible)
    level: list[int] = []
    try:
        if start.job is not None:
            walk.add_job(start.job)
            level = [start.job]
        elif start.artifact is not None:
            place = walk.place((start.artifact, start.path or 0))
            level = [job for job in readers.nearest(start.artifact) if walk.read(place, job, NOBODY, deepest=False)]
            walk.graph.root_places |= set() if readers.makers.any(start.artifact) else {place}
        depth = 0 if start.job is not None else 1
        while level:
            following: list[int] = []
            for part in walk.slices(level):
                outputs = store.outputs(part)
                readers.learn({artifact for links in outputs.values() for artifact, _ in links})
                for job in part:
                    for link in outputs[job]:
                        artifact, path = link
                        place = walk.place(link)
                        walk.add_edge(job, place, OUTPUT)
                        following += [reader for reader in readers.of(artifact, (job, path))
                                      if walk.read(place, reader, job, deepest=depth >= limits.depth)]
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
        self._places: dict[tuple[int, int], int] = {}
        self._maker: list[int] = []  # by place, the maker that has its edge …
        self._makers: dict[int, set[int]] = {}  # … and those besides
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

    def add_edge(self, job: int, place: int, maker: int) -> None:
        graph = self.graph
        graph.edge_jobs.append(job)
        graph.edge_places.append(place)
        graph.edge_makers.append(maker)

    def place(self, key: tuple[int, int]) -> int:
        """The place of the one node of (artifact, path)."""
        place = self._places.get(key)
        if place is None:
            self._room()
            place = self._places[key] = len(self._maker)
            self._maker.append(NOBODY)
            self.graph.keys.append(key)
        return place

    def made_by(self, place: int, maker: int, *, deepest: bool) -> bool:
        """Adds who made a node; True if the maker is new.  ``deepest``: new makers are beyond the limit."""
        first = self._maker[place]
        if first == maker or maker in self._makers.get(place, ()):
            return False
        if deepest and maker not in self._jobs:
            self.graph.truncated = "depth"
            return False
        new = self.add_job(maker)
        if first == NOBODY:
            self._maker[place] = maker
        else:
            self._makers.setdefault(place, set()).add(maker)
        self.add_edge(maker, place, OUTPUT)
        return new

    def read(self, place: int, reader: int, maker: int, *, deepest: bool) -> bool:
        """Adds a reader of a node; True where it is new."""
        if deepest and reader not in self._jobs:
            self.graph.truncated = "depth"
            return False
        new = self.add_job(reader)
        self.add_edge(reader, place, maker)
        return new

    def _room(self) -> None:
        if len(self._jobs) + len(self._places) >= self._limits.nodes:
            raise _LimitReached("nodes")
