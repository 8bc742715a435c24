"""What a job did to files, worked out from its system calls alone, in the words of roar's record.

Files are followed by their names, where roar follows inodes: a second way to the same answer, so that a mistake of one
is not a mistake of both.

- An *input* was read, mapped or executed before the job itself wrote it, or it was moved or linked to another name, or
  appended to. Its steps are those that did so before the job changed anything of it.
- An *output* was created, changed or got its name in the job, and has a name when the job ends.
- *scratch* was made by the job and is gone at the end; *removed* was there before.
"""

from __future__ import annotations

import itertools
import os
import re
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

from strace import Call

#: The calls that this module understands: `strace -e trace=`. A question mark: not every architecture has it.
CALLS = (
    "?open", "openat", "openat2", "?creat", "open_by_handle_at",
    "read", "pread64", "readv", "preadv", "preadv2", "write", "pwrite64", "writev", "pwritev", "pwritev2",
    "ftruncate", "truncate", "fallocate", "mmap", "mprotect", "mremap",
    "sendfile", "copy_file_range", "splice", "tee", "ioctl",
    "?rename", "?renameat", "renameat2", "?link", "linkat", "?symlink", "symlinkat", "?unlink", "unlinkat",
    "?mknod", "mknodat", "bind",
    "chdir", "fchdir", "chroot", "?fork", "?vfork", "clone", "clone3", "execve", "execveat",
)

#: Words of an input that only say how it came to have another name.
NAMING_WORDS = frozenset({"rename", "link"})

Step = tuple[int, int]  # a process, and which of its programs: 0 is the first that it executed

_FLAGS = re.compile(r"flags=([A-Z0-9_|a-z]+)")


class Known(NamedTuple):
    """A file that was there before the job."""

    identity: tuple[int, int]
    mode: int
    size: int


def survey(*roots: Path, deep: bool = True) -> dict[bytes, Known]:
    """Everything in some directories, and below them."""
    found = {}
    for root in roots:
        for directory, directories, files in os.walk(os.fsencode(root)):
            for name in itertools.chain(directories, files):
                path = os.path.join(directory, name)
                status = os.lstat(path)
                found[path] = Known((status.st_dev, status.st_ino), status.st_mode, status.st_size)
            if not deep:
                break
    return found


@dataclass(eq=False)
class File:
    """One file: what was done to it, and its names."""

    first: bytes
    used: bytes                                     # the name by which it was used last
    size: int | None = None                         # as of before the job; None: not known
    names: set[bytes] = field(default_factory=set)  # those that the job wrote it by, or gave it, and that are still there
    given: set[bytes] = field(default_factory=set)  # those that the job gave it
    aliases: set[bytes] = field(default_factory=set)  # the names that it had before the job, as far as they were used
    linked: bool = False                            # has, or had, more than one name
    symbolic: bool = False
    created: bool = False
    written: bool = False
    input_path: bytes | None = None
    read: set[str] = field(default_factory=set)
    opened_to: set[str] = field(default_factory=set)  # "append", "overwrite": how the job opened it before it wrote it
    appended: bool = False                          # and is an input for that
    lost_a_name: bool = False
    asked: set[Step] = field(default_factory=set)   # that found it at its end: whether they read it depends on its size
    wrote: set[str] = field(default_factory=set)
    read_steps: set[Step] = field(default_factory=set)
    took_steps: set[Step] = field(default_factory=set)  # that took what was there before the job
    write_steps: set[Step] = field(default_factory=set)


@dataclass
class Entry:
    words: set[str] = field(default_factory=set)
    steps: set[Step] = field(default_factory=set)
    file: File | None = None

    def add(self, words: set[str], steps: set[Step], file: File | None = None) -> None:
        self.words |= words
        self.steps |= steps
        self.file = file


class Mapping(NamedTuple):
    """A shared mapping that cannot be written to, yet."""

    start: int
    end: int
    file: File


@dataclass
class Process:
    place: list[bytes]                              # current directory and root, shared by those that share them
    step: Step
    mappings: list[Mapping] = field(default_factory=list)


class Truth:
    def __init__(self, cwd: Path, before: dict[bytes, Known], roots: Iterable[Path]) -> None:
        self._before = dict(before)
        self._roots = tuple(os.fsencode(root) + b"/" for root in roots)
        self._cwd = os.fsencode(cwd)
        self._names: dict[bytes, File] = {}
        self._lost: dict[bytes, File] = {}          # that had this name last
        self._gone: set[bytes] = set()
        self._special: set[bytes] = set()           # named pipes and sockets that the job made
        self.removed_special: set[bytes] = set()
        self._pipe_names: set[bytes] = set()
        self._identities: dict[tuple[int, int], File] = {}
        self._all: list[File] = []
        self._devices: dict[bytes, Entry] = {}
        self._pipes: dict[bytes, Entry] = {}
        self._removed: dict[bytes, Entry] = {}
        self.moved_directories: set[bytes] = set()
        self.passing: set[bytes] = set()            # names that the job gave to files that had another, and took away
        self._leaders: dict[int, int] = {}
        self._processes: dict[int, Process] = {}
        self._executed: dict[int, int] = {}         # by process: how many programs
        self.programs: dict[Step, bytes] = {}

    # ---- the answer ----

    def entries(self) -> dict[str, dict[bytes, Entry]]:
        found: dict[str, dict[bytes, Entry]] = {kind: {} for kind in ("inputs", "outputs", "scratch", "removed")}

        def add(kind: str, path: bytes, file: File, words: set[str], steps: set[Step]) -> None:
            found[kind].setdefault(path, Entry()).add(words, steps, file)

        for file in self._all:
            if file.input_path is not None:
                words = {"write"} if file.appended and not file.read else file.read
                add("inputs", file.input_path, file, words, file.took_steps)
            if not file.written:
                continue
            words, steps = file.wrote, file.write_steps
            if file.input_path is None:
                words, steps = words | file.read, steps | file.read_steps
            for name in file.names:
                add("outputs", name, file, words, steps)
            if file.created and not file.names:
                add("scratch", file.first, file, words, steps)
            elif file.first in self._gone and not file.names:
                add("removed", file.first, file, words, steps)
        for path, entry in self._removed.items():
            if path not in found["outputs"]:
                found["removed"].setdefault(path, Entry()).add(entry.words, entry.steps)
        return {**found, "devices": self._devices, "pipes": self._pipes}

    # ---- calls ----

    def apply(self, calls: Iterable[Call]) -> Truth:
        calls = list(calls)
        parents = {call.result: call for call in calls
                   if call.name in ("fork", "vfork", "clone", "clone3") and call.succeeded and call.result}
        for call in calls:
            if call.pid not in self._leaders:
                self._begin(call.pid, parents.get(call.pid))
            if not call.succeeded:
                continue
            handler: Callable[[Call, Process], None] | None = getattr(self, f"_on_{call.name}", None)
            if handler is not None:
                handler(call, self._processes[self._leaders[call.pid]])
            elif call.result in parents and parents[call.result] is call and call.result not in self._leaders:
                self._begin(call.result, call)
        return self

    def _begin(self, pid: int, birth: Call | None) -> None:
        """A process or thread is there: the first one, or a child, which may be seen before its parent's call ends."""
        if birth is None:
            if self._processes:
                raise ValueError(f"process {pid} has no parent")
            self._leaders[pid] = pid
            self._processes[pid] = Process([self._cwd, b"/"], (pid, -1))
            return
        found = _FLAGS.search(" ".join(birth.arguments))
        flags = set(found[1].split("|")) if found else set()
        leader = self._leaders[birth.pid]
        if "CLONE_THREAD" in flags:
            self._leaders[pid] = leader
            return
        parent = self._processes[leader]
        self._leaders[pid] = pid
        self._processes[pid] = Process(parent.place if "CLONE_FS" in flags else list(parent.place), parent.step,
                                       list(parent.mappings))

    def _on_execve(self, call: Call, process: Process, path: bytes | None = None) -> None:
        *scripts, path = _executed(os.path.realpath(path or self._absolute(process, None, call.string(0))))
        leader = self._leaders[call.pid]
        number = self._executed[leader] = self._executed.get(leader, -1) + 1
        process.step = leader, number
        process.mappings = []
        self.programs[process.step] = path
        for executed in (*scripts, path, _loader(path)):
            if executed is not None:
                self._took(self._file(executed), process, "execute")

    def _on_execveat(self, call: Call, process: Process) -> None:
        directory, name = call.descriptor(0), call.string(1)
        assert directory.path is not None
        self._on_execve(call, process, self._absolute(process, directory.path, name) if name else directory.path)

    def _on_chdir(self, call: Call, process: Process) -> None:
        process.place[0] = os.path.realpath(self._absolute(process, None, call.string(0)))

    def _on_fchdir(self, call: Call, process: Process) -> None:
        path = call.descriptor(0).path
        assert path is not None
        process.place[0] = path

    def _on_chroot(self, call: Call, process: Process) -> None:
        process.place[1] = os.path.realpath(self._absolute(process, None, call.string(0)))

    def _on_open(self, call: Call, process: Process) -> None:
        self._opened(call, process, call.words(1))

    def _on_openat(self, call: Call, process: Process) -> None:
        self._opened(call, process, call.words(2))

    _on_open_by_handle_at = _on_openat

    def _on_openat2(self, call: Call, process: Process) -> None:
        found = _FLAGS.search(call.arguments[2])
        self._opened(call, process, frozenset(found[1].split("|")) if found else frozenset())

    def _on_creat(self, call: Call, process: Process) -> None:
        self._opened(call, process, frozenset(("O_CREAT", "O_TRUNC")))

    def _opened(self, call: Call, process: Process, flags: frozenset[str]) -> None:
        opened = call.returned
        if opened is None or opened.path is None or "O_PATH" in flags or not self._is_file(opened.path):
            return
        if "O_TMPFILE" in flags:
            file = self._new(opened.path, nameless=True)
            self._wrote(file, process, "create")
        elif "O_CREAT" in flags and ("O_EXCL" in flags or not self._exists(opened.path)):
            self._wrote(self._new(opened.path), process, "create")
        elif "O_TRUNC" in flags:
            file = self._file(opened.path, opened.deleted)
            if file.read <= NAMING_WORDS and not file.linked:  # it was moved, but what it held was not used
                file.input_path = None
                file.read.clear()
            self._wrote(file, process, "truncate")
        elif flags & {"O_WRONLY", "O_RDWR"}:
            self._file(opened.path, opened.deleted).opened_to.add("append" if "O_APPEND" in flags else "overwrite")

    def _on_read(self, call: Call, process: Process) -> None:
        self._source(call, process, 0)

    _on_pread64 = _on_readv = _on_preadv = _on_preadv2 = _on_read

    def _on_write(self, call: Call, process: Process) -> None:
        if call.result:
            self._target(call, process, 0)

    _on_pwrite64 = _on_writev = _on_pwritev = _on_pwritev2 = _on_write

    def _on_sendfile(self, call: Call, process: Process) -> None:
        if call.result:
            self._source(call, process, 1)
            self._target(call, process, 0)

    def _on_copy_file_range(self, call: Call, process: Process) -> None:
        if call.result:
            self._source(call, process, 0)
            self._target(call, process, 2)

    _on_splice = _on_copy_file_range

    def _on_tee(self, call: Call, process: Process) -> None:
        if call.result:
            self._source(call, process, 0)
            self._target(call, process, 1)

    def _on_ioctl(self, call: Call, process: Process) -> None:
        if call.arguments[1].endswith("FICLONE"):
            self._target(call, process, 0)
            if call.descriptor(2).path is not None:
                self._source(call, process, 2)

    def _on_ftruncate(self, call: Call, process: Process) -> None:
        self._target(call, process, 0, "truncate")

    _on_fallocate = _on_ftruncate

    def _on_truncate(self, call: Call, process: Process) -> None:
        self._wrote(self._file(os.path.realpath(self._absolute(process, None, call.string(0)))), process, "truncate")

    def _source(self, call: Call, process: Process, at: int) -> None:
        opened = call.descriptor(at)
        if opened.path is None:
            return
        if self._device(opened.path, process, "read" if call.result else "") or not self._is_file(opened.path):
            return
        file = self._file(opened.path, opened.deleted)
        # to learn that a file is empty is to take it; to learn that one is at its end is not
        if call.result or (not file.written and self._is_empty(file)):
            self._took(file, process, "read")
        else:
            file.asked.add(process.step)

    def _target(self, call: Call, process: Process, at: int, word: str = "write") -> None:
        opened = call.descriptor(at)
        if opened.path is None or self._device(opened.path, process, word) or not self._is_file(opened.path):
            return
        file = self._file(opened.path, opened.deleted)
        if word == "write" and not file.written and file.input_path is None and "append" in file.opened_to:
            if len(file.opened_to) > 1:
                raise ValueError(f"was {opened.path!r} overwritten or appended to? strace does not tell")
            if not self._is_empty(file):  # what was there stays, as part of the new content
                file.appended = True
                file.input_path = file.used
                file.took_steps.add(process.step)
        self._wrote(file, process, word)

    def _on_mmap(self, call: Call, process: Process) -> None:
        assert call.result is not None
        start, end = call.result, call.result + call.number(1)
        self._unmapped(process, start, end)
        flags = call.words(3)
        if "MAP_ANONYMOUS" in flags:
            return
        opened = call.descriptor(4)
        shared = not flags & {"MAP_PRIVATE"}
        if opened.path is None:
            return
        if shared and "PROT_WRITE" in call.words(2):
            self._map_write(opened.path, opened.deleted, process)
        elif not self._device(opened.path, process, "map") and self._is_file(opened.path):
            file = self._file(opened.path, opened.deleted)
            self._took(file, process, "map")
            if shared:
                process.mappings.append(Mapping(start, end, file))

    def _map_write(self, path: bytes, deleted: bool, process: Process) -> None:
        if self._device(path, process, "map"):
            self._device(path, process, "write")
        elif self._is_file(path):
            self._wrote(self._file(path, deleted), process, "map", "write")

    def _on_mprotect(self, call: Call, process: Process) -> None:
        """A shared mapping may be made writable later."""
        if "PROT_WRITE" not in call.words(2):
            return
        start = call.number(0)
        for mapping in process.mappings:
            if mapping.start < start + call.number(1) and start < mapping.end:
                self._wrote(mapping.file, process, "map", "write")

    def _on_mremap(self, call: Call, process: Process) -> None:
        assert call.result is not None
        old = call.number(0)
        moved = [mapping for mapping in process.mappings if mapping.start <= old < mapping.end]
        self._unmapped(process, old, old + call.number(1))
        process.mappings += [Mapping(call.result, call.result + call.number(2), mapping.file) for mapping in moved]

    @staticmethod
    def _unmapped(process: Process, start: int, end: int) -> None:
        if process.mappings:
            process.mappings = [mapping for mapping in process.mappings
                                if not start <= mapping.start or not mapping.end <= end]

    # ---- calls that name ----

    def _on_rename(self, call: Call, process: Process) -> None:
        self._rename(self._place(process, None, call.string(0)), self._place(process, None, call.string(1)), process)

    def _on_renameat(self, call: Call, process: Process) -> None:
        old = self._place(process, call.descriptor(0).path, call.string(1))
        new = self._place(process, call.descriptor(2).path, call.string(3))
        if len(call.arguments) > 4 and "RENAME_EXCHANGE" in call.words(4):
            between = new + b"\0"
            for source, target in ((new, between), (old, new), (between, old)):
                self._rename(source, target, process)
            for each in (self._names.get(old), self._names.get(new)):
                if each is not None:
                    each.names.discard(between)
            self._gone.discard(between)
            return
        self._rename(old, new, process)

    _on_renameat2 = _on_renameat

    def _rename(self, old: bytes, new: bytes, process: Process) -> None:
        if old in self._special:
            self._special.remove(old)
            self._special.add(new)
            return
        if self._is_directory(old, new):
            self._rename_directory(old, new)
            return
        file = self._file(old)
        target = self._names.get(new)
        if target is file:
            return
        if target is not None:
            self._lose(new, target)
        self._took_by_name(file, process, "rename")
        self._forget(old, file)
        self._give(new, file)
        self._wrote(file, process, "rename")

    def _rename_directory(self, old: bytes, new: bytes) -> None:
        """The files in it follow; nothing was done to them."""
        self.moved_directories |= {old, new}
        for path in [path for path in self._names if path.startswith(old + b"/")]:
            file = self._names.pop(path)
            self._gone.add(path)
            moved = new + path[len(old):]
            self._names[moved] = file
            self._gone.discard(moved)
            for names in (file.names, file.given):
                if path in names:
                    names.remove(path)
                    names.add(moved)
            file.used = moved
        for path in [path for path in self._before if path == old or path.startswith(old + b"/")]:
            moved = new + path[len(old):]
            self._before[moved] = self._before.pop(path)
            self._gone.discard(moved)

    def _on_link(self, call: Call, process: Process) -> None:
        self._link(self._place(process, None, call.string(0)), self._place(process, None, call.string(1)), process)

    def _on_linkat(self, call: Call, process: Process) -> None:
        source = call.descriptor(0)
        name = call.string(1)
        new = self._place(process, call.descriptor(2).path, call.string(3))
        if not name:
            assert source.path is not None
            self._link(source.path, new, process, source.deleted)
            return
        old = self._place(process, source.path, name)
        if old.startswith(b"/proc/") and b"/fd/" in old:  # how a file without a name gets one
            self._give(new, self._nameless_of(process))
            self._wrote(self._names[new], process, "link")
            return
        self._link(old, new, process)

    def _link(self, old: bytes, new: bytes, process: Process, deleted: bool = False) -> None:
        file = self._file(old, deleted)
        self._took_by_name(file, process, "link")
        file.linked = True
        self._give(new, file)
        self._wrote(file, process, "link")

    def _nameless_of(self, process: Process) -> File:
        for file in reversed(self._all):
            if file.created and not file.names and process.step in file.write_steps:
                return file
        raise ValueError("a file without a name was linked, but none was made")

    def _on_symlink(self, call: Call, process: Process) -> None:
        self._symlink(self._place(process, None, call.string(1)), process)

    def _on_symlinkat(self, call: Call, process: Process) -> None:
        self._symlink(self._place(process, call.descriptor(1).path, call.string(2)), process)

    def _symlink(self, path: bytes, process: Process) -> None:
        file = self._new(path)
        file.symbolic = True
        self._wrote(file, process, "link")

    def _on_unlink(self, call: Call, process: Process) -> None:
        self._unlink(self._place(process, None, call.string(0)), process)

    def _on_unlinkat(self, call: Call, process: Process) -> None:
        if "AT_REMOVEDIR" not in call.words(2):
            self._unlink(self._place(process, call.descriptor(0).path, call.string(1)), process)

    def _unlink(self, path: bytes, process: Process) -> None:
        if self._was_special(path):
            return
        file = self._file(path)
        if path not in file.given:
            self._removed.setdefault(path, Entry()).add({"unlink"}, {process.step})
        elif not file.created or file.linked:
            self.passing.add(path)
        self._lose(path, file)

    def _was_special(self, path: bytes) -> bool:
        """Did this name, which is removed, belong to a named pipe or a socket?"""
        known = self._before.get(path)
        if path not in self._special and not (known and (stat.S_ISFIFO(known.mode) or stat.S_ISSOCK(known.mode))):
            return False
        self._special.discard(path)
        self.removed_special.add(path)
        self._before.pop(path, None)
        self._gone.add(path)
        return True

    def _on_mknod(self, call: Call, process: Process) -> None:
        self._made_special(self._place(process, None, call.string(0)), call.words(1), process)

    def _on_mknodat(self, call: Call, process: Process) -> None:
        self._made_special(self._place(process, call.descriptor(0).path, call.string(1)), call.words(2), process)

    def _made_special(self, path: bytes, mode: frozenset[str], process: Process) -> None:
        if "S_IFIFO" in mode:
            self._pipe_names.add(path)
        if mode & {"S_IFIFO", "S_IFSOCK", "S_IFCHR", "S_IFBLK"}:
            self._special.add(path)
        else:
            self._wrote(self._new(path), process, "create")

    def _on_bind(self, call: Call, process: Process) -> None:
        found = re.search(r'AF_UNIX, sun_path="((?:\\x[0-9a-f]{2})+)"', call.arguments[1])
        if found:
            self._special.add(self._place(process, None, bytes.fromhex(found[1].replace("\\x", ""))))

    # ---- files and names ----

    @staticmethod
    def _absolute(process: Process, directory: bytes | None, name: bytes) -> bytes:
        if name.startswith(b"/"):
            return process.place[1].rstrip(b"/") + name
        return os.path.join(process.place[0] if directory is None else directory, name)

    def _place(self, process: Process, directory: bytes | None, name: bytes) -> bytes:
        """Where a name leads that is not itself followed. Links on the way there are those of the end of the job."""
        path = self._absolute(process, directory, name).rstrip(b"/")
        head, tail = os.path.split(path)
        return os.path.join(os.path.realpath(head), tail)

    def _is_file(self, path: bytes) -> bool:
        """No pipe, socket, directory or device, and nothing that only looks like a path (memfd:)."""
        if not path.startswith(b"/") or path.startswith(b"/memfd:") or path in self._special:
            return False
        try:
            return stat.S_ISREG(os.stat(path).st_mode)
        except FileNotFoundError:
            return True

    def _device(self, path: bytes, process: Process, word: str) -> bool:
        """Is it a device or a pipe? They hold nothing: only who used them is told. No word: nothing was moved."""
        try:
            mode = os.stat(path).st_mode if path.startswith(b"/") else 0
        except FileNotFoundError:
            mode = 0
        if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            table = self._devices
        elif path.startswith(b"pipe:") or path in self._pipe_names or stat.S_ISFIFO(mode):
            table = self._pipes
        else:
            return False
        if word:
            table.setdefault(path, Entry()).add({word}, {process.step})
        return True

    def _is_directory(self, old: bytes, new: bytes) -> bool:
        known = self._before.get(old)
        if old in self._names:
            return False
        return stat.S_ISDIR(known.mode) if known is not None else os.path.isdir(new) and not os.path.islink(new)

    def _exists(self, path: bytes) -> bool:
        if path in self._names:
            return True
        if path in self._gone:
            return False
        if path.startswith(self._roots):
            return path in self._before
        return os.path.lexists(path)

    @staticmethod
    def _is_empty(file: File) -> bool:
        if file.size is not None:
            return not file.size
        try:
            return not os.stat(file.first).st_size
        except FileNotFoundError:
            return file.first.startswith(b"/proc/")

    def _file(self, path: bytes, deleted: bool = False) -> File:
        table = self._lost if deleted else self._names
        file = table.get(path)
        if file is None:
            file = self._identify(path) if not deleted else self._new(path, nameless=True)
            table[path] = file
        if not deleted:
            file.used = path
        return file

    def _identify(self, path: bytes) -> File:
        """A file that was there before: the same one by all its names."""
        known = self._before.get(path)
        if known is None:
            try:
                status = os.lstat(path)
                known = Known((status.st_dev, status.st_ino), status.st_mode, status.st_size)
            except FileNotFoundError:
                known = None
        file = self._identities.get(known.identity) if known is not None else None
        if file is None:
            file = File(path, path, size=known.size if path in self._before and known else None)
            self._all.append(file)
            if known is not None:
                self._identities[known.identity] = file
        file.aliases.add(path)
        file.linked |= len(file.aliases) > 1
        return file

    def _new(self, path: bytes, *, nameless: bool = False) -> File:
        file = File(path, path, created=True)
        self._all.append(file)
        if nameless:
            self._lost[path] = file
        else:
            self._give(path, file)
        return file

    def _give(self, path: bytes, file: File) -> None:
        self._names[path] = file
        file.names.add(path)
        file.given.add(path)
        file.used = path
        self._gone.discard(path)

    def _forget(self, path: bytes, file: File) -> None:
        self._names.pop(path, None)
        self._gone.add(path)
        file.lost_a_name = True
        file.names.discard(path)

    def _lose(self, path: bytes, file: File) -> None:
        self._forget(path, file)
        self._lost[path] = file

    def _took(self, file: File, process: Process, word: str) -> None:
        file.read.add(word)
        file.read_steps.add(process.step)
        if not file.written:
            file.took_steps.add(process.step)
            file.input_path = file.input_path or file.used

    def _took_by_name(self, file: File, process: Process, word: str) -> None:
        """What it holds is to be found at another name. A file that was read, or written, is known as that already."""
        if not file.written and file.input_path is None:
            self._took(file, process, word)

    def _wrote(self, file: File, process: Process, *words: str) -> None:
        if not file.names and self._names.get(file.used) is file:
            file.names.add(file.used)
        file.written = True
        file.wrote.update(words)
        file.write_steps.add(process.step)


# ---- what execve opens in the kernel: strace shows the name that was asked for alone ----

def _executed(path: bytes) -> list[bytes]:
    """A script, its interpreter if that is one too, and so on to the program."""
    paths = [path]
    while (first := _beginning(paths[-1], 256)).startswith(b"#!"):
        paths.append(os.path.realpath(first[2:].split(b"\n")[0].split()[0]))
    return paths


@cache
def _loader(program: bytes) -> bytes | None:
    """The dynamic loader that an ELF program names: PT_INTERP."""
    head = _beginning(program, 64)
    if head[:5] != b"\x7fELF\x02":
        return None
    at, size, number = (int.from_bytes(head[start:end], "little") for start, end in ((32, 40), (54, 56), (56, 58)))
    table = _beginning(program, at + size * number)
    for row in range(at, len(table), size):
        kind, offset, length = (int.from_bytes(table[row + start:row + end], "little")
                                for start, end in ((0, 4), (8, 16), (32, 40)))
        if kind == 3:
            return os.path.realpath(_beginning(program, offset + length)[offset:].rstrip(b"\0"))
    return None


def _beginning(path: bytes, length: int) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(length)
    except FileNotFoundError:
        return b""
