"""`glaas log`: the transparency log, as its operator sees it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from glaas.commands.options import DEFAULT_STATE, AsJson, DryRun, NoInput, StateDir, Store, Yes

if TYPE_CHECKING:
    from pathlib import Path

    from glaas.log.log import Log
    from glaas.store.keyed import KeyedStore

HELP = "The log of all that was registered: its newest head, its check, its key. Works while it serves."
app = typer.Typer(no_args_is_help=True, help=HELP)


@app.command("head", epilog="Example: glaas log head --key > log.pub, for those who `roar verify --log-key log.pub`")
def head(
    state_dir: StateDir = DEFAULT_STATE,
    store: Store = "",
    key: Annotated[bool, typer.Option("--key", help="Only the public key, as people pass it on.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the newest head, signed: a note that anyone can check who has the key."""
    from glaas.commands.options import emit, emit_json, say
    from glaas.log.documents import head_document
    from lineage.transparency import verifier_key

    with opened(state_dir, store) as (_, log):
        newest, changes = log.head(), log.changes()
    said = verifier_key(newest.origin, newest.key)
    if as_json:
        emit_json(head_document(newest, changes))
    elif key:
        emit(said)
    else:
        emit(newest.note().rstrip("\n"))
        say(f"glaas: its key is {said}")


@app.command("verify")
def verify(state_dir: StateDir = DEFAULT_STATE, store: Store = "", as_json: AsJson = False) -> None:
    """Recompute the whole tree from the entries, and check what opens them. Exit code 1: something does not follow."""
    from glaas.commands.options import emit, emit_json
    from glaas.log.checking import check
    from glaas.log.documents import check_document, check_lines

    with opened(state_dir, store) as (database, _), database.read() as reader:
        report = check(reader)
    if as_json:
        emit_json(check_document(report))
    else:
        emit("\n".join(check_lines(report)))
    raise typer.Exit(1 if report.problems else 0)


@app.command("name", epilog="Example: glaas log name example.org/lineage, before the first `glaas serve`")
def name(
    origin: Annotated[str, typer.Argument(metavar="NAME", help="What its heads begin with: an address without https://.")],
    state_dir: StateDir = DEFAULT_STATE,
    store: Store = "",
) -> None:
    """Say what the log is called. It can be said as long as nothing was registered; a log keeps its name."""
    from contextlib import closing

    from glaas.commands.options import say
    from glaas.log import journal, keys
    from glaas.log.log import read_state
    from glaas.store import location, open_store
    from lineage.errors import ConflictError

    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(open_store(location(state_dir, store or None), journal.TABLES)) as database, database.read() as reader:
        state = read_state(reader)
    if state is not None:
        raise ConflictError(f"the log is called {state.origin}: what it signed begins with that", "a log keeps its name")
    keys.set_name(state_dir, origin)
    say(f"glaas: the log will be called {origin}\n  next: glaas serve --state-dir {state_dir} (if it serves: start it anew)")


@app.command("rotate-key")
def rotate_key(
    state_dir: StateDir = DEFAULT_STATE, store: Store = "", yes: Yes = False, no_input: NoInput = False,
    dry_run: DryRun = False,
) -> None:
    """Sign with a new key from now on. The old key signs that this is so, and is then destroyed."""
    from glaas.commands.options import confirm, say
    from glaas.log import keys
    from lineage.transparency import verifier_key

    with opened(state_dir, store) as (_, log):
        newest = log.head()
        if dry_run:
            say(f"glaas: would replace {verifier_key(newest.origin, newest.key)}")
            return
        confirm(f"replace the key of {newest.origin}? The old one is destroyed.", yes=yes, no_input=no_input)
        log.rotate(keys.prepared(state_dir))
        keys.adopt(state_dir)
        after = log.head()
    say(f"glaas: {after.origin} signs with a new key from entry {after.size} on")
    say(f"  {verifier_key(after.origin, after.key)}")
    say("  next: a backup; and copy the key file to all who serve this registry")


@contextmanager
def opened(state_dir: Path, store: str) -> Iterator[tuple[KeyedStore, Log]]:
    """NotFoundError where no registry is."""
    from glaas.log import journal, keys
    from glaas.log.log import of_state
    from glaas.store import location, open_store
    from lineage.errors import NotFoundError

    if not (state_dir / keys.NAME).exists():
        raise NotFoundError(f"no log's key is in {state_dir}", "`glaas serve` makes one at its first start; --state-dir DIR")
    database = open_store(location(state_dir, store or None), journal.TABLES)
    try:
        yield database, of_state(database, state_dir)
    finally:
        database.close()
