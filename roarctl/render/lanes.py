"""A graph drawn from top to bottom, in lanes as `git log --graph` has them.

What a node took stands above it, and else nodes come in their order. An edge has a lane from its source, named where the
lane begins, to its target. Where that would be more lanes than an eye can follow, an edge is said in words at both of its
ends instead. In a cycle there is no such order: what goes back up is said in words too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from roarctl.render.text import Palette

MOST_LANES = 8
_MOST_NAMES = 3


class Node(NamedTuple):
    """``name`` is what its edges call it, ``text`` its own line. ``taken`` and ``left`` are the names of what comes from
    outside the graph, and of what nobody in it took."""

    name: str
    text: str
    taken: Sequence[str] = ()
    left: Sequence[str] = ()
    mark: str = "●"


class Edge(NamedTuple):
    """Node ``target`` took ``names`` from node ``source``, both by their places; there is one edge between two nodes.
    Without names it says no more than its line does."""

    source: int
    target: int
    names: tuple[str, ...]


def graph_lines(nodes: Sequence[Node], edges: Sequence[Edge], palette: Palette, truncated: str = "") -> list[str]:
    """``truncated``: what the graph was cut by, if it was."""
    lines = _Drawing(nodes, edges, palette).lines()
    return [*lines, palette.yellow(f"! not everything: {truncated}")] if truncated else lines


def drawing_order(nodes: int, edges: Sequence[Edge]) -> list[int]:
    """Sources before their targets; a cycle is entered at its first node."""
    waiting_for = [0] * nodes
    targets: list[list[int]] = [[] for _ in range(nodes)]
    for edge in edges:
        waiting_for[edge.target] += 1
        targets[edge.source].append(edge.target)
    ready = [node for node in range(nodes) if not waiting_for[node]]
    heapify(ready)
    order: list[int] = []
    placed = [False] * nodes
    first = 0  # none before it is left
    while len(order) < nodes:
        if not ready:
            while placed[first]:
                first += 1
            ready.append(first)
        node = heappop(ready)
        placed[node] = True
        order.append(node)
        for target in targets[node]:
            waiting_for[target] -= 1
            if not waiting_for[target] and not placed[target]:
                heappush(ready, target)
    return order


class _Drawing:
    def __init__(self, nodes: Sequence[Node], edges: Sequence[Edge], palette: Palette) -> None:
        self._nodes = nodes
        self._palette = palette
        self._order = drawing_order(len(nodes), edges)
        self._places = {node: place for place, node in enumerate(self._order)}
        self._from: dict[int, list[Edge]] = {}
        for edge in edges:
            self._from.setdefault(edge.source, []).append(edge)
        self._laned = self._edges_with_lanes()
        self._said_to: dict[int, list[Edge]] = {}  # by target, the edges down to it that have no lane
        for edge in edges:
            if self._is_down(edge) and edge not in self._laned:
                self._said_to.setdefault(edge.target, []).append(edge)
        self._lanes: list[int | None] = []  # the node that a lane leads to; None: free
        self._lines: list[str] = []

    def lines(self) -> list[str]:
        for node in self._order:
            self._add(node)
        return self._lines

    def _is_down(self, edge: Edge) -> bool:
        return self._places[edge.source] < self._places[edge.target]

    def _edges_with_lanes(self) -> set[Edge]:
        """None to or from a node with too many, then those that are over soon."""
        down = [edge for edges in self._from.values() for edge in edges if self._is_down(edge)]
        out, into = Counter(edge.source for edge in down), Counter(edge.target for edge in down)
        chosen: set[Edge] = set()
        open_: list[Edge] = []
        for place, node in enumerate(self._order):
            open_ = [edge for edge in open_ if self._places[edge.target] > place]
            here = [edge for edge in self._from.get(node, ()) if self._is_down(edge)
                    and out[node] <= MOST_LANES and into[edge.target] <= MOST_LANES]
            open_ = sorted(open_ + here, key=lambda edge: self._places[edge.target])
            chosen.update(here)
            chosen.difference_update(open_[MOST_LANES:])
            del open_[MOST_LANES:]
        return chosen

    def _add(self, at: int) -> None:
        """The node's own line, then a line for each thing around it."""
        node, dim = self._nodes[at], self._palette.dim
        arriving = [lane for lane, target in enumerate(self._lanes) if target == at]
        lane = arriving[0] if arriving else self._free_lane()
        above = [f"in {_listed(node.taken)}"] if node.taken else []
        if at in self._said_to:
            said = self._said_to[at]
            above.append(f"{_listed(_names(said))} ← {self._called(edge.source for edge in said)}".lstrip())
        for position, text in enumerate(above):
            self._put(self._gutter(lane, "│" if arriving or position else "·"), dim(text))
        self._put(self._joining(lane, arriving, node.mark), node.text)
        for each in arriving:
            self._lanes[each] = None
        edges = self._from.get(at, [])
        drawn = [edge for edge in edges if edge in self._laned]
        for position, edge in enumerate(drawn):
            text = dim(f"{_listed(edge.names)} → {self._called([edge.target])}") if edge.names else ""
            if position == 0:
                self._lanes[lane] = edge.target
                if text:
                    self._put(self._gutter(lane, "│"), text)
            else:
                opened = self._free_lane(after=lane)
                self._put(self._opening(lane, opened), text)
                self._lanes[opened] = edge.target
        below = self._said([edge for edge in edges if self._is_down(edge) and edge not in self._laned])
        below += [f"{text} above" for text in self._said([edge for edge in edges if not self._is_down(edge)])]
        if node.left:
            below.append(f"out {_listed(node.left)}")
        for text in below:
            self._put(self._gutter(lane, "│" if drawn else " "), dim(text))
        while self._lanes and self._lanes[-1] is None:
            self._lanes.pop()

    def _said(self, edges: Sequence[Edge]) -> list[str]:
        """Edges of one source in words: a line for those with the same names, or one for all where that makes many."""
        alike: dict[tuple[str, ...], list[int]] = {}
        for edge in edges:
            alike.setdefault(edge.names, []).append(edge.target)
        if len(alike) > _MOST_NAMES:
            alike = {tuple(_names(edges)): [edge.target for edge in edges]}
        return [f"{_listed(names)} → {self._called(targets)}".lstrip() for names, targets in alike.items()]

    def _called(self, nodes: Iterable[int]) -> str:
        return _listed([self._nodes[node].name for node in nodes])

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

    def _joining(self, lane: int, arriving: Sequence[int], mark: str) -> list[str]:
        """The node's mark, with the lanes that end in it."""
        cells = self._gutter(lane, mark)
        for each in arriving[1:]:
            cells[2 * each] = "┴" if each != arriving[-1] else "╯"
        return _across(cells, 2 * lane, 2 * arriving[-1]) if len(arriving) > 1 else cells

    def _opening(self, lane: int, opened: int) -> list[str]:
        """A further lane out of a node's."""
        cells = self._gutter(lane, "├")
        cells[2 * opened] = "╮"
        return _across(cells, 2 * lane, 2 * opened)

    def _put(self, cells: list[str], text: str) -> None:
        self._lines.append(f"{''.join(cells)}  {text}".rstrip())


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def _names(edges: Iterable[Edge]) -> list[str]:
    return list(dict.fromkeys(name for edge in edges for name in edge.names))


def _spread(cells: Sequence[str]) -> list[str]:
    return list(" ".join(cells))


def _across(cells: list[str], start: int, end: int) -> list[str]:
    """A horizontal line between two columns, over the lanes that it crosses."""
    for column in range(start + 1, end):
        cells[column] = {" ": "─", "│": "┼"}.get(cells[column], cells[column])
    return cells
