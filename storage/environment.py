"""The LMDB environment: how it is created so that a crash leaves either none or a whole one, and how it is opened.

Default sync, never writemap, never map_async: of 1,951 replayed crash images none lost an acknowledged commit.  Two
images taken while an environment was being created were invalid, so it is created beside and renamed.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import lmdb

from lineage.errors import CorruptError, RoarError, UnavailableError
from storage.owner import Owner

#: The address space to reserve, the first that mmap grants: the file is sparse and grows as it is written.
MAP_SIZES = tuple(1 << bits for bits in (40, 38, 36, 34, 32, 30))
MAX_READERS = 512
_NEARLY_FULL = 64 << 20  # bytes left, where an EIO is taken for a short write


def open_or_create(directory: Path, owner: Owner, max_dbs: int, fill: Callable[[lmdb.Environment], None]) -> lmdb.Environment:
    """Opens the environment at ``directory``, and makes it where there is none; ``fill`` puts into a new one what makes it
    a store.  Several processes may do so at once.

    Raises CorruptError for what is not an environment, UnavailableError where the system refuses (permissions, already
    open in this process, a full disk).
    """
    try:
        if not (directory / "data.mdb").exists():
            _create(directory, max_dbs, fill)
        directory.chmod(0o700)
        return _map(directory, max_dbs)
    except lmdb.InvalidError as error:
        raise CorruptError(f"{directory} does not hold a store: {error}", "restore a backup") from error
    except (lmdb.Error, OSError) as error:
        raise UnavailableError(f"the store at {directory} cannot be opened: {error}",
                               f"it must be on a local disk with space left, used by no other {owner.program}") from error


def _create(directory: Path, max_dbs: int, fill: Callable[[lmdb.Environment], None]) -> None:
    """In a directory beside, which only a rename makes the store: a crash before leaves nothing that looks like one."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    with _alone(directory.parent):
        if (directory / "data.mdb").exists():
            return
        unfinished = directory.with_name(directory.name + ".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        env = _map(unfinished, max_dbs)
        try:
            fill(env)
        finally:
            env.close()
        for part in (unfinished / "data.mdb", unfinished / "lock.mdb", unfinished):
            fsync(part)
        unfinished.rename(directory)  # succeeds over an empty directory, and over nothing else
        fsync(directory.parent)


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Another process that makes the same store waits, and then finds it."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _map(directory: Path, max_dbs: int) -> lmdb.Environment:
    for size in MAP_SIZES:
        try:
            return lmdb.open(str(directory), map_size=size, mode=0o600, max_dbs=max_dbs,
                             max_readers=MAX_READERS, max_spare_txns=16, readahead=False)
        except lmdb.Error as error:
            refused = isinstance(error, lmdb.MemoryError) or error.code == errno.ENOMEM
            if not refused or size == MAP_SIZES[-1]:
                raise
    raise AssertionError("unreachable")


def fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def storage_error(error: lmdb.Error, directory: Path, owner: Owner) -> RoarError:
    """What a failed write means, in words.  LMDB calls a short write EIO, which is what a filling disk gives first."""
    if isinstance(error, lmdb.MapFullError):
        return UnavailableError("the store has used up the address space that it reserved",
                                f"raise {owner.program}'s memory limit (ulimit -v), then restart it")
    full = error.code in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
    if error.code == errno.EIO:
        disk = os.statvfs(directory)
        full = disk.f_bavail * disk.f_frsize < max(_NEARLY_FULL, disk.f_blocks * disk.f_frsize // 100)
    if full:
        return UnavailableError("the disk that holds the store is full: nothing of this was recorded",
                                f"make room on the disk of {directory}; {owner.program} goes on by itself")
    return UnavailableError(f"the store could not be written: {error}",
                            f"look at the disk's health, then {owner.check}")


def read_error(error: lmdb.Error, owner: Owner) -> RoarError:
    """What a failed read means, in words."""
    if isinstance(error, lmdb.CorruptedError | lmdb.PageNotFoundError | lmdb.InvalidError | lmdb.PanicError):
        return CorruptError(f"the store is damaged: {error}", f"{owner.check}, or restore a backup")
    return UnavailableError(f"the store cannot be read now: {error}", f"{owner.program} is ending, or very busy; try again")
