"""What belongs to a registry and is not in its store: the key that signs its log's heads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from glaas.log import keys
from lineage.errors import ConflictError, CorruptError, UnavailableError
from storage.environment import fsync

NAMES = (keys.NAME,)


def files_of(state_dir: Path) -> dict[str, bytes]:
    """Those that there are, by name."""
    try:
        return {name: (state_dir / name).read_bytes() for name in NAMES if (state_dir / name).exists()}
    except OSError as error:
        raise UnavailableError(f"{error.filename} cannot be read: {error.strerror}", "run it as its owner") from error


def put_files(state_dir: Path, files: Mapping[str, bytes]) -> None:
    """ConflictError where there is another one already."""
    for name, data in files.items():
        if name not in NAMES or not isinstance(data, bytes):
            raise CorruptError(f"the backup has a file {name[:80]!r} that no registry has", "take a backup that glaas made")
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, data in files.items():
            path = state_dir / name
            if path.exists():
                if path.read_bytes() != data:
                    raise ConflictError(f"{path} is another one than the backup's", "restore into a new state directory")
                continue
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        fsync(state_dir)
    except OSError as error:
        raise UnavailableError(f"{error.filename} cannot be written: {error.strerror}",
                               "give a --state-dir that you may write to") from error
