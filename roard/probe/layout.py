"""The records of the rings, as bpf/roar.h lays them out. tests/integration/test_layout.py holds the two together."""

from __future__ import annotations

import struct
from typing import NamedTuple

(OPEN, READ, WRITE, COPY, MAP, MAP_WRITE, RESIZE, CLOSE, BYTES, RENAME, LINK, SYMLINK, UNLINK, TRUNCATE, CREATE,
 SCRIPT, RESULT) = range(1, 18)
FORK, EXEC, LOADER, EXIT, BLIND, JOIN, SPENT = range(32, 39)
JOINED, JOIN_TAKEN, JOIN_DENIED = range(3)
CONNECT, ACCEPT, SEND, ANSWER = range(48, 52)
STDERR = 80

(F_PATH, F_CUT, F_UNLINKED, F_DETACHED, F_CREATED, F_TRUNCATED, F_COMPAT, F_UNREADABLE, F_FOREIGN, F_SHARED,
 F_PROMISED, F_APPENDED, F_AFTER, F_CHROOT) = (1 << n for n in range(14))
F_TYPED = 1 << 31  # the reader's own: a name led through directories, which may be symbolic links

FMODE_READ = 1
FMODE_WRITE = 2
O_TMPFILE = 0o20000000
AT_SYMLINK_FOLLOW = 0x400

CARRY_MAX = 16383 * 4

#: struct roar_head: kind, flags, job, step, time, tgid, fd
HEAD = struct.Struct("=IIQQQIi")
#: struct roar_file: ino, size, mtime, ctime, dev, generation, magic, mode
FILE = struct.Struct("=QQQQIIII")
#: struct roar_access after head and file: offset, length, f_mode, f_flags, path_len, inner_len, name
ACCESS = struct.Struct("=QQIIIIQ")
#: struct roar_names after head and file: token, lens[7], dev[2], call_flags
NAMES = struct.Struct("=QIIIIIIIIIi")
#: struct roar_process after head and file: parent_step, start, used (7), max_rss_pages, rss_pages, other, exit_code, path_len,
#: inner_len, argv_len, pad
PROCESS = struct.Struct("=QQQQQQQQQQQIiIIII")
#: struct roar_stderr after head: written, length, pad
STDERR_TAIL = struct.Struct("=QII")
#: struct roar_endpoint after head: family, protocol, port, length
ENDPOINT = struct.Struct("=IIII")
#: struct roar_member: job, step
MEMBER = struct.Struct("=QQ")
#: struct roar_group: job, uid, any
GROUP = struct.Struct("=QII")
#: struct roar_counts: accesses, lost_accesses, processes, lost_processes, contents, answers
COUNTS = struct.Struct("=QQQQQQ")
#: struct roar_heard: sent, lost
HEARD = struct.Struct("=QQ")

ACCESS_WHOLE = struct.Struct("=" + HEAD.format[1:] + FILE.format[1:] + ACCESS.format[1:])
NAMES_WHOLE = struct.Struct("=" + HEAD.format[1:] + FILE.format[1:] + NAMES.format[1:])
PROCESS_WHOLE = struct.Struct("=" + HEAD.format[1:] + FILE.format[1:] + PROCESS.format[1:])
ENDPOINT_WHOLE = struct.Struct("=" + HEAD.format[1:] + ENDPOINT.format[1:])
STDERR_WHOLE = struct.Struct("=" + HEAD.format[1:] + STDERR_TAIL.format[1:])


class FileId(NamedTuple):
    """Which file (``dev`` as st_dev has it) and which version: an unchanged signature means unchanged content."""

    dev: int
    ino: int
    generation: int
    size: int
    mtime: int
    ctime: int
    magic: int
    mode: int


def device_number(kernel_dev: int) -> int:
    """The kernel's dev_t (major << 20 | minor) as st_dev encodes it (gnu_dev_makedev)."""
    major, minor = kernel_dev >> 20, kernel_dev & 0xFFFFF
    return (minor & 0xFF) | ((major & 0xFFF) << 8) | ((minor & ~0xFF) << 12) | ((major & ~0xFFF) << 32)


def path_of(components: bytes) -> bytes:
    """The absolute path of components written leaf first, each with a NUL; none are the root."""
    return b"/" + b"/".join(components.split(b"\0")[-2::-1])


def follows(kind: int, call_flags: int) -> bool:
    """Is a symbolic link at the end of the first name of such a record followed?"""
    return kind in (TRUNCATE, SCRIPT) or (kind == LINK and bool(call_flags & AT_SYMLINK_FOLLOW))


def joined(base: bytes, name: bytes, root: bytes = b"/") -> bytes:
    """The absolute path of a name as a call was given it, relative to a directory's path, which has no links in it.

    So `..` may be taken away against ``base``, but not against what the name itself passed through: that may be a link.
    There it stays, for whoever can look. Above the process's ``root`` nothing leads.
    """
    known = [] if base == b"/" else base.split(b"/")[1:]
    lowest = 0
    if root != b"/" and (base + b"/").startswith(root + b"/"):
        lowest = root.count(b"/")
    own: list[bytes] = []
    for component in name.split(b"/"):
        if component == b".." and not own:
            del known[max(lowest, len(known) - 1):]
        elif component not in (b"", b"."):
            own.append(component)
    return b"/" + b"/".join(known + own)
