"""`glaas user`: who may sign in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glaas.commands.options import (
    DEFAULT_STATE,
    AsJson,
    DryRun,
    Expires,
    NoInput,
    PasswordStdin,
    Scopes,
    StateDir,
    Store,
    Yes,
)

HELP = "Accounts of the registry: add, list, disable, delete them, set their passwords. Works while it serves."
Name = Annotated[str, typer.Argument(metavar="NAME", help="Lower case letters and digits, single - _ . between them.")]
app = typer.Typer(no_args_is_help=True, help=HELP)


@app.command("add", epilog="Example: export GLAAS_TOKEN=$(glaas user add ada --state-dir /srv/glaas)")
def add(
    name: Name,
    state_dir: StateDir = DEFAULT_STATE,
    store: Store = "",
    password_stdin: PasswordStdin = False,
    scope: Scopes = None,
    expires: Expires = "",
    operator: Annotated[bool, typer.Option(help="May also do what concerns others' accounts.")] = False,
    no_token: Annotated[bool, typer.Option("--no-token", help="Make no token: they sign in with the password.")] = False,
) -> None:
    """Make an account, and print a token for it, alone, on stdout."""
    from glaas.accounts.model import OPERATOR, USUAL, Actor
    from glaas.accounts.tokens import Grant
    from glaas.commands.options import accounts_of, emit, ends_at, new_password, say
    from lineage.errors import InvalidError

    if no_token and not password_stdin:
        raise InvalidError("without a token and a password nobody could sign in", "add --password-stdin")
    password = new_password(from_stdin=True) if password_stdin else ""
    if password_stdin and not password:
        raise InvalidError("there is no password on stdin", "its first line is taken")
    with accounts_of(state_dir, store) as accounts:
        grant = Grant("made with the account", scope or USUAL, ends_at(expires, accounts.clock())).checked(accounts.clock())
        accounts.users.add(name, Actor(OPERATOR), password=password, operator=operator)
        if no_token:
            say(f"glaas: {name} has an account")
            return
        secret, token = accounts.tokens.add(name, grant, Actor(OPERATOR))
    say(f"glaas: {name} has an account; this token ({', '.join(token.scopes)}) is shown once")
    emit(secret)
    say("  next: on their machine, `roar login`, or set GLAAS_URL and GLAAS_TOKEN")


@app.command("list")
def list_(state_dir: StateDir = DEFAULT_STATE, store: Store = "", as_json: AsJson = False) -> None:
    """All accounts, by name."""
    from glaas.accounts.documents import users_document
    from glaas.commands.options import accounts_of, day_text, emit, emit_json, table

    with accounts_of(state_dir, store) as accounts:
        users = accounts.users.everyone()
    if as_json:
        emit_json(users_document(users))
    elif not users:
        emit("no accounts yet; make one with: glaas user add NAME")
    else:
        emit(table(("NAME", "STATE", "SINCE", "PASSWORD", "ORGANISATIONS"), [
            (user.name, user.state + (", operator" if user.operator else ""), day_text(user.created_at),
             "yes" if user.password else "no",
             ", ".join(f"{each} ({role})" for each, role in sorted(user.organisations.items()))) for user in users]))


@app.command("disable")
def disable(name: Name, state_dir: StateDir = DEFAULT_STATE, store: Store = "") -> None:
    """Let them in no longer, from this moment, with any token, key or password. `enable` takes it back."""
    from glaas.accounts.model import OPERATOR, Actor
    from glaas.commands.options import accounts_of, say

    with accounts_of(state_dir, store) as accounts:
        accounts.users.disable(name, Actor(OPERATOR))
    say(f"glaas: {name} is disabled; what they registered stays\n  next: glaas user enable {name} takes it back")


@app.command("enable")
def enable(name: Name, state_dir: StateDir = DEFAULT_STATE, store: Store = "") -> None:
    """Let them in again; their tokens work as before."""
    from glaas.accounts.model import OPERATOR, Actor
    from glaas.commands.options import accounts_of, say

    with accounts_of(state_dir, store) as accounts:
        accounts.users.enable(name, Actor(OPERATOR))
    say(f"glaas: {name} is enabled")


@app.command("delete")
def delete(
    name: Name, state_dir: StateDir = DEFAULT_STATE, store: Store = "", yes: Yes = False, no_input: NoInput = False,
    dry_run: DryRun = False,
) -> None:
    """Delete an account, its tokens, keys and memberships. What it registered stays; its name is never given away again."""
    from glaas.accounts.model import OPERATOR, Actor
    from glaas.commands.options import accounts_of, confirm, say
    from lineage.text import count_text

    with accounts_of(state_dir, store) as accounts:
        user = accounts.users.get(name)
        gone = ", ".join((count_text(len(accounts.tokens.of(name)), "token"), count_text(len(accounts.keys.of(name)), "key"),
                          count_text(len(user.organisations), "membership")))
        if dry_run:
            say(f"glaas: would delete {name}: {gone}")
            return
        confirm(f"delete {name} ({gone})? It cannot be undone.", yes=yes, no_input=no_input)
        accounts.users.delete(name, Actor(OPERATOR))
    say(f"glaas: deleted {name}: {gone}; what they registered stays")


@app.command("password")
def password(name: Name, state_dir: StateDir = DEFAULT_STATE, store: Store = "", password_stdin: PasswordStdin = False) -> None:
    """Set somebody's password; browsers that are signed in as them are signed out."""
    from glaas.accounts.model import OPERATOR, Actor
    from glaas.commands.options import accounts_of, new_password, say

    with accounts_of(state_dir, store) as accounts:
        accounts.users.get(name)
        accounts.users.set_password(name, new_password(from_stdin=password_stdin), Actor(OPERATOR))
    say(f"glaas: {name} has a new password")


@app.command("add-key")
def add_key(
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Of an ed25519 public key: ~/.ssh/id_ed25519.pub.")],
    state_dir: StateDir = DEFAULT_STATE,
    store: Store = "",
) -> None:
    """Let an SSH key sign in as an account."""
    from glaas.accounts.model import OPERATOR, Actor
    from glaas.commands.options import accounts_of, say
    from lineage.errors import NotFoundError

    try:
        with file.open(encoding="utf-8", errors="replace") as opened:
            line = opened.readline(4097)
    except OSError as error:
        raise NotFoundError(f"the key {file} cannot be read: {error.strerror}", "give the path of a .pub file") from error
    with accounts_of(state_dir, store) as accounts:
        key = accounts.keys.add(name, line, Actor(OPERATOR))
    say(f"glaas: {name} may sign in with {key.fingerprint} ({key.name})")


@app.command("operator")
def operator(
    name: Name, state_dir: StateDir = DEFAULT_STATE, store: Store = "",
    no: Annotated[bool, typer.Option("--no", help="No longer.")] = False,
) -> None:
    """Let an account do what concerns others' accounts, with a token of the scope admin."""
    from glaas.accounts.model import OPERATOR, Actor
    from glaas.commands.options import accounts_of, say

    with accounts_of(state_dir, store) as accounts:
        accounts.users.set_operator(name, not no, Actor(OPERATOR))
    say(f"glaas: {name} is {'no operator any more' if no else 'an operator'}")
