"""`glaas token`: what programs sign in with."""

from __future__ import annotations

from typing import Annotated

import typer

from glaas.commands.options import DEFAULT_STATE, AsJson, Expires, Scopes, StateDir, Store

HELP = "API tokens of an account: add, list, revoke. Works while the registry serves."
Account = Annotated[str, typer.Argument(metavar="USER", help="Whose.")]
app = typer.Typer(no_args_is_help=True, help=HELP)


@app.command("add")
def add(
    account: Account,
    state_dir: StateDir = DEFAULT_STATE,
    store: Store = "",
    name: Annotated[str, typer.Option(help="What it is for, such as the machine that has it.")] = "made by the operator",
    scope: Scopes = None,
    expires: Expires = "",
) -> None:
    """Make a token, and print it, alone, on stdout. It is shown once."""
    from glaas.accounts.model import OPERATOR, USUAL, Actor
    from glaas.accounts.tokens import Grant
    from glaas.commands.options import accounts_of, emit, ends_at, say

    with accounts_of(state_dir, store) as accounts:
        grant = Grant(name, scope or USUAL, ends_at(expires, accounts.clock()))
        secret, token = accounts.tokens.add(account, grant, Actor(OPERATOR))
    say(f"glaas: token {token.id} of {account} ({', '.join(token.scopes)}); it is shown once")
    emit(secret)


@app.command("list")
def list_(account: Account, state_dir: StateDir = DEFAULT_STATE, store: Store = "", as_json: AsJson = False) -> None:
    """An account's tokens, the newest first; not the secrets, which nobody knows any more."""
    from glaas.accounts.documents import tokens_document
    from glaas.commands.options import accounts_of, day_text, emit, emit_json, table

    with accounts_of(state_dir, store) as accounts:
        tokens, now = accounts.tokens.of(account), accounts.clock()
    if as_json:
        emit_json(tokens_document(account, tokens, now))
    elif not tokens:
        emit(f"{account} has no tokens; make one with: glaas token add {account}")
    else:
        emit(table(("ID", "NAME", "SCOPES", "MADE", "ENDS", "LAST USED"), [
            (token.id, token.name, ", ".join(token.scopes), day_text(token.created_at),
             day_text(token.expires_at) + (" (over)" if 0 < token.expires_at <= now else ""), day_text(token.used_at))
            for token in tokens]))


@app.command("revoke")
def revoke(
    account: Account,
    token: Annotated[str, typer.Argument(metavar="ID", help="Its id, or the first digits of it.")],
    state_dir: StateDir = DEFAULT_STATE,
    store: Store = "",
) -> None:
    """End a token, from this moment."""
    from glaas.accounts.model import OPERATOR, Actor
    from glaas.commands.options import accounts_of, say

    with accounts_of(state_dir, store) as accounts:
        revoked = accounts.tokens.revoke(account, token, Actor(OPERATOR))
    say(f"glaas: revoked {revoked.id} ({revoked.name}) of {account}")
