"""The command line of the registry: `glaas serve`, `glaas user`, …"""

from __future__ import annotations

import sys

import typer

from glaas.commands import serve
from lineage.errors import RoarError

app = typer.Typer(name="glaas", no_args_is_help=True, add_completion=False, rich_markup_mode=None,
                  pretty_exceptions_enable=False, help="The registry of lineage: where any hash has a history.")
app.command("serve", help=serve.HELP, epilog=serve.EPILOG)(serve.command)


def main() -> None:
    try:
        app()
    except RoarError as error:
        print(f"glaas: {error.message}" + (f"\n  hint: {error.hint}" if error.hint else ""), file=sys.stderr)
        sys.exit(error.exit_code)


@app.callback()
def _several() -> None:
    """With one command alone, its name would not be asked for."""
