"""`glaas org`: organisations, and who is in them."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from glaas.commands.options import DEFAULT_STATE, AsJson, StateDir, Store

HELP = "Organisations: spaces that several accounts share. Works while the registry serves."
Organisation = Annotated[str, typer.Argument(metavar="ORG", help="Its name.")]
Account = Annotated[str, typer.Argument(metavar="USER", help="An account.")]
app = typer.Typer(no_args_is_help=True, help=HELP)
member = typer.Typer(no_args_is_help=True, help="Who is in an organisation, and as what.")
app.add_typer(member, name="member")


@app.command("add")
def add(
    name: Organisation,
    owner: Annotated[str, typer.Option(metavar="USER", help="Its first owner.")],
    state_dir: StateDir = DEFAULT_STATE,
    store: Store = "",
) -> None:
    """Make an organisation. Names are shared with accounts, and never given away again."""
    from glaas.accounts.model import OPERATOR, Actor
    from glaas.commands.options import accounts_of, say

    with accounts_of(state_dir, store) as accounts:
        accounts.organisations.add(name, owner, Actor(OPERATOR))
    say(f"glaas: {owner} owns {name}\n  next: glaas org member add {name} USER")


@app.command("list")
def list_(state_dir: StateDir = DEFAULT_STATE, store: Store = "", as_json: AsJson = False) -> None:
    """All organisations and their members."""
    from glaas.accounts.documents import organisations_document
    from glaas.commands.options import accounts_of, emit, emit_json, table

    with accounts_of(state_dir, store) as accounts:
        found = accounts.organisations.everyone()
    if as_json:
        emit_json(organisations_document(found))
    elif not found:
        emit("no organisations yet; make one with: glaas org add NAME --owner USER")
    else:
        emit(table(("NAME", "MEMBERS"), [
            (one.name, ", ".join(f"{each} ({role})" for each, role in sorted(one.members.items()))) for one in found]))


@member.command("add")
def member_add(
    name: Organisation,
    account: Account,
    role: Annotated[Literal["owner", "maintainer", "member", "reader"], typer.Option(
        help="Readers see; members also register; maintainers also invite; owners also make owners.")] = "member",
    state_dir: StateDir = DEFAULT_STATE,
    store: Store = "",
) -> None:
    """Put an account into an organisation, or give it another role there."""
    from glaas.accounts.model import OPERATOR, Actor
    from glaas.commands.options import accounts_of, say

    with accounts_of(state_dir, store) as accounts:
        accounts.organisations.set_role(name, account, role, Actor(OPERATOR))
    say(f"glaas: {account} is {role} of {name}")


@member.command("remove")
def member_remove(name: Organisation, account: Account, state_dir: StateDir = DEFAULT_STATE, store: Store = "") -> None:
    """Take an account out of an organisation; it sees nothing of it from this moment."""
    from glaas.accounts.model import OPERATOR, Actor
    from glaas.commands.options import accounts_of, say

    with accounts_of(state_dir, store) as accounts:
        accounts.organisations.remove(name, account, Actor(OPERATOR))
    say(f"glaas: {account} is no longer in {name}")
