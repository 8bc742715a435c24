"""The entry point of roarctl: the commands by name, and the one place where errors leave."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lineage.errors import RoarError
from roarctl.failure import print_error

if TYPE_CHECKING:
    import typer

_INTERRUPTED = 130


def main() -> None:
    """Run the command that sys.argv names, and exit with its code."""
    gc.disable()  # a tenth of the time that the imports take; what a command line leaves in cycles ends with it
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # no name of a file may end a command
    code = run(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
    os._exit(code)  # the interpreter's own end takes 25 ms with grpc loaded, and nothing is left to be done


def run(arguments: Sequence[str]) -> int:
    """One command line; the exit code."""
    from roarctl.launch import Stopped

    try:
        return _dispatch(arguments)
    except RoarError as error:
        print_error(error, as_json=_wants_json(arguments))
        return error.exit_code
    except Stopped as stopped:
        return stopped.exit_code
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception as error:
        if os.environ.get("ROAR_DEBUG"):
            raise
        print_error(RoarError(f"internal error: {type(error).__name__}: {error}", "ROAR_DEBUG=1 shows where"),
                     as_json=_wants_json(arguments))
        return _own_failure(arguments, 1)


def application(only: str = "") -> typer.Typer:
    """The commands, for typer's parsing, help and completion: all, or ``only`` one, as far as there is such a one."""
    import typer

    from roarctl import commands
    from roarctl.commands.sections import Sections

    app = typer.Typer(
        name="roar", cls=Sections, help=commands.HELP, epilog=commands.EPILOG, rich_markup_mode=None,
        pretty_exceptions_enable=False, no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})
    app.callback()(lambda: None)  # else a single command would be the program
    commands.add_to(app, only)
    return app


def _dispatch(arguments: Sequence[str]) -> int:
    if _records(arguments):
        from roarctl import running

        parsed = running.parse(arguments[1:])
        if parsed:
            options, command = parsed
            if arguments[0] == "build":
                options.context["kind"] = "build"
            return running.execute(command, options)
    return _by_typer(arguments)


def _by_typer(arguments: Sequence[str]) -> int:
    import typer

    try:
        app = application(arguments[0] if arguments else "")
        code = app(args=list(arguments), prog_name=os.path.basename(sys.argv[0]), standalone_mode=False)
    except typer.Abort:
        return _INTERRUPTED
    except typer.TyperException as mistake:
        return _usage_error(mistake, arguments)
    return code if isinstance(code, int) else 0


def _usage_error(mistake: typer.TyperException, arguments: Sequence[str]) -> int:
    """A command line that makes no sense, said in the same way as every other error."""
    context = getattr(mistake, "ctx", None)
    message = mistake.format_message()
    if message and context is not None and message == context.get_help():  # no arguments at all
        print(message, file=sys.stderr)
        return mistake.exit_code
    hint = f"see `{context.command_path} --help`" if context is not None else ""
    print_error(RoarError(message[:1].lower() + message[1:].rstrip("."), hint), as_json=_wants_json(arguments),
                 code="usage")
    return _own_failure(arguments, mistake.exit_code)


def _records(arguments: Sequence[str]) -> bool:
    """A command whose arguments are another command."""
    return bool(arguments) and arguments[0] in {"run", "build"}


def _wants_json(arguments: Sequence[str]) -> bool:
    if _records(arguments):
        from roarctl.running import wants_json

        return wants_json(arguments[1:])
    return "--json" in arguments


def _own_failure(arguments: Sequence[str], otherwise: int) -> int:
    """`run` and `build` leave the low exit codes to the command; of `diff` 1 is an answer."""
    from roarctl.running import FAILED

    if _records(arguments):
        return FAILED
    return max(otherwise, 2) if arguments and arguments[0] == "diff" else otherwise
