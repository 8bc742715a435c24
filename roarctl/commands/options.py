"""Options that several commands share, and how documents are printed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout; it lists everything.")]
ShowAll = Annotated[bool, typer.Option("--all", "-a", help="Also packages, system files and other roles.")]
Reference = Annotated[str, typer.Argument(
    metavar="REF", help="@, @3, @~2, a file, a hash prefix, job:…, artifact:… or session:….")]


def print_json(document: Mapping[str, Any]) -> None:
    print(json.dumps(document, indent=2, ensure_ascii=False))


def current_project() -> bytes:
    from roarctl.context.project import project_root

    return project_root(os.getcwdb())  # noqa: PTH109 - bytes
