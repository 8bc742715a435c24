"""`roar tags REF`: the tags that hold for something, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from roarctl.commands.options import AsJson, Reference, current_project, emit, emit_json

HELP = """Show the tags that hold for a file or a job, and why.

They are its own, and those of all that it was made from. The rule: a tag holds for everything made from what has it.
Values of one key are united. A block at a job ends it there."""
EPILOG = """Examples:

\b
  roar tags model.pt
  roar tags model.pt --why               the way of each, from what has it
  roar tag data.csv license=cc-by-nc     give one"""


def command(
    reference: Reference,
    why: Annotated[bool, typer.Option("--why", help="By which files and jobs each came here, and who said it.")] = False,
    as_json: AsJson = False,
) -> None:
    show(reference, why=why, as_json=as_json)


def show(reference: str, *, why: bool, as_json: bool) -> None:
    import sys

    from roarctl import references
    from roarctl.client import connect
    from roarctl.context.project import working_directory
    from roarctl.render.tags import tags_document, tags_lines
    from roarctl.render.text import Palette
    from roarctl.tagging import tags_of

    with connect() as client:
        target = references.resolve(client, reference, current_project())
        tags, graph = tags_of(client, target, reference)
    if as_json:
        emit_json(tags_document(tags, graph, start={"kind": target.kind, "id": target.id.hex()}, changed=target.changed))
        return
    lines = tags_lines(tags, graph, working_directory(), Palette.of(sys.stdout), why=why)
    if target.changed:
        lines.insert(0, "! its present content is not recorded; these are of the newest that is")
    emit("\n".join(lines))
