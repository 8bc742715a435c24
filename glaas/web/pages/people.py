"""`/user/NAME` and `/org/NAME`: what somebody registered, by session, as far as the viewer may see it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from glaas.accounts.names import is_name
from glaas.server import documents
from glaas.store.viewer import Viewer, organisation_space
from glaas.web.answers import Card, Page
from glaas.web.heads import SessionRow, job_row, session_row
from glaas.web.pages.home import newest_sessions
from glaas.web.site import Asked
from lineage.document import head_document
from lineage.errors import NotFoundError
from lineage.records import JobHead

_JOBS = 50  # that are asked for at once
_NEWEST = 10
_SHOWN = 30


@dataclass(frozen=True, slots=True)
class Project:
    """Sessions of one directory, whoever's machine it was on."""

    name: str
    sessions: list[SessionRow]


def projects(rows: list[SessionRow]) -> list[Project]:
    found: dict[str, list[SessionRow]] = {}
    for row in rows:
        found.setdefault(row.name, []).append(row)
    return [Project(name, own) for name, own in found.items()]


def user_page(asked: Asked) -> Page:
    name = asked.part("name")
    registry = asked.site.wiring.registry
    document = partial(documents.account, registry, asked.viewer, name, 0, 50)
    if asked.wants_json:
        return Page("people.html", "", document=document)
    heads = registry.account_jobs(asked.viewer, name, _JOBS) if is_name(name) else []
    if not heads and name != asked.viewer.account:  # who has accounts is nobody's business
        raise NotFoundError(f"nobody called {name[:60]!r} registered something that you may see", "names are lower case")
    pairs = newest_sessions(asked.view, partial(_jobs_of, asked, name), most=_SHOWN)
    return Page("people.html", name, {
        "name": name, "what": "Person", "projects": projects([session_row(*pair) for pair in pairs]),
        "jobs": [job_row(head) for head in heads[:_NEWEST]], "mine": asked.viewer.account == name,
        "all": len(pairs) < _SHOWN and len(heads) < _JOBS, "members": [],
    }, document, f"/user/{name}", card=Card(f"{name} · glaas", f"What {name} registered."))


def _jobs_of(asked: Asked, name: str, until: int) -> Iterator[JobHead]:
    """Newest first, page by page as they are asked for."""
    more = True
    while more:
        found = asked.site.wiring.registry.account_jobs(asked.viewer, name, _JOBS, until)
        yield from found
        more = len(found) == _JOBS
        until = found[-1].started_at if found else 0


def organisation_page(asked: Asked) -> Page:
    """Of an organisation only its members see anything; for others there is none."""
    name = asked.part("name")
    space = organisation_space(name)
    if space not in asked.viewer.spaces:
        raise NotFoundError(f"there is no organisation {name[:60]!r}, or you are not in it", "sign in if you are")
    view = asked.site.wiring.registry.view(Viewer(asked.viewer.account, frozenset({space})))
    pairs = newest_sessions(view, lambda until: view.newest_heads(None, until), most=_SHOWN)
    heads = [head for _, head in pairs]
    members = sorted(asked.site.wiring.accounts.organisations.get(name).members.items())
    return Page("people.html", name, {
        "name": name, "what": "Organisation", "projects": projects([session_row(*pair) for pair in pairs]), "jobs": [],
        "mine": False, "all": len(pairs) < _SHOWN, "members": members,
    }, lambda: {"schema": "glaas.account/1", "name": name, "jobs": [head_document(head) for head in heads], "next": None},
        f"/org/{name}")
