"""The one writer of roard's store."""

from __future__ import annotations

from pathlib import Path

import lmdb

import storage.writer
from roard.store.owner import ROARD


class Writer(storage.writer.Writer):
    """See ``storage.writer``: a thread that takes all that is waiting, and commits once."""

    def __init__(self, env: lmdb.Environment, directory: Path) -> None:
        super().__init__(env, directory, ROARD)
