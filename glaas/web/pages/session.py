"""`/session/ID`: the jobs of one person in one project, in their order, as a graph and as a table."""

from __future__ import annotations

from functools import partial

from glaas.server import documents
from glaas.web import words
from glaas.web.answers import Card, Elsewhere, Page
from glaas.web.heads import job_row, session_row
from glaas.web.pages.naming import identity
from glaas.web.said import said_of
from glaas.web.site import Asked
from lineage.annotations import Subject

PAGE = 100


def page(asked: Asked) -> Page | Elsewhere:
    view = asked.view
    found = identity(view, "session", asked.part(), ".json" if asked.wants_json else "")
    if isinstance(found, Elsewhere):
        return found
    session = view.session(found, b"")
    document = partial(documents.session, view, found.hex())
    if asked.wants_json:
        return Page("session.html", "", document=document)
    heads = list(view.session_jobs(session, 0))
    number = asked.whole("page", 1, 1, max((len(heads) + PAGE - 1) // PAGE, 1))
    ordered = sorted(heads, key=lambda head: (head.started_at, head.number))
    rows = [job_row(head) for head in ordered[(number - 1) * PAGE:number * PAGE]]
    row = session_row(session, jobs=len(heads))
    failed = sum(1 for head in heads if head.exit_code or head.signal is not None)
    return Page(
        "session.html", f"{row.name} · session {row.short}", {
            "session": row, "rows": rows, "number": number, "pages": max((len(heads) + PAGE - 1) // PAGE, 1),
            "count": len(heads),
            "failed": failed, "incomplete": sum(1 for head in heads if not head.complete),
            "chain": session.head.hex(), "missing": max(session.jobs - len(heads), 0),
            "ended": words.when(ordered[-1].ended_at) if ordered else None, "began": words.when(session.started_at),
            "said": said_of(view, Subject("session", found)),
        }, document, f"/session/{found.hex()}",
        card=Card(f"{row.name} · session {row.short}", f"{words.counted(len(heads), 'job')} by {row.user} on {row.host}."))
