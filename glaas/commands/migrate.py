"""`glaas migrate`: the store to this version's schema, while servers serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glaas.commands.options import DEFAULT_STATE, AsJson, DryRun, NoInput, StateDir, Store, Yes

if TYPE_CHECKING:
    from glaas.store.migrations import Plan

HELP = """Bring the store to the schema of this glaas, while servers of this version and of the one before serve.

It can be stopped at any moment and run again. What is to do is listed first; a step that ends servers of the version before
says so, and needs --yes (or an answer)."""
EPILOG = """Examples:

\b
  glaas migrate --dry-run
  glaas migrate --store postgresql://glaas@db/glaas --yes"""


def command(
    state_dir: StateDir = DEFAULT_STATE, store: Store = "", dry_run: DryRun = False, yes: Yes = False,
    no_input: NoInput = False, as_json: AsJson = False,
) -> None:
    from contextlib import closing

    from glaas.commands.options import confirm, emit, emit_json, say
    from glaas.store import location, open_existing
    from glaas.store.migrations import STEPS, Piece, document, migrate, plan
    from glaas.store.schema import CURRENT

    def report(piece: Piece) -> None:
        if piece.step is not None and (piece.done or piece.fenced):
            say(f"{piece.step.name}: {'done' if piece.done else 'older servers have ended'}")

    with closing(open_existing(location(state_dir, store or None), CURRENT)) as opened:
        before = plan(opened, STEPS)
        if not as_json:
            emit(_text(before, CURRENT.number))
        if before.steps and not dry_run:
            if any(step.ends_older for step in before.steps):
                confirm("end servers of an older version when it comes to that?", yes=yes, no_input=no_input)
            migrate(opened, STEPS, report)
            if not as_json:
                emit(f"the store has schema {plan(opened, STEPS).state.schema}")
        if as_json:
            emit_json(document(before, CURRENT.number, done=not dry_run))


def _text(plan: Plan, number: int) -> str:
    if not plan.steps:
        return f"the store has schema {plan.state.schema}: nothing to do"
    half = ", and a step is half done" if plan.begun else ""
    return "\n".join((f"the store has schema {plan.state.schema}, this glaas {number}{half}", *(
        f"  {step.schema} {step.name}: {step.what}" + (" (ends older servers)" if step.ends_older else "")
        for step in plan.steps)))
