"""A session's jobs drawn from top to bottom, in lanes as `git log --graph` has them.

What a job took stands above it, and else jobs come in the order in which they began. Every edge has a lane from the job
that made the artifacts, named where the lane begins, to the job that took them. Of jobs that overlapped and took each
other's there is no such order: what goes back up is said in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush

from lineage import wire
from lineage.document import DagEdge, dag_edges
from lineage.v1 import lineage_pb2
from roarctl.render.jobs import short_id
from roarctl.render.summary import outcome
from roarctl.render.text import Palette, command_text, printable

_MOST_NAMES = 3
_COMMAND_WIDTH = 60


def dag_lines(graph: lineage_pb2.Graph, palette: Palette) -> list[str]:
    edges = dag_edges(graph)
    drawing = _Drawing(graph, edges, palette)
    for job in drawing_order(len(graph.jobs), edges):
        drawing.add(job)
    if graph.truncated:
        drawing.lines.append(palette.yellow(f"! not everything: {printable(graph.truncated)}"))
    return drawing.lines


def drawing_order(jobs: int, edges: Sequence[DagEdge]) -> list[int]:
    """Sources before their targets; a cycle is entered at its first job."""
    waiting_for = [0] * jobs
    targets: list[list[int]] = [[] for _ in range(jobs)]
    for edge in edges:
        waiting_for[edge.target] += 1
        targets[edge.source].append(edge.target)
    ready = [job for job in range(jobs) if not waiting_for[job]]
    heapify(ready)
    order: list[int] = []
    placed = [False] * jobs
    first = 0  # none before it is left
    while len(order) < jobs:
        if not ready:
            while placed[first]:
                first += 1
            ready.append(first)
        job = heappop(ready)
        placed[job] = True
        order.append(job)
        for target in targets[job]:
            waiting_for[target] -= 1
            if not waiting_for[target] and not placed[target]:
                heappush(ready, target)
    return order


class _Drawing:
    def __init__(self, graph: lineage_pb2.Graph, edges: Sequence[DagEdge], palette: Palette) -> None:
        self.lines: list[str] = []
        self._graph = graph
        self._palette = palette
        self._drawn: set[int] = set()
        self._edges_from: dict[int, list[DagEdge]] = {}
        self._taken: set[tuple[int, int]] = set()  # (job, artifact) of an edge
        self._left: set[tuple[int, int]] = set()
        for edge in edges:
            self._edges_from.setdefault(edge.source, []).append(edge)
            self._taken |= {(edge.target, artifact) for artifact in edge.artifacts}
            self._left |= {(edge.source, artifact) for artifact in edge.artifacts}
        self._ends: dict[int, tuple[list[int], list[int]]] = {}  # by job: (artifacts taken, artifacts left)
        for each in graph.edges:
            self._ends.setdefault(each.job, ([], []))[each.output].append(each.artifact)
        self._lanes: list[int | None] = []  # the job that a lane leads to; None: free

    def add(self, job: int) -> None:
        """The job's own line, then a line for each thing around it."""
        arriving = [lane for lane, target in enumerate(self._lanes) if target == job]
        lane = arriving[0] if arriving else self._free_lane()
        head = wire.head_from(self._graph.jobs[job])
        palette = self._palette
        taken, left = self._ends.get(job, ([], []))
        roots = [artifact for artifact in taken if (job, artifact) not in self._taken]
        if roots:
            self._put(self._gutter(lane, "·" if not arriving else "│"), palette.dim(f"in {self._names(roots)}"))
        ended = "" if head.exit_code == 0 else f"  {outcome(head, palette)}"
        missing = "" if head.complete or head.id is None else palette.yellow("  ! incomplete")
        self._put(self._joining(lane, arriving), f"@{head.number} {palette.yellow(short_id(head))}  "
                  f"{command_text(head.argv, _COMMAND_WIDTH)}{ended}{missing}")
        for each in arriving:
            self._lanes[each] = None
        self._drawn.add(job)
        edges = [edge for edge in self._edges_from.get(job, []) if edge.target not in self._drawn]
        back = [edge for edge in self._edges_from.get(job, []) if edge.target in self._drawn]
        for position, edge in enumerate(edges):
            said = self._said(edge)
            if position == 0:
                self._lanes[lane] = edge.target
                self._put(self._gutter(lane, "│"), palette.dim(said))
            else:
                opened = self._free_lane(after=lane)
                self._put(self._opening(lane, opened), palette.dim(said))
                self._lanes[opened] = edge.target
        for edge in back:
            self._put(self._gutter(lane, "│" if edges else " "), palette.dim(f"{self._said(edge)} above"))
        ends = [artifact for artifact in left if (job, artifact) not in self._left]
        if ends:
            self._put(self._gutter(lane, "│" if edges else " "), palette.dim(f"out {self._names(ends)}"))
        while self._lanes and self._lanes[-1] is None:
            self._lanes.pop()

    def _said(self, edge: DagEdge) -> str:
        return f"{self._names(edge.artifacts)} → @{self._graph.jobs[edge.target].number}"

    def _names(self, artifacts: Sequence[int]) -> str:
        paths = sorted(self._graph.artifacts[artifact].path for artifact in artifacts)
        names = [printable(path.rpartition(b"/")[2] or path) for path in paths[:_MOST_NAMES]]
        more = f" and {len(paths) - _MOST_NAMES} more" if len(paths) > _MOST_NAMES else ""
        return ", ".join(names) + more

    def _free_lane(self, after: int = -1) -> int:
        for lane in range(after + 1, len(self._lanes)):
            if self._lanes[lane] is None:
                return lane
        self._lanes.append(None)
        return len(self._lanes) - 1

    def _gutter(self, lane: int, mark: str) -> list[str]:
        cells = ["│" if target is not None else " " for target in self._lanes]
        cells[lane] = mark
        return _spread(cells)

    def _joining(self, lane: int, arriving: Sequence[int]) -> list[str]:
        """The job's mark, with the lanes that end in it."""
        cells = self._gutter(lane, "●")
        for each in arriving[1:]:
            cells[2 * each] = "┴" if each != arriving[-1] else "╯"
        return _across(cells, 2 * lane, 2 * arriving[-1]) if len(arriving) > 1 else cells

    def _opening(self, lane: int, opened: int) -> list[str]:
        """A further lane out of a job's."""
        cells = self._gutter(lane, "├")
        cells[2 * opened] = "╮"
        return _across(cells, 2 * lane, 2 * opened)

    def _put(self, cells: list[str], text: str) -> None:
        self.lines.append(f"{''.join(cells)}  {text}")


def _spread(cells: Sequence[str]) -> list[str]:
    return list(" ".join(cells))


def _across(cells: list[str], start: int, end: int) -> list[str]:
    """A horizontal line between two columns, over the lanes that it crosses."""
    for column in range(start + 1, end):
        cells[column] = {" ": "─", "│": "┼"}.get(cells[column], cells[column])
    return cells
