"""`/artifact/HASH`: a content, who made it, who used it, where it came from and what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from glaas.server import documents
from glaas.web import trees, words
from glaas.web.answers import Card, Elsewhere, Page
from glaas.web.files import is_private
from glaas.web.heads import JobRow, job_row
from glaas.web.pages.naming import identity
from glaas.web.said import said_of
from glaas.web.site import Asked
from lineage import wire
from lineage.annotations import Subject
from lineage.graph import ancestors, descendants
from lineage.records import JobHead
from lineage.service.graphs import Walk, walk_message
from lineage.service.service import artifact_message
from lineage.service.view import Seen, View
from lineage.v1 import lineage_pb2, records_pb2

SIGHTINGS = 10
DEPTHS = (1, 2, 3, 5, 10, 30)
WALKED = 240  # nodes


@dataclass(frozen=True, slots=True)
class Use:
    """A job that made or used the content, and where."""

    job: JobRow
    path: str
    name: str
    role: str


def use(sighting: records_pb2.Sighting) -> Use:
    entry, head = wire.entry_from(sighting.entry), wire.head_from(sighting.job)
    return Use(job_row(head), words.path(entry.path), words.name(entry.path), entry.role)


def paths_of(message: records_pb2.Artifact) -> list[str]:
    """Where it was seen, who made it first; without what is private."""
    seen = (wire.entry_from(one.entry) for one in (*message.producers, *message.consumers))
    return list(dict.fromkeys(words.path(entry.path) for entry in seen if not is_private(entry)))


def name_of(message: records_pb2.Artifact, digest: bytes) -> str:
    entries = [wire.entry_from(one.entry) for one in (*message.producers, *message.consumers)]
    entry = next((one for one in entries if not is_private(one)), None)
    return words.name(entry.path) if entry is not None else words.PRIVATE if entries else digest.hex()[:16]


@dataclass(frozen=True, slots=True)
class Known:
    """What can be said of where it comes from.  ``look``: known, partial or unknown."""

    look: str
    text: str
    reasons: tuple[str, ...] = ()


def provenance(makers: Iterable[JobHead]) -> Known:
    heads = list(makers)
    if not heads:
        return Known("unknown", "No registered job made it, so where it comes from is not known here.")
    whole = next((head for head in heads if head.complete), None)
    if whole is not None:
        return Known("known", "A registered job made it, and that job's record is complete.")
    return Known("partial", "A registered job made it, but that job's record is known to miss something.",
                 tuple(words.line(reason.message) for reason in heads[0].incomplete_reasons))


def walked(view: View, digest: bytes, depth: int, walk: Walk, nodes: int = WALKED) -> lineage_pb2.Graph:
    return walk_message(view, lineage_pb2.GraphRequest(artifact=digest, depth=depth, max_nodes=nodes), walk)


def page(asked: Asked) -> Page | Elsewhere:
    view = asked.view
    found = identity(view, "artifact", asked.part(), ".json" if asked.wants_json else "")
    if isinstance(found, Elsewhere):
        return found
    document = partial(documents.artifact, view, found.hex())
    if asked.wants_json:
        return Page("artifact.html", "", document=document)
    message = artifact_message(view, found, SIGHTINGS)
    seen = view.artifact(found)
    depth = asked.whole("depth", 3, 1, DEPTHS[-1])
    name = name_of(message, found)
    known = provenance(wire.head_from(one.job) for one in message.producers)
    size = message.size if message.HasField("size") else None
    makers, users = [use(one) for one in message.producers], [use(one) for one in message.consumers]
    sessions = list(dict.fromkeys((one.job.session_url, one.job.session, one.job.project) for one in (*makers, *users)))
    return Page(
        "artifact.html", name, {
            "name": name, "digest": found.hex(), "size": size, "known": known, "first": _first(view, seen),
            "paths": paths_of(message), "makers": makers, "users": users, "sessions": sessions,
            "made": len({link.node for link in seen.producers}), "used": len({link.node for link in seen.consumers}),
            "depth": depth, "depths": DEPTHS, "said": said_of(view, Subject("artifact", found)),
            "up": trees.upward(walked(view, found, depth, ancestors), found) if makers else None,
            "down": trees.downward(walked(view, found, depth, descendants), found) if users else None,
        }, document, f"/artifact/{found.hex()}", card=card(name, known, size, makers, found))


def card(name: str, known: Known, size: int | None, makers: list[Use], digest: bytes) -> Card:
    made = f"made by {makers[0].job.command} on {makers[0].job.when.text if makers[0].job.when else '?'}" if makers else \
        "nobody here recorded how it was made"
    state = {"known": "Provenance known", "partial": "Provenance known in part", "unknown": "Provenance unknown"}[known.look]
    return Card(f"{name} · {digest.hex()[:12]}", f"{state}: {words.size(size) + ', ' if size is not None else ''}{made}",
                f"/artifact/{digest.hex()}/card")


def _first(view: View, seen: Seen) -> words.When | None:
    """The oldest job that is known to have had it: makers come first, they are older than users."""
    links = seen.producers or seen.consumers
    head = view.store.numbered_head(links[0].node) if links else None
    return words.when(head.started_at) if head is not None else None
