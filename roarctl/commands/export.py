"""`roar export REF --format FORMAT`: lineage in the words of others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roarctl.commands.options import AsJson, Local, Reference, ShowAll, current_project

if TYPE_CHECKING:
    from roarctl.handing import Request

HELP = """Hand lineage on: as a signed attestation, for another tool, or for another machine.

A file or job is exported with the jobs that led to it, a session with all its jobs. Secrets are looked for once more;
paths below the project are told relative to it (json and bundle keep them as they are)."""
EPILOG = """Examples:

\b
  roar export model.pkl --format slsa --sign ~/.ssh/id_ed25519 --output model.intoto.jsonl
  roar export model.pkl --format bundle --output model.roar    `roar import` reads it elsewhere
  roar export model.pkl --format rocrate --with-files --output crate.zip
  roar export @3 --direct --format prov                        the one job
  roar export model.pkl --format dot | dot -Tsvg > model.svg

\b
  slsa         in-toto statements with SLSA provenance; --sign: DSSE envelopes
  prov         W3C PROV-JSON; --steps: the programs in the jobs too
  rocrate      Process Run RO-Crate, a zip file or (--output DIR/) a directory
  openlineage  run events, one a line
  cyclonedx    ML-BOM 1.6
  dot          Graphviz
  json         plain JSON, jobs whole
  bundle       the records themselves, which keep their ids"""


def command(
    reference: Reference,
    form: Annotated[str, typer.Option("--format", "-f", metavar="FORMAT", help="See below.")],
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Write to this file; else to stdout.")] = "",
    direct: Annotated[bool, typer.Option("--direct", help="Only the job that made it, not what came before.")] = False,
    max_jobs: Annotated[int, typer.Option("--max-jobs", min=1, help="How many jobs at most.")] = 1000,
    sign: Annotated[Path | None, typer.Option(
        metavar="KEY", help="slsa, bundle: an ed25519 key (PEM, OpenSSH), or the .pub of one in the ssh-agent.")] = None,
    with_files: Annotated[bool, typer.Option("--with-files", help="rocrate: also the contents that are still there.")] = False,
    steps: Annotated[bool, typer.Option("--steps", help="prov: also the programs inside the jobs.")] = False,
    everything: ShowAll = False,
    exclude: Annotated[str, typer.Option(
        metavar="PART,…", help="Leave out: env, packages, paths, argv, git, diff, network, hardware, steps.")] = "",
    relative: Annotated[bool | None, typer.Option(
        "--relative-paths/--absolute-paths", help="Tell paths from the project on, or from the root.")] = None,
    anonymous: Annotated[bool, typer.Option("--anonymous", help="Without names of users and machines.")] = False,
    redact: Annotated[bool, typer.Option("--redact/--no-redact", help="Look for secrets once more.")] = True,
    local: Local = False,
    as_json: AsJson = False,
) -> None:
    from roarctl import handing

    left_out = frozenset(word.strip() for word in exclude.split(",") if word.strip())
    request = handing.Request(
        form, Path(output) if output else None, direct, max_jobs, sign, with_files, steps, everything, left_out, relative,
        anonymous, redact, output.endswith("/"))
    _run(reference, request, local=local, as_json=as_json)


def _run(reference: str, request: Request, *, local: bool, as_json: bool) -> None:
    import sys

    from lineage.errors import InvalidError
    from roarctl import handing, references
    from roarctl.commands.options import emit_json
    from roarctl.registry.lookups import look
    from roarctl.render.text import Palette, printable

    handing.check(request)
    if as_json and request.output is None:
        raise InvalidError("--json says what was written: it needs --output", "give --output FILE")
    with look(local=local) as client:
        target = references.resolve(client, reference, current_project())
        if target.changed:
            raise InvalidError(f"the present content of {reference} is recorded nowhere",
                               f"the newest that is recorded there: roar export artifact:{target.id.hex()[:16]} …")
        report = handing.export(client, target, request)
    if as_json:
        emit_json(report.document())
        return
    palette = Palette.of(sys.stderr)
    lines = [palette.yellow(f"  ! {printable(warning)}") for warning in report.warnings]
    print("\n".join([f"roar: {printable(report.summary)}", *lines,
                     *([palette.dim(f"  next: {report.suggestion}")] if report.suggestion else [])]), file=sys.stderr)
