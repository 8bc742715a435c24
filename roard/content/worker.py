"""The hash worker: reads file contents as the job's owner, never as root, and serves one user.

Requests and answers are tuples over a Channel:
  ("hash", id, [(path, tgid, fd, dev, ino, magic), ...])                        → (id, [Outcome tuple, ...])
  ("settle", id, [(path, (dev, ino, size, mtime, ctime) | None, hash | None), ...])
                                             → (id, ({directory: canonical}, [Settled tuple | None: as known, ...]))
  ("owners", id, [path, ...])                                                   → (id, {path: "name==version"})
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from blake3 import blake3

from roard import collector
from roard.content.channel import Channel
from roard.content.packages import PackageIndex

_BLOCK = 1 << 20
#: Below this one read takes the whole file.
_SMALL = 1 << 16
_THREADS = 2
#: st_dev of these file systems is not the super block's device (subvolumes, layers): the inode alone identifies.
_VIRTUAL_DEV = {0x9123683E, 0x794C7630}  # btrfs, overlayfs

#: (error words or "", hash or None, dev, ino, size, mtime, ctime)
Outcome = tuple[str, bytes | None, int, int, int, int, int]
#: (exists, error words or "", hash or None, dev, ino, size or None, mtime, ctime, link target or None)
Settled = tuple[bool, str, bytes | None, int, int, int | None, int, int, bytes | None]
Question = tuple[bytes, tuple[int, ...] | None, bytes | None]

CHANGED = "it changed while it was being read"
LINK = "it is a symbolic link"
SPECIAL = "it is no regular file"
GONE = "it was gone before it could be hashed"
DENIED = "the job's owner may not read it"
_NOTHING = (0, 0, 0, 0, 0)
UNKNOWN = (0, 0, None, 0, 0)


def _signature(status: os.stat_result) -> tuple[int, int, int, int, int]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _words(error: OSError) -> str:
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ESTALE, errno.ESRCH):
        return GONE
    if error.errno in (errno.EACCES, errno.EPERM):
        return DENIED
    return f"it could not be read: {error.strerror}"


@contextlib.contextmanager
def _opened(path: bytes) -> Iterator[int]:
    # not blocking on a FIFO, not becoming anyone's terminal, not following a link put there since
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        yield fd
    finally:
        os.close(fd)


def _digest(fd: int, size: int) -> bytes:
    """Reads, not mmap: a file that is truncated meanwhile would kill the worker."""
    if size < _SMALL:
        data = os.read(fd, _SMALL + 1)
        if len(data) == size:
            return blake3(data).digest()
        os.lseek(fd, 0, os.SEEK_SET)
    hasher = blake3()
    block = memoryview(bytearray(_BLOCK))
    while length := os.readv(fd, [block]):
        hasher.update(block[:length])
    return hasher.digest()


def hash_descriptor(fd: int) -> Outcome:
    """The hash of an open regular file, if it is the same before and after."""
    before = os.fstat(fd)
    if not stat.S_ISREG(before.st_mode):
        return (SPECIAL, None, *_signature(before))
    digest = _digest(fd, before.st_size)
    after = os.fstat(fd)
    if _signature(before) != _signature(after):
        return (CHANGED, None, *_signature(after))
    return ("", digest, *_signature(after))


def hash_file(path: bytes, tgid: int, fd: int, dev: int, ino: int, magic: int) -> Outcome:
    """The hash of this very inode: by its path, by the path as the process sees it, by the process's descriptor."""
    places = [path]
    if tgid:
        places.append(b"/proc/%d/root%s" % (tgid, path))
    problem = GONE
    for place in places:
        try:
            with _opened(place) as opened:
                status = os.fstat(opened)
                if status.st_ino == ino and (status.st_dev == dev or magic in _VIRTUAL_DEV):
                    return hash_descriptor(opened)
        except OSError as error:
            problem = _words(error) if problem == GONE else problem
    if tgid and fd >= 0:
        with contextlib.suppress(OSError):
            # a magic link leads to the file itself, whatever its name is by now
            opened = os.open(b"/proc/%d/fd/%d" % (tgid, fd), os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
            try:
                status = os.fstat(opened)
                if status.st_ino == ino and (status.st_dev == dev or magic in _VIRTUAL_DEV):
                    return hash_descriptor(opened)
            finally:
                os.close(opened)
    return (problem, None, *_NOTHING)


def settle_files(items: list[Question]) -> tuple[dict[bytes, bytes], list[Settled | None]]:
    """What is at these paths when their job has ended; a hash is believed if the signature still is the known one.

    Also the canonical names of the directories. Most files are as they were known: that takes a word, not a row.
    """
    directories: dict[bytes, bytes] = {}
    settled: list[Settled | None] = []
    for path, known, digest in items:
        directory, _, name = path.rpartition(b"/")
        canonical = directories.get(directory)
        if canonical is None:
            try:
                canonical = os.path.realpath(directory or b"/")
            except (OSError, ValueError):  # an embedded NUL: no such path can exist
                canonical = directory
            canonical = directories[directory] = canonical.rstrip(b"/")
        settled.append(_settle(b"%b/%b" % (canonical, name), known, digest))
    return directories, settled


def _settle(path: bytes, known: tuple[int, ...] | None, digest: bytes | None) -> Settled | None:
    """``path`` is canonical but for its last component."""
    try:
        if digest is not None and known == _signature(os.lstat(path)):
            return None
        with _opened(path) as opened:
            return (True, *hash_descriptor(opened), None)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):  # a symbolic link; a socket
            return _settle_special(path)
        return _settle_unreadable(path, _words(error))
    except ValueError:
        return (False, GONE, None, *UNKNOWN, None)


def _settle_unreadable(path: bytes, why: str) -> Settled:
    if why == GONE:
        return (False, GONE, None, *UNKNOWN, None)
    try:
        return (True, why, None, *_signature(os.lstat(path)), None)
    except OSError:
        return (True, why, None, *UNKNOWN, None)


def _settle_special(path: bytes) -> Settled:
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            return (True, LINK, None, *_signature(status), os.readlink(path))
        return (True, SPECIAL, None, *_signature(status), None)
    except OSError as error:
        return (False, _words(error), None, *UNKNOWN, None)


class Worker:
    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._packages = PackageIndex()

    def serve(self) -> None:
        """Until the daemon closes the channel."""
        collector.relax()
        with ThreadPoolExecutor(_THREADS) as pool:
            while (message := self._channel.receive()) is not None:
                pool.submit(self._answer, *message)

    def _answer(self, what: str, identity: int, items: list[Any]) -> None:
        try:
            self._channel.send((identity, self._done(what, items)))
        except OSError:
            os._exit(1)  # the daemon is gone

    def _done(self, what: str, items: list[Any]) -> object:
        try:
            if what == "hash":
                return [hash_file(*item) for item in items]
            if what == "settle":
                return settle_files(items)
            return self._packages.owners(items)
        except MemoryError:
            return None
