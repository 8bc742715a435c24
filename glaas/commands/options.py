"""Options that the operator's commands share, how they open the registry's store, and how answers are printed."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lineage.errors import InvalidError, RoarError, UnavailableError

if TYPE_CHECKING:
    from glaas.accounts.accounts import Accounts

DEFAULT_STATE = Path("/var/lib/glaas")
StateDir = Annotated[Path, typer.Option(help="The directory of `glaas serve`; made where there is none.")]
Store = Annotated[str, typer.Option(metavar="WHERE", envvar="GLAAS_STORE",
                                    help="postgresql://… as `glaas serve` has it; default: LMDB in the state directory.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout; it lists everything.")]
Scopes = Annotated[list[str] | None, typer.Option(
    "--scope", metavar="SCOPE", help="What the token may do: read, register, admin (manage the account). Several: repeat it. "
                                     "Default: read and register.")]
Expires = Annotated[str, typer.Option(metavar="WHEN", help="The token ends then: 90d, 2027-01-01. Default: never.")]
PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Take the password from the first line of stdin.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
NoInput = Annotated[bool, typer.Option("--no-input", help="Never ask; without --yes nothing is done.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]

_AGE = re.compile(r"\d+\s*[a-zA-Z]+")


class NotConfirmedError(RoarError):
    """Nothing was done."""

    code = "not_confirmed"


@contextmanager
def accounts_of(state_dir: Path, store: str) -> Iterator[Accounts]:
    """The registry's accounts, also while it serves."""
    from glaas.accounts.accounts import Accounts
    from glaas.accounts.tables import TABLES
    from glaas.store import location, open_store

    if not store:
        try:
            state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise UnavailableError(f"the state directory {state_dir} cannot be used: {error.strerror}",
                                   "give the one of `glaas serve` with --state-dir") from error
    opened = open_store(location(state_dir, store or None), TABLES)
    try:
        yield Accounts(opened)
    finally:
        opened.close()


def ends_at(text: str, now: int) -> int:
    """``now`` and the answer: nanoseconds; 0: never.  InvalidError for what is no time to come."""
    from lineage.times import moment

    if not text or text == "never":
        return 0
    found = moment(text, now / 1e9, end_of_day=True)
    at = 2 * now - found if _AGE.fullmatch(text.strip()) else found
    if at <= now:
        raise InvalidError(f"{text!r} is over", "give a time to come: 90d, 2027-01-01")
    return at


def new_password(*, from_stdin: bool) -> str:
    """From stdin's first line, or asked for twice on the terminal."""
    import getpass

    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise InvalidError("nobody is here to give the password", "give it on stdin, with --password-stdin")
    first = getpass.getpass("password: ")
    if getpass.getpass("once more: ") != first:
        raise InvalidError("the two are not the same", "nothing was changed")
    return first


def confirm(question: str, *, yes: bool, no_input: bool) -> None:
    """NotConfirmedError for anything but yes, and where nobody can be asked."""
    if yes:
        return
    if no_input or not sys.stdin.isatty():
        raise NotConfirmedError(f"not done, because nobody said yes: {question}", "say it with --yes")
    say(f"{question} [y/N] ", end="")
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise NotConfirmedError("not done")


def say(text: str, end: str = "\n") -> None:
    """Words for people; what programs take is on stdout."""
    print(text, file=sys.stderr, end=end, flush=True)


def emit(text: str) -> None:
    """On stdout, unless its reader has enough."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit from None


def emit_json(document: Mapping[str, Any]) -> None:
    emit(json.dumps(document, indent=2, ensure_ascii=False))


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as what is in them."""
    from lineage.text import printable

    lines = [heads, *([printable(cell) for cell in each] for each in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(heads))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def day_text(at: int, never: str = "never") -> str:
    """A moment, in local time, to the minute."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at / 1e9)) if at else never
