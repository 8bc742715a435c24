"""Graphs: of a session, and of the lineage of an artifact or a job; as a page, as data for the browser, as a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from glaas.server import documents
from glaas.web import drawing, words
from glaas.web.answers import Data, Elsewhere, Page, picture
from glaas.web.heads import job_row
from glaas.web.pages.naming import identity
from glaas.web.site import Asked
from lineage import wire
from lineage.document import Document, graph_document
from lineage.folding import folded
from lineage.graph import ancestors, descendants
from lineage.service.graphs import dag_message, walk_message
from lineage.text import program_text
from lineage.v1 import lineage_pb2 as pb

DEPTHS = (1, 2, 3, 5, 10, 30, 0)
MOST_NODES = 12_000
LISTED = 100
SECONDS = 60  # that a picture may be kept


def session_data(asked: Asked) -> Data | Elsewhere:
    found = identity(asked.view, "session", asked.part(), "/drawing.json")
    return found if isinstance(found, Elsewhere) else _data(asked, _session_graph(asked, found))


def session_document(asked: Asked) -> Page | Elsewhere:
    """`roar.dag/1`."""
    found = identity(asked.view, "session", asked.part(), "/graph.json")
    return found if isinstance(found, Elsewhere) else Page(
        "graph.html", "", document=partial(documents.dag, asked.view, found.hex(), MOST_NODES))


def session_picture(asked: Asked) -> Data | Elsewhere:
    found = identity(asked.view, "session", asked.part(), "/graph.svg")
    if isinstance(found, Elsewhere):
        return found
    svg = drawing.svg_of(_session_graph(asked, found), "The jobs of this session and the files between them")
    return picture(svg, SECONDS, public=False)


def _session_graph(asked: Asked, session: bytes) -> pb.Graph:
    return dag_message(asked.view, pb.SessionDagRequest(session=session, max_nodes=MOST_NODES))


@dataclass(frozen=True, slots=True)
class _Walked:
    kind: str
    id: bytes
    direction: str
    depth: int
    graph: pb.Graph

    @property
    def name(self) -> str:
        if self.kind == "artifact":
            return next((words.name(one.path) for one in self.graph.artifacts if one.hash == self.id and one.path),
                        self.id.hex()[:16])
        return next((f"{program_text(tuple(job.argv))} · job {self.id.hex()[:10]}" for job in self.graph.jobs
                     if job.id == self.id),
                    self.id.hex()[:16])


def _walk(asked: Asked, after: str) -> _Walked | Elsewhere:
    kind = asked.request.path_params["kind"]
    query = asked.request.url.query
    found = identity(asked.view, kind, asked.part(), after + (f"?{query}" if query else ""))
    if isinstance(found, Elsewhere):
        return found
    direction = "down" if asked.query("direction") == "down" else "up"
    depth = asked.whole("depth", 10 if after == "/graph" else 0, 0, 1000)
    request = pb.GraphRequest(depth=depth, max_nodes=MOST_NODES, job=found if kind == "job" else b"",
                              artifact=found if kind == "artifact" else b"")
    return _Walked(kind, found, direction, depth,
                   walk_message(asked.view, request, descendants if direction == "down" else ancestors))


def walk_page(asked: Asked) -> Page | Elsewhere | Data:
    walked = _walk(asked, "/graph.json" if asked.wants_json else "/graph")
    if isinstance(walked, Elsewhere):
        return walked
    rows = [job_row(wire.head_from(job)) for job in walked.graph.jobs[:LISTED]]
    return Page("graph.html", f"Lineage of {walked.name}", {
        "kind": walked.kind.capitalize(), "back": f"/{walked.kind}/{walked.id.hex()}", "name": walked.name,
        "direction": walked.direction, "depth": walked.depth, "depths": DEPTHS, "rows": rows, "total": len(walked.graph.jobs),
        "truncated": walked.graph.truncated,
    }, partial(_lineage_document, walked), f"/{walked.kind}/{walked.id.hex()}/graph")


def _lineage_document(walked: _Walked) -> Document:
    """`roar.lineage/1`."""
    start = {"kind": walked.kind, "id": walked.id.hex()}
    return {**graph_document(walked.graph, start, walked.direction), "changed": False}


def walk_data(asked: Asked) -> Data | Elsewhere:
    """For the graph on the page."""
    return _of_walk(asked, "/drawing.json",
                    lambda walked: _data(asked, walked.graph, walked.id if walked.kind == "artifact" else b""))


def walk_picture(asked: Asked) -> Data | Elsewhere:
    return _of_walk(asked, "/graph.svg", lambda walked: picture(
        drawing.svg_of(walked.graph, f"Lineage of {walked.name}"), SECONDS, public=False))


def _of_walk(asked: Asked, after: str, made: Callable[[_Walked], Data]) -> Data | Elsewhere:
    walked = _walk(asked, after)
    return walked if isinstance(walked, Elsewhere) else made(walked)


def _data(asked: Asked, graph: pb.Graph, keep: bytes = b"") -> Data:
    body = asked.site.drawings.data(folded(graph, keep))
    return Data(body, "application/json", {"Cache-Control": "private, no-cache"})
