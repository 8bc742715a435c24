"""`roar run [options] [--] CMD…`: options and help; roarctl/running.py does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

import typer

from roarctl import running

HELP = """Run a command and record which files it read and wrote, and with which code.

The command keeps its arguments, environment, input and output; roar's own words, six lines at most, go to stderr."""
EPILOG = """Examples:

\b
  roar run python train.py --epochs 10
  roar run -q -- make data                only the command's own output
  roar run --name train --label team=vision python train.py
  roar run --require-capture ./job.sh     do not run where no record can be made
  roar run --json ./job.sh 2>&1 >/dev/null | tail -n 1 | jq .id
  roar run sh -c 'sort a.csv > b.csv'     > and | need a shell
  roar run @3 --epochs=10                 that job's command again, with a parameter changed

In `run @3 …` an option replaces the one that the command has, as --epochs=10 or --epochs 10; one that it has not is
appended; name=value likewise; words after -- are appended as they are. It runs in the directory where it ran, with your
environment of now. A program on PATH that is called @3 is run instead, and `roar run -- @3` means a program always.

Exit status: the command's own; 128+N where signal N ended it; 125 where roar itself failed, 126 where the command
cannot be executed, 127 where it was not found."""

SETTINGS = {"allow_interspersed_args": False}  # what follows CMD is CMD's


def recorder(context: Mapping[str, str]) -> Callable[..., int]:
    """The handler; what it records has this in its context."""
    def command(
        argv: Annotated[list[str], typer.Argument(metavar="CMD", help="The command and its arguments.")],
        quiet: Annotated[bool, typer.Option(*running.QUIET, help="Say nothing.")] = False,
        require_capture: Annotated[bool, typer.Option(
            *running.REQUIRE_CAPTURE, help="Fail with 125, and do not run, where no record can be made.")] = False,
        no_stderr: Annotated[bool, typer.Option(
            *running.NO_STDERR, help="If it fails, do not keep the end of its standard error (as ROAR_STDERR=0).")] = False,
        as_json: Annotated[bool, typer.Option(
            *running.JSON, help="At the end the job as one line of JSON, on stderr: stdout is the command's.")] = False,
        name: Annotated[str, typer.Option(*running.NAME, metavar="NAME", help="Name the job: name:NAME is the newest.")] = "",
        label: Annotated[list[str] | None, typer.Option(
            *running.LABEL, metavar="KEY=VALUE", help="Label the job; as often as wanted.")] = None,
    ) -> int:
        from lineage.errors import InvalidError

        labels: dict[str, str] = {}
        for option, value in (*((running.NAME[0], name) for name in [name] if name),
                              *((running.LABEL[0], word) for word in label or ())):
            if not running.add_label(labels, option, value):
                mistake = InvalidError(f"{value!r} is no label", "give key=value, as in --label team=vision")
                mistake.exit_code = running.FAILED
                raise mistake
        options = running.Options(quiet, require_capture, as_json, not no_stderr, labels, context=dict(context))
        return running.execute(argv, options)

    return command


command = recorder({})
