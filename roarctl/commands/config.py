"""`roar config`: the project's settings, and where each comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roarctl.commands.options import AsJson, current_project, emit, emit_json

if TYPE_CHECKING:
    from roarctl.settings import Settings

HELP = """Show this project's settings, or change one.

They stand in .roar.toml at the project's root. hygiene rules are off, warn or refuse: `roar run` then exits with 125,
before it runs anything."""
EPILOG = """Examples:

\b
  roar config
  roar config hygiene.uncommitted
  roar config hygiene.uncommitted refuse
  roar config hygiene.require name team      a list
  roar config labels.team vision             each run has it, unless it is given another
  roar config filters.hide '*.log' 'tmp/**'
  roar config --unset hygiene.require"""


def command(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Such as hygiene.uncommitted.")] = "",
    values: Annotated[list[str] | None, typer.Argument(metavar="VALUE", help="What it is to be.")] = None,
    unset: Annotated[str, typer.Option("--unset", metavar="KEY", help="Take it out of the file.")] = "",
    as_json: AsJson = False,
) -> None:
    from lineage.errors import InvalidError, NotFoundError
    from roarctl.render.text import printable, table
    from roarctl.settings import load

    project = current_project()
    if unset:
        if key:
            raise InvalidError("set or unset, one at a time", "`roar config --unset KEY` alone")
        set_value(project, unset, [])
    elif values:
        set_value(project, key, values)
    settings = load(project)
    rows = settings_rows(settings)
    if key or unset:
        rows = [row for row in rows if row["key"] == (key or unset)]
        if not rows and not unset:
            raise NotFoundError(f"there is no setting {key}", "`roar config` lists them")
    if as_json:
        emit_json(config_document(settings, rows))
        return
    lines = table([[row["key"], _text(row["value"]), f"({row['origin']})"] for row in rows])
    if not key and not unset:
        lines.insert(0, printable(settings.path) if settings.path else "no .roar.toml here: these are the defaults")
    emit("\n".join(lines))


def config_document(settings: Settings, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    from lineage.document import entry_text

    file = entry_text("file", settings.path) if settings.path else {"file": None}
    return {"schema": "roar.config/1", **file, "settings": list(rows)}


def settings_rows(settings: Settings) -> list[dict[str, Any]]:
    from roarctl.settings import KEYS

    names = [*KEYS, *(f"labels.{name}" for name in settings.labels)]
    return [{"key": name, "value": settings.values.get(name, KEYS[name].default if name in KEYS else ""),
             "origin": settings.where(name), "help": KEYS[name].help if name in KEYS else "a label of each run"}
            for name in names]


def _text(value: str | tuple[str, ...]) -> str:
    from roarctl.render.text import printable

    return printable(value) or "-" if isinstance(value, str) else ", ".join(map(printable, value)) or "-"


def set_value(project: bytes, key: str, values: list[str]) -> None:
    """In one step: a reader sees the old file or the new one."""
    import os
    import tempfile

    from lineage.errors import RoarError
    from roarctl.settings import changed, file_of

    path = file_of(project)
    try:
        try:
            with open(path, encoding="utf-8") as file:
                text, mode = file.read(), os.fstat(file.fileno()).st_mode & 0o777
        except FileNotFoundError:
            text, mode = "", 0o666 & ~_umask()
        new = changed(text, key, values)
        if new == text:
            return
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=os.path.dirname(os.path.realpath(path)), prefix=b".roar-",
                                         delete=False) as draft:
            draft.write(new)
        os.chmod(draft.name, mode)  # noqa: PTH101 - bytes
        os.replace(draft.name, os.path.realpath(path))  # noqa: PTH105 - bytes
    except (OSError, UnicodeDecodeError) as error:
        raise RoarError(f"{os.fsdecode(path)} cannot be changed: {error}", "may you write there?") from error


def _umask() -> int:
    import os

    mask = os.umask(0)
    os.umask(mask)
    return mask
