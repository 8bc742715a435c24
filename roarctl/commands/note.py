"""`roar note REF "text"`: write something down about a job, a step, a file or a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from roarctl.commands.label import Subject
from roarctl.commands.options import AsJson, current_project, emit, emit_json

if TYPE_CHECKING:
    from lineage.annotations import Annotations, Edit

HELP = """Write a note about a job, a step, a file or a session.

`roar show` shows it. Without a text, $VISUAL or $EDITOR is opened on a terminal; elsewhere the text is read from
standard input."""
EPILOG = """Examples:

\b
  roar note @3 "loss diverged: learning rate too high"
  roar note model.pt                     in your editor
  roar note @3 --list
  roar note @3 --remove 1"""


def command(
    reference: Subject,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The note.")] = "",
    show: Annotated[bool, typer.Option("--list", help="Show the notes, whole.")] = False,
    remove: Annotated[int | None, typer.Option("--remove", min=1, metavar="N", help="Take the note N away.")] = None,
    as_json: AsJson = False,
) -> None:
    from lineage.annotations import Edit
    from roarctl import annotating, references
    from roarctl.client import connect

    with connect() as client:
        subject = annotating.subject_of(*references.resolve_part(client, reference, current_project()))
        if show:
            found = annotating.of_one(client, subject)
        else:
            edit = Edit("note", str(remove)) if remove else _note(text)
            client.renew(0)  # writing may have taken longer than a token is good for
            found = annotating.annotate(client, subject, [edit])
    if as_json:
        emit_json(annotating.subject_document(found))
    elif show:
        emit(_whole(found) or f'no notes; write one: roar note {reference} "text"')
    else:
        emit(f"note {remove} removed" if remove else f"noted; see it with: roar show {reference}")


def _note(text: str) -> Edit:
    from lineage.annotations import Edit

    return Edit("note", "", (text or _written(),))


def _written() -> str:
    """From the person's editor, or standard input.  InvalidError where nothing was written."""
    import os
    import shlex
    import subprocess
    import sys
    import tempfile
    from pathlib import Path

    from lineage.errors import InvalidError

    if not sys.stdin.isatty():
        text = sys.stdin.read()
    else:
        editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
        if not editor:
            raise InvalidError("no text, and no editor to write one in", 'give it: roar note REF "text", or set $EDITOR')
        with tempfile.TemporaryDirectory(prefix="roar-") as directory:
            path = Path(directory) / "note.txt"
            path.write_text("")
            done = subprocess.run([*shlex.split(editor), path], check=False)
            text = path.read_text(errors="replace") if done.returncode == 0 else ""
    if not text.strip():
        raise InvalidError("the note is empty", "nothing was noted")
    return text.strip()


def _whole(found: Annotations) -> str:
    from roarctl.render.annotations import printable_lines
    from roarctl.render.text import local_text, printable

    return "\n".join(
        f"[{item.key}] {printable(item.author.name)}, {local_text(item.at)}\n"
        + "\n".join(f"  {line}" for line in printable_lines(item.values[0])) for item in found.of("note"))
