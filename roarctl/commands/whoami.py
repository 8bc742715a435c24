"""`roar whoami`: who one is at the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roarctl.commands.options import AsJson, current_project, emit, emit_json

if TYPE_CHECKING:
    from lineage.v1.registry_pb2 import Account

HELP = "Show who you are at the registry, and what your token may do there."
EPILOG = """Examples:

\b
  roar whoami
  roar whoami --json"""


def whoami_document(url: str, said_by: str, account: Account) -> dict[str, Any]:
    from lineage.document import time_text

    return {"schema": "roar.whoami/1", "registry": url, "said_by": said_by, "account": account.name or None,
            "organisations": list(account.organisations), "scopes": list(account.scopes),
            "expires_at": time_text(account.expires_at) if account.expires_at else None, "key": account.key or None}


def command(as_json: AsJson = False) -> None:
    from lineage.document import time_text
    from lineage.v1 import registry_pb2
    from roarctl.registry import where
    from roarctl.render.text import printable
    from roarctl.settings import load

    place = where.needed(load(current_project()))
    with place.client() as registry:
        account = registry.call("Registry/WhoAmI", registry_pb2.WhoAmIRequest(), registry_pb2.Account)
    expires = time_text(account.expires_at) if account.expires_at else None
    if as_json:
        emit_json(whoami_document(place.address.url, place.said_by, account))
        return
    if not account.name:
        emit(f"nobody in particular at {place.address.url}: what is public can be looked up\n  roar login")
        return
    lines = [f"{printable(account.name)} at {place.address.url}"]
    if account.organisations:
        lines.append(f"  in      {', '.join(map(printable, account.organisations))}")
    lines.append(f"  may     {', '.join(account.scopes) or 'nothing'}" + (f"  (until {expires})" if expires else ""))
    if account.key:
        lines.append(f"  key     {printable(account.key)}")
    emit("\n".join(lines))
