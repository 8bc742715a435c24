"""`roar log`: the jobs, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from roarctl.commands.options import (
    NO_JOBS,
    AsJson,
    Host,
    Labels,
    NoPager,
    Since,
    Until,
    User,
    current_project,
    emit,
    emit_json,
)

if TYPE_CHECKING:
    from lineage.jobfilter import JobFilter
    from lineage.v1 import lineage_pb2
    from roarctl.client import Client

HELP = """List the jobs of this project's session, newest first.

With WORDs, those whose command has them. All that is asked for must hold. A terminal gets it through $ROAR_PAGER,
$PAGER or less."""
EPILOG = """Examples:

\b
  roar log
  roar log -n 5
  roar log train.py --failed         whose command has train.py, and that failed
  roar log --since 2d                or --since 2026-11-01 --until 2026-11-03
  roar log --label stage=production  labelled so; --label stage: however
  roar log --exit 137                as the shell said it: 128+9 is SIGKILL
  roar log --all --host 'gpu*'       of every project
  roar log --session session:9d2f    of a session that was ended"""


def command(
    words: Annotated[list[str] | None, typer.Argument(metavar="WORD", help="In the command, whatever their case.")] = None,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="How many at most.")] = 50,
    session: Annotated[str, typer.Option(metavar="REF", help="Of this session.")] = "",
    everywhere: Annotated[bool, typer.Option("--all", "-a", help="Of every project.")] = False,
    since: Since = "",
    until: Until = "",
    failed: Annotated[bool, typer.Option("--failed", help="Ended with another exit code than 0, or by a signal.")] = False,
    ok: Annotated[bool, typer.Option("--ok", help="Ended with 0.")] = False,
    exit_code: Annotated[int | None, typer.Option("--exit", min=0, max=255, metavar="N", help="Ended with N.")] = None,
    host: Host = "",
    user: User = "",
    labels: Labels = None,
    incomplete: Annotated[bool, typer.Option("--incomplete", help="Whose record may miss something.")] = False,
    running: Annotated[bool, typer.Option("--running", help="That still run.")] = False,
    no_pager: NoPager = False,
    as_json: AsJson = False,
) -> None:
    import sys
    import time

    from lineage import wire
    from lineage.document import log_document
    from lineage.errors import InvalidError
    from lineage.jobfilter import JobFilter
    from lineage.times import moment
    from roarctl import annotating
    from roarctl.client import connect
    from roarctl.pager import page
    from roarctl.render.annotations import short_text
    from roarctl.render.jobs import log_lines
    from roarctl.render.text import Palette, local_text

    if failed and ok:
        raise InvalidError("no job both failed and ended well", "give --failed or --ok")
    now = time.time()
    wanted = JobFilter(
        since=moment(since, now) if since else 0, until=moment(until, now, end_of_day=True) if until else 0,
        words=tuple(words or ()), outcome="failed" if failed else "ok" if ok else "", exit_code=exit_code, host=host,
        user=user, labels=tuple(labels or ()), incomplete=incomplete, running=running)
    with connect() as client:
        answer = _asked(client, session, wanted, limit, everywhere=everywhere)
        jobs = [wire.head_from(head) for head in answer.jobs]
        said = annotating.of_jobs(client, (head.run for head in jobs))
    if as_json:
        emit_json(log_document(jobs, {run: one.labels() for run, one in said.items()}, truncated=answer.truncated,
                               stopped=answer.stopped, reached=answer.reached))
        return
    lines = log_lines(jobs, now, Palette.of(sys.stdout), with_project=everywhere,
                      said={run: short_text(one) for run, one in said.items()})
    if not jobs and not answer.stopped:
        lines = [_nothing(wanted, everywhere=everywhere or bool(session))]
    if answer.truncated:
        lines.append(f"  … and older ones: roar log -n {limit * 4}")
    if answer.stopped:
        lines.append(f"  ! jobs from before {local_text(answer.reached)} were not looked at, there was no time: "
                     "--until looks further back")
    if jobs:
        page("\n".join(lines), wanted=not no_pager)
    else:
        emit("\n".join(lines))


def _asked(client: Client, session: str, wanted: JobFilter, limit: int, *, everywhere: bool) -> lineage_pb2.LogResponse:
    from lineage.errors import InvalidError, NotFoundError
    from lineage.jobfilter import to_message
    from lineage.v1 import lineage_pb2
    from roarctl import queries, references

    request = lineage_pb2.LogRequest(limit=limit, filter=to_message(wanted))
    if session:
        name = session if ":" in session else f"session:{session}"
        target = references.resolve(client, name, b"")
        if target.kind != "session":
            raise InvalidError(f"{session} is no session", "`roar log --json` names the session of each job")
        request.session = target.id
        return queries.filtered_log(client, request)
    request.project = b"" if everywhere else current_project()
    try:
        return queries.filtered_log(client, request)
    except NotFoundError:
        return lineage_pb2.LogResponse()  # no session here yet


def _nothing(wanted: JobFilter, *, everywhere: bool) -> str:
    if not wanted:
        return NO_JOBS
    where = "" if everywhere else " in this project's session"
    return f"no such job{where}" + ("" if everywhere else "\n  every project: roar log --all with the same options")
