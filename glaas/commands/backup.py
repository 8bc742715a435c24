"""`glaas backup`: the whole registry in one file, while it serves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glaas.commands.options import DEFAULT_STATE, AsJson, StateDir, Store

HELP = """Write all that the registry has, as it is at this moment, to a new file in DIR, while it serves.

Every value's checksum is looked at. The file has what a registry needs to go on elsewhere: tokens (hashed), accounts and the
log's key too, so keep it as secret as the state directory. It is the same for LMDB and PostgreSQL (docs/backup.md)."""
EPILOG = """Examples:

\b
  glaas backup /backups/glaas
  glaas backup /backups/glaas --store postgresql://glaas@db/glaas
  glaas restore /backups/glaas --dry-run     checks the newest one"""


def command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where the file goes; made, with mode 0700.")],
    state_dir: StateDir = DEFAULT_STATE,
    store: Store = "",
    as_json: AsJson = False,
) -> None:
    from contextlib import closing

    from glaas.backup.documents import backup_document, text
    from glaas.backup.making import back_up
    from glaas.backup.state import files_of
    from glaas.commands.options import emit, emit_json
    from glaas.store import location, open_existing

    with closing(open_existing(location(state_dir, store or None))) as opened:
        path, summary = back_up(opened, directory.absolute(), files_of(state_dir))
    if as_json:
        emit_json(backup_document("backup", path, summary))
    else:
        emit(f"{path}\n  {text(summary)}\n  next: glaas restore {path} --dry-run checks it")
