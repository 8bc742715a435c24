"""`roar diff A B`: what differs between two jobs, steps, files or sessions, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from roarctl.commands.options import AsJson, Local, current_project, emit_json

if TYPE_CHECKING:
    from roarctl.client import Client

HELP = """Compare two jobs, steps, files or sessions: what differs, and the first cause of it.

Both lineages are walked up to the differences that no differing input explains: code, parameters, raw data, packages."""
EPILOG = """Examples:

\b
  roar diff @3 @7                   two jobs
  roar diff old/model.pt model.pt   two files, by their content
  roar diff @3/2 @7/2               step 2 of each (roar dag @3 --steps numbers them)
  roar diff session:9d2f session:41ab
  roar diff @3 @7 --summary         only how much differs, and why
  roar diff @3 @7 --json            for programs

Paths are compared below their project, so that two people's runs can be. Values of JSON, CSV and TOML files are shown
side by side where their content can still be had: on disk, or in git.

Exit status: 0 the same, 1 different (or not known yet, of a job that still runs), 2 or more an error."""

_ERROR = 2


def command(
    a: Annotated[str, typer.Argument(metavar="A", help="@3, @3/2 (its step 2), a file, a hash prefix, job:… or session:….")],
    b: Annotated[str, typer.Argument(metavar="B", help="Of the same kind.")],
    everything: Annotated[bool, typer.Option("--all", "-a", help="Also files of other roles, variables that mean nothing, "
                                                                 "and long lists and diffs in full.")] = False,
    summary: Annotated[bool, typer.Option("--summary", "--stat", help="Only how much differs, and why.")] = False,
    no_code: Annotated[bool, typer.Option("--no-code", help="No diffs of code.")] = False,
    local: Local = False,
    as_json: AsJson = False,
) -> int:
    from lineage.errors import RoarError

    try:
        return _compare(a, b, everything=everything, summary=summary, code=not no_code, local=local, as_json=as_json)
    except RoarError as error:
        error.exit_code = max(error.exit_code, _ERROR)  # 1 is an answer here
        raise


def _compare(a: str, b: str, *, everything: bool, summary: bool, code: bool, local: bool, as_json: bool) -> int:
    import sys

    from roarctl import comparing, evidence, references
    from roarctl.pager import page
    from roarctl.registry.lookups import look
    from roarctl.render.diff import Options, diff_document, diff_lines
    from roarctl.render.text import Palette

    project = current_project()
    with look(local=local) as client:
        targets = [references.resolve_step(client, reference, project) for reference in (a, b)]
        answer, fetched = comparing.compare_targets(client, *targets)
        found = evidence.gather(answer, fetched, project, code=code)
        session = _current_session(client, project)
    if as_json:
        emit_json(diff_document(answer, found))
    else:
        options = Options(everything=everything, summary=summary, code=code, session=session, project=project)
        page("\n".join(diff_lines(answer, found, Palette.of(sys.stdout), options)))
    return 0 if answer.same else 1


def _current_session(client: Client, project: bytes) -> bytes:
    from lineage.errors import NotFoundError, UnavailableError
    from roarctl import queries

    try:
        return queries.session(client, project=project).id
    except (NotFoundError, UnavailableError):  # no session here, or no daemon and the registry answers
        return b""
