"""`roar detach`: end the watching of a job that goes on."""

from __future__ import annotations

from typing import Annotated

import typer

from roarctl.commands.options import AsJson, Quiet, current_project, emit, emit_json

HELP = """End watching a job that still runs: its record becomes final, with what was seen until now.

The processes go on. Without REF it is the newest job that was attached to."""
EPILOG = """Examples:

\b
  roar detach
  roar detach @7"""

_WAIT_MS = 30_000


def command(
    reference: Annotated[str, typer.Argument(metavar="REF", help="A job that runs: @, @3, @~2 or job:….")] = "",
    quiet: Quiet = False, as_json: AsJson = False,
) -> None:
    import sys

    from lineage.errors import ConflictError, InvalidError
    from lineage.v1 import observe_pb2
    from roarctl import references
    from roarctl.client import connect
    from roarctl.context.project import working_directory
    from roarctl.render.documents import detach_document
    from roarctl.render.summary import summary
    from roarctl.render.text import Palette

    with connect() as client:
        run = b""
        if reference:
            target = references.resolve(client, reference, current_project())
            if target.kind != "job":
                raise InvalidError(f"{reference} is no job", "`roar log` lists the jobs")
            if not target.runs:
                raise ConflictError(f"{reference} has ended already", f"see `roar show {reference}`")
            run = target.id
        request = observe_pb2.DetachRequest(run=run, wait_ms=_WAIT_MS)
        answer = client.call("Observe/Detach", request, observe_pb2.DetachResponse, _WAIT_MS / 1000 + 10)
    end = answer.end
    if as_json:
        emit_json(detach_document(answer))
    elif not quiet:
        emit("\n".join(summary(end, answer.number, working_directory(), Palette.of(sys.stdout))))
