"""`roar status`: the session, what of it is still on disk as recorded, what would have to run again, and the daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from roarctl.commands.options import AsJson, current_project, emit, emit_json

if TYPE_CHECKING:
    from lineage.dag import Dag
    from lineage.records import Entry, JobHead, Session
    from lineage.staleness import Again
    from roarctl.client import Client
    from roarctl.freshness import Checked

HELP = """Show what changed since: outputs edited or gone, and what would have to run again. And the daemon's health.

The newest outputs, and what their jobs took, are compared with what is on disk now. A job would have to run again if
something that it took (code too) is different now, or was made by a job that would have to run again."""
EPILOG = """Examples:

\b
  roar status
  roar status --all       look at every job and file of the session, however many"""

_JOBS = 100  # jobs whose files are looked at
_FILES = 2_000  # of one job: hashing takes a while
_OUTPUTS = 30  # that are listed
_REFUSED = 20  # jobs that are not forwarded, likewise


class _Looked(NamedTuple):
    outputs: list[Checked]
    again: list[Again]
    dag: Dag
    left_out: int  # jobs that were not looked at


def command(
    everything: Annotated[bool, typer.Option("--all", "-a", help="All jobs and files of the session.")] = False,
    as_json: AsJson = False,
) -> None:
    import sys

    from lineage.dag import Dag
    from lineage.document import session_document
    from lineage.errors import NotFoundError
    from lineage.v1 import admin_pb2
    from roarctl import queries
    from roarctl.client import connect
    from roarctl.commands.outbox import state as outbox_state
    from roarctl.render.status import status_document, status_lines
    from roarctl.render.text import Palette

    project = current_project()
    with connect() as client:
        health = client.call("Admin/Health", admin_pb2.HealthRequest(), admin_pb2.HealthResponse)
        forwarding = outbox_state(client, project, _REFUSED)
        session: Session | None = None
        jobs: list[JobHead] = []
        looked = _Looked([], [], Dag(), 0)
        try:
            session = queries.session(client, project=project)
            jobs, more = queries.log(client, session=session.id, limit=1_000_000 if everything else _JOBS)
            looked = _look(client, jobs, everything=everything)
            if more:
                looked = looked._replace(left_out=looked.left_out + max(session.jobs - len(jobs), 1))
        except NotFoundError:
            pass  # nothing has run here yet
    if as_json:
        emit_json(status_document(project, session_document(session) if session else None, jobs, looked.outputs,
                                  looked.again, looked.dag, looked.left_out, health, forwarding))
    else:
        shown = looked.outputs if everything else looked.outputs[:_OUTPUTS]
        emit("\n".join(status_lines(project, session, jobs, shown, looked.again, looked.dag, looked.left_out, health,
                                    forwarding, palette=Palette.of(sys.stdout))))


def _look(client: Client, jobs: list[JobHead], *, everything: bool) -> _Looked:
    """The last word on each path, and what would have to run again."""
    from lineage.dag import session_dag
    from lineage.records import SHOWN_ROLES
    from lineage.staleness import to_run_again
    from roarctl import queries
    from roarctl.freshness import Checker

    entries: dict[bytes, list[Entry]] = {}
    heads = []
    for head in jobs:
        files = sum(head.counts.get(f"{kind}/shown", 0) for kind in ("input", "output"))
        if everything or files <= _FILES:
            heads.append(head)
            entries[head.run] = [] if head.id is None else queries.entries(
                client, head.id, ("input", "output", "removed"), sorted(SHOWN_ROLES))
    checker = Checker()
    seen: set[bytes] = set()
    outputs: list[Checked] = []
    for head in sorted(heads, key=lambda job: job.ended_at or 0, reverse=True):
        for entry in entries[head.run]:
            if entry.kind != "input" and entry.path not in seen:
                seen.add(entry.path)
                if entry.kind == "output":
                    outputs.append(checker.check(entry, head.number))
    dag = session_dag(sorted(heads, key=lambda head: head.number), lambda head: entries[head.run])
    return _Looked(outputs, to_run_again(dag, checker.state), dag, len(jobs) - len(heads))
