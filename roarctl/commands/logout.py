"""`roar logout [URL]`: the end of a login."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from roarctl.commands.options import AsJson, emit, emit_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roarctl.registry.credentials import Login

HELP = "Log out from a registry: its token is ended there, and forgotten here."
EPILOG = """Examples:

\b
  roar logout                                  from the usual registry
  roar logout https://registry.example.org
  roar logout --all"""


def command(
    url: Annotated[str, typer.Argument(metavar="[URL]", help="Of the registry; else the usual one.")] = "",
    everywhere: Annotated[bool, typer.Option("--all", help="From all registries.")] = False,
    as_json: AsJson = False,
) -> None:
    from lineage.errors import InvalidError, NotFoundError
    from roarctl.registry import credentials
    from roarctl.registry.address import Address

    if everywhere and url:
        raise InvalidError("--all is from all registries", "leave the address out")
    known = credentials.load()
    urls = list(known.logins) if everywhere else [Address.parse(url).url] if url else [known.default] if known.default else []
    rows = []
    for one in urls:
        if one not in known.logins:
            raise NotFoundError(f"you are not logged in at {one}", "`roar auth` lists the registries")
        problem = _end(one, known.logins[one])
        rows.append({"registry": one, "ended": not problem, "problem": problem or None})
        known = credentials.load().without(one)
        credentials.save(known)
    if as_json:
        emit_json(logout_document(rows))
        return
    lines = [f"logged out from {row['registry']}"
             + (f"\n  ! its token could not be ended there: {row['problem']}" if row["problem"] else "") for row in rows]
    emit("\n".join(lines or ["you are not logged in anywhere"]))


def logout_document(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"schema": "roar.logout/1", "registries": list(rows)}


def _end(url: str, login: Login) -> str:
    """What kept the token from being ended; empty: nothing."""
    from lineage.errors import RoarError
    from roarctl.registry import accounts
    from roarctl.registry.address import Address
    from roarctl.registry.client import RegistryClient
    from roarctl.registry.http import Transport

    if not login.token:
        return ""
    try:
        with RegistryClient(Transport(Address.parse(url), login.token, insecure=login.insecure)) as registry:
            accounts.log_out(registry)
    except RoarError as error:
        return error.message
    return ""
