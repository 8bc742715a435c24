"""The lineage of one thing as a tree.

Upwards a line is an artifact and the job that made it, and below it is what that job took. Downwards artifacts and
jobs have a line each, since many jobs can take one artifact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from lineage import wire
from lineage.v1 import lineage_pb2
from roarctl.references import Target
from roarctl.render.jobs import job_text
from roarctl.render.text import Palette, count_text, hash_text, path_text, printable, size_text

_MOST_LINES = 400


class _Node(NamedTuple):
    """``via``: for an artifact, the job that took it, which knows from whom."""

    is_job: bool
    at: int
    via: int | None = None


@dataclass(slots=True)
class _Edges:
    """The graph by both of its ends."""

    inputs: dict[int, list[int]] = field(default_factory=dict)
    outputs: dict[int, list[int]] = field(default_factory=dict)
    producers: dict[int, list[int]] = field(default_factory=dict)
    consumers: dict[int, list[int]] = field(default_factory=dict)
    makers: dict[tuple[int, int], int] = field(default_factory=dict)  # (job, artifact that it took) → who made it


class _Tree:
    def __init__(self, graph: lineage_pb2.Graph, commits: Mapping[bytes, str], base: bytes, palette: Palette,
                 said: Mapping[bytes, str], *, down: bool) -> None:
        self._graph = graph
        self._base = base
        self._commits = commits
        self._said = said
        self._palette = palette
        self._down = down
        self._edges = _Edges()
        for edge in graph.edges:
            of_job, of_artifact = ((self._edges.outputs, self._edges.producers) if edge.output
                                   else (self._edges.inputs, self._edges.consumers))
            of_job.setdefault(edge.job, []).append(edge.artifact)
            of_artifact.setdefault(edge.artifact, []).append(edge.job)
            if edge.HasField("maker"):
                self._edges.makers[edge.job, edge.artifact] = edge.maker
        self._seen: set[tuple[bool, int]] = set()
        self._lines: list[str] = []

    def lines(self, start: _Node) -> list[str]:
        # A stack, not recursion: a chain of jobs can be longer than Python's.
        stack: list[tuple[_Node, str, str]] = [(start, "", "")]
        while stack:
            node, lead, indent = stack.pop()
            if len(self._lines) >= _MOST_LINES:
                self._lines.append(self._palette.dim("… more: --depth shortens this, --json lists it all"))
                break
            children = self._children(node)
            again = bool(children) and self._key(node) in self._seen
            self._seen.add(self._key(node))
            self._lines.append(self._palette.dim(lead) + self._text(node)
                               + (self._palette.dim("  (shown above)") if again else ""))
            if again:
                continue
            for position, child in reversed(list(enumerate(children))):
                last = position == len(children) - 1
                stack.append((child, indent + ("└─ " if last else "├─ "), indent + ("   " if last else "│  ")))
        return self._lines

    def _key(self, node: _Node) -> tuple[bool, int]:
        """Equal for nodes with the same children: an artifact stands for the job that made it."""
        if node.is_job or self._down:
            return node.is_job, node.at
        producer = self._producer(node)
        return (False, node.at) if producer is None else (True, producer)

    def _children(self, node: _Node) -> list[_Node]:
        graph = self._graph
        if node.is_job:
            artifacts = (self._edges.outputs if self._down else self._edges.inputs).get(node.at, [])
            return [_Node(False, at, node.at) for at in sorted(set(artifacts), key=self._order)]
        if self._down:
            consumers = sorted(set(self._edges.consumers.get(node.at, ())), key=lambda job: graph.jobs[job].started_at)
            # A job that leaves what it took as it was (cp) is followed once.
            return [_Node(True, job) for job in consumers if job != node.via]
        producer = self._producer(node)
        return [] if producer is None else self._children(_Node(True, producer))

    def _order(self, at: int) -> tuple[bool, bool, bytes]:
        """What a job made before what none did, data before code."""
        artifact = self._graph.artifacts[at]
        return not artifact.produced, artifact.role != "data", artifact.path

    def _producer(self, node: _Node) -> int | None:
        """The job that left this content behind: for who took it, or the latest."""
        if node.via is not None:
            return self._edges.makers.get((node.via, node.at))
        jobs = self._graph.jobs
        return max(self._edges.producers.get(node.at, []), key=lambda job: jobs[job].started_at, default=None)

    def _text(self, node: _Node) -> str:
        if node.is_job:
            return ("→ " if self._down else "") + self._job_text(node.at)
        artifact = self._graph.artifacts[node.at]
        size = f"  {size_text(artifact.size)}" if artifact.HasField("size") else ""
        producer = None if self._down else self._producer(node)
        notes = [count_text(artifact.files, "file")] if artifact.files else []
        notes += [artifact.role] if artifact.role not in {"", "data"} else []
        if not self._down and producer is None:
            notes.append("made by a job that is not shown" if artifact.produced else "root")
        notes += [self._said[artifact.hash]] if artifact.hash in self._said else []
        told = self._palette.dim(f"  ({', '.join(notes)})") if notes else ""
        made = "" if producer is None else f"  ← {self._job_text(producer)}"
        return (f"{path_text(artifact.path, self._base) or '?'}  {self._palette.dim(hash_text(artifact.hash))}{size}"
                f"{told}{made}")

    def _job_text(self, at: int) -> str:
        head = wire.head_from(self._graph.jobs[at])
        notes = [self._said[head.run]] if head.run in self._said else []
        notes += [f"git {self._commits[head.run]}"] if head.run in self._commits else []
        return job_text(head, self._palette, "  ".join(notes))


def tree_lines(graph: lineage_pb2.Graph, target: Target, commits: Mapping[bytes, str], base: bytes, palette: Palette,
               *, down: bool, said: Mapping[bytes, str] | None = None) -> list[str]:
    """``commits``: by a job's run; ``base``: the directory that paths are shown relative to; ``said``: by a job's run or an
    artifact's hash, a word or two that people said of it."""
    lines = []
    if target.changed:
        lines.append(palette.yellow(f"! the present content of {printable(target.path)} is not recorded; "
                                    "this is the newest that is"))
    start = _start(graph, target)
    if start is None:
        lines.append(f"nothing is recorded about where this {'went' if down else 'came from'}")
    else:
        lines += _Tree(graph, commits, base, palette, said or {}, down=down).lines(start)
    if graph.truncated:
        lines.append(palette.yellow(f"! not everything: {printable(graph.truncated)}"))
    return lines


def _start(graph: lineage_pb2.Graph, target: Target) -> _Node | None:
    if target.kind == "job":
        jobs = [index for index, job in enumerate(graph.jobs) if target.id in {job.id, job.run}]
        return _Node(True, jobs[0]) if jobs else None
    found = [index for index, artifact in enumerate(graph.artifacts) if artifact.hash == target.id]
    return _Node(False, min(found, key=lambda index: graph.artifacts[index].path != target.path)) if found else None
