"""`glaas audit`: who did what, and when."""

from __future__ import annotations

from typing import Annotated

import typer

from glaas.commands.options import DEFAULT_STATE, AsJson, StateDir, Store

HELP = """Who did what, on what, from where, and whether it was allowed: sign-ins, tokens, keys, organisations, registrations.

The newest last. Nothing is ever changed in it, and no secret is in it."""
EPILOG = """Examples:

\b
  glaas audit --since 2d
  glaas audit --account ada -n 0 --json"""


def command(
    state_dir: StateDir = DEFAULT_STATE,
    store: Store = "",
    since: Annotated[str, typer.Option(metavar="TIME", help="Then or later: 90m, 2d, today, 2026-11-01.")] = "",
    account: Annotated[str, typer.Option(metavar="NAME", help="What they did, and what was done to them.")] = "",
    limit: Annotated[int, typer.Option("-n", "--limit", min=0, help="The newest so many; 0: all.")] = 100,
    as_json: AsJson = False,
) -> None:
    from glaas.accounts.documents import audit_document
    from glaas.commands.options import accounts_of, day_text, emit, emit_json, table
    from lineage.times import moment

    with accounts_of(state_dir, store) as accounts:
        events = accounts.audit.events(moment(since, accounts.clock() / 1e9) if since else 0, account, limit)[::-1]
    if as_json:
        emit_json(audit_document(events))
    elif not events:
        emit("nothing" + (" since then" if since else " yet"))
    else:
        emit(table(("WHEN", "WHO", "DID", "ON", "OUTCOME", "FROM", "DETAILS"), [
            (day_text(event.at), event.actor.account, event.action, event.subject, event.outcome, event.actor.address,
             " ".join(f"{name}={value}" for name, value in event.details.items())) for event in events]))
