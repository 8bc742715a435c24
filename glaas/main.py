"""The command line of the registry: `glaas serve`, `glaas user`, …"""

from __future__ import annotations

import typer

app = typer.Typer(name="glaas", no_args_is_help=True, add_completion=False, help=__doc__)


def main() -> None:
    app()
