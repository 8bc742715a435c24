"""`roar auth`: the registries that are known here, and what one's account there has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roarctl.commands.options import AsJson, current_project, emit, emit_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roarctl.registry.client import RegistryClient
    from roarctl.registry.credentials import Credentials, Login

HELP = """Show the registries that are known here, and manage your account's tokens and keys.

Changing them needs a token that may: `roar login --admin`."""
EPILOG = """Examples:

\b
  roar auth                                who you are where, and what is asked here
  roar auth use https://registry.example.org
  roar auth tokens                         the tokens of your account
  roar auth tokens add "ci" --may read --days 30
  roar auth tokens revoke 1a2b3c4d5e6f
  roar auth keys                           its SSH keys
  roar auth keys add ~/.ssh/id_ed25519     to log in with, and to sign what you register"""

_SECONDS = 5.0


def command(
    what: Annotated[str, typer.Argument(metavar="[WHAT]", help="status, use, tokens or keys.")] = "status",
    action: Annotated[str, typer.Argument(metavar="[ACTION]", help="add, revoke, remove; of use: the registry.")] = "",
    subject: Annotated[str, typer.Argument(metavar="[NAME]", help="Of the token or key.")] = "",
    may: Annotated[str, typer.Option(metavar="SCOPE,…", help="A new token: read, register, admin.")] = "read,register",
    days: Annotated[int | None, typer.Option(min=1, max=3650, help="A new token: how long; else until it is revoked.")] = None,
    as_json: AsJson = False,
) -> None:
    from lineage.errors import InvalidError

    if what == "status" and not action:
        _status(as_json=as_json)
    elif what == "use" and action and not subject:
        _use(action)
    elif what == "tokens" and ((not action and not subject) or (action in {"add", "revoke"} and subject)):
        _tokens(action, subject, [word.strip() for word in may.split(",") if word.strip()], days, as_json=as_json)
    elif what == "keys" and ((not action and not subject) or (action in {"add", "remove"} and subject)):
        _keys(action, subject, as_json=as_json)
    else:
        raise InvalidError("that is nothing to do here", "`roar auth --help` has examples")


def _status(*, as_json: bool) -> None:
    from lineage.errors import RoarError
    from roarctl.registry import credentials, where
    from roarctl.render.text import printable
    from roarctl.settings import load

    known = credentials.load()
    rows = [_row(url, login, known) for url, login in known.logins.items()]
    try:
        place = where.find(load(current_project()))
        problem = ""
    except RoarError as error:
        place, problem = None, error.message
    document = auth_document(rows, place.address.url if place else None, place.said_by if place else None)
    if as_json:
        emit_json(document)
        return
    lines = []
    for row in rows:
        mark = "*" if row["default"] else " "
        who = row["account"] or ("nobody in particular" if not row["token"] else "?")
        lines.append(f"{mark} {row['registry']}  {printable(who)}  {row['state']}"
                     + (f": {printable(row['problem'])}" if row["problem"] else ""))
    if place is not None and place.said_by != "login":
        lines.append(f"asked here is {place.address.url}, as the {place.said_by} says")
    if problem:
        lines.append(f"! {printable(problem)}")
    emit("\n".join(lines or ["no registry is known here: roar login URL"]))


def auth_document(rows: Sequence[dict[str, Any]], chosen: str | None, said_by: str | None) -> dict[str, Any]:
    return {"schema": "roar.auth/1", "registries": list(rows), "chosen": chosen, "said_by": said_by}


def _row(url: str, login: Login, known: Credentials) -> dict[str, Any]:
    """Each is asked whether the token still holds."""
    from lineage.errors import DeniedError, RoarError
    from lineage.v1 import registry_pb2
    from roarctl.registry.address import Address
    from roarctl.registry.client import RegistryClient
    from roarctl.registry.http import Transport

    account, state, problem = login.account, "ok", ""
    try:
        transport = Transport(Address.parse(url), login.token, insecure=login.insecure, connecting=_SECONDS, tries=1)
        with RegistryClient(transport, patience=_SECONDS) as registry:
            answer = registry.call("Registry/WhoAmI", registry_pb2.WhoAmIRequest(), registry_pb2.Account)
        account = answer.name
        state = "ok" if answer.name else "anonymous"
    except DeniedError as error:
        state, problem = "refused", error.message
    except RoarError as error:
        state, problem = "unreachable", error.message
    return {"registry": url, "default": url == known.default, "account": account or None, "token": bool(login.token),
            "insecure": login.insecure, "state": state, "problem": problem or None}


def _use(url: str) -> None:
    from dataclasses import replace

    from lineage.errors import NotFoundError
    from roarctl.registry import credentials
    from roarctl.registry.address import Address

    known = credentials.load()
    wanted = Address.parse(url).url
    if wanted not in known.logins:
        raise NotFoundError(f"you are not logged in at {wanted}", f"roar login {wanted}")
    credentials.save(replace(known, default=wanted))
    emit(f"the usual registry is {wanted}")


def _registry() -> RegistryClient:
    from roarctl.registry import where
    from roarctl.settings import load

    return where.needed(load(current_project())).client()


def _tokens(action: str, subject: str, scopes: Sequence[str], days: int | None, *, as_json: bool) -> None:
    from roarctl.registry import accounts
    from roarctl.render.text import printable, table

    with _registry() as registry:
        made = accounts.add_token(registry, subject, scopes, days) if action == "add" else None
        if action == "revoke":
            accounts.revoke(registry, subject)
        rows = accounts.tokens(registry) if as_json or not action else []
        url = registry.url
    if as_json:
        emit_json(tokens_document(url, rows, made.token if made else None))
    elif made is not None:
        emit(made.token)  # alone, so that it can be taken by a program
    elif action:
        emit(f"revoked {printable(subject)}")
    else:
        emit("\n".join(table([[str(row["id"]), printable(str(row["name"])), ", ".join(row["scopes"]),
                               f"until {row['expires_at']}" if row["expires_at"] else "until revoked",
                               f"used {row['used_at']}" if row["used_at"] else "never used"] for row in rows]))
             if rows else "no tokens")


def tokens_document(url: str, rows: Sequence[dict[str, Any]], added: str | None) -> dict[str, Any]:
    names = ("id", "name", "scopes", "created_at", "expires_at", "used_at")
    return {"schema": "roar.tokens/1", "registry": url, "added": added,
            "tokens": [{name: row.get(name) for name in names} for row in rows]}


def _keys(action: str, subject: str, *, as_json: bool) -> None:
    from roarctl.registry import accounts
    from roarctl.render.text import printable, table

    with _registry() as registry:
        done = subject
        if action == "add":
            done = accounts.add_key(registry, Path(subject).expanduser())
        elif action == "remove":
            accounts.remove_key(registry, subject)
        rows = accounts.keys(registry) if as_json or not action else []
        url = registry.url
    if as_json:
        emit_json(keys_document(url, rows))
    elif action:
        emit(f"{'added' if action == 'add' else 'removed'} {printable(done)}")
    else:
        emit("\n".join(table([[str(row["fingerprint"]), printable(str(row["name"])), "" if row["proven"] else "not proven"]
                              for row in rows])) if rows else "no keys: roar auth keys add FILE")


def keys_document(url: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    names = ("fingerprint", "name", "created_at", "used_at", "proven")
    return {"schema": "roar.keys/1", "registry": url, "keys": [{name: row.get(name) for name in names} for row in rows]}
