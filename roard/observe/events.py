"""What the reader sends, by name: the tuples of roard.probe.reader in the order of their fields."""

from __future__ import annotations

from typing import NamedTuple

FileTuple = tuple[int, int, int, int, int, int, int, int]


class ProcessEvent(NamedTuple):
    """FORK, EXEC, LOADER, EXIT, BLIND, JOIN or SPENT. Times are CLOCK_BOOTTIME ns; ``other`` is the child of a FORK; ``code``
    is wait(2)'s status of an EXIT, the call's number of a BLIND, 1 for an EXEC whose arguments were cut, how a JOIN went.
    ``used``: struct roar_used, since the process was forked; ``max_rss_pages`` of all programs that it was, ``own_rss_pages``
    of the last, or 0."""

    kind: int
    flags: int
    job: int
    step: int
    time: int
    tgid: int
    parent_step: int
    start: int
    max_rss_pages: int
    other: int
    code: int
    file: FileTuple | None
    path: bytes
    inner: bytes
    argv: bytes
    used: tuple[int, ...] = (0,) * 7
    own_rss_pages: int = 0


class AccessEvent(NamedTuple):
    """OPEN to CLOSE. ``path`` is None when this step touched the file before; ``inner`` is that inside the file system,
    where the path is FOREIGN or DETACHED; ``offset`` is where the old content ends, if it was APPENDED to, and
    with ``length`` the source of a COPY; ``name`` tells
    the names of one file apart."""

    kind: int
    flags: int
    job: int
    step: int
    time: int
    tgid: int
    fd: int
    file: FileTuple
    path: bytes | None
    inner: bytes
    offset: int
    length: int
    f_mode: int
    f_flags: int
    name: int


class NameEvent(NamedTuple):
    """RENAME to RESULT. ``first`` and ``second`` are absolute (layout.joined); a SYMLINK's first is its target. ``file`` is
    what ``fd`` stands for, where that was given in place of a name. ``token``: a RESULT with it follows. ``root``: the
    process's. ``inner``: of each name that is FOREIGN, the device and the path inside its file system."""

    kind: int
    flags: int
    job: int
    step: int
    time: int
    tgid: int
    fd: int
    file: FileTuple | None
    first: bytes
    second: bytes
    call_flags: int
    token: int
    root: bytes = b"/"
    inner: tuple[tuple[int, bytes], tuple[int, bytes]] = ((0, b""), (0, b""))


class EndpointEvent(NamedTuple):
    """CONNECT to SEND. ``family`` and ``protocol`` as in socket(2); ``address`` has 4 or 16 bytes, or is a unix socket's
    path; ``port`` is where the connection went to: of an ACCEPT, the job's own."""

    kind: int
    flags: int
    job: int
    step: int
    time: int
    tgid: int
    family: int
    protocol: int
    port: int
    address: bytes


class AnswerEvent(NamedTuple):
    """ANSWER: a name that was asked for, and the addresses that a resolver said it has."""

    kind: int
    flags: int
    job: int
    step: int
    time: int
    tgid: int
    name: str
    addresses: tuple[bytes, ...]


class ContentEvent(NamedTuple):
    """The hash of a whole small file as a process read it."""

    kind: int
    flags: int
    job: int
    step: int
    time: int
    file: FileTuple
    digest: bytes
