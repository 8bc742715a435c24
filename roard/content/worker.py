"""The hash worker: reads file contents as the job's owner, never as root, and serves one user.

Requests and answers are tuples over a Channel:
  ("hash", id, [(path, tgid, fd, dev, ino, magic), ...])                        → (id, [Outcome tuple, ...])
  ("settle", id, [(path, (dev, ino, size, mtime, ctime) | None, hash | None), ...]) → (id, [Settled tuple, ...])
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
#: (exists, error words or "", hash or None, dev, ino, size, mtime, ctime, canonical path, link target or None)
Settled = tuple[bool, str, bytes | None, int, int, int, int, int, bytes, bytes | None]

CHANGED = "it changed while it was being read"
GONE = "it was gone before it could be hashed"
DENIED = "the job's owner may not read it"
_NOTHING = (0, 0, 0, 0, 0)


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
        return ("it is no regular file", None, *_signature(before))
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


def settle_file(path: bytes, known: tuple[int, ...] | None, digest: bytes | None) -> Settled:
    """What is at a path when its job has ended; ``digest`` is believed if the signature still is ``known``."""
    directory, name = os.path.split(path)
    try:
        canonical = os.path.join(os.path.realpath(directory), name)
        status = os.lstat(canonical)
        if stat.S_ISLNK(status.st_mode):
            return (True, "it is a symbolic link", None, *_signature(status), canonical, os.readlink(canonical))
        if digest is not None and known == _signature(status):
            return (True, "", digest, *_signature(status), canonical, None)
        if not stat.S_ISREG(status.st_mode):
            return (True, "it is no regular file", None, *_signature(status), canonical, None)
        with _opened(canonical) as opened:
            outcome = hash_descriptor(opened)
            return (True, *outcome, canonical, None)
    except OSError as error:
        words = _words(error)
        return (words != GONE, words, None, *_NOTHING, path, None)
    except ValueError:  # an embedded NUL: no such path can exist
        return (False, GONE, None, *_NOTHING, path, None)


class Worker:
    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._packages = PackageIndex()

    def serve(self) -> None:
        """Until the daemon closes the channel."""
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
                return [settle_file(*item) for item in items]
            return self._packages.owners(items)
        except MemoryError:
            return None
