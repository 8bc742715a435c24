"""`roar log`: the jobs, newest first."""

from __future__ import annotations

from typing import Annotated

import typer

from roarctl.commands.options import NO_JOBS, AsJson, current_project, emit, emit_json

HELP = "List the jobs of this project's session, newest first."
EPILOG = """Examples:

\b
  roar log
  roar log -n 5
  roar log --all                     of every project
  roar log --session session:9d2f    of a session that was ended"""


def command(
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="How many at most.")] = 50,
    session: Annotated[str, typer.Option(metavar="REF", help="Of this session.")] = "",
    everywhere: Annotated[bool, typer.Option("--all", "-a", help="Of every project.")] = False,
    as_json: AsJson = False,
) -> None:
    import sys
    import time

    from lineage.document import log_document
    from lineage.errors import InvalidError, NotFoundError
    from roarctl import queries, references
    from roarctl.client import connect
    from roarctl.render.jobs import log_lines
    from roarctl.render.text import Palette

    with connect() as client:
        if session:
            name = session if ":" in session else f"session:{session}"
            target = references.resolve(client, name, b"")
            if target.kind != "session":
                raise InvalidError(f"{session} is no session", "`roar log --json` names the session of each job")
            jobs, truncated = queries.log(client, session=target.id, limit=limit)
        else:
            try:
                jobs, truncated = queries.log(client, project=b"" if everywhere else current_project(), limit=limit)
            except NotFoundError:
                jobs, truncated = [], False  # no session here yet
    if as_json:
        emit_json(log_document(jobs, truncated=truncated))
        return
    if not jobs:
        emit(NO_JOBS)
        return
    emit("\n".join(log_lines(jobs, time.time(), Palette.of(sys.stdout), with_project=everywhere)))
    if truncated:
        emit(f"  … and older ones: roar log -n {limit * 4}")
