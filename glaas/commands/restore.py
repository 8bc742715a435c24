"""`glaas restore`: a registry from what `glaas backup` wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glaas.commands.options import DEFAULT_STATE, AsJson, DryRun, StateDir, Store

HELP = """Make a registry of a backup: in a new state directory, or in an empty PostgreSQL database.

The file is checked whole first, its checksum and every id that is a hash; afterwards what is stored is compared with it row by
row. A store that has a registry is not touched. One that was interrupted is done again with the same command."""
EPILOG = """Examples:

\b
  glaas restore /backups/glaas --dry-run
  glaas restore /backups/glaas --state-dir /srv/glaas-again
  glaas restore /backups/glaas/glaas-20261123T215503.123456Z.backup --store postgresql://glaas@db/glaas"""


def command(
    source: Annotated[Path, typer.Argument(metavar="FILE|DIR", help="A backup, or a directory: its newest one.")],
    state_dir: StateDir = DEFAULT_STATE,
    store: Store = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    from glaas.backup.documents import backup_document, text
    from glaas.backup.restoring import check, find, restore
    from glaas.backup.state import put_files
    from glaas.backup.verifying import verify
    from glaas.commands.options import emit, emit_json
    from glaas.store import location

    backup = find(source.absolute())
    if dry_run:
        summary, where, log = check(backup, verify), "", ""
    else:
        put_files(state_dir, backup.header.files)
        summary, where = restore(backup, location(state_dir, store or None), verify), str(store or state_dir)
        log = checked_log(state_dir, store)
    if as_json:
        emit_json(backup_document("checked" if dry_run else "restored", backup.path, summary))
    else:
        emit(f"{backup.path} is {'whole' if dry_run else 'restored'}\n  {text(summary)}")
        if where:
            emit(f"  log: {log}")
            emit(f"  next: glaas serve --state-dir {state_dir}" + (f" --store {store}" if store else ""))


def checked_log(state_dir: Path, store: str) -> str:
    """The transparency log's tree, recomputed; in words. CorruptError where it does not follow from its entries."""
    from contextlib import closing

    from glaas.log.checking import check
    from glaas.log.documents import check_lines
    from glaas.log.journal import TABLES
    from glaas.store import location, open_store
    from lineage.errors import CorruptError

    with closing(open_store(location(state_dir, store or None), TABLES)) as database, database.read() as reader:
        report = check(reader)
    if report.problems:
        raise CorruptError(f"it is restored as it was, but its log does not hold: {report.problems[0]}",
                           "`glaas log verify` says all of it; take a backup of before that")
    return check_lines(report)[0]
