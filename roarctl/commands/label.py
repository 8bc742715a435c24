"""`roar label REF key=value…`: say something of a job, a step, a file or a session."""

from __future__ import annotations

from typing import Annotated

import typer

from roarctl.commands.options import AsJson, current_project, emit, emit_json

HELP = """Label a job, a step, a file's content or a session.

Without key=value, the labels are shown. The label `name` makes a REF of it: name:train. Labels stand beside the
record, which stays as it is; what they were is kept."""
EPILOG = """Examples:

\b
  roar label @3 name=train team=vision
  roar label model.pt stage=production
  roar label @3/2 name=tokenize         the step [2] of @3
  roar label @3 --unset team
  roar label @3 --history               who said what, and when
  roar show name:train"""

Subject = Annotated[str, typer.Argument(
    metavar="REF", help="@, @3, a file, a hash prefix, name:…, job:…, artifact:…, session:…, or a step: @3/2.")]


def command(
    reference: Subject,
    words: Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE", help="The labels.")] = None,
    unset: Annotated[list[str] | None, typer.Option("--unset", metavar="KEY", help="Take this label away.")] = None,
    history: Annotated[bool, typer.Option("--history", help="All that was ever said of it.")] = False,
    as_json: AsJson = False,
) -> None:
    from lineage.annotations import Edit, assignments
    from roarctl import annotating, references
    from roarctl.client import connect
    from roarctl.render.annotations import annotation_fields, field_lines, history_lines

    edits = [Edit("label", key, values) for key, values in assignments("label", words or ()).items()]
    edits += [Edit("label", key) for key in unset or ()]
    with connect() as client:
        subject = annotating.subject_of(*references.resolve_part(client, reference, current_project()))
        found = annotating.annotate(client, subject, edits) if edits else annotating.of_one(client, subject, history=history)
        if edits and history:
            found = annotating.of_one(client, subject, history=True)
    if as_json:
        emit_json(annotating.subject_document(found, history=history))
        return
    lines = history_lines(found) if history else field_lines(annotation_fields(found))
    emit("\n".join(lines) if lines else f"nothing is said of it; say something: roar label {reference} key=value")
