"""Graphs as the browser draws them, and as pictures.  Where things stand is worked out here (lineage/draw/layout.py)."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

from blake3 import blake3

from glaas.web import words
from glaas.web.heads import job_row
from lineage import wire
from lineage.document import dag_edges
from lineage.draw.layout import Size, layered
from lineage.draw.picture import Edge, Look, Node, Picture
from lineage.draw.svg import svg
from lineage.folding import folded
from lineage.records import PRIVATE_PATH, JobHead
from lineage.text import program_text
from lineage.v1 import lineage_pb2 as pb

MOST_DRAWN = 500  # boxes of a picture with files in it; beyond, jobs alone
MOST_JOBS = 400  # of a picture
MOST_POINTS = 15_000  # at which long edges pass layers: more would take the layout seconds
_JOB = Size(168, 44)
_FILE = Size(132, 26)
_GAP = 56.0
_KEPT = 12  # drawings


def data(graph: pb.Graph) -> dict[str, Any]:
    """``nodes``: [kind, look, title, second line, x, y, width, height, address, facts] with the middles of boxes; ``edges``:
    [from, to] by the places of nodes."""
    nodes = [*_job_nodes(graph), *_file_nodes(graph)]
    sizes = [_JOB] * len(graph.jobs) + [_FILE] * len(graph.artifacts)
    jobs = len(graph.jobs)
    edges = list(dict.fromkeys((edge.job, jobs + edge.artifact) if edge.output else (jobs + edge.artifact, edge.job)
                               for edge in graph.edges))
    layout = layered(sizes, near(len(nodes), edges), _GAP)
    placed = [[*node[:4], round(place.x + size.width / 2), round(place.y + size.height / 2), round(size.width),
               round(size.height),
               *node[4:]] for node, place, size in zip(nodes, layout.places, sizes, strict=True)]
    return {"nodes": placed, "edges": edges, "truncated": graph.truncated}


def near(nodes: int, edges: Sequence[tuple[int, int]], most: int = MOST_POINTS) -> list[tuple[int, int]]:
    """The edges that say where boxes stand: of those that would pass more layers than there is time for, the shortest.

    A node's layer is the one after the last of what it comes from, and the edge from that one is short: so layers stay."""
    after: list[list[int]] = [[] for _ in range(nodes)]
    waiting = [0] * nodes
    for source, target in edges:
        after[source].append(target)
        waiting[target] += 1
    layer = [0] * nodes
    roots = [node for node, count in enumerate(waiting) if not count]
    ready = list(roots)
    while ready:
        node = ready.pop()
        for target in after[node]:
            layer[target] = max(layer[target], layer[node] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    for node in roots:
        layer[node] = min((layer[target] for target in after[node]), default=1) - 1
    kept, points = [], 0
    for edge in sorted(edges, key=lambda edge: abs(layer[edge[1]] - layer[edge[0]])):
        passed = abs(layer[edge[1]] - layer[edge[0]]) - 1
        if passed > 0 and points + passed > most:
            break
        points += max(passed, 0)
        kept.append(edge)
    return kept


def _job_nodes(graph: pb.Graph) -> Iterable[list[Any]]:
    for job in graph.jobs:
        head = wire.head_from(job)
        row = job_row(head)
        facts = [["Command", row.command], ["Ended", row.outcome.text], ["Took", row.took],
                 ["Began", row.when.text if row.when else ""], ["By", f"{row.user} on {row.host}"],
                 ["Record", "complete" if row.complete
                  else "; ".join(words.line(one.message) for one in head.incomplete_reasons)]]
        yield ["job", look_of(head), f"@{row.number} {row.program}", row.short, row.url, [one for one in facts if one[1]]]


def _file_nodes(graph: pb.Graph) -> Iterable[list[Any]]:
    used = {edge.artifact for edge in graph.edges if not edge.output}
    made = {edge.artifact for edge in graph.edges if edge.output}
    for at, one in enumerate(graph.artifacts):
        digest = one.hash.hex()
        private = one.path == PRIVATE_PATH
        look = "private" if private else "root" if at not in made else "" if at in used else "end"
        size = words.size(one.size if one.HasField("size") else None)
        files = words.counted(one.files, "file") if one.files else ""
        facts = [["Path", words.path(one.path)], ["Hash", digest or "not known"], ["Size", size], ["Files", files],
                 ["Role", one.role], ["", "no registered job made it" if look == "root" else ""]]
        yield ["file", look, words.name(one.path), files or size, f"/artifact/{digest}" if digest and not one.files else "",
               [fact for fact in facts if fact[1]]]


def look_of(head: JobHead) -> Look:
    if head.exit_code or head.signal is not None:
        return "failed"
    return "" if head.complete else "incomplete"


def svg_of(graph: pb.Graph, title: str) -> str:
    small = folded(graph) if len(graph.jobs) <= MOST_DRAWN else graph
    if len(small.jobs) + len(small.artifacts) <= MOST_DRAWN:
        return svg(_files_picture(small, title))
    return svg(_jobs_picture(graph, title))


def _files_picture(graph: pb.Graph, title: str) -> Picture:
    nodes = [_picture_job(wire.head_from(job)) for job in graph.jobs]
    for kind, look, name, second, *_ in _file_nodes(graph):
        assert kind == "file"
        nodes.append(Node("", "artifact", name, (second,) if second else (), look if look in {"root", "end"} else ""))
    jobs = len(graph.jobs)
    edges = dict.fromkeys(Edge(edge.job, jobs + edge.artifact) if edge.output else Edge(jobs + edge.artifact, edge.job)
                          for edge in graph.edges)
    return Picture(title, nodes, list(edges), _note(graph.truncated))


def _jobs_picture(graph: pb.Graph, title: str) -> Picture:
    heads = [wire.head_from(job) for job in graph.jobs[:MOST_JOBS]]
    edges = [Edge(edge.source, edge.target, words.counted(len(edge.artifacts), "file")) for edge in dag_edges(graph)
             if edge.source < len(heads) and edge.target < len(heads)]
    note = _note(graph.truncated) or (f"the first {MOST_JOBS} of {len(graph.jobs):,} jobs, without files"
                                      if len(graph.jobs) > MOST_JOBS else "files are left out")
    return Picture(title, [_picture_job(head) for head in heads], edges, note)


def _picture_job(head: JobHead) -> Node:
    row = job_row(head)
    lines = [words.command(head.argv, 46)] + ([row.outcome.text] if row.outcome.look == "failed" else
                                              ["incomplete record"] if not row.complete else [])
    return Node(row.short, "job", f"@{row.number} {program_text(head.argv)}", lines, look_of(head))


def _note(truncated: str) -> str:
    return f"not everything is shown: {truncated}" if truncated else ""


class Drawings:
    """The last ones that were made, by the graph that they show: who may not see that graph cannot ask for its drawing."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def data(self, graph: pb.Graph) -> bytes:
        key = blake3(graph.SerializeToString(deterministic=True)).digest()
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = json.dumps(data(graph), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return made
