"""`roar pop`: forget the newest job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from roarctl.commands.options import AsJson, current_project, emit, emit_json

if TYPE_CHECKING:
    from lineage.records import Entry

HELP = """Forget the newest job of this project's session: its record goes, and the next job gets its number.

No file is touched, unless you ask for it by --delete-outputs: then the job's outputs are listed, and those are deleted
that still have the content which the job wrote."""
EPILOG = """Examples:

\b
  roar pop
  roar pop --dry-run                      what would be forgotten
  roar pop --delete-outputs               its outputs too, after asking
  roar pop --delete-outputs --yes

Exit status: 0 if it is forgotten."""


def command(
    delete_outputs: Annotated[bool, typer.Option("--delete-outputs", help="Delete what it made, if unchanged.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    no_input: Annotated[bool, typer.Option("--no-input", help="Never ask: without --yes nothing is done.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Say what would be done, and do nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    import sys

    from lineage import wire
    from lineage.errors import ConflictError
    from lineage.v1 import observe_pb2
    from roarctl import outputs, queries, references
    from roarctl.client import connect
    from roarctl.confirm import confirm
    from roarctl.render.documents import pop_document
    from roarctl.render.jobs import job_text
    from roarctl.render.text import Palette, count_text, path_text

    palette = Palette.of(sys.stdout)
    with connect() as client:
        target = references.resolve(client, "@", current_project())
        job = queries.job(client, target.id)
        if job.head.id is None:
            raise ConflictError(f"@{job.head.number} still runs", "stop it first, or wait for its end")
        made = outputs.check(job) if delete_outputs else []
        unchanged = [one.entry for one in made if not one.kept]
        kept = [one for one in made if one.kept]
        if not as_json:
            emit(f"{'would forget' if dry_run else 'to forget'}: {job_text(job.head, palette)}")
            for entry in unchanged:
                emit(palette.red(f"  delete  {path_text(entry.path, job.head.cwd)}"))
            for one in kept:
                emit(palette.dim(f"  keep    {path_text(one.entry.path, job.head.cwd)} ({one.kept})"))
        deleted: list[Entry] = []
        problems: list[str] = []
        if not dry_run:
            files = f" and delete {count_text(len(unchanged), 'file')}" if unchanged else ""
            confirm(f"forget @{job.head.number}{files}?", yes=yes, no_input=no_input)
            request = observe_pb2.ForgetRequest(id=target.id)
            answer = client.call("Observe/Forget", request, observe_pb2.ForgetResponse)
            deleted, problems = outputs.delete(unchanged)
    if as_json:
        session = None if dry_run else wire.session_from(answer.session)
        emit_json(pop_document(job.head, session, unchanged if dry_run else deleted, kept, problems))
    elif not dry_run:
        for problem in problems:
            emit(palette.yellow(f"  ! {problem}"))
        files = f", {count_text(len(deleted), 'file')} deleted" if delete_outputs else "; no file was touched"
        emit(f"forgotten{files}: the next job is @{answer.session.jobs + 1}")
