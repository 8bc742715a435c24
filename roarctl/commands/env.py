"""`roar env`: what would be recorded of the environment now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from roarctl.commands.options import AsJson, NoPager, current_project, emit_json

HELP = """Show what a run would record of the environment.

Values that look like secrets are redacted before they leave your process; .roar.toml can leave variables out."""
EPILOG = """Examples:

\b
  roar env
  roar env 'SLURM_*' PATH
  roar config environment.omit 'SSH_*' 'LS_COLORS'"""

_WIDTH = 100


def command(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Only these; patterns will do.")] = None,
    no_pager: NoPager = False,
    as_json: AsJson = False,
) -> None:
    import os
    import sys
    from fnmatch import fnmatchcase

    from lineage.redact import REDACTED, redact_environment
    from roarctl.context.environment import left_out
    from roarctl.pager import page
    from roarctl.render.text import Palette, cut, printable, table
    from roarctl.settings import load

    settings = load(current_project())
    omit, record = settings.words("environment.omit"), settings.words("environment.record")
    rows = []
    for name, value in sorted(redact_environment(os.environb).items()):
        if names and not any(fnmatchcase(name, pattern) for pattern in names):
            continue
        state = "omitted" if left_out(name, omit, record) else "redacted" if REDACTED in value else "recorded"
        rows.append((name, state, None if state == "omitted" else value))
    if as_json:
        emit_json(env_document(rows))
        return
    palette = Palette.of(sys.stdout)
    colours = {"recorded": palette.green, "redacted": palette.yellow, "omitted": palette.dim}
    lines = table([[printable(name), colours[state](state), cut(printable(value or ""), _WIDTH)]
                   for name, state, value in rows])
    page("\n".join(lines) or "no such variable is set", wanted=not no_pager)


def env_document(rows: Iterable[tuple[str, str, str | None]]) -> dict[str, Any]:
    """``rows``: (name, state, value)."""
    return {"schema": "roar.env/1", "variables": [
        {"name": name, "state": state, "value": value} for name, state, value in rows]}
