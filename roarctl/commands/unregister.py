"""`roar unregister REF`: what one registered is taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roarctl.commands.options import AsJson, current_project, emit, emit_json

if TYPE_CHECKING:
    from lineage.records import JobHead

HELP = """Take back from the registry what you registered.

Its records are deleted there, unless somebody else registered them too. The registry's log keeps that something was
registered, and can no longer tell what. Nothing is forgotten on this machine."""
EPILOG = """Examples:

\b
  roar unregister model.pt --dry-run
  roar unregister model.pt             the job that made it
  roar unregister model.pt --closure   and all that came before it"""

_AT_ONCE = 10_000


def command(
    reference: Annotated[str, typer.Argument(metavar="REF", help="A file, a job or a session.")],
    closure: Annotated[bool, typer.Option("--closure", help="Also all that came before it.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    no_input: Annotated[bool, typer.Option("--no-input", help="Never ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Delete nothing; show what would be deleted.")] = False,
    as_json: AsJson = False,
) -> None:
    from lineage.v1 import registry_pb2
    from roarctl import references
    from roarctl.client import GRAPH_SECONDS
    from roarctl.confirm import confirm
    from roarctl.registry import where
    from roarctl.registry.closure import closure as closure_of
    from roarctl.registry.lookups import look
    from roarctl.registry.registering import every_scope, registered
    from roarctl.render.text import count_text
    from roarctl.settings import load

    place = where.needed(load(current_project()))
    with look() as client, place.client() as registry:
        target = references.resolve(client, reference, current_project())
        heads = closure_of(client, target, direct=not closure).heads
        there = registered(registry, [head.id for head in heads if head.id is not None], every_scope(registry))
        mine = [head for head in heads if head.id in there]
        forgotten: set[bytes] = set()
        if mine and not dry_run:
            confirm(f"take {count_text(len(mine), 'job')} back from {registry.url}?", yes=yes, no_input=no_input)
            for at in range(0, len(mine), _AT_ONCE):
                request = registry_pb2.ForgetJobsRequest(jobs=[head.id or b"" for head in mine[at:at + _AT_ONCE]])
                answer = registry.call("Registry/ForgetJobs", request, registry_pb2.ForgetJobsResponse, GRAPH_SECONDS)
                forgotten |= set(answer.forgotten)
    if as_json:
        emit_json(unregistered_document(place.address.url, mine, forgotten, dry_run=dry_run))
    elif not mine:
        emit(f"nothing of it is registered by you at {place.address.url}")
    elif dry_run:
        emit("\n".join([f"would take {count_text(len(mine), 'job')} back from {place.address.url}", *_lines(mine)]))
    else:
        emit(f"took {count_text(len(forgotten), 'job')} back from {place.address.url}")


def unregistered_document(url: str, heads: Sequence[JobHead], forgotten: set[bytes], *, dry_run: bool) -> dict[str, Any]:
    return {"schema": "roar.unregistered/1", "registry": url, "dry_run": dry_run, "jobs": [
        {"id": (head.id or b"").hex(), "number": head.number, "forgotten": head.id in forgotten} for head in heads]}


def _lines(heads: Sequence[JobHead]) -> list[str]:
    from roarctl.render.text import command_text, number_text

    lines = [f"  {number_text(head)} {(head.id or b'').hex()[:7]}  {command_text(head.argv, 80)}" for head in heads[:50]]
    return [*lines, f"  … and {len(heads) - 50} more (--json)"] if len(heads) > 50 else lines
