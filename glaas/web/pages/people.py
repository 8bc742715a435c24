"""`/user/NAME` and `/org/NAME`: what somebody registered, by session, as far as the viewer may see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from glaas.accounts.names import is_name
from glaas.store.viewer import Viewer, organisation_space
from glaas.web.answers import Card, Page
from glaas.web.heads import JobRow, SessionRow, job_row, session_row
from glaas.web.pages.home import newest_sessions
from glaas.web.pages.search import sessions as sessions_of
from glaas.web.site import Asked
from lineage.document import head_document, session_document
from lineage.errors import NotFoundError
from lineage.records import JobHead, Session

_JOBS = 300  # looked at
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
    known = is_name(name) and asked.site.wiring.accounts.users.find(name) is not None
    if not known:
        raise NotFoundError(f"there is nobody called {name[:60]!r} here", "names are lower case")
    heads = asked.site.wiring.registry.account_jobs(asked.viewer, name, _JOBS)
    by_session: dict[bytes, list[JobHead]] = {}
    for head in heads:
        by_session.setdefault(head.session, []).append(head)
    found = sessions_of(asked.view, list(by_session)[:_SHOWN])
    rows = [session_row(one, by_session[one.id][0]) for one in found]
    jobs: list[JobRow] = [job_row(head) for head in heads[:10]]
    return Page("people.html", name, {
        "name": name, "what": "Person", "projects": projects(rows), "jobs": jobs, "mine": asked.viewer.account == name,
        "count": len(heads), "all": len(heads) < _JOBS, "members": [],
    }, lambda: _document("user", name, heads, found), f"/user/{name}", card=Card(f"{name} · glaas", f"What {name} registered."))


def organisation_page(asked: Asked) -> Page:
    """Of an organisation only its members see anything; for others there is none."""
    name = asked.part("name")
    space = organisation_space(name)
    if space not in asked.viewer.spaces:
        raise NotFoundError(f"there is no organisation {name[:60]!r}, or you are not in it", "sign in if you are")
    view = asked.site.wiring.registry.view(Viewer(asked.viewer.account, frozenset({space})))
    pairs = newest_sessions(view, _JOBS, _SHOWN)
    found, heads = [session for session, _ in pairs], [head for _, head in pairs]
    members = sorted(asked.site.wiring.accounts.organisations.get(name).members.items())
    return Page("people.html", name, {
        "name": name, "what": "Organisation", "projects": projects([session_row(*pair) for pair in pairs]), "jobs": [],
        "mine": False, "count": len(heads), "all": True, "members": members,
    }, lambda: _document("organisation", name, heads, found), f"/org/{name}")


def _document(kind: str, name: str, heads: list[JobHead], found: list[Session]) -> dict[str, Any]:
    return {"schema": "glaas.account/1", "kind": kind, "name": name, "jobs": [head_document(head) for head in heads],
            "sessions": [session_document(one) for one in found]}
