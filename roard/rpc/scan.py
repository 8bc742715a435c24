"""Jobs looked through from the newest on, until there are enough or the time is over."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from lineage.jobfilter import CLOCK_SLACK, JobFilter
from lineage.records import JobHead, Session
from roard.rpc.view import View

SCAN_SECONDS = 2.0


@dataclass(slots=True)
class Found:
    """``truncated``: there are more; ``stopped`` names the limit that ended the search, which had come to jobs that
    began at ``reached``."""

    heads: list[JobHead] = field(default_factory=list)
    truncated: bool = False
    stopped: str = ""
    reached: int = 0


def newest(view: View, session: Session | None, wanted: JobFilter, limit: int, seconds: float = SCAN_SECONDS) -> Found:
    """The caller's jobs, of one session or of all, newest first by when they began; those that run among them."""
    deadline = time.monotonic() + seconds
    found = Found()
    # A job may end between the two questions and be in both answers: its record is the newer one.
    heads = {head.run: head for head in view.running(session.id if session else b"") if wanted.matches(head)}
    late_until = wanted.until + CLOCK_SLACK if wanted.until else 0
    finished = () if wanted.running else view.newest_heads(session, late_until)
    count = 0
    for head in finished:
        if head.started_at < wanted.since - CLOCK_SLACK:
            break
        if wanted.matches(head):
            heads[head.run] = head
            count += 1
            if count > limit:
                break
        if time.monotonic() > deadline:
            found.stopped, found.reached = "time", head.started_at
            break
    ordered = sorted(heads.values(), key=lambda head: (head.started_at, head.number), reverse=True)
    found.heads, found.truncated = ordered[:limit], len(ordered) > limit
    return found
