"""What a running process has at hand, from /proc: its program, the files that it has open, those in its memory.

Read as the job's owner, in the hash worker: what is asked here of a user's processes and file systems can take its time,
and need not be answered truly. proc(5): fd, fdinfo, maps, mountinfo.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import stat
from typing import NamedTuple

from lineage import elf
from roard.content.mounts import Mount, parse_mounts

_O_PATH = 0o10000000
_PF_EXITING = 4  # include/linux/sched.h
_DELETED = b" (deleted)"
#: Memory that is a file to the kernel alone.
_NO_FILES = (b"/memfd:", b"/SYSV", b"/dev/zero", b"/[aio]", b"anon_inode:")

_libc = ctypes.CDLL(None, use_errno=True)


class OpenFile(NamedTuple):
    """``fd`` -1: it is in memory, as which ``use`` says. ``inner``: where its mount is not this process's, the path inside
    the file system, and the path then is as the process has it. Size and times are 0 where nobody may look."""

    use: str  # open, map, shared (writable, and others see it), program
    path: bytes
    inner: bytes
    deleted: bool
    dev: int
    ino: int
    size: int
    mtime: int
    ctime: int
    magic: int
    mode: int
    fd: int
    flags: int  # of open(2)
    position: int


class Mapped(NamedTuple):
    """A line of maps."""

    permissions: bytes
    dev: int
    ino: int
    path: bytes


def start_of(pid: int) -> int | None:
    """When it began, in ticks since the machine did; None where it has ended, or is ending: it has let its files go then."""
    try:
        fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    except OSError:
        return None
    return None if int(fields[6]) & _PF_EXITING else int(fields[19])


def look(pid: int, start: int) -> tuple[bytes, bytes, bool, list[OpenFile] | None] | None:
    """(arguments, each with a NUL; the program's path; is it of 32 bits; its files, None where it lets nobody look) of the
    process that began then; None where it has ended."""
    if start_of(pid) != start:
        return None
    argv, program, files = b"", b"", None
    with contextlib.suppress(OSError):
        argv = _read(f"/proc/{pid}/cmdline")
        program = os.readlink(f"/proc/{pid}/exe".encode())
        mounts = parse_mounts(_read(f"/proc/{pid}/mountinfo"))
        foreign = os.readlink(f"/proc/{pid}/ns/mnt") != os.readlink("/proc/self/ns/mnt")
        found = _Files(pid, mounts, foreign)
        found.look_at_descriptors()
        found.look_at_memory(parse_maps(_read(f"/proc/{pid}/maps")), program)
        files = found.found
    named = _named(program)[0]
    return (argv, _without_name(pid) if named == b"/" else named, _is_compat(pid), files) if start_of(pid) == start else None


class _Files:
    def __init__(self, pid: int, mounts: list[Mount], foreign: bool) -> None:
        self._pid = pid
        self._mounts = mounts
        self._foreign = foreign
        self._devices = {mount.identity: mount.dev for mount in mounts}
        self._magic: dict[int, int] = {}
        self.found: list[OpenFile] = []

    def look_at_descriptors(self) -> None:
        for fd in os.listdir(f"/proc/{self._pid}/fd"):
            with contextlib.suppress(OSError):  # closed meanwhile
                self._descriptor(int(fd))

    def _descriptor(self, fd: int) -> None:
        place = b"/proc/%d/fd/%d" % (self._pid, fd)
        status = os.stat(place)  # noqa: PTH116 - a magic link: the file itself, whatever its name is by now
        if not stat.S_ISREG(status.st_mode):
            return
        facts = parse_facts(_read(f"/proc/{self._pid}/fdinfo/{fd}"))
        target = os.readlink(place)
        flags = int(facts.get("flags", "0"), 8)
        if flags & _O_PATH or target.startswith(_NO_FILES):
            return
        # the device as the kernel has it, which st_dev is not everywhere
        dev = self._devices.get(int(facts.get("mnt_id", "-1")), status.st_dev)
        ino, position = int(facts.get("ino", status.st_ino)), int(facts.get("pos", "0"))
        self._add("open", target, dev, ino, status, place, fd, flags, position)

    def look_at_memory(self, mapped: list[Mapped], program: bytes) -> None:
        uses: dict[Mapped, str] = {}
        for each in mapped:
            if each.path.startswith(_NO_FILES):
                continue
            file = each._replace(permissions=b"")
            if each.permissions[1:2] == b"w" and each.permissions[3:4] == b"s":
                uses[file] = "shared"
            elif each.path == program:
                uses[file] = "program"
            else:
                uses.setdefault(file, "map")
        for (_, dev, ino, path), use in uses.items():
            status, place = self._at(path, ino)
            self._add(use, path, dev, ino, status, place, -1, 0, 0)

    def _at(self, path: bytes, ino: int) -> tuple[os.stat_result | None, bytes]:
        """What is at this path still, seen from here or from there, if it is that file."""
        for place in (path, b"/proc/%d/root%s" % (self._pid, path)):
            with contextlib.suppress(OSError, ValueError):
                status = os.lstat(place)
                if status.st_ino == ino and stat.S_ISREG(status.st_mode):
                    return status, place
        return None, b""

    def _add(self, use: str, target: bytes, dev: int, ino: int, status: os.stat_result | None, place: bytes, fd: int,
             flags: int, position: int) -> None:
        path, deleted = _named(target)
        alone = path == b"/"  # on a mount of that one file
        if alone:
            path = _without_name(self._pid)
            with contextlib.suppress(OSError):
                status, place = os.stat(path), path  # noqa: PTH116 - it may be a magic link
        if status is not None and status.st_nlink and deleted:
            path, deleted = target, False  # that is its name
        inner = inside(self._mounts, dev, path) if self._foreign and not alone else b""
        if status is None:
            signature = (0, 0, 0, 0, stat.S_IFREG)
        else:
            if dev not in self._magic:
                self._magic[dev] = _magic_of(place)
            signature = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, self._magic[dev], status.st_mode)
        self.found.append(OpenFile(use, path, inner, deleted, dev, ino, *signature, fd, flags, position))


def parse_facts(text: bytes) -> dict[str, str]:
    """fdinfo: its lines by name."""
    lines = (line.split(":", 1) for line in text.decode("ascii", "replace").splitlines())
    return {parts[0]: parts[1].strip() for parts in lines if len(parts) == 2}


def parse_maps(text: bytes) -> list[Mapped]:
    """The mappings that are of files."""
    found = []
    for line in text.split(b"\n"):
        fields = line.split(None, 5)
        if len(fields) == 6 and fields[4] != b"0" and fields[5].startswith(b"/"):
            major, _, minor = fields[3].partition(b":")
            path = fields[5].replace(rb"\012", b"\n")  # all that seq_file_path escapes there
            found.append(Mapped(fields[1], os.makedev(int(major, 16), int(minor, 16)), int(fields[4]), path))
    return found


def inside(mounts: list[Mount], dev: int, path: bytes) -> bytes:
    """The path inside the file system ``dev`` of what is at ``path`` in a mount namespace; b"" where that has it not."""
    above = [mount for mount in mounts if mount.dev == dev and (path + b"/").startswith(mount.point + b"/")]
    if not above:
        return b""
    mount = max(above, key=lambda mount: len(mount.point))
    return mount.root + path[len(mount.point):]


def _named(target: bytes) -> tuple[bytes, bool]:
    """(path, has it lost its name?)"""
    return (target.removesuffix(_DELETED), True) if target.endswith(_DELETED) else (target, False)


def _without_name(pid: int) -> bytes:
    """Where a program is that was begun from a mount of its file alone, which no namespace has: container runtimes protect
    themselves so. Where its first argument says, if that is the very file."""
    itself = b"/proc/%d/exe" % pid
    try:
        called = os.fsdecode(_read(f"/proc/{pid}/cmdline").partition(b"\0")[0])
        found = os.fsencode(shutil.which(called) or "")
        return found if found and os.path.samefile(found, itself) else itself  # noqa: PTH121 - bytes
    except (OSError, ValueError):
        return itself


def _magic_of(place: bytes) -> int:
    """statfs(2)'s f_type, which Python does not tell."""
    buffer = (ctypes.c_long * 32)()
    return int(buffer[0]) & 0xFFFFFFFF if _libc.statfs(place, buffer) == 0 else 0


def _is_compat(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/exe", "rb", 0) as file:
            return elf.is_32_bit(file.fileno())
    except OSError:
        return False


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
