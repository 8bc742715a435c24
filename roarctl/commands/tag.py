"""`roar tag REF key=value…`: tags that travel down the lineage, and blocks that stop them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from roarctl.commands.options import AsJson, Reference, current_project, emit, emit_json

if TYPE_CHECKING:
    from lineage.annotations import Edit

HELP = """Tag a file or a job, and all that is made from it.

Without key=value, as `roar tags`. A file is tagged by its content. A key given twice has both values; what is given
replaces what this REF had under the key. With --block, KEYs stop at a job."""
EPILOG = """Examples:

\b
  roar tag data.csv license=cc-by-nc consent=research embargo=2027-01-01
  roar tag data.csv --unset embargo
  roar tag --block @2 consent --reason "names and faces are removed"
  roar tag --unblock @2 consent
  roar tags model.pt --why"""


def command(
    reference: Reference,
    words: Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Tags; with --block: keys.")] = None,
    unset: Annotated[list[str] | None, typer.Option("--unset", metavar="KEY", help="Take this tag away from REF.")] = None,
    block: Annotated[bool, typer.Option("--block", "--block-tag", help="These keys do not go beyond this job.")] = False,
    unblock: Annotated[bool, typer.Option("--unblock", help="They do again.")] = False,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why they are blocked.")] = "",
    as_json: AsJson = False,
) -> None:
    from roarctl import annotating, references
    from roarctl.client import connect
    from roarctl.commands import tags
    from roarctl.render.annotations import annotation_fields, field_lines

    edits = _edits(words or [], unset or [], reason, block=block, unblock=unblock)
    if not edits:
        tags.show(reference, why=False, as_json=as_json)
        return
    with connect() as client:
        target = references.resolve(client, reference, current_project())
        found = annotating.annotate(client, annotating.subject_of(target), edits)
    if as_json:
        emit_json(annotating.subject_document(found))
        return
    emit("\n".join(field_lines(annotation_fields(found))) or "no tags of its own")
    if target.changed:
        emit("! the present content of that file is not recorded: this is about the newest that is")


def _edits(words: list[str], unset: list[str], reason: str, *, block: bool, unblock: bool) -> list[Edit]:
    from lineage.annotations import Edit, assignments
    from lineage.errors import InvalidError

    if block and unblock:
        raise InvalidError("--block and --unblock at once", "give one of them")
    if block or unblock:
        if unset or not words:
            raise InvalidError("which keys?", 'name them: roar tag --block @2 consent --reason "…"')
        if block and not reason.strip():
            raise InvalidError("a block has a reason", 'give it: --reason "names are removed"')
        return [Edit("block", key, (reason.strip(),) if block else ()) for key in words]
    if reason:
        raise InvalidError("a reason is of a block", "use it with --block")
    return [*(Edit("tag", key, values) for key, values in assignments("tag", words).items()),
            *(Edit("tag", key) for key in unset)]
