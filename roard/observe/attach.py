"""Taking in what already runs: a process with everything below it, or a cgroup.

The probes know only who is in their table, so: first the root, or the cgroup, from then on children and newcomers come in
by themselves; then whoever is there already, again and again until a look around finds nobody new. What each has at hand
is read by the hash worker of the job's owner (roard.content.standing) and becomes its first accesses.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISDIR
from typing import Any, NamedTuple

from lineage.records import Reason
from roard.content.standing import OpenFile
from roard.observe.events import AccessEvent
from roard.observe.job import WatchedJob
from roard.observe.tree import Tree
from roard.probe import layout
from roard.probe.probes import Probes
from roard.probe.reader import CONTENT

ATTACHED = Reason("attached", "it was already running when roar attached: what it did before is not known")
DETACHED = Reason("detached", "watching ended while it still ran")

_TICKS = os.sysconf("SC_CLK_TCK")
_PF_KTHREAD = 0x00200000  # include/linux/sched.h
_PASSES = 100
_EMPTY_SECONDS = 5.0
_O_ACCMODE = 3
_AT_EMPTY_PATH, _AT_STATX_DONT_SYNC = 0x1000, 0x4000
_NO_GENERATION = -1  # no real one is negative
_libc = ctypes.CDLL(None, use_errno=True)
_USES = {"open": layout.OPEN, "map": layout.MAP, "shared": layout.MAP_WRITE, "program": layout.EXEC}


class Stat(NamedTuple):
    """Of /proc/PID/stat (proc(5)). ``start`` is in ticks since the machine began."""

    pid: int
    name: bytes
    state: bytes
    parent: int
    flags: int
    threads: int
    start: int

    @property
    def ended(self) -> bool:
        """A zombie; one whose leader alone has ended goes on."""
        return self.state in (b"Z", b"X") and self.threads <= 1

    @property
    def of_kernel(self) -> bool:
        return bool(self.flags & _PF_KTHREAD)

    @property
    def started_at(self) -> int:
        """CLOCK_BOOTTIME ns, to the tick."""
        return self.start * (1_000_000_000 // _TICKS)


def parse_stat(text: bytes) -> Stat:
    pid, _, rest = text.partition(b" (")
    name, _, rest = rest.rpartition(b") ")
    fields = rest.split()
    return Stat(int(pid), name, fields[0], int(fields[1]), int(fields[6]), int(fields[17]), int(fields[19]))


def stat_of(pid: int) -> Stat | None:
    """None where it has ended."""
    try:
        return parse_stat(Path(f"/proc/{pid}/stat").read_bytes())
    except OSError:
        return None


def runs(pid: int, start: int) -> bool:
    stat = stat_of(pid)
    return stat is not None and stat.start == start and not stat.ended


def ticks(boot_time: int) -> int:
    """CLOCK_BOOTTIME ns as /proc/PID/stat says them."""
    return boot_time // (1_000_000_000 // _TICKS)


def own() -> set[int]:
    """This daemon's processes."""
    me = os.getpid()
    return {me, *(stat.pid for stat in descendants(everybody(), [me]))}


def everybody() -> dict[int, Stat]:
    found = (stat_of(int(name)) for name in os.listdir("/proc") if name.isdecimal())
    return {stat.pid: stat for stat in found if stat is not None}


def descendants(processes: Mapping[int, Stat], roots: Iterable[int]) -> list[Stat]:
    """All below ``roots``, parents first."""
    children: dict[int, list[Stat]] = {}
    for stat in processes.values():
        children.setdefault(stat.parent, []).append(stat)
    found: list[Stat] = []
    waiting, seen = list(roots), set(roots)
    while waiting:
        for stat in children.get(waiting.pop(), ()):
            if stat.pid not in seen:
                seen.add(stat.pid)
                found.append(stat)
                waiting.append(stat.pid)
    return sorted(found, key=lambda stat: stat.start)


def owned(pid: int, uid: int) -> bool:
    """Are its real, effective and saved uids all this one? root may watch anybody's."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    uids = next((line.split()[1:4] for line in status.splitlines() if line.startswith("Uid:")), [])
    return uid == 0 or (bool(uids) and all(int(each) == uid for each in uids))


@dataclass(eq=False)
class TakenIn:
    """What is kept of a job that ran before it was watched. ``open``: more processes may come in by themselves."""

    held: Held
    group: Group | None = None
    open: bool = True
    listed: bool = False  # the probes know the group
    holds: bool = False  # and are attached for it
    adopted: dict[int, int] = field(default_factory=dict)  # pid, and when it began in ticks
    elsewhere: set[int] = field(default_factory=set)  # processes that another job has
    hidden: int = 0  # processes whose files could not be looked at

    def close(self) -> None:
        if self.group is not None:
            self.group.close()


class _Steps:
    """Names for steps that no exec began: like those that the probes make (on_exec), and never one of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def name(self) -> int:
        with self._lock:
            self._last = max(self._last + 1, time.clock_gettime_ns(time.CLOCK_BOOTTIME))
            return self._last << 8 | 255


_steps = _Steps()


class Enrolment:
    """Takes processes into one job. ``without``: roar's own, which nobody watches. ``runs``: is there still a job of that
    name? Who was forked while one was let go may keep its name."""

    def __init__(self, probes: Probes, job: WatchedJob, lock: threading.RLock, without: frozenset[int],
                 runs: Callable[[int], bool]) -> None:
        assert job.taken_in is not None
        self._probes = probes
        self._job = job
        self._taken = job.taken_in
        self._without = without
        self._lock = lock
        self._runs = runs
        self.added: list[tuple[Stat, int]] = []  # and their steps

    def add(self, stat: Stat) -> bool:
        """False where it is not the job's: it has ended, or is not to be watched, or is watched already."""
        job, tree = self._job, self._job.tree
        if stat.of_kernel or stat.ended or stat.pid in self._without:
            return False
        if not owned(stat.pid, job.head.user.uid):
            if stat_of(stat.pid) is not None:
                tree.others.add(stat.pid)
            return False
        step = _steps.name()
        with self._lock:  # before any record of it is applied
            if not self._probes.enrol(stat.pid, job.kernel, step):
                self._belongs(stat.pid)
                return False
            tree.adopt(stat.pid, step, stat.parent, stat.name, stat.started_at + tree.offset)
            self._taken.adopted[stat.pid] = stat.start
        if not runs(stat.pid, stat.start):
            let_go_of_dead(self._probes, job, stat.pid, self._lock)
            return False
        self.added.append((stat, step))
        return True

    def tree(self, root: Stat) -> bool:
        """The root, and then those below it. False where the root cannot be had."""
        if not self.add(root):
            return False
        for _ in range(_PASSES):
            if not sum(self.add(stat) for stat in self._strangers(descendants(everybody(), self._roots()))):
                break
        return True

    def members(self, group: Group) -> None:
        for _ in range(_PASSES):
            inside = [stat for pid in group.processes() if (stat := stat_of(pid)) is not None]
            if not sum(self.add(stat) for stat in self._strangers(inside)):
                break

    def _roots(self) -> list[int]:
        with self._lock:  # whoever came in by itself has children that did not, if its parent has ended since
            return [self._job.tree.root, *self._job.tree.live]

    def _strangers(self, found: Iterable[Stat]) -> Iterator[Stat]:
        for stat in found:
            member = self._probes.member(stat.pid)
            if member is not None and not self._runs(member[0]):
                self._probes.remove_member(stat.pid)
                member = None
            if member is None:
                if stat.pid not in self._job.tree.others:
                    yield stat
            elif member[0] != self._job.kernel:
                self._belongs(stat.pid)

    def _belongs(self, pid: int) -> None:
        """To another job, as where `roar run` is used below a process that was not watched."""
        member = self._probes.member(pid)
        if member is not None and member[0] != self._job.kernel and pid not in self._taken.elsewhere:
            self._taken.elsewhere.add(pid)
            self._job.tree.nested += 1


def let_go_of_dead(probes: Probes, job: WatchedJob, pid: int, lock: threading.RLock) -> None:
    """A process that has ended. Where the table still has it, it came there too late for its EXIT."""
    assert job.taken_in is not None
    with lock:
        member = probes.member(pid)
        step = job.tree.steps.get(member[1]) if member is not None and member[0] == job.kernel else None
        if step is not None and step.tgid == pid and probes.remove_member(pid):
            job.tree.live.discard(pid)
        job.taken_in.adopted.pop(pid, None)


def look_for_dead(probes: Probes, job: WatchedJob, lock: threading.RLock) -> None:
    """Of those that were adopted: who ended just as it came in."""
    assert job.taken_in is not None
    for pid, start in list(job.taken_in.adopted.items()):
        if not runs(pid, start):
            let_go_of_dead(probes, job, pid, lock)


# ---- cgroups ----


def is_cgroup(fd: int) -> bool:
    """Is it a directory in the one file system of cgroups v2? Asked so that no file system of a user's has to answer."""
    found = (ctypes.c_uint32 * 64)()  # struct statx: stx_mode at 28, stx_dev_major and _minor at 136
    if _libc.statx(fd, b"", _AT_EMPTY_PATH | _AT_STATX_DONT_SYNC, 0, found) != 0:
        return False
    devices = {line.split()[2] for line in Path("/proc/self/mountinfo").read_bytes().splitlines() if b" - cgroup2 " in line}
    return b"%d:%d" % (found[34], found[35]) in devices and S_ISDIR(found[7] & 0xFFFF)


class Group:
    """A cgroup (v2), by a descriptor of its directory, which stays the caller's."""

    def __init__(self, directory: int) -> None:
        self._directory = directory
        self.identity = os.fstat(directory).st_ino  # the kernel's id of it
        self._empty_since = 0.0
        self._events = os.open("cgroup.events", os.O_RDONLY | os.O_CLOEXEC, dir_fd=directory)

    def populated(self) -> bool:
        """Is anybody in it or below it? False where it has been removed."""
        try:
            return b"populated 1" in os.pread(self._events, 4096, 0)
        except OSError:
            return False

    def removed(self) -> bool:
        try:
            os.pread(self._events, 1, 0)
        except OSError:
            return True
        return False

    def over(self, tree: Tree) -> bool:
        """Does nobody come any more? A container's cgroup may be empty for a moment, and before its first process."""
        if self.removed():
            return True
        if tree.live or not tree.steps or self.populated():
            self._empty_since = 0.0
            return False
        self._empty_since = self._empty_since or time.monotonic()
        return time.monotonic() - self._empty_since > _EMPTY_SECONDS

    def processes(self) -> list[int]:
        """In it and below it; 0s are those of other pid namespaces."""
        found: list[int] = []
        with_below = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._directory)
        try:
            for _, _, names, directory in os.fwalk(".", dir_fd=with_below):
                if "cgroup.procs" in names:
                    found += self._listed(directory)
        finally:
            os.close(with_below)
        return sorted({pid for pid in found if pid > 0})

    @staticmethod
    def _listed(directory: int) -> list[int]:
        try:
            with open(os.open("cgroup.procs", os.O_RDONLY | os.O_CLOEXEC, dir_fd=directory), "rb") as file:
                return [int(line) for line in file.read().split()]
        except OSError:  # removed meanwhile, or a cgroup of threads: those of its processes are above it
            return []

    def close(self) -> None:
        os.close(self._events)


# ---- what they have at hand ----


class Held:
    """Which files a job has, as the probes name them (device, inode, generation), where some were open before the probes
    looked: their generation is not known from outside of the kernel. The first that a record tells is taken for theirs, and
    they keep the name that they got first."""

    def __init__(self) -> None:
        self._told: dict[tuple[int, int], int | None] = {}
        self._called: dict[tuple[int, int], int] = {}

    def hold(self, dev: int, ino: int) -> int:
        """The generation by which a file is called that was open already."""
        self._told.setdefault((dev, ino), None)
        return self._called.setdefault((dev, ino), _NO_GENERATION)

    def row(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """A record of the reader's, with the file called as before."""
        at = 5 if row[0] == CONTENT else 11 if row[0] >= layout.FORK else 7  # where events have their file
        file = row[at]
        if file is None:
            return row
        dev, ino, generation = file[:3]
        if self._told.get((dev, ino)) is None:
            self._told[dev, ino] = generation
        called = self._called.setdefault((dev, ino), generation)
        if called == generation or self._told[dev, ino] != generation:  # or the inode was used again
            return row
        return (*row[:at], (dev, ino, called, *file[3:]), *row[at + 1:])


def first_accesses(held: Held, kernel: int, step: int, when: int, tgid: int,
                   files: Iterable[OpenFile]) -> Iterator[AccessEvent]:
    """What is in memory is used; what is open for reading alone was read if its position says so. Who has a file open for
    writing is believed to have written it only when that is seen."""
    for file in files:
        kind, mode = _USES[file.use], layout.FMODE_READ
        if file.use == "open":
            mode = (file.flags & _O_ACCMODE) + 1  # FMODE_READ, FMODE_WRITE, or both
            if mode == layout.FMODE_READ and file.position:
                kind = layout.READ
        elif file.use == "shared":
            mode |= layout.FMODE_WRITE
        flags = layout.F_PATH | (layout.F_UNLINKED if file.deleted else 0) | (layout.F_FOREIGN if file.inner else 0)
        version = (file.dev, file.ino, held.hold(file.dev, file.ino), file.size, file.mtime, file.ctime, file.magic, file.mode)
        # an O_TMPFILE was made before
        yield AccessEvent(kind, flags, kernel, step, when, tgid, file.fd, version, file.path, file.inner, 0, 0, mode,
                          file.flags & ~layout.O_TMPFILE, 0)
