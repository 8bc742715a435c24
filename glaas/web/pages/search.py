"""`/search?q=`: files, jobs, sessions and labels by a hash or by words; a whole hash leads straight to its page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial

from glaas.registry.search import FoundFile, Hits, search_message
from glaas.server import documents
from glaas.web import words
from glaas.web.answers import Elsewhere, Page
from glaas.web.heads import JobRow, SessionRow, job_row, session_row
from glaas.web.site import Asked
from lineage.document import Document
from lineage.errors import NotFoundError
from lineage.records import Session
from lineage.service.view import View
from lineage.v1 import lineage_pb2
from lineage.whole import search_document

RESULTS = 25
_WHOLE = re.compile(r"(?:(artifact|job|session):)?([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class FileHit:
    url: str
    short: str
    name: str
    paths: tuple[str, ...]
    job: JobRow
    made: bool


def file_hit(found: FoundFile) -> FileHit:
    digest = found.hash.hex()
    return FileHit(f"/artifact/{digest}", digest[:10], words.name(found.paths[0]) if found.paths else digest[:16],
                   tuple(words.path(path) for path in found.paths[:3]), job_row(found.head), found.output)


def page(asked: Asked) -> Page | Elsewhere:
    query = asked.query("q").strip()[:500]
    if not query:
        return Page("search.html", "Search", {"query": "", "hits": None})
    if asked.wants_json:
        return Page("search.html", "", document=partial(_document, asked, query))
    view = asked.view
    hits = asked.site.wiring.registry.search(asked.viewer, query, RESULTS)
    straight = _straight(query, hits)
    if straight:
        return Elsewhere(straight)
    found = sessions(view, hits.sessions)
    rows: list[SessionRow] = [session_row(one) for one in found]
    files = [file_hit(one) for one in hits.artifacts]
    labelled = [(f"/{one.kind}/{one.id.hex()}", one.kind, one.id.hex()[:16]) for one in hits.labelled if one.kind != "step"]
    return Page("search.html", f"Search: {words.line(query, 60)}", {
        "query": query, "shown": words.line(query, 120), "hits": hits, "files": files,
        "jobs": [job_row(head) for head in hits.jobs],
        "sessions": rows, "labelled": labelled, "count": len(files) + len(hits.jobs) + len(rows) + len(labelled),
        "most": RESULTS,
    }, partial(_document, asked, query))


def _straight(query: str, hits: Hits) -> str:
    """The one thing that a whole id names."""
    whole = _WHOLE.fullmatch(query.lower())
    if whole is None:
        return ""
    found = [f"/artifact/{one.hash.hex()}" for one in hits.artifacts if one.hash.hex() == whole[2]]
    found += [f"/job/{head.id.hex()}" for head in hits.jobs if head.id is not None and head.id.hex() == whole[2]]
    found += [f"/session/{one.hex()}" for one in hits.sessions if one.hex() == whole[2]]
    return found[0] if len(found) == 1 else ""


def sessions(view: View, identities: list[bytes]) -> list[Session]:
    found = []
    for identity in identities:
        try:
            found.append(view.session(identity, b""))
        except NotFoundError:
            continue
    return found


def _document(asked: Asked, query: str) -> Document:
    """As the API answers (`roar.search/1`)."""
    view, request = asked.view, documents.search_request(query, RESULTS)
    store = asked.site.wiring.store
    answer = search_message(store, view, request)
    if request.hash and not (answer.artifacts or answer.jobs):  # "cafe" is a word, too
        answer = search_message(store, view, lineage_pb2.SearchRequest(words=[query], limit=RESULTS))
    return search_document(answer)
