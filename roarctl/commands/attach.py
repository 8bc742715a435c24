"""`roar attach PID`: record what already runs, from now on."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from lineage.errors import InvalidError, RoarError
from roarctl.commands.options import AsJson, Quiet, emit, emit_json

HELP = """Record what already runs: a process with everything below it, or a cgroup, from now on.

The record says that it began in the middle. What a process has open is where it begins: a file that it has read from and
what is in its memory are inputs, a file that it writes from now on is an output. The job is over when the last process
is; for a cgroup, when that is removed or has been empty for some seconds; or by `roar detach`."""
EPILOG = """Examples:

\b
  roar attach 4711                            and return at once
  roar attach --wait 4711                     stay until it is over, and say what it did
  roar attach --cgroup user.slice/job.scope   whoever is in it or comes into it
  roar attach --cgroup 4711                   the cgroup of that process

A cgroup is one of version 2, by its path below /sys/fs/cgroup. Processes of other users are for root to attach to; Ctrl-C
ends the waiting, not the watching. Exit status: 0 if it is watched."""


def command(
    pid: Annotated[int | None, typer.Argument(metavar="PID", min=1, help="A process that runs.")] = None,
    cgroup: Annotated[str, typer.Option("--cgroup", metavar="PATH", help="A cgroup (v2), or a process in it.")] = "",
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Stay until it is over, and say what it did.")] = False,
    quiet: Quiet = False, as_json: AsJson = False,
) -> None:
    import sys

    from roarctl import attaching
    from roarctl.client import connect
    from roarctl.context.project import project_root, working_directory
    from roarctl.render.documents import attach_document
    from roarctl.render.summary import summary
    from roarctl.render.text import Palette, count_text

    if (pid is None) == (not cgroup):
        raise InvalidError("name a process or a cgroup, one of them", "roar attach PID, or roar attach --cgroup PATH")
    cwd = working_directory()
    project = project_root(cwd)
    target = attaching.cgroup(cgroup, cwd) if pid is None else attaching.process(pid, cwd)
    palette = Palette.of(sys.stdout)
    try:
        with connect(target.descriptor) as client:
            answer = attaching.attach(client, target, project, cwd)
            if not quiet and not as_json:
                emit(f"roar: attached to {target.words} as {palette.bold(f'@{answer.number}')} "
                     f"({count_text(answer.processes, 'process', 'processes')})")
                if answer.others:
                    emit(palette.yellow(f"  ! {count_text(answer.others, 'process', 'processes')} of other users: not watched"))
                if not wait:
                    emit(palette.dim(f"  next: roar detach @{answer.number}"))
            end = attaching.wait(client, answer.run) if wait else None
            if as_json:
                emit_json(attach_document(answer, end))
            elif end is not None and not quiet:
                emit("\n".join(summary(end, answer.number, cwd, palette)))
    except RoarError as error:
        raise attaching.explained(error, target) from error
    finally:
        os.close(target.descriptor)
