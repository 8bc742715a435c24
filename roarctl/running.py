"""What `roar run` and `roar build` do: hold the command, register it, let it run, report.

Apart from commands/run.py, which needs typer, since the plain case does not.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lineage.errors import InvalidError, RoarError, UnavailableError
from roarctl import launch
from roarctl.failure import print_error

if TYPE_CHECKING:
    from lineage.v1.observe_pb2 import FinishResponse
    from roarctl.recording import Recording
    from roarctl.settings import Settings

FAILED = 125  # roar's own failure, as of env(1) and timeout(1)

# The names of the options, for the quick way here and for typer.
QUIET = ("-q", "--quiet")
REQUIRE_CAPTURE = ("--require-capture",)
JSON = ("--json",)
NAME = ("--name",)
LABEL = ("--label", "-l")
NO_STDERR = ("--no-stderr",)


@dataclass(slots=True)
class Options:
    quiet: bool = False
    require_capture: bool = False
    as_json: bool = False
    stderr: bool = True  # keep the end of it, where the command fails
    labels: dict[str, str] = field(default_factory=dict)
    literal: bool = False  # the command came after `--`: it is a program, whatever its name
    context: dict[str, str] = field(default_factory=dict)  # more for the record to say
    environment: dict[bytes, bytes] | None = None  # the command's, if not this process's
    began: Callable[[bytes, int], None] | None = None  # told the job's run and number once it is registered


def parse(arguments: Sequence[str]) -> tuple[Options, list[str]] | None:
    """The plain case, without the 50 ms that typer takes to import; None leaves help and mistakes to typer."""
    options = Options()
    value_of = ""
    for index, argument in enumerate(arguments):
        if value_of:
            if not add_label(options.labels, value_of, argument):
                return None
            value_of = ""
            continue
        if argument == "--":
            rest = list(arguments[index + 1:])
            options.literal = True
        elif argument in QUIET:
            options.quiet = True
            continue
        elif argument in REQUIRE_CAPTURE:
            options.require_capture = True
            continue
        elif argument in JSON:
            options.as_json = True
            continue
        elif argument in NAME or argument in LABEL:
            value_of = argument
            continue
        elif argument in NO_STDERR:
            options.stderr = False
            continue
        elif argument.startswith("-"):
            return None
        else:
            rest = list(arguments[index:])
        return (options, rest) if rest else None
    return None


def add_label(labels: dict[str, str], option: str, value: str) -> bool:
    """False for what is no label."""
    key, sign, word = ("name", "=", value) if option in NAME else value.partition("=")
    if not sign or not key or not word:
        return False
    labels[key] = word
    return True


def wants_json(arguments: Sequence[str]) -> bool:
    """Also of a command line that makes no sense."""
    before = ""
    for argument in arguments:
        if argument == "--" or not (argument.startswith("-") or before in NAME or before in LABEL):
            return False
        if argument in JSON:
            return True
        before = argument
    return False


def execute(arguments: Sequence[str], options: Options) -> int:
    """Run it; the exit code for roarctl. Whatever fails, the command runs at most once."""
    try:
        return _execute([os.fsencode(argument) for argument in arguments], options)
    except launch.CannotRunError as error:
        if not options.quiet:
            raise
        return error.exit_code
    except RoarError as error:
        error.exit_code = FAILED
        if not options.quiet:
            raise
        return FAILED


def _execute(argv: list[bytes], options: Options) -> int:
    environment = launch.inherited_environment() if options.environment is None else options.environment
    if argv[0].startswith((b"@", b"job:")) and not options.literal:
        argv = _again(argv, environment, options)
    settings = _prepared(options)
    command = launch.resolve(argv, environment)
    child = launch.Held(command, environment)
    recording: Recording | None = None
    with launch.Signals(child) as signals:
        try:
            try:
                recording = _begin(child, environment, options, settings)
            except RoarError as error:
                if options.require_capture:
                    raise
                _say(options, RoarError(f"no record of this run: {error.message}", error.hint), error.code)
            signals.running = True
        except BaseException:  # Stopped too: nobody may be left waiting
            child.abandon()
            raise
        try:
            executed = child.release()
        except launch.CannotRunError:
            signals.running = False
            _forget(recording)
            raise
        if recording and executed:
            recording.describe(command, environment)
        ended = child.wait()
        try:
            signals.running = False
            if not executed:
                _forget(recording)
            elif recording:
                _finish(recording, ended, options, settings, interrupted=bool(signals.asked))
        except launch.Stopped:
            if recording:
                _say(options, RoarError(f"job @{recording.number}: the daemon is still completing the record",
                                        f"see it with `roar show @{recording.number}`"), "unconfirmed")
        return ended.status


def _prepared(options: Options) -> Settings | None:
    """The project's settings, where it has some, with its labels in the options; what its rules refuse is an error."""
    from roarctl.context.project import project_root, working_directory

    try:
        cwd = working_directory()
    except InvalidError:  # it is gone; the command may run all the same
        return None
    project = project_root(cwd)
    if not os.path.lexists(os.path.join(project, b".roar.toml")):  # and nothing more is imported
        return None
    from roarctl import hygiene
    from roarctl.settings import load

    settings = load(project)
    hygiene.prepare(settings, cwd, project, options.labels, lambda problem: _say(options, problem, "hygiene"))
    return settings


def _again(argv: list[bytes], environment: dict[bytes, bytes], options: Options) -> list[bytes]:
    """`@3 --epochs=10`: that job's command with its changes, in its directory."""
    from roarctl import again

    found = again.find(argv, environment)
    if found is None:
        return argv
    again.enter(found, environment)
    options.context |= found.context
    if not options.quiet and not options.as_json:
        from roarctl.render.text import command_text

        print(f"roar: again @{found.number}: {command_text(found.argv)}", file=sys.stderr, flush=True)
    return found.argv


def _begin(child: launch.Held, environment: dict[bytes, bytes], options: Options, settings: Settings | None) -> Recording:
    """Register the job. Whatever goes wrong in roar must not keep the command from running, so all of it is one kind
    of error here."""
    try:
        from roarctl.context.project import working_directory
        from roarctl.recording import About, Recording

        stderr = options.stderr and os.environ.get("ROAR_STDERR") not in {"0", "no", "false"}
        about = About(options.labels, options.context, stderr, settings)
        recording = Recording.begin(child, environment, working_directory(), about)
    except RoarError:
        raise
    except Exception as error:
        if os.environ.get("ROAR_DEBUG"):
            raise
        raise UnavailableError(f"roar failed: {type(error).__name__}: {error}", "ROAR_DEBUG=1 shows where") from error
    if options.began:
        options.began(recording.run, recording.number)
    return recording


def _finish(recording: Recording, ended: launch.Ended, options: Options, settings: Settings | None, *,
            interrupted: bool) -> None:
    """The command is over, and its exit code stands: nothing from here on may change it."""
    try:
        answer = recording.finish(ended, interrupted=interrupted)
        if options.quiet:
            return
        print(recording.document() if options.as_json else _summary(answer, recording, settings), file=sys.stderr)
    except RoarError as error:
        _say(options, RoarError(f"job @{recording.number}: the record is not confirmed: {error.message}"),
             error.code)
    except Exception as error:
        _say(options, RoarError(f"job @{recording.number}: no summary ({type(error).__name__}: {error})",
                                f"see it with `roar show @{recording.number}`"))


def _summary(answer: FinishResponse, recording: Recording, settings: Settings | None) -> str:
    from roarctl.render.summary import summary
    from roarctl.render.text import Palette

    recording.complete(answer)
    if settings is not None:
        shown = [entry for entry in answer.entries if not settings.hides(entry.path)]
        del answer.entries[:]
        answer.entries.extend(shown)
    return "\n".join(summary(answer, recording.number, recording.cwd, Palette.of(sys.stderr)))


def _forget(recording: Recording | None) -> None:
    if recording:
        with contextlib.suppress(RoarError):  # the daemon sees for itself that the process has gone
            recording.forget()


def _say(options: Options, problem: RoarError, code: str = "") -> None:
    """A warning on stderr; the command's output goes on."""
    if not options.quiet:
        print_error(problem, as_json=options.as_json, code=code)
