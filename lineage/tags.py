"""Tags travel down the lineage: what holds for data holds for everything made from it.  Pure, over a walk's graph.

The rule: a thing holds its own tags, a job holds those of what it took, and an artifact those of the job that it was taken
from or made by.  Values of one key from several sides are united, none overrides another.  A block at a job ends a key
there: the tag does not hold for that job and for what it made, unless it comes another way, or the job has it itself.
Nothing is copied: it is worked out when it is asked for, on the ancestors that the walk found.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lineage.annotations import Annotations, Item
from lineage.v1 import lineage_pb2


@dataclass(frozen=True, slots=True)
class Hop:
    """A place on a tag's way: an index into the graph's jobs or artifacts."""

    is_job: bool
    at: int


@dataclass(frozen=True, slots=True)
class Held:
    """A tag that holds.  ``way`` leads from the tagged thing to the one that was asked about, the shortest there is."""

    tag: Item
    way: tuple[Hop, ...]


@dataclass(frozen=True, slots=True)
class Stopped:
    """A tag that would hold if a job had not a block of its key."""

    block: Item
    job: int
    tags: tuple[Item, ...]


@dataclass(slots=True)
class Tags:
    held: list[Held] = field(default_factory=list)
    stopped: list[Stopped] = field(default_factory=list)

    def values(self) -> dict[str, list[str]]:
        """By key, united."""
        found: dict[str, set[str]] = {}
        for one in self.held:
            found.setdefault(one.tag.key, set()).update(one.tag.values)
        return {key: sorted(found[key]) for key in sorted(found)}


def held_tags(graph: lineage_pb2.Graph, said: Mapping[bytes, Annotations], *, job: int | None = None,
              artifact: int | None = None) -> Tags:
    """For a job or an artifact of ``graph``, by index, which walks up from it.  ``said``: by a job's run or an artifact's
    hash."""
    walk = _Walk(graph, said)
    tags = Tags()
    for key in sorted({item.key for one in said.values() for item in one.of("tag")}):
        walk.up(key, tags, job, artifact)
    return tags


class _Walk:
    def __init__(self, graph: lineage_pb2.Graph, said: Mapping[bytes, Annotations]) -> None:
        self._graph = graph
        self._said = said
        self._taken: dict[int, list[tuple[int, int | None]]] = {}  # job → (artifact, who made it)
        self._makers: dict[int, list[int]] = {}  # artifact → jobs
        for edge in graph.edges:
            if edge.output:
                self._makers.setdefault(edge.artifact, []).append(edge.job)
            else:
                maker = edge.maker if edge.HasField("maker") else None
                self._taken.setdefault(edge.job, []).append((edge.artifact, maker))

    def up(self, key: str, tags: Tags, job: int | None, artifact: int | None) -> None:
        """One key, breadth first; a job is come to by the shortest way."""
        ways: dict[int, tuple[Hop, ...]] = {}  # of a job: what follows it
        if artifact is not None:
            end = (Hop(False, artifact),)
            tags.held += [Held(tag, end) for tag in self._of_artifact(artifact, key)]
            ways = dict.fromkeys(self._latest(artifact), end)
        elif job is not None:
            ways = {job: ()}
        queue = deque(ways)
        while queue:
            here = queue.popleft()
            way = (Hop(True, here), *ways[here])
            tags.held += [Held(tag, way) for tag in self._of_job(here, "tag", key)]
            blocks = self._of_job(here, "block", key)
            if blocks:
                stopped = tuple(dict.fromkeys(self._above(here, key)))
                if stopped:
                    tags.stopped.append(Stopped(blocks[0], here, stopped))
                continue
            for taken, maker in self._taken.get(here, ()):
                longer = (Hop(False, taken), *way)
                tags.held += [Held(tag, longer) for tag in self._of_artifact(taken, key)]
                if maker is not None and maker not in ways:
                    ways[maker] = longer
                    queue.append(maker)

    def _above(self, job: int, key: str) -> Iterator[Item]:
        """What comes to a job, whatever it blocks itself; blocks above it hold."""
        seen, stack = {job}, [job]
        while stack:
            for taken, maker in self._taken.get(stack.pop(), ()):
                yield from self._of_artifact(taken, key)
                if maker is not None and maker not in seen:
                    seen.add(maker)
                    yield from self._of_job(maker, "tag", key)
                    if not self._of_job(maker, "block", key):
                        stack.append(maker)

    def _latest(self, artifact: int) -> list[int]:
        """The job that made what was asked about: of several the latest, as everywhere in lineage."""
        jobs = self._graph.jobs
        makers = self._makers.get(artifact, [])
        return [max(makers, key=lambda at: jobs[at].started_at)] if makers else []

    def _of_artifact(self, at: int, key: str) -> list[Item]:
        return self._items(self._graph.artifacts[at].hash, "tag", key)

    def _of_job(self, at: int, what: str, key: str) -> list[Item]:
        return self._items(self._graph.jobs[at].run, what, key)

    def _items(self, name: bytes, what: str, key: str) -> list[Item]:
        one = self._said.get(name)
        return [] if one is None else [item for item in one.items if item.what == what and item.key == key]


def united(tags: Sequence[Held]) -> dict[tuple[str, str], list[Held]]:
    """By (key, value), with the shortest way first."""
    found: dict[tuple[str, str], list[Held]] = {}
    for one in tags:
        for value in one.tag.values:
            found.setdefault((one.tag.key, value), []).append(one)
    return {pair: sorted(found[pair], key=lambda one: len(one.way)) for pair in sorted(found)}
