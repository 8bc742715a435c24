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
        summary, where = check(backup, verify), ""
    else:
        put_files(state_dir, backup.header.files)
        summary, where = restore(backup, location(state_dir, store or None), verify), str(store or state_dir)
    if as_json:
        emit_json(backup_document("checked" if dry_run else "restored", backup.path, summary))
    else:
        emit(f"{backup.path} is {'whole' if dry_run else 'restored'}\n  {text(summary)}")
        if where:
            emit(f"  next: glaas serve --state-dir {state_dir}" + (f" --store {store}" if store else ""))
