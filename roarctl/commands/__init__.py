"""The commands of roar, one module each: ``command`` (the handler with its options), ``HELP`` and ``EPILOG``; where it
needs them ``SETTINGS`` (click's context settings)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import typer

HELP = """roar records which data and which code made your files.

Put `roar run` before a command; then ask where a file came from."""
EPILOG = """Examples:

\b
  roar run python train.py     run and record
  roar lineage model.pt        where did this come from?
  roar show @                  everything about the last job

A REF is @ (the last job), @3, @~2, a file, a hash of 4 digits or more, name:…, job:…, artifact:… or session:…."""

#: As the help lists them.
SECTIONS: dict[str, tuple[str, ...]] = {
    "Record": ("run", "build", "attach", "detach", "init", "reset", "pop"),
    "Look": ("log", "show", "lineage", "inputs", "dag", "status", "watch", "search", "tui"),
    "Compare": ("diff",),
    "Make again": ("reproduce",),
    "Say more": ("label", "note", "tag", "tags", "config", "env"),
    "Hand on": ("card", "export", "verify", "import"),
    "Registry": ("register", "unregister", "scope", "login", "logout", "whoami", "auth", "outbox"),
}


def add_to(app: typer.Typer, only: str = "") -> None:
    """All commands; or ``only`` one, if there is such a one: importing the others' modules takes time."""
    known = {name: section for section, names in SECTIONS.items() for name in names}
    for name in (only,) if only in known else known:
        module: Any = import_module(f"{__name__}.{_module(name)}")
        app.command(name, help=module.HELP, epilog=module.EPILOG, rich_help_panel=known[name],
                    context_settings=getattr(module, "SETTINGS", None))(module.command)


def _module(name: str) -> str:
    """Its file: what is a keyword of Python has an underscore behind it."""
    from keyword import iskeyword

    return f"{name}_" if iskeyword(name) else name.replace("-", "_")
