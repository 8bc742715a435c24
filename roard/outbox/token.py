"""The machine's token for its registry: in a file that nobody but root can read."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple

from lineage.errors import DeniedError, InvalidError, NotFoundError

_MOST = 4096


class Token(NamedTuple):
    """``mark``: of the file as it was then; another one is another token."""

    text: str
    mark: tuple[int, ...]


def mark_of(path: Path) -> tuple[int, ...]:
    """Of the file as it is now: () where there is none."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def read(path: Path) -> Token:
    """NotFoundError, DeniedError where others may read it too, InvalidError for what is no token."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise NotFoundError(f"the registry's token cannot be read from {path}: {error.strerror}",
                            "put it there, for root alone: install -m 600 /dev/stdin FILE") from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise InvalidError(f"{path} is no file", "[registry] token_file names one")
        if found.st_uid != 0 or found.st_mode & 0o077:
            raise DeniedError(f"others than root may read or change the registry's token in {path}: it is not used",
                              f"chown root {path}; chmod 600 {path}; and have a new token made, others may know this one")
        text = os.read(descriptor, _MOST).decode("ascii", "replace").strip()
    finally:
        os.close(descriptor)
    if not text or any(not 0x21 <= ord(one) <= 0x7E for one in text):
        raise InvalidError(f"what is in {path} is no token", "it holds the token, and nothing else")
    return Token(text, (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns))
