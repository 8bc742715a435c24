"""The commands of roar, one module each: ``command`` (the handler with its options), ``HELP`` and ``EPILOG``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer

HELP = """roar records which data and which code made your files.

Put `roar run` before a command; then ask where a file came from."""
EPILOG = """Examples:

\b
  roar run python train.py     run and record
  roar lineage model.pt        where did this come from?
  roar show @                  everything about the last job

A REF is @ (the last job), @3, @~2, a file, a hash of 4 digits or more, job:…, artifact:… or session:…."""


def add_to(app: typer.Typer) -> None:
    from roarctl.commands import attach, dag, detach, init, lineage, log, reset, run, show, status

    app.command("run", help=run.HELP, epilog=run.EPILOG,
                context_settings={"allow_interspersed_args": False})(run.command)  # what follows CMD is CMD's
    for name, module in (("init", init), ("log", log), ("show", show), ("dag", dag), ("lineage", lineage),
                         ("status", status), ("reset", reset), ("attach", attach), ("detach", detach)):
        app.command(name, help=module.HELP, epilog=module.EPILOG)(module.command)
