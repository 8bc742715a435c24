"""Options that several commands share, and how answers are printed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from lineage.errors import RoarError

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout; it lists everything.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing.")]
ShowAll = Annotated[bool, typer.Option("--all", "-a", help="Also packages, system files and other roles.")]
Local = Annotated[bool, typer.Option("--local", help="Ask this machine alone, not the registry.")]
NoPager = Annotated[bool, typer.Option("--no-pager", help="Print all at once, on a terminal too.")]
Since = Annotated[str, typer.Option(metavar="TIME", help="Began then or later: 90m, 2d, today, 2026-11-01.")]
Until = Annotated[str, typer.Option(metavar="TIME", help="Began before that, or on that day.")]
Host = Annotated[str, typer.Option(metavar="NAME", help="Ran on this host; a pattern (gpu*) will do.")]
User = Annotated[str, typer.Option(metavar="NAME", help="Run by this user: a name, a pattern or a number.")]
Labels = Annotated[list[str] | None, typer.Option(
    "--label", "-l", metavar="KEY[=VALUE]", help="That has this label (of a job: its own).")]
Reference = Annotated[str, typer.Argument(
    metavar="REF", help="@, @3, @~2, a file, a hash prefix, name:…, job:…, artifact:… or session:….")]
NO_JOBS = "no jobs in this project's session yet; record one with: roar run CMD…\n  earlier sessions: roar log --all"


def emit(text: str) -> None:
    """Print, unless the reader has enough (`roar log | head`): then end quietly."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # What is still buffered has nowhere to go, at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit from None
    except OSError as error:  # such as a full disk
        raise RoarError(f"cannot write the answer: {error.strerror}") from error


def emit_json(document: Mapping[str, Any]) -> None:
    emit(json.dumps(document, indent=2, ensure_ascii=False))


def write_text(name: str, text: str) -> None:
    """To a file that the person named, instead of stdout."""
    try:
        with open(name, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
    except OSError as error:
        raise RoarError(f"cannot write {name}: {error.strerror}", "give another place with -o") from error
    emit(f"wrote {name}")


def current_project() -> bytes:
    from roarctl.context.project import project_root, working_directory

    return project_root(working_directory())
