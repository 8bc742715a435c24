"""`glaas forget`: what an account registered is taken back, on request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from glaas.commands.options import DEFAULT_STATE, DryRun, NoInput, StateDir, Store, Yes

if TYPE_CHECKING:
    from glaas.registry.registry import Registry
    from glaas.store.keyed import KeyedStore
    from lineage.records import JobHead

HELP = """Take back what an account registered: all of it, or the jobs that are named.

What others registered of the same jobs stays theirs. The transparency log keeps its leaves, which no longer tell what they are
about, and goes on to verify. Works while the registry serves."""
EPILOG = """Examples:

\b
  glaas forget ada --dry-run
  glaas forget ada 7f3a9c1 5b20e11
  glaas forget ada && glaas user delete ada"""
_AT_ONCE = 500


def command(
    account: Annotated[str, typer.Argument(metavar="USER", help="Whose.")],
    jobs: Annotated[list[str] | None, typer.Argument(metavar="JOB", help="The first digits of a job's id; none: all.")] = None,
    state_dir: StateDir = DEFAULT_STATE,
    store: Store = "",
    yes: Yes = False,
    no_input: NoInput = False,
    dry_run: DryRun = False,
) -> None:
    from glaas.accounts.accounts import Accounts
    from glaas.accounts.audit import Event
    from glaas.accounts.model import OPERATOR, Actor
    from glaas.commands.options import confirm, say
    from glaas.server.settings import Address, Settings
    from glaas.server.wiring import opened
    from lineage.text import count_text

    with opened(Settings(state=state_dir.absolute(), listen=Address("127.0.0.1", 0), store=store)) as parts:
        found = _named(list(_jobs(parts.registry, parts.store, account)), jobs or [])
        if not found:
            say(f"glaas: {account} has nothing registered here")
            return
        what = count_text(len(found), "job")
        if dry_run:
            say(f"glaas: would forget {what} of {account}")
            return
        confirm(f"forget {what} of {account}? It cannot be undone.", yes=yes, no_input=no_input)
        forgotten = 0
        for at in range(0, len(found), _AT_ONCE):
            forgotten += len(parts.registry.forget(account, found[at:at + _AT_ONCE]))
        Accounts(parts.store).audit.append([Event(Actor(OPERATOR), "forget", account, details={"jobs": forgotten})])
    say(f"glaas: forgot {count_text(forgotten, 'job')} of {account}")


def _jobs(registry: Registry, store: KeyedStore, account: str) -> Iterator[JobHead]:
    """All that an account registered, in whatever space, the newest first."""
    from glaas.registry.tables import ACCOUNT_SPACES
    from glaas.store.keyed import Range
    from glaas.store.viewer import Viewer

    with store.read() as reader:
        [rows] = reader.scan(ACCOUNT_SPACES, [Range(account.encode())])
    viewer = Viewer(account, frozenset(space.decode() for _, space in rows))
    seen: set[bytes | None] = set()
    before, limit = 0, _AT_ONCE
    while True:
        page = registry.account_jobs(viewer, account, limit, before)
        new = [head for head in page if head.id not in seen]
        seen.update(head.id for head in new)
        yield from new
        if len(page) < limit:
            return
        if new:
            before = page[-1].started_at + 1  # others may have begun in the same moment
        else:
            limit *= 2  # more of them than a page has


def _named(heads: list[JobHead], prefixes: list[str]) -> list[bytes]:
    """NotFoundError, AmbiguousError: a prefix that means none of them, or several."""
    from lineage.errors import AmbiguousError, NotFoundError

    ids = [head.id for head in heads if head.id is not None]
    if not prefixes:
        return ids
    wanted = []
    for prefix in prefixes:
        meant = [each for each in ids if prefix and each.hex().startswith(prefix.lower().removeprefix("job:"))]
        if not meant:
            raise NotFoundError(f"the account registered no job {prefix[:64]}", "`--dry-run` without a job counts them")
        if len(meant) > 1:
            raise AmbiguousError(f"{prefix} could be several jobs", "give more digits",
                                 tuple(each.hex() for each in meant[:20]))
        wanted += meant
    return wanted
