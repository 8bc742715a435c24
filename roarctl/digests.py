"""SHA-256 of recorded contents, where they still are: each file is read once, as the user, and believed only if it has the
recorded BLAKE3."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from blake3 import blake3

from lineage.export.model import is_shown
from lineage.records import Entry, Job

_PIECE = 1 << 20


@dataclass(slots=True)
class Found:
    """By BLAKE3: the SHA-256, and where the content was read. ``missing``: contents of which no file is there, by path."""

    sha256: dict[bytes, bytes] = field(default_factory=dict)
    places: dict[bytes, bytes] = field(default_factory=dict)
    missing: dict[bytes, bytes] = field(default_factory=dict)


def look_up(jobs: Iterable[Job], *, all_roles: bool = False) -> Found:
    """Of what the jobs took and left behind."""
    paths: dict[bytes, list[Entry]] = {}
    for job in jobs:
        for entry in job.entries:
            if entry.hash is not None and entry.kind in {"input", "output"} and (all_roles or is_shown(entry, job)):
                paths.setdefault(entry.hash, []).append(entry)
    found = Found()
    for digest, entries in paths.items():
        for path in dict.fromkeys(entry.path for entry in reversed(entries)):  # the newest place first
            sha256 = _sha256(path, digest, entries[0].size)
            if sha256 is not None:
                found.sha256[digest], found.places[digest] = sha256, path
                break
        else:
            found.missing[digest] = entries[-1].path
    return found


def both(path: Path) -> tuple[bytes, bytes]:
    """(BLAKE3, SHA-256) of a file; OSError where it cannot be read."""
    with _opened(os.fsencode(path)) as file:
        return _digests(file)


def _sha256(path: bytes, digest: bytes, size: int | None) -> bytes | None:
    """None where what is there is not, or not any more, the content."""
    if not path.startswith(b"/"):
        return None
    try:
        known = os.stat(path)  # noqa: PTH116 - bytes
        if not stat.S_ISREG(known.st_mode) or (size is not None and known.st_size != size):
            return None
        with _opened(path) as file:
            blake, sha256 = _digests(file)
    except OSError:
        return None
    return sha256 if blake == digest else None


def _opened(path: bytes) -> BinaryIO:
    """A regular file; nothing that could make us wait."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "it is no regular file")
    return os.fdopen(descriptor, "rb", buffering=0)


def _digests(file: BinaryIO) -> tuple[bytes, bytes]:
    blake, sha256 = blake3(), hashlib.sha256()
    while piece := file.read(_PIECE):
        blake.update(piece)
        sha256.update(piece)
    return blake.digest(), sha256.digest()
