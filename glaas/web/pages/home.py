"""`/`: what this is, a search field, what was registered last, how to begin."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

from glaas.web.answers import Card, Page
from glaas.web.heads import SessionRow, session_row
from glaas.web.site import Asked
from lineage.document import log_document
from lineage.errors import NotFoundError
from lineage.records import JobHead, Session
from lineage.service.view import View

_LOOKED_AT = 600  # jobs
_SESSIONS = 12
_ALIKE = 24  # jobs of sessions that are listed already, one after the other; then time is skipped
_SKIPPED = 60 * 10**9  # nanoseconds, twice as many each time


def newest_sessions(view: View, before: Callable[[int], Iterable[JobHead]], looked_at: int = _LOOKED_AT,
                    most: int = _SESSIONS) -> list[tuple[Session, JobHead]]:
    """Sessions of the newest jobs, each with its newest.  ``before``: jobs that began before that time (0: all), newest first.
    A session of very many jobs is passed over in leaps, so a small one in the midst of it may not be listed."""
    heads: dict[bytes, JobHead] = {}
    until, leap = 0, _SKIPPED
    while looked_at > 0 and len(heads) < most:
        alike, last = 0, None
        for head in islice(before(until), looked_at):
            looked_at, last = looked_at - 1, head
            alike = alike + 1 if head.session in heads else 0
            if not alike:
                heads[head.session], leap = head, _SKIPPED
            if alike == _ALIKE or len(heads) == most:
                break
        if last is None or alike < _ALIKE:
            break
        until, leap = max(last.started_at - leap, 1), leap * 2
    found = []
    for identity, head in heads.items():
        try:
            found.append((view.session(identity, b""), head))
        except NotFoundError:
            continue
    return found


def page(asked: Asked) -> Page:
    view = asked.view
    sessions = newest_sessions(view, lambda until: view.newest_heads(None, until))
    rows: list[SessionRow] = [session_row(session, head) for session, head in sessions]
    return Page(
        "home.html", "", {"sessions": rows},
        lambda: log_document([head for _, head in sessions], {}, truncated=False), "/",
        card=Card("glaas: any hash has a history",
                  "Where models and data came from, what was made from them, and how to make them "
                  "again. Found by hash."))
