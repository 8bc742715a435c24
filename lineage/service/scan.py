"""Jobs looked through from the newest on, until there are enough or the time is over."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from lineage.annotations import parsed_label
from lineage.jobfilter import CLOCK_SLACK, JobFilter
from lineage.records import JobHead, Session
from lineage.service.view import View
from lineage.store import Visible

SCAN_SECONDS = 2.0


@dataclass(slots=True)
class Found:
    """``truncated``: there are more; ``stopped`` names the limit that ended the search, which had come to jobs that
    began at ``reached``."""

    heads: list[JobHead] = field(default_factory=list)
    truncated: bool = False
    stopped: str = ""
    reached: int = 0


def labelled_runs(view: View, labels: Sequence[str]) -> set[bytes] | None:
    """The runs of jobs that have all of these labels (who may see them is not asked here); None where none is wanted."""
    return _labelled(view, labels, "job", lambda _space: True)


def labelled_artifacts(view: View, labels: Sequence[str]) -> set[bytes] | None:
    """The hashes of artifacts that have all of these labels by the word of those whom the caller sees."""
    return _labelled(view, labels, "artifact", view.caller.may_see)


def _labelled(view: View, labels: Sequence[str], kind: str, visible: Visible) -> set[bytes] | None:
    common: set[bytes] | None = None
    for label in labels:
        found = {subject.id for subject, space in view.store.labelled("label", *parsed_label(label))
                 if subject.kind == kind and visible(space)}
        common = found if common is None else common & found
    return common


def newest(view: View, session: Session | None, wanted: JobFilter, limit: int, seconds: float = SCAN_SECONDS) -> Found:
    """The caller's jobs, of one session or of all, newest first by when they began; those that run among them."""
    deadline = time.monotonic() + seconds
    found = Found()
    labelled = labelled_runs(view, wanted.labels)
    # A job may end between the two questions and be in both answers: its record is the newer one.
    heads = {head.run: head for head in view.running(session.id if session else b"")
             if wanted.matches(head) and (labelled is None or head.run in labelled)}
    late_until = wanted.until + CLOCK_SLACK if wanted.until else 0
    finished = () if wanted.running else view.newest_heads(session, late_until)
    count = 0
    for head in finished:
        if head.started_at < wanted.since - CLOCK_SLACK:
            break
        if wanted.matches(head) and (labelled is None or head.run in labelled):
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
