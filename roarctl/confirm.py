"""Questions before something is done that cannot be undone."""

from __future__ import annotations

import sys

from lineage.errors import RoarError


class NotConfirmedError(RoarError):
    """Nothing was done."""

    code = "not_confirmed"


def confirm(question: str, *, yes: bool, no_input: bool) -> None:
    """Ask on the terminal; raises NotConfirmedError for anything but yes, and where nobody can be asked."""
    if yes:
        return
    if no_input or sys.stdin is None or not sys.stdin.isatty():
        raise NotConfirmedError(f"not done, because nobody said yes: {question}", "say it with --yes")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise NotConfirmedError("not done")
