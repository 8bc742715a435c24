"""The roard command."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from lineage.errors import RoarError

DEFAULT_STATE = Path("/var/lib/roar")
DEFAULT_SOCKET = Path("/run/roar/roard.sock")

app = typer.Typer(no_args_is_help=True, add_completion=True, rich_markup_mode=None, pretty_exceptions_enable=False,
                  help="The daemon of roar: watches registered commands, and keeps their record.")


@app.command()
def serve(
    state_dir: Annotated[Path, typer.Option(help="Where the store is; made, with mode 0700.")] = DEFAULT_STATE,
    socket: Annotated[Path, typer.Option(envvar="ROARD_SOCKET", help="The gRPC socket; the identity socket is beside "
                                                                    "it.")] = DEFAULT_SOCKET,
    config: Annotated[Path | None, typer.Option(help="A TOML file: [probes] has sizes of maps and rings; "
                                                     "[record] stderr = false keeps no standard error; [registry] is "
                                                     "where jobs go on to (docs/forwarding.md).")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
) -> None:
    """Serve in the foreground, until SIGTERM. Says READY on stderr (and to systemd).

    Example: sudo roard serve --state-dir /var/lib/roar --socket /run/roar/roard.sock
    """
    logging.basicConfig(level=logging.DEBUG if verbose else logging.WARNING, stream=sys.stderr,
                        format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    from roard.config import read
    from roard.server import serve as run

    _guarded(lambda: run(state_dir, socket.absolute(), read(config)))


@app.command()
def check(as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False) -> None:
    """Say what this machine allows, and why not. Exit status 1 if commands cannot be watched.

    Example: sudo roard check
    """
    from roard.check import findings

    found = findings()
    if as_json:
        print(json.dumps({"schema": "roard.check/1", "checks": [vars(finding) for finding in found]}))
    else:
        marks = {True: "yes", False: "NO", None: "?"}
        for finding in found:
            print(f"{marks[finding.ok]:>4}  {finding.name:<12} {finding.words}")
            if finding.ok is not True and finding.hint:
                print(f"      {'':<12} hint: {finding.hint}")
    raise typer.Exit(0 if all(finding.ok is not False for finding in found) else 1)


def _guarded(work: object) -> None:
    try:
        work()  # type: ignore[operator]
    except RoarError as error:
        print(f"roard: {error.message}" + (f"\n  hint: {error.hint}" if error.hint else ""), file=sys.stderr)
        raise typer.Exit(error.exit_code) from None


def main() -> None:
    app()
