"""The records of roar: what a job, a step, an entry and a session are, whatever stores or sends them.

All times are nanoseconds since the epoch, all paths are bytes, all hashes are 32 raw bytes of BLAKE3-256.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

EntryKind: TypeAlias = Literal["input", "output", "scratch", "removed", "device", "pipe"]
Role: TypeAlias = Literal["data", "source", "package", "system", "device", "temporary", "config"]
Access: TypeAlias = Literal["read", "write", "create", "truncate", "map", "execute", "rename", "link", "unlink"]

ENTRY_KINDS: tuple[EntryKind, ...] = get_args(EntryKind)
ROLES: tuple[Role, ...] = get_args(Role)
ACCESSES: tuple[Access, ...] = get_args(Access)
#: The roles that summaries show; `--all` shows the others too.
SHOWN_ROLES: frozenset[Role] = frozenset({"data", "source"})

#: What a job can be besides an ordinary one: it makes the environment that others run in (`roar build`).
BUILD = "build"
JOB_KINDS: frozenset[str] = frozenset({BUILD})

#: In the place of the path of what a registry does not show to who asks.
PRIVATE_PATH = b"a private artifact"

#: JSON-like values: what a context section may hold (text, not bytes, so that every client can show it).
Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None


@dataclass(frozen=True, slots=True)
class User:
    uid: int
    name: str


@dataclass(frozen=True, slots=True)
class Host:
    name: str
    kernel: str
    machine: str  # as uname(2): x86_64, aarch64


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a job's record may miss something: a stable ``code``, words for people, how often it happened."""

    code: str
    message: str
    count: int = 1


class Entry(NamedTuple):
    """One file in a job's record.

    ``path`` is absolute; for outputs as of the end of the job. ``hash`` is None only with a ``hash_reason``.
    ``steps`` are indexes into the job's steps. ``package`` is ``name==version`` where a package is known
    to own the file. ``target`` is the text of a symbolic link that the job made. ``device`` (as st_dev) and ``inode``
    are the file's identity on its host, None where only its name was seen.

    ``history`` is for what the job wrote, where the rest does not tell who took it from whom: uses in the order of time,
    each ``2 * step + wrote``. None are given where each of ``steps`` wrote and none read; those of an input read what was
    there before the job.
    """

    kind: EntryKind
    path: bytes
    hash: bytes | None
    hash_reason: str
    size: int | None
    role: Role
    access: tuple[Access, ...]
    steps: tuple[int, ...]
    package: str = ""
    target: bytes | None = None
    device: int | None = None
    inode: int | None = None
    history: tuple[int, ...] = ()


class Resources(NamedTuple):
    """What the processes of a step used, until they ended or executed another program; by the kernel's counters.

    ``cpu_ns`` is of all threads, and ``user_ns`` and ``system_ns`` are its parts. ``max_rss_bytes``: of the largest process;
    None where the kernel no longer told it apart from that of the program before. ``bytes_read`` and ``bytes_written`` count
    what read(2), write(2) and their like moved, whatever it was; ``storage_…`` what storage had to give or take. None: the
    kernel does not count.
    """

    cpu_ns: int
    user_ns: int
    system_ns: int
    max_rss_bytes: int | None
    bytes_read: int | None
    bytes_written: int | None
    storage_bytes_read: int | None
    storage_bytes_written: int | None
    processes: int


class Cell(NamedTuple):
    """A notebook's cell: ``number`` as in ``In [number]`` (0: it did not come to its end), the hash of its source as
    UTF-8, whether it raised."""

    number: int
    hash: bytes
    failed: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One executed program inside a job. ``parent`` is the index of the step that started it. ``resources`` None: not known.
    With ``cell`` it is a cell that a notebook's kernel executed, whose own step is the parent: the files of that process
    while the cell ran, and of what it started.
    """

    index: int
    parent: int | None
    pid: int
    argv: tuple[bytes, ...]
    executable: bytes
    started_at: int
    ended_at: int | None
    exit_code: int | None
    signal: int | None
    resources: Resources | None = None
    cell: Cell | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """How a job that was recorded elsewhere came here: whose import, when, in which bundle; or, of one that is not here,
    which ``registry`` told of it."""

    uid: int
    at: int
    bundle: bytes
    registry: str = ""


@dataclass(frozen=True, slots=True)
class JobHead:
    """A job without its bulk: what a log line needs. ``id`` is None while the job runs.

    ``counts`` has the number of entries by ``kind`` and, for the roles that people are shown, by ``kind/shown``.
    ``kind`` says what the person called the job when it began: "" or one of JOB_KINDS.
    """

    id: bytes | None
    run: bytes  # 16 random bytes that name the job from its first moment on
    session: bytes
    number: int  # n in @n
    user: User
    host: Host
    argv: tuple[bytes, ...]
    cwd: bytes
    project: bytes
    started_at: int
    ended_at: int | None
    exit_code: int | None
    signal: int | None
    interrupted: bool
    complete: bool
    incomplete_reasons: tuple[Reason, ...]
    counts: Mapping[str, int] = field(default_factory=dict)
    imported: Imported | None = None  # known here alone, and no part of the record or its id
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A whole job. ``context`` has the sections git, repositories, python, packages, system_packages, network, gpus,
    environment, hardware, container, scheduler, seeds, trackers, accelerator_libraries, resources, stderr (of a job that
    failed)."""

    head: JobHead
    steps: tuple[Step, ...]
    entries: tuple[Entry, ...]
    context: Mapping[str, Any]

    def of_kind(self, kind: EntryKind) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.kind == kind)

    def with_id(self, job_id: bytes) -> Job:
        return replace(self, head=replace(self.head, id=job_id))


@dataclass(frozen=True, slots=True)
class Session:
    """The jobs of one user in one project, from one `reset` to the next. ``head`` is the hash chain's newest link."""

    id: bytes
    user: User
    host: Host
    project: bytes
    started_at: int
    head: bytes
    jobs: int  # numbers given so far: the next job is @(jobs + 1)
    current: bool = True
