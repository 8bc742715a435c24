"""The hash worker: reads file contents as the job's owner, never as root, and serves one user.

Requests and answers are tuples over a Channel:
  ("hash", id, [(path, tgid, fd, dev, ino, magic, bytes from the start or None), ...]) → (id, [Outcome tuple, ...])
  ("settle", id, [(path, (dev, ino, size, mtime, ctime) | None, hash | None), ...])
                                             → (id, ({directory: canonical}, [Settled tuple | None: as known, ...]))
  ("canonical", id, [(root, path), ...])                                        → (id, {path: realpath(3) of it})
  ("programs", id, [(path, tgid, dev, ino, magic), ...])                   → (id, [may it make 32-bit calls?, ...])
  ("owners", id, [path, ...])                                                   → (id, {path: Owner as a tuple})
  ("look", id, [(pid, start), ...])                             → (id, [standing.look(pid, start) as a tuple | None, ...])
"""

from __future__ import annotations

import contextlib
import enum
import errno
import os
import re
import stat
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from blake3 import blake3

from lineage import elf
from roard.content.channel import Channel
from roard.content.mounts import Mounts
from roard.content.owners import Owners
from roard.content.standing import look
from storage import collector

_BLOCK = 1 << 20
#: Below this one read takes the whole file.
_SMALL = 1 << 16
#: From here on a file's own thread is worth its cost: below, threads only take the interpreter's lock from each other.
_LARGE = 1 << 20
_THREADS = 2
_MOST_LINKS = 40  # path_resolution(7)
_FOREIGN = re.compile(rb"/proc/([0-9]+)/root(?=/)")
UNKNOWN_PATH = b"?"  # a real one is absolute
_LONGEST = 4095  # PATH_MAX, without the NUL
#: st_dev of these file systems is not the super block's device (subvolumes, layers): the inode alone identifies.
_VIRTUAL_DEV = {0x9123683E, 0x794C7630}  # btrfs, overlayfs

#: (error words or "", hash or None, dev, ino, size, mtime, ctime)
Outcome = tuple[str, bytes | None, int, int, int, int, int]
#: (exists, error words or "", hash or None, dev, ino, size or None, mtime, ctime, link target or None)
Settled = tuple[bool, str, bytes | None, int, int, int | None, int, int, bytes | None]
Question = tuple[bytes, tuple[int, ...] | None, bytes | None]
FileQuestion = tuple[bytes, int, int, int, int, int, int | None]
T = TypeVar("T")


class _Large(enum.Enum):
    """In place of a row: ask again, without a limit and in a thread of its own."""

    LARGE = 0


_AGAIN = _Large.LARGE

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


class _opened:  # noqa: N801 - used as a function; a generator's context manager takes as long as the file
    def __init__(self, path: bytes) -> None:
        self._path = path

    def __enter__(self) -> int:
        path, directory = self._path, None
        while len(path) > _LONGEST:  # longer than one call takes: directory by directory
            step = path.rfind(b"/", 0, _LONGEST)
            below = os.open(path[:step], os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
            if directory is not None:
                os.close(directory)
            directory, path = below, path[step + 1:]
        try:
            # not blocking on a FIFO, not becoming anyone's terminal, not following a link put there since
            self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | os.O_NOFOLLOW,
                               dir_fd=directory)
        finally:
            if directory is not None:
                os.close(directory)
        return self._fd

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)


def _digest(fd: int, size: int) -> bytes:
    """Reads, not mmap: a file that is truncated meanwhile would kill the worker."""
    if size < _SMALL:
        data = os.read(fd, size + 1)
        if len(data) == size:
            return blake3(data).digest()
        os.lseek(fd, 0, os.SEEK_SET)
    hasher = blake3()
    block = memoryview(bytearray(_BLOCK))
    while length := os.readv(fd, [block]):
        hasher.update(block[:length])
    return hasher.digest()


def hash_descriptor(fd: int, limit: int | None = None) -> Outcome | _Large:
    """The hash of an open regular file, if it is the same before and after."""
    before = os.fstat(fd)
    if not stat.S_ISREG(before.st_mode):
        return (SPECIAL, None, *_signature(before))
    if limit is not None and before.st_size >= limit:
        return _AGAIN
    digest = _digest(fd, before.st_size)
    after = os.fstat(fd)
    if _signature(before) != _signature(after):
        return (CHANGED, None, *_signature(after))
    return ("", digest, *_signature(after))


def hash_prefix(fd: int, length: int, limit: int | None = None) -> Outcome | _Large:
    """The hash of how an open regular file begins, which may grow meanwhile."""
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        return (SPECIAL, None, *_signature(status))
    if limit is not None and length >= limit:
        return _AGAIN
    hasher, block = blake3(), memoryview(bytearray(min(length, _BLOCK)))
    while length and (got := os.readv(fd, [block[:length]])):
        hasher.update(block[:got])
        length -= got
    return (CHANGED if length else "", None if length else hasher.digest(), *_signature(status))


def hash_file(path: bytes, tgid: int, fd: int, dev: int, ino: int, magic: int, length: int | None = None,
              limit: int | None = None) -> Outcome | _Large:
    """The hash of this very inode. ``length``: of so many bytes from its start, whatever follows."""
    def digest(fd: int) -> Outcome | _Large:
        return hash_descriptor(fd, limit) if length is None else hash_prefix(fd, length, limit)

    found = _of_inode(path, tgid, fd, dev, ino, magic, digest)
    return (found, None, *_NOTHING) if isinstance(found, str) else found


def may_call_as_32_bit(path: bytes, tgid: int, dev: int, ino: int, magic: int) -> bool:
    """Of a program. One that is gone, or that its user may not read, has no hash either, which its record says."""
    return _of_inode(path, tgid, -1, dev, ino, magic, elf.may_call_as_32_bit) is True


def _of_inode(path: bytes, tgid: int, fd: int, dev: int, ino: int, magic: int, use: Callable[[int], T]) -> T | str:
    """What ``use`` makes of this very inode, opened by its path, by the path as the process sees it, by the process's
    descriptor; or why it could not be opened."""
    places = [path]
    if tgid:
        places.append(b"/proc/%d/root%s" % (tgid, path))
    problem = GONE
    for place in places:
        try:
            with _opened(place) as opened:
                if _is(opened, dev, ino, magic):
                    return use(opened)
        except OSError as error:
            problem = _words(error) if problem == GONE else problem
    if tgid:
        with contextlib.suppress(OSError):
            # a magic link leads to the file itself, whatever its name is by now
            place = b"/proc/%d/fd/%d" % (tgid, fd) if fd >= 0 else b"/proc/%d/exe" % tgid
            opened = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
            try:
                if _is(opened, dev, ino, magic):
                    return use(opened)
            finally:
                os.close(opened)
    return problem


def _is(fd: int, dev: int, ino: int, magic: int) -> bool:
    status = os.fstat(fd)
    return status.st_ino == ino and (status.st_dev == dev or magic in _VIRTUAL_DEV)


def canonical_paths(paths: Iterable[bytes]) -> tuple[dict[bytes, bytes], list[bytes]]:
    """({directory: canonical}, the paths by canonical directories); last components stay as they are."""
    directories: dict[bytes, bytes] = {}
    found: list[bytes] = []
    for path in paths:
        directory, _, name = path.rpartition(b"/")
        canonical = directories.get(directory)
        if canonical is None:
            try:
                canonical = os.path.realpath(directory or b"/")
            except (OSError, ValueError):  # an embedded NUL: no such path can exist
                canonical = directory
            canonical = directories[directory] = canonical.rstrip(b"/")
        found.append(b"%b/%b" % (canonical, name))
    return directories, found


def settle_file(path: bytes, known: tuple[int, ...] | None, digest: bytes | None, limit: int | None = None
                ) -> Settled | _Large | None:
    """What is at ``path`` (canonical but for its last component) when its job has ended. None: what was known, for a
    hash is believed if the signature still is the known one; most files are, and that takes a word, not a row."""
    try:
        if digest is not None and known == _signature(os.lstat(path)):
            return None
        with _opened(path) as opened:
            outcome = hash_descriptor(opened, limit)
            return outcome if outcome is _AGAIN else (True, *outcome, None)
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


def _real(root: bytes, path: bytes) -> bytes:
    """realpath(3), for a process with that root."""
    foreign = _FOREIGN.match(path)
    try:
        if foreign:
            return _real_foreign(int(foreign[1]), path[foreign.end():])
        if root == b"/" or not path.startswith(root + b"/"):
            return os.path.realpath(path)
        return _real_below(root, path[len(root):])
    except (OSError, ValueError):
        return path


def _real_foreign(tgid: int, path: bytes) -> bytes:
    """A path of another mount namespace: where this one has that, else the path as it is there; UNKNOWN_PATH where the
    process has ended, and its namespace cannot be looked at."""
    root = b"/proc/%d/root" % tgid
    there = _real_below(root, path)[len(root):]
    try:
        mounts, own = Mounts(str(tgid)), Mounts()
    except OSError:
        return UNKNOWN_PATH
    with contextlib.closing(mounts), contextlib.closing(own):
        return own.place(*mounts.inside(there)) or there


def _real_below(root: bytes, path: bytes) -> bytes:
    waiting, links = path.split(b"/")[::-1], 0
    found: list[bytes] = []
    while waiting:
        component = waiting.pop()
        if component in (b"", b"."):
            continue
        if component == b"..":
            del found[-1:]
            continue
        here = b"/".join([root, *found, component])
        try:
            target = os.readlink(here)
        except OSError:
            target = None
        if target is None or links == _MOST_LINKS:
            found.append(component)
            continue
        links += 1
        if target.startswith(b"/"):
            found = []
        waiting += target.split(b"/")[::-1]
    return b"/".join([root, *found])


class Worker:
    """Small files in one thread, in the order of the questions; large ones and packages beside them."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._packages = Owners()
        self._beside = ThreadPoolExecutor(_THREADS)

    def serve(self) -> None:
        """Until the daemon closes the channel."""
        collector.relax()
        asked: dict[str, Callable[[int, list[Any]], None]] = {
            "hash": self._hash, "settle": self._settle, "canonical": self._canonical, "programs": self._programs}
        with self._beside, ThreadPoolExecutor(1) as small:
            while (message := self._channel.receive()) is not None:
                what, number, items = message
                if what == "owners":
                    self._beside.submit(self._owners, number, items)
                elif what == "look":
                    self._beside.submit(self._look, number, items)
                else:
                    small.submit(asked[what], number, items)

    def _owners(self, number: int, paths: list[bytes]) -> None:
        try:
            self._send(number, {path: tuple(owner) for path, owner in self._packages.owners(paths).items()})
        except MemoryError:
            self._send(number, None)

    def _look(self, number: int, processes: list[tuple[int, int]]) -> None:
        answer: list[tuple[Any, ...] | None] = []
        for pid, start in processes:
            try:
                found = look(pid, start)
            except (ValueError, IndexError, MemoryError):  # what /proc has is not as we know it
                found = None
            if found is not None and found[3] is not None:
                answer.append((*found[:3], [tuple(file) for file in found[3]]))  # marshal takes no named ones
            else:
                answer.append(found)
        self._send(number, answer)

    def _canonical(self, number: int, paths: list[tuple[bytes, bytes]]) -> None:
        self._send(number, {path: _real(root, path) for root, path in paths})

    def _programs(self, number: int, items: list[tuple[bytes, int, int, int, int]]) -> None:
        self._send(number, [may_call_as_32_bit(*item) for item in items])

    def _hash(self, number: int, items: list[FileQuestion]) -> None:
        _Batch(number, self._send).fill(self._beside, items, hash_file)

    def _settle(self, number: int, items: list[Question]) -> None:
        directories, paths = canonical_paths(path for path, _, _ in items)
        questions = [(path, known, digest) for path, (_, known, digest) in zip(paths, items, strict=True)]
        batch = _Batch(number, lambda number, rows: self._send(number, rows and (directories, rows)))
        batch.fill(self._beside, questions, settle_file)

    def _send(self, number: int, answer: object) -> None:
        try:
            self._channel.send((number, answer))
        except OSError:
            os._exit(1)  # the daemon is gone


class _Batch:
    """The rows of one answer, which is sent when the last one is there; None for all where memory did not suffice."""

    def __init__(self, number: int, send: Callable[[int, Any], None]) -> None:
        self._number = number
        self._send = send
        self._rows: list[Any] | None = None
        self._waiting = 1
        self._lock = threading.Lock()

    def fill(self, beside: ThreadPoolExecutor, items: Sequence[tuple[Any, ...]], ask: Callable[..., Any]) -> None:
        try:
            rows = self._rows = [ask(*item, limit=_LARGE) for item in items]
        except MemoryError:
            rows = []
        large = [at for at, row in enumerate(rows) if row is _AGAIN]
        self._waiting += len(large)
        for at in large:
            beside.submit(self._large, at, items[at], ask)
        self._ready()

    def _large(self, at: int, item: tuple[Any, ...], ask: Callable[..., Any]) -> None:
        try:
            row = ask(*item)
        except MemoryError:
            self._rows = None
        else:
            with self._lock:
                if self._rows is not None:
                    self._rows[at] = row
        self._ready()

    def _ready(self) -> None:
        with self._lock:
            self._waiting -= 1
            last = self._waiting == 0
        if last:
            self._send(self._number, self._rows)
