"""`roar status`: the session, whether its newest outputs are still on disk as recorded, and the daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roarctl.commands.options import AsJson, current_project, emit, emit_json

if TYPE_CHECKING:
    from lineage.records import JobHead, Session
    from roarctl.client import Client
    from roarctl.freshness import Checked

HELP = """Show this project's session and the daemon's health.

The newest outputs are compared with what is on disk now."""
EPILOG = """Examples:

\b
  roar status"""

_JOBS = 20  # jobs whose outputs are looked at
_OUTPUTS = 30


def command(as_json: AsJson = False) -> None:
    import sys

    from lineage.document import session_document
    from lineage.errors import NotFoundError
    from lineage.v1 import admin_pb2
    from roarctl import queries
    from roarctl.client import connect
    from roarctl.render.status import status_document, status_lines
    from roarctl.render.text import Palette

    project = current_project()
    with connect() as client:
        health = client.call("Admin/Health", admin_pb2.HealthRequest(), admin_pb2.HealthResponse)
        session: Session | None = None
        jobs: list[JobHead] = []
        outputs: list[Checked] = []
        try:
            session = queries.session(client, project=project)
            jobs, _ = queries.log(client, session=session.id, limit=_JOBS)
            outputs = _newest_outputs(client, jobs)
        except NotFoundError:
            pass  # nothing has run here yet
    if as_json:
        emit_json(status_document(project, session_document(session) if session else None, jobs, outputs, health))
    else:
        emit("\n".join(status_lines(project, session, jobs, outputs, health, palette=Palette.of(sys.stdout))))


def _newest_outputs(client: Client, jobs: list[JobHead]) -> list[Checked]:
    """The last word on each path, newest jobs first, compared with the disk."""
    from lineage.records import SHOWN_ROLES
    from roarctl import queries
    from roarctl.freshness import Checker

    checker = Checker()
    seen: set[bytes] = set()
    outputs: list[Checked] = []
    for head in sorted(jobs, key=lambda job: job.ended_at or 0, reverse=True):
        if head.id is None or not (head.counts.get("output/shown") or head.counts.get("removed/shown")):
            continue
        for entry in queries.entries(client, head.id, ("output", "removed"), sorted(SHOWN_ROLES)):
            if entry.path in seen:
                continue
            seen.add(entry.path)
            if entry.kind == "output":
                outputs.append(checker.check(entry, head.number))
            if len(outputs) >= _OUTPUTS:
                return outputs
    return outputs
