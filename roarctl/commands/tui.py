"""`roar tui`: walk through the record in the terminal."""

from __future__ import annotations

from roarctl.commands.options import current_project

HELP = "Walk through the record: from jobs to their files, to who made and used those, to sessions."
EPILOG = """Examples:

\b
  roar tui

Enter follows, Escape goes back, / finds, a shows all (projects, or roles), s the session, q quits."""


def command() -> None:
    import sys

    from lineage.errors import InvalidError, UnsupportedError
    from roarctl.client import connect

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InvalidError("this needs a terminal", "for programs: roar log --json")
    try:
        from roarctl.tui.app import Browser
        from roarctl.tui.source import Source
    except ModuleNotFoundError as error:
        raise UnsupportedError(f"{error.name} is not installed", "pip install 'roar[tui]'") from error
    with connect() as client:
        Browser(Source(client, current_project())).run()
