"""`roar build CMD…`: like `roar run`, for what makes the environment."""

from __future__ import annotations

from typing import Annotated

import typer

from roarctl import running

HELP = """Run and record a command that makes the environment: compiles an extension, installs the project.

It is recorded as by `roar run`, and marked: `roar reproduce` runs a session's build steps before all others, in the
virtual environment that it made."""
EPILOG = """Examples:

\b
  roar build pip install -e .
  roar build python setup.py build_ext --inplace
  roar build make -C src

Options and exit status are those of `roar run`."""

SETTINGS = {"allow_interspersed_args": False}  # what follows CMD is CMD's


def command(
    argv: Annotated[list[str], typer.Argument(metavar="CMD", help="The command and its arguments.")],
    quiet: Annotated[bool, typer.Option(*running.QUIET, help="Say nothing.")] = False,
    require_capture: Annotated[bool, typer.Option(
        *running.REQUIRE_CAPTURE, help="Fail with 125, and do not run, where no record can be made.")] = False,
    as_json: Annotated[bool, typer.Option(
        *running.JSON, help="At the end the job as one line of JSON, on stderr: stdout is the command's.")] = False,
) -> int:
    return running.execute(argv, running.Options(quiet, require_capture, as_json, context={"kind": "build"}))
