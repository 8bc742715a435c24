"""`roar outbox`: your jobs that go on to the machine's registry by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from roarctl.commands.options import AsJson, current_project, emit, emit_json

if TYPE_CHECKING:
    from lineage.v1 import admin_pb2
    from roarctl.client import Client
    from roarctl.render.outbox import Wish

HELP = """Show which jobs wait to go on to the machine's registry, and which were refused.

roard sends the jobs of projects that ask for it (registry.forward in .roar.toml) when they end, again and again until the
registry has them. What it refused for good is listed with the reason, and stays here."""
EPILOG = """Examples:

\b
  roar outbox
  roar outbox --retry           refused ones wait again
  roar outbox --retry 7f3a9c1   this one"""

_MOST = 1000


def command(
    jobs: Annotated[list[str] | None, typer.Argument(metavar="JOB", help="With --retry: these, by @3 or their ids.")] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Refused jobs are sent again.")] = False,
    as_json: AsJson = False,
) -> None:
    import sys

    from lineage.errors import InvalidError
    from lineage.v1 import admin_pb2
    from roarctl.client import connect
    from roarctl.render.outbox import outbox_document, outbox_lines
    from roarctl.render.text import Palette, count_text

    project = current_project()
    if jobs and not retry:
        raise InvalidError("jobs are named to send them again", "roar outbox --retry JOB")
    with connect() as client:
        retried = None
        if retry:
            request = admin_pb2.RetryOutboxRequest(jobs=_ids(client, jobs or [], project))
            retried = client.call("Admin/RetryOutbox", request, admin_pb2.RetryOutboxResponse).jobs
        answer, wish = state(client, project, _MOST)
    if as_json:
        emit_json(outbox_document(answer, wish, retried))
        return
    lines = [] if retried is None else [f"{count_text(retried, 'refused job')} will be sent again"]
    emit("\n".join(lines + outbox_lines(answer, wish, project, Palette.of(sys.stdout))))


def state(client: Client, project: bytes, limit: int) -> tuple[admin_pb2.OutboxResponse, Wish]:
    """What the daemon says of the caller's jobs, and what the project wants."""
    from lineage.v1 import admin_pb2
    from roarctl.forward import wanted
    from roarctl.render.outbox import Wish
    from roarctl.settings import load

    settings = load(project)
    answer = client.call("Admin/Outbox", admin_pb2.OutboxRequest(limit=limit), admin_pb2.OutboxResponse)
    return answer, Wish(wanted(settings), settings.word("registry.url"))


def _ids(client: Client, words: list[str], project: bytes) -> list[bytes]:
    from lineage.errors import InvalidError
    from roarctl.references import resolve

    found = []
    for word in words:
        target = resolve(client, word, project)
        if target.kind != "job":
            raise InvalidError(f"{word} is no job", "give @3, or a job's id")
        found.append(target.id)
    return found
