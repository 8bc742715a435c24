"""Where the boxes of a directed graph stand, and how its edges run: in layers, from left to right.

The steps of Sugiyama, Tagawa and Toda (Methods for visual understanding of hierarchical system structures, 1981): edges
that close a cycle are turned around; each box stands in the layer after the last of what it comes from; an edge over
several layers passes a point in each; layers are ordered by the means of their neighbours; then heights are moved to
where the neighbours are, as near as the order and the gaps allow. Parts that are not joined stand below each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

_SWEEPS = 8
_ROW_GAP = 18.0
_PART_GAP = 40.0
_POINT_HEIGHT = 10.0  # that an edge takes where it passes a layer
_POINT_WEIGHT = 4.0  # so that long edges are straight
_SINGLES_WIDTH = 1400.0  # of a row of boxes without edges


class Size(NamedTuple):
    width: float
    height: float


class Point(NamedTuple):
    x: float
    y: float


@dataclass(slots=True)
class Layout:
    """``places``: by node, the upper left corner. ``routes``: by edge, from the middle of one side to that of another,
    with two points for each layer that it passes (in and out); those of an edge that goes back begin at its target."""

    places: list[Point]
    routes: list[list[Point]]
    size: Size = field(default_factory=lambda: Size(0, 0))
    turned: set[int] = field(default_factory=set)  # edges that go back


def layered(sizes: Sequence[Size], edges: Sequence[tuple[int, int]], gaps: Sequence[float] | float = 60.0) -> Layout:
    """``gaps``: the room before a node's layer that an edge needs, by edge (its label), or for all. No edge may join a
    node with itself."""
    room = [gaps] * len(edges) if isinstance(gaps, int | float) else list(gaps)
    layout = Layout([Point(0, 0)] * len(sizes), [[] for _ in edges])
    layout.turned = _turned(len(sizes), edges)
    down = [(target, source) if at in layout.turned else (source, target) for at, (source, target) in enumerate(edges)]
    top = width = 0.0
    singles: list[int] = []
    for nodes, own in _parts(len(sizes), down):
        if not own:
            singles += nodes
            continue
        part = _Part(nodes, sizes, [(at, *down[at]) for at in own], [room[at] for at in own])
        size = part.place(layout, top)
        top, width = top + size.height + _PART_GAP, max(width, size.width)
    below, across = _rows(singles, sizes, layout, top)
    layout.size = Size(max(width, across), below)
    return layout


def _turned(nodes: int, edges: Sequence[tuple[int, int]]) -> set[int]:
    """The edges that lead back to where a walk came from: without them there is no cycle."""
    leaving: list[list[tuple[int, int]]] = [[] for _ in range(nodes)]
    for at, (source, target) in enumerate(edges):
        leaving[source].append((target, at))
    turned: set[int] = set()
    state = bytearray(nodes)  # 1: on the way here, 2: done
    for start in range(nodes):
        if state[start]:
            continue
        state[start] = 1
        stack = [(start, iter(leaving[start]))]
        while stack:
            node, left = stack[-1]
            for target, at in left:
                if state[target] == 1:
                    turned.add(at)
                elif not state[target]:
                    state[target] = 1
                    stack.append((target, iter(leaving[target])))
                    break
            else:
                state[node] = 2
                stack.pop()
    return turned


def _parts(nodes: int, edges: Sequence[tuple[int, int]]) -> Iterable[tuple[list[int], list[int]]]:
    """(nodes, edges) of what is joined, in the order of their first nodes."""
    parent = list(range(nodes))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = node = parent[parent[node]]
        return node

    for source, target in edges:
        first, second = sorted((root(source), root(target)))
        parent[second] = first
    parts: dict[int, tuple[list[int], list[int]]] = {}
    for node in range(nodes):
        parts.setdefault(root(node), ([], []))[0].append(node)
    for at, (source, _) in enumerate(edges):
        parts[root(source)][1].append(at)
    return parts.values()


def _rows(nodes: Sequence[int], sizes: Sequence[Size], layout: Layout, top: float) -> tuple[float, float]:
    """Boxes without edges, side by side in their order; (where they end below, how wide they are)."""
    left = width = height = 0.0
    for node in nodes:
        if left and left + sizes[node].width > _SINGLES_WIDTH:
            top, left, height = top + height + _ROW_GAP, 0.0, 0.0
        layout.places[node] = Point(left, top)
        left += sizes[node].width + _ROW_GAP
        width, height = max(width, left - _ROW_GAP), max(height, sizes[node].height)
    return (top + height if nodes else max(top - _PART_GAP, 0.0)), width


class _Part:
    """One joined part. Its vertices are its nodes, then the points at which edges pass layers."""

    def __init__(self, nodes: Sequence[int], sizes: Sequence[Size], edges: Sequence[tuple[int, int, int]],
                 room: Sequence[float]) -> None:
        """``edges``: (place in the layout's routes, source, target), without cycles."""
        self._nodes = nodes
        at = {node: place for place, node in enumerate(nodes)}
        self._edges = [(edge, at[source], at[target]) for edge, source, target in edges]
        self._sizes = [sizes[node] for node in nodes]
        self._layer = self._layers()
        self._before: list[list[int]] = [[] for _ in nodes]
        self._after: list[list[int]] = [[] for _ in nodes]
        self._gaps = [0.0] * (max(self._layer) + 1)  # before each layer
        self._chains = [self._chain(source, target) for _, source, target in self._edges]
        for (_, source, target), needed in zip(self._edges, room, strict=True):
            # A label stands where the edge begins, but where many end it would be in the way: in the gap after its source.
            first = self._layer[source] + 1
            self._gaps[first] = max(self._gaps[first], needed)
            self._gaps[self._layer[target]] = max(self._gaps[self._layer[target]], 40.0)
        self._rows = self._ordered()
        self._middles = self._heights()

    def _layers(self) -> list[int]:
        """As far left as what comes before allows; but what nothing comes before stands next to who needs it."""
        following: list[list[int]] = [[] for _ in self._nodes]
        waiting = [0] * len(self._nodes)
        for _, source, target in self._edges:
            following[source].append(target)
            waiting[target] += 1
        roots = [node for node, count in enumerate(waiting) if not count]
        layer, ready = [0] * len(self._nodes), list(roots)
        while ready:
            node = ready.pop()
            for target in following[node]:
                layer[target] = max(layer[target], layer[node] + 1)
                waiting[target] -= 1
                if not waiting[target]:
                    ready.append(target)
        for node in roots:
            layer[node] = min(layer[target] for target in following[node]) - 1
        return layer

    def _chain(self, source: int, target: int) -> list[int]:
        """The vertices of an edge, with new points in the layers between."""
        chain = [source]
        for layer in range(self._layer[source] + 1, self._layer[target]):
            self._layer.append(layer)
            self._before.append([])
            self._after.append([])
            chain.append(len(self._layer) - 1)
        chain.append(target)
        for left, right in pairwise(chain):
            self._after[left].append(right)
            self._before[right].append(left)
        return chain

    def _ordered(self) -> list[list[int]]:
        rows: list[list[int]] = [[] for _ in self._gaps]
        for vertex, layer in enumerate(self._layer):
            rows[layer].append(vertex)
        place = [0.0] * len(self._layer)
        for row in rows:
            for at, vertex in enumerate(row):
                place[vertex] = at
        for sweep in range(_SWEEPS):
            forward = sweep % 2 == 0
            neighbours = self._before if forward else self._after
            for row in rows if forward else reversed(rows):
                means = {vertex: sum(place[other] for other in neighbours[vertex]) / len(neighbours[vertex])
                         if neighbours[vertex] else place[vertex] for vertex in row}
                row.sort(key=means.__getitem__)
                for at, vertex in enumerate(row):
                    place[vertex] = at
        return rows

    def _height(self, vertex: int) -> float:
        return self._sizes[vertex].height if vertex < len(self._nodes) else _POINT_HEIGHT

    def _heights(self) -> list[float]:
        """By vertex, the height of its middle."""
        middles = [0.0] * len(self._layer)
        for row in self._rows:
            self._settle(row, middles, [0.0] * len(row))
        for sweep in range(_SWEEPS):
            forward = sweep % 2 == 0
            near, far = (self._before, self._after) if forward else (self._after, self._before)
            for row in self._rows if forward else reversed(self._rows):
                sides = [near[vertex] or far[vertex] for vertex in row]
                self._settle(row, middles, [_median([middles[other] for other in side]) for side in sides])
        upper = min(middles[vertex] - self._height(vertex) / 2 for vertex in range(len(middles)))
        return [middle - upper for middle in middles]

    def _settle(self, row: Sequence[int], middles: list[float], wanted: Sequence[float]) -> None:
        """As near as can be to what is wanted (least squares), without overlaps: pool adjacent violators."""
        offset, offsets = 0.0, []
        for at, vertex in enumerate(row):
            if at:
                offset += (self._height(row[at - 1]) + self._height(vertex)) / 2 + _ROW_GAP
            offsets.append(offset)
        pools: list[tuple[float, float, int]] = []  # (mean, weight, how many)
        for at, vertex in enumerate(row):
            weight = _POINT_WEIGHT if vertex >= len(self._nodes) else 1.0
            pool = (wanted[at] - offsets[at], weight, 1)
            while pools and pools[-1][0] > pool[0]:
                mean, more, count = pools.pop()
                pool = ((mean * more + pool[0] * pool[1]) / (more + pool[1]), more + pool[1], count + pool[2])
            pools.append(pool)
        at = 0
        for mean, _, count in pools:
            for _ in range(count):
                middles[row[at]] = mean + offsets[at]
                at += 1

    def place(self, layout: Layout, top: float) -> Size:
        """Writes places and routes of this part, which begins at the height ``top``."""
        lefts, widths, right = [], [], 0.0
        for layer, row in enumerate(self._rows):
            widths.append(max((self._sizes[vertex].width for vertex in row if vertex < len(self._nodes)), default=0.0))
            right += self._gaps[layer] if layer else 0.0
            lefts.append(right)
            right += widths[-1]
        for at, node in enumerate(self._nodes):
            layout.places[node] = Point(lefts[self._layer[at]], top + self._middles[at] - self._sizes[at].height / 2)
        for (edge, source, _), chain in zip(self._edges, self._chains, strict=True):
            route = [Point(lefts[self._layer[source]] + self._sizes[source].width, top + self._middles[source])]
            for vertex in chain[1:-1]:
                left, height = lefts[self._layer[vertex]], top + self._middles[vertex]
                route += [Point(left, height), Point(left + widths[self._layer[vertex]], height)]
            layout.routes[edge] = [*route, Point(lefts[self._layer[chain[-1]]], top + self._middles[chain[-1]])]
        height = max(middle + self._height(vertex) / 2 for vertex, middle in enumerate(self._middles))
        return Size(right, height)


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
