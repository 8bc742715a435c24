"""`roar scope [REF] [SCOPE]`: who may see what is registered."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roarctl.commands.options import AsJson, current_project, emit, emit_json

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from lineage.records import JobHead

HELP = """Show or change who may see what you registered.

SCOPE is private (you alone), org:NAME (an organisation's members) or public. Without REF it is about the project: what
`roar register` takes where it is not told otherwise (kept in .roar.toml). What is private and stands before something
public in a lineage is seen there as "a private artifact", with its hash only if you say --show-hashes."""
EPILOG = """Examples:

\b
  roar scope model.pt                    who may see the job that made it
  roar scope model.pt public             everyone may, from now on
  roar scope model.pt public --closure   and all that came before it
  roar scope org:vision                  of this project, what is registered from now on"""

_AT_ONCE = 10_000
_NONE: Mapping[bytes, list[str]] = MappingProxyType({})


def command(
    reference: Annotated[str, typer.Argument(metavar="[REF]", help="A file, job or session; or a SCOPE for the project.")] = "",
    scope: Annotated[str, typer.Argument(metavar="[SCOPE]", help="private, public or org:NAME.")] = "",
    closure: Annotated[bool, typer.Option("--closure", help="Also all that came before it.")] = False,
    show_hashes: Annotated[bool, typer.Option(
        "--show-hashes", help="Others may see the hash of what is private where something visible came from it.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; show what would be changed.")] = False,
    as_json: AsJson = False,
) -> None:
    from lineage.errors import InvalidError
    from roarctl.registry.scopes import checked, is_scope

    if not scope and (not reference or is_scope(reference)):
        if closure or show_hashes:
            raise InvalidError("--closure and --show-hashes are about what is registered", "name it: roar scope REF …")
        _project(reference, as_json=as_json, dry_run=dry_run)
        return
    _registered(reference, checked(scope) if scope else "", closure=closure, show_hashes=show_hashes, dry_run=dry_run,
                as_json=as_json)


def scope_document(url: str | None, project: str | None = None, origin: str | None = None, heads: Sequence[JobHead] = (),
                   spaces: Mapping[bytes, list[str]] = _NONE, moved: Collection[bytes] = ()) -> dict[str, Any]:
    return {"schema": "roar.scope/1", "registry": url, "project": project, "origin": origin, "jobs": [
        {"id": (head.id or b"").hex(), "number": head.number, "scopes": spaces.get(head.id or b"", []),
         "changed": head.id in moved} for head in heads]}


def _project(scope: str, *, as_json: bool, dry_run: bool) -> None:
    from roarctl.commands.config import set_value
    from roarctl.registry import where
    from roarctl.settings import load

    project = current_project()
    if scope and not dry_run:
        set_value(project, "registry.scope", [scope])
    settings = load(project)
    place = where.find(settings)
    url = place.address.url if place is not None else None
    now = scope if dry_run and scope else settings.word("registry.scope")
    if as_json:
        emit_json(scope_document(url, now, settings.where("registry.scope")))
        return
    emit(f"this project's jobs are registered as {now} ({settings.where('registry.scope')})"
         + (f", at {url}" if url else "; no registry is known: roar login URL"))


def _registered(reference: str, scope: str, *, closure: bool, show_hashes: bool, dry_run: bool, as_json: bool) -> None:
    from lineage.v1 import registry_pb2
    from roarctl import references
    from roarctl.client import GRAPH_SECONDS
    from roarctl.registry import where
    from roarctl.registry.closure import closure as closure_of
    from roarctl.registry.lookups import look
    from roarctl.registry.registering import every_scope, registered
    from roarctl.settings import load

    place = where.needed(load(current_project()))
    with look() as client, place.client() as registry:
        target = references.resolve(client, reference, current_project())
        heads = closure_of(client, target, direct=not closure).heads
        spaces = registered(registry, [head.id for head in heads if head.id is not None], every_scope(registry))
        moved: set[bytes] = set()
        mine = [head.id for head in heads if head.id in spaces]
        if scope and not dry_run:
            for at in range(0, len(mine), _AT_ONCE):
                request = registry_pb2.SetScopeRequest(jobs=mine[at:at + _AT_ONCE], space=scope, show_hashes=show_hashes)
                moved |= set(registry.call("Registry/SetScope", request, registry_pb2.SetScopeResponse, GRAPH_SECONDS).moved)
            spaces.update({identity: [scope] for identity in moved})
    if as_json:
        emit_json(scope_document(place.address.url, heads=heads, spaces=spaces, moved=moved))
        return
    emit("\n".join(_lines(heads, spaces, moved, scope, reference, place.address.url, dry_run=dry_run)))


def _lines(heads: Sequence[JobHead], spaces: dict[bytes, list[str]], moved: set[bytes], scope: str, reference: str, url: str, *,
           dry_run: bool) -> list[str]:
    from roarctl.render.text import command_text, count_text, number_text, printable

    lines: list[str] = []
    lacking = [head for head in heads if head.id not in spaces]
    rows: list[Any] = [head for head in heads if head.id in spaces]
    if scope:
        words = "would become" if dry_run else "are now"
        count = len(rows) if dry_run else len(moved)
        lines.append(f"{count_text(count, 'job')} {words} {scope} at {url}")
    else:
        lines += [f"{', '.join(spaces[head.id]):<10} {number_text(head)} {head.id.hex()[:7]}  {command_text(head.argv, 80)}"
                  for head in rows[:50]]
        if len(rows) > 50:
            lines.append(f"… and {len(rows) - 50} more (--json)")
    if lacking:
        lines.append(f"{count_text(len(lacking), 'job')} not registered by you: roar register {printable(reference)}")
    return lines
