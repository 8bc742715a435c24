"""`roar watch REF`: a job while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from roarctl.commands.options import AsJson, current_project, emit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lineage.v1 import observe_pb2
    from roarctl.client import Client
    from roarctl.references import Target

HELP = "Watch a job that runs: its files, bytes and processes, until it is over."
EPILOG = """Examples:

\b
  roar watch              the last job
  roar watch @3 -n 5      every five seconds
  roar watch --json       a document a line, the last one of the job as it is stored

On a terminal one line is kept up to date, elsewhere each look has its own. Ctrl-C ends the watching, not the job."""


def command(
    reference: Annotated[str, typer.Argument(metavar="REF", help="@, @3, @~2 or job:….")] = "@",
    interval: Annotated[float, typer.Option("-n", "--interval", min=0.1, max=60.0, help="Seconds between looks.")] = 1.0,
    as_json: AsJson = False,
) -> None:
    import json
    import shutil
    import sys

    from lineage.document import progress_document
    from lineage.errors import InvalidError
    from roarctl import references
    from roarctl.client import connect
    from roarctl.render.progress import ended_text, progress_text
    from roarctl.render.text import Palette, cut

    live = sys.stdout.isatty() and not as_json
    palette = Palette.of(sys.stdout)
    with connect() as client:
        target = references.resolve(client, reference, current_project())
        if target.kind != "job":
            raise InvalidError(f"{reference} is not a job", "`roar log` lists the jobs")
        before: observe_pb2.Progress | None = None
        for progress in _looks(client, target, interval):
            if as_json:
                emit(json.dumps(progress_document(progress), ensure_ascii=False))
            elif progress.head.HasField("id"):
                emit(("\r\x1b[K" if live else "") + ended_text(progress, palette))
            else:
                text = progress_text(progress, before, interval)
                if live:
                    print(f"\r\x1b[K{cut(text, shutil.get_terminal_size().columns - 1)}", end="", flush=True)
                else:
                    emit(text)
            before = progress


def _looks(client: Client, target: Target, interval: float) -> Iterator[observe_pb2.Progress]:
    """Until the job is over; of one that is, the record alone."""
    from lineage import wire
    from lineage.v1 import observe_pb2
    from roarctl import queries

    if not target.runs:
        job = queries.job(client, target.id)
        yield observe_pb2.Progress(head=wire.head_to(job.head), files_read=len(job.of_kind("input")),
                                   files_written=len(job.of_kind("output")), steps=len(job.steps))
        return
    request = observe_pb2.WatchRequest(run=target.id, interval_ms=round(interval * 1000))
    yield from client.stream("Observe/Watch", request, observe_pb2.Progress, seconds=None)

