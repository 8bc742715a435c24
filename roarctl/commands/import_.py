"""`roar import FILE`: lineage that was recorded on another machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from roarctl.commands.options import AsJson, emit, emit_json
from roarctl.commands.verify import KeyOption, SignersOption

HELP = """Take in a lineage bundle that `roar export --format bundle` made on another machine.

Every id is recomputed; nothing is taken of a bundle that is not what it says. The jobs are then known here as their
machine's and their user's, marked as imported, to you and root alone."""
EPILOG = """Examples:

\b
  roar import model.roar
  roar import model.roar --key ada.pub      only if this key signed it
  roar import model.roar --dry-run          what is in it"""


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A bundle.")],
    key: KeyOption = None,
    signers: SignersOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Verify and say what is in it; take nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    import sys

    from lineage import bundle
    from lineage.errors import DeniedError, NotFoundError
    from lineage.v1 import bundle_pb2, lineage_pb2
    from roarctl import verifying
    from roarctl.client import GRAPH_SECONDS, connect
    from roarctl.render.imports import import_document, import_lines
    from roarctl.render.text import Palette

    keys = verifying.trusted(key, signers)
    try:
        with file.open("rb") as opened:
            raw = bundle.read(opened)
    except OSError as error:
        raise NotFoundError(f"{file} cannot be read: {error.strerror}",
                            "`roar export REF --format bundle` makes a bundle") from error
    content = bundle.content(raw)
    signature = verifying.signature_of_bundle(raw, keys)[0]
    if keys and signature.outcome != "held":
        raise DeniedError(f"{signature.text}: nothing was taken", "ask who made it to sign it, or leave out --key")
    answer = None
    if not dry_run:
        with connect() as client:
            parts = (lineage_pb2.RecordPart(id=identity, data=data) for identity, data in bundle.iterate(raw))
            answer = client.send("Bundles/Import", parts, bundle_pb2.ImportResponse, 2 * GRAPH_SECONDS)
    if as_json:
        emit_json(import_document(content, answer, signature))
    else:
        emit("\n".join(import_lines(content, answer, signature, Palette.of(sys.stdout))))
