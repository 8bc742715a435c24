"""What a job did to files, kept while it runs: a table by inode, with the names by which they are known now.

Pure bookkeeping: it asks nobody and reads nothing. ``wants`` collects the files whose content should be hashed soon.

An input is a file whose content the job took before it wrote it itself; its version is that of the first read. An
output is what the job created or changed and what is still there when it ends. What was appended to is both: the old
content is a part of the new one.
"""

from __future__ import annotations

import posixpath
import stat
from collections.abc import Iterable, Mapping

from lineage.records import Access
from roard.content.worker import UNKNOWN_PATH
from roard.observe.events import AccessEvent, ContentEvent, NameEvent
from roard.observe.filestate import BEGAN, READ, WROTE, FileState
from roard.observe.links import DESCRIPTOR, Links, own_names
from roard.probe import layout
from roard.probe.layout import FileId

RENAME_EXCHANGE = 2
AT_REMOVEDIR = 0x200
#: In one job: what changes all the time under its readers is not kept for ever.
MOST_VERSIONS = 1000

_CHANGES: frozenset[Access] = frozenset({"create", "write", "truncate"})  # else a name has changed, not the content

_READS: dict[int, Access] = {layout.READ: "read", layout.MAP: "map", layout.EXEC: "execute"}
_WRITES: dict[int, tuple[Access, ...]] = {
    layout.WRITE: ("write",), layout.COPY: ("write",), layout.MAP_WRITE: ("map", "write"), layout.RESIZE: ("truncate",)}


class FileTable:
    def __init__(self) -> None:
        self.states: dict[tuple[int, int, int], FileState] = {}
        self.named: dict[bytes, FileState] = {}         # by name alone: renamed, linked, truncated without being opened
        self.scripts: dict[bytes, FileState] = {}       # executed, and not opened (yet)
        self.later: list[FileState] = []                # versions that somebody else made between two reads
        self.more_versions = 0                          # that are not kept
        self.removed: dict[bytes, set[int]] = {}        # names of files that were there before, and the steps
        self.wants: dict[int, FileState] = {}           # by id(): inputs whose content should be hashed now
        self.closed: list[FileState] = []               # outputs that a step has finished writing
        self.former: list[FileState] = []               # files whose inode was used again for another
        self.cut_paths = 0
        self.unknown_paths = 0
        self._aliases: dict[tuple[int, int, int], dict[int, FileState]] = {}  # further names of an inode, by dentry
        self.links = Links()
        self._time = 0                                  # of the name event that is being applied
        self._early_contents: dict[tuple[int, int, int], ContentEvent] = {}  # whose access is still to come
        self._by_path: dict[bytes, FileState] = {}
        self._directories: set[bytes] = set()
        self._given: set[bytes] = set()                 # names that the job gave
        self._nodes: set[bytes] = set()                 # of them, those of pipes and sockets
        self._newest: dict[tuple[int, int, int], FileState] = {}  # of the later versions
        self._by_fd: dict[tuple[int, int], FileState] = {}
        self._submitted: dict[int, NameEvent] = {}      # by token

    def access(self, event: AccessEvent) -> None:
        file = FileId(*event.file)
        if event.flags & layout.F_CREATED:
            self._retire(file)
        state = self._name_of(self._state(file, event.path, event.flags), file, event)
        before, state.file = state.of.file or file, file  # the same inode, its newest version
        state.of.file = file
        if event.flags & layout.F_SHARED:
            state.of.shared = True
        if event.fd >= 0:
            state.tgid, state.fd = event.tgid, event.fd
            self._by_fd[event.tgid, event.fd] = state
        if state.special:
            self._special(state, event)
        elif event.kind == layout.OPEN:
            self._open(state, file, event)
        elif event.kind in _READS:
            self._read(state, before if event.flags & layout.F_AFTER else file, event.kind, event.step, event.time)
        elif event.kind == layout.CLOSE:
            self.closed.append(state)
        else:
            self._changed(state, before, event)
        if state.of.changed and not state.of.written_at:
            state.of.written_at = event.time

    def execute(self, file: FileId, path: bytes, flags: int, step: int, time: int, tgid: int) -> None:
        state = self._state(file, path, flags)
        state.tgid, state.fd = tgid, -1
        self._read(state, file, layout.EXEC, step, time)

    def content(self, event: ContentEvent) -> None:
        """What a process read. It comes by a ring of its own: before or after the accesses around it."""
        file = FileId(*event.file)
        key = (file.dev, file.ino, file.generation)
        state = self.states.get(key)
        if state is not None and state.written_at and event.time > state.written_at:
            return
        if state is None or state.input_file is None:
            self._early_contents.setdefault(key, event)
            return
        newest = self._newest.get(key)
        if newest is not None and newest.input_file is not None and newest.input_file[3:5] == file[3:5]:
            state = newest
        state.take_hash(file.size, file.mtime, file.ctime, event.digest)
        if state.input_hash is not None:
            self.wants.pop(id(state), None)

    def name(self, event: NameEvent) -> None:
        if event.token:
            self._promised(event)
        else:
            self._name(event)

    def _promised(self, event: NameEvent) -> None:
        """Of io_uring: sent when it was submitted, done when its result is there. Where none will come, at once."""
        if event.kind != layout.RESULT:
            self._submitted[event.token] = event
            if event.flags & layout.F_PROMISED:
                self._name(event)
            return
        asked = self._submitted.pop(event.token, None)
        if asked is None:
            self.unknown_paths += 1
        elif asked.flags & layout.F_PROMISED:
            self.unknown_paths += event.call_flags < 0  # it was not done after all
        elif event.call_flags >= 0:
            self._name(asked._replace(time=event.time))

    def _name(self, event: NameEvent) -> None:
        self._time = event.time
        if event.flags & layout.F_CUT:
            self.cut_paths += 1
            return
        first, second = self.links.told(event, self._sure)
        node = event.kind == layout.CREATE and stat.S_IFMT(event.call_flags) not in (0, stat.S_IFREG)
        if event.flags & layout.F_UNREADABLE or UNKNOWN_PATH in (first, second):
            self.unknown_paths += not node  # a device or a pipe has no content that the record could miss
            return
        if event.kind == layout.SYMLINK:
            self._name_changed(second)
            self._directories.discard(second)
            self.links.made(second, first)
            self._only_named(second, event, "link")
        elif event.kind == layout.RENAME:
            self._rename(first, second, event)
        elif event.kind == layout.LINK:
            self._link(first, second, event)
        elif event.kind == layout.SCRIPT:
            self._script(first, event)
        elif event.kind == layout.CREATE:
            if node:
                self._given.add(first)
                self._nodes.add(first)
            else:
                self._only_named(first, event, "create").created = True
        elif event.kind == layout.TRUNCATE:
            self._truncate(first, event)
        elif not event.call_flags & AT_REMOVEDIR:
            self._unlink(first, event.step)

    # ---- names that lead through symbolic links ----

    def questions(self, event: NameEvent) -> list[bytes]:
        """Paths that somebody must look at (realpath(3), below the process's root) before this can be applied."""
        return self.links.questions(event, self._sure)

    def learn(self, canonical: Mapping[bytes, bytes], event: NameEvent, now: int) -> None:
        """Answers to questions() about an event, given at ``now`` (CLOCK_BOOTTIME ns)."""
        self.links.learn(canonical, event, now, self._sure)

    def _sure(self, path: bytes) -> bool:
        """Is this the canonical path of a file or a directory that the job used?"""
        return path in self._by_path or path in self._directories or self._open_as(path) is not None

    def _name_changed(self, path: bytes) -> None:
        """What is at this path is another thing now. Names that were looked up too late are taken back."""
        for first, second in self.links.changed(path, self._time):
            self.unknown_paths += 1
            self.named.pop(second or first, None)
            self.removed.pop(first, None)
            self.scripts.pop(first, None)

    def want_again(self) -> None:
        """What was not where it was looked for has its last name now."""
        for state in self.all():
            if state.taken and state.of.input_hash is None and state.path is not None and state.of.input_file is not None:
                state.of.input_reason = ""
                self.wants[id(state.of)] = state.of

    def all(self) -> Iterable[FileState]:
        yield from self.states.values()
        for aliases in self._aliases.values():
            yield from aliases.values()
        yield from self.former
        yield from self.later
        yield from self.named.values()
        yield from self.scripts.values()

    # ---- one access ----

    def _retire(self, file: FileId) -> None:
        """A new file with the identity of one that has gone: file systems without generations use inodes again."""
        key = (file.dev, file.ino, file.generation)
        before = self.states.get(key)
        if before is not None and before.path is None:
            self.former += [self.states.pop(key), *self._aliases.pop(key, {}).values()]

    def _state(self, file: FileId, path: bytes | None, flags: int) -> FileState:
        key = (file.dev, file.ino, file.generation)
        state = self.states.get(key)
        if flags & layout.F_CUT:
            self.cut_paths += 1
        if state is None:
            state = self.states[key] = FileState(file, path or b"")
            if flags & (layout.F_UNLINKED | layout.F_DETACHED):
                state.nameless, state.path = True, None
            elif path is None:
                self.unknown_paths += 1
            else:
                self._adopt_name(state, path, flags)
        elif path is not None and state.nameless and not flags & (layout.F_UNLINKED | layout.F_DETACHED):
            state.nameless = False
            self._place(state, path)                    # it has a name again (linked after O_TMPFILE)
        return state

    def _name_of(self, state: FileState, file: FileId, event: AccessEvent) -> FileState:
        """The state for the name by which the file was reached: an inode may have several (hard links)."""
        if state.name == event.name:
            return state
        key = (file.dev, file.ino, file.generation)
        alias = self._aliases.get(key, {}).get(event.name)
        if alias is not None:
            return alias
        nowhere = event.path is None or event.flags & (layout.F_UNLINKED | layout.F_DETACHED | layout.F_CUT)
        if nowhere or not state.name or event.path == state.path or state.special:
            state.name = event.name                 # the kernel had forgotten the name, and made it anew
            return state
        alias = FileState(file, event.path or b"", state)
        alias.name = event.name
        self._aliases.setdefault(key, {})[event.name] = alias
        self._adopt_name(alias, event.path or b"", event.flags)
        return alias

    def _adopt_name(self, state: FileState, path: bytes, flags: int) -> None:
        """A file that is opened for the first time may be one whose name alone was known: the same name, one file."""
        self._place(state, path)
        script = self.scripts.pop(path, None)
        if script is not None and state.file is not None:
            state.read |= script.read
            state.read_steps |= script.read_steps
            state.uses += script.uses
            self._take(state, state.file)
        before = self.named.pop(path, None)
        if before is not None:
            state.wrote |= before.wrote
            state.write_steps |= before.write_steps
            state.uses = before.uses + state.uses
            state.created = before.created
            state.written = state.renamed = True
            if before.input_path and not state.of.changed and not flags & layout.F_TRUNCATED:
                # it was there under another name: this is what it held
                state.read |= before.read
                state.read_steps |= before.read_steps
                assert state.file is not None
                self._take(state, state.file)
                state.input_path = before.input_path
            elif not before.input_path and before.wrote & _CHANGES:
                state.of.changed = True

    def _open(self, state: FileState, file: FileId, event: AccessEvent) -> None:
        if event.flags & layout.F_CREATED or event.f_flags & layout.O_TMPFILE:
            state.created = True
            self._given.add(state.path or b"")
            self._wrote(state, event.step, event.time, "create", how=BEGAN)
        elif event.flags & layout.F_TRUNCATED:
            self._wrote(state, event.step, event.time, "truncate", how=BEGAN)
            state.of.kept = False
        elif (event.f_mode & layout.FMODE_READ and not state.of.changed and file.size > layout.CARRY_MAX
              and state.of.input_hash is None):
            self.wants[id(state.of)] = state.of         # it will probably be read, and what is large takes long

    def _read(self, state: FileState, file: FileId, kind: int, step: int, time: int) -> None:
        state.read.add(_READS[kind])
        state.read_steps.add(step)
        state.use(time, step, READ)
        if not state.of.changed:
            if not state.taken:
                self._take(state, file)
            elif kind != layout.EXEC:
                self._take_again(state, file)

    def _take_again(self, state: FileState, file: FileId) -> None:
        """Somebody else may have changed it since: then that is another input."""
        key = (file.dev, file.ino, file.generation)
        newest = self._newest.get(key, state.of)
        known = newest.input_file
        if known is None or not known.mtime or (known.size, known.mtime) == (file.size, file.mtime):
            return
        if len(self.later) >= MOST_VERSIONS:
            self.more_versions += 1
            return
        version = FileState(file, state.path or state.first_path)
        version.tgid, version.fd = state.tgid, state.fd
        version.read, version.read_steps = state.read, state.read_steps
        self.later.append(version)
        self._newest[key] = version
        self._take(version, file)

    def _take(self, state: FileState, file: FileId) -> None:
        """What is there before the job changed it becomes an input."""
        state.taken = True
        state.input_path = state.first_path if "rename" in state.wrote else state.path or state.first_path
        content = state.of
        if content.input_file is not None:
            return
        content.input_file = file
        if content.before_read is not None:             # hashed since it was opened: good if it is still that version
            content.take_hash(*content.before_read)
            content.input_reason = ""
        early = self._early_contents.pop((file.dev, file.ino, file.generation), None)
        if early is not None:
            self.content(early)
        if content.input_hash is None:
            self.wants[id(content)] = content

    def _changed(self, state: FileState, before: FileId, event: AccessEvent) -> None:
        """Its content is another one now. ``before``: the version that was seen last."""
        content = state.of
        appends = event.flags & layout.F_APPENDED
        if appends and event.offset and not content.changed and content.input_file is None:
            content.appended = content.kept = True
            self._take(state, before if before.size == event.offset else
                       before._replace(size=event.offset, mtime=0, ctime=0))
        elif not appends:
            content.kept = False
        elif not content.changed and content.input_hash is None and content.input_file is not None:
            content.kept = content.input_file.size == event.offset
            if content.kept:
                self.wants[id(content)] = content       # what was read is how it begins now
        content.shared = content.shared or event.kind == layout.MAP_WRITE
        content.copied = None
        if event.kind == layout.COPY:
            self._copied(state, event)
        self._wrote(state, event.step, event.time, *_WRITES[event.kind])

    def _copied(self, state: FileState, event: AccessEvent) -> None:
        """The two have one content now; it will be known by the hash of the copy, if nothing happens to that."""
        device = layout.device_number(event.length >> 32)
        source = self.states.get((device, event.offset, event.length & 0xFFFFFFFF))
        if source is not None and source.changed:
            source = source.copied                      # a copy of a copy
        elif source is not None:
            source = self._newest.get((device, event.offset, event.length & 0xFFFFFFFF), source)
        if source is not None and source.input_hash is None and state.file is not None:
            state.of.copied = source
            source.copies += ((state, state.file),)

    @staticmethod
    def _wrote(state: FileState, step: int, time: int, *words: Access, how: int = WROTE) -> None:
        state.written = True
        state.of.changed = state.of.changed or not _CHANGES.isdisjoint(words)
        state.wrote.update(words)
        state.write_steps.add(step)
        state.use(time, step, how)

    @staticmethod
    def _special(state: FileState, event: AccessEvent) -> None:
        """Devices and pipes hold nothing: only who used them, and how, is known; apart, who only opened them."""
        if event.kind in _READS:
            state.read.add(_READS[event.kind])
            state.use(event.time, event.step, READ)
        elif event.kind in _WRITES:
            state.read.update(_WRITES[event.kind])
            state.use(event.time, event.step, WROTE)
        (state.write_steps if event.kind == layout.OPEN else state.read_steps).add(event.step)

    # ---- names ----

    def _rename(self, old: bytes, new: bytes, event: NameEvent) -> None:
        if old == new:
            return
        moved = self._by_path.pop(old, None)
        other = self._by_path.pop(new, None)
        if event.call_flags & RENAME_EXCHANGE:
            self._exchange(moved, old, other, new, event)
            return
        self._given.discard(old)
        self._given.add(new)
        self._name_changed(new)
        if old in self._nodes:
            self._nodes.remove(old)
            self._nodes.add(new)
            return
        if other is not None:
            other.path = None                           # replaced: that file has lost this name
            other.renamed = True
        self.named.pop(new, None)
        target = self.links.target(old)
        self._name_changed(old)
        if target is not None:
            self.links.made(new, target)
        if moved is not None:
            self._moved(moved, new, event)
        elif old in self.named:
            self._renamed(self.named.pop(old), new, event)
        elif old in self._directories:
            self._rename_directory(old, new)
        else:
            self._took_name(old, new, event, "rename")

    def _exchange(self, first: FileState | None, old: bytes, second: FileState | None, new: bytes, event: NameEvent) -> None:
        pairs = ((first, old, new), (second, new, old))
        names = [self.named.pop(path, None) for _, path, _ in pairs]
        directories = [path in self._directories for _, path, _ in pairs]
        for (state, before, after), named, directory in zip(pairs, names, directories, strict=True):
            if state is not None:
                self._moved(state, after, event)
            elif named is not None:
                self._renamed(named, after, event)
            elif not directory:
                self._took_name(before, after, event, "rename")
        if any(directories):
            self._exchange_directories(old, new)

    def _exchange_directories(self, old: bytes, new: bytes) -> None:
        aside = old + b"\0"                             # no file can have that name
        self._rename_directory(old, aside)
        self._rename_directory(new, old)
        self._rename_directory(aside, new)

    def _renamed(self, state: FileState, path: bytes, event: NameEvent) -> None:
        """Of what is known by name alone."""
        state.path = path
        state.use(event.time, event.step, READ)
        self._wrote(state, event.step, event.time, "rename")
        self.named[path] = state

    def _moved(self, state: FileState, path: bytes, event: NameEvent) -> None:
        if state.file is not None and not (state.of.changed or state.taken or state.special):
            state.read.add("rename")                    # it was only opened until now
            state.read_steps.add(event.step)
            self._take(state, state.file)
        state.renamed = True
        self._place(state, path)
        if state.written:
            state.use(event.time, event.step, READ)    # who moves it hands it on
        self._wrote(state, event.step, event.time, "rename")

    def _rename_directory(self, old: bytes, new: bytes) -> None:
        prefix = old + b"/"
        for table in (self._by_path, self.named):
            for path in [path for path in table if path.startswith(prefix)]:
                state = table.pop(path)
                moved = new + path[len(old):]
                state.path = moved
                table[moved] = state
                if table is self._by_path:
                    self._place(state, moved)
        for paths in (self._directories, self._given):
            within = {path for path in paths if path == old or path.startswith(prefix)}
            paths.difference_update(within)
            paths.update(new + path[len(old):] for path in within)
        self._name_changed(old)

    def _script(self, path: bytes, event: NameEvent) -> None:
        """It was executed, whether its interpreter reads it or not."""
        state = self._open_as(own_names(event.tgid, path)) or self._by_path.get(path) or self.named.get(path)
        if state is None:
            state = self.scripts.setdefault(path, FileState(None, path))
            state.input_path = path
            state.executed_at = state.executed_at or event.time
        state.read.add("execute")
        state.read_steps.add(event.step)
        state.use(event.time, event.step, READ)
        if state.file is not None and not state.of.changed and not state.taken:
            self._take(state, state.file)

    def _truncate(self, path: bytes, event: NameEvent) -> None:
        known = self._by_path.get(path)
        if known is None:
            self._only_named(path, event, "truncate")
            return
        self._wrote(known, event.step, event.time, "truncate")
        known.of.copied = None
        known.of.written_at = known.of.written_at or event.time
        known.of.kept = False

    def _link(self, old: bytes, new: bytes, event: NameEvent) -> None:
        known = self._described(old, event) or self._by_path.get(old)
        if known is None:
            self._link_name(old, new, event)
            return
        known.renamed = True
        if known.path is None:                          # it had no name: now it has one
            known.nameless = False
            self._place(known, new)
            self._wrote(known, event.step, event.time, "link")
        elif known.of.changed:
            self._only_named(new, event, "link")
        else:
            self._took_name(known.path, new, event, "link")

    def _link_name(self, old: bytes, new: bytes, event: NameEvent) -> None:
        known = self.named.get(old)
        if known is None:
            self._took_name(old, new, event, "link")
        elif known.input_path:
            self._took_name(known.input_path, new, event, "link")
        else:
            self._only_named(new, event, "link")

    def _described(self, old: bytes, event: NameEvent) -> FileState | None:
        """The file that was linked by its descriptor: given as such, or as a name in /proc."""
        if event.file is not None:
            file = FileId(*event.file)
            return self.states.get((file.dev, file.ino, file.generation))
        return self._open_as(own_names(event.tgid, old))

    def _open_as(self, path: bytes) -> FileState | None:
        """What a name in /proc of a descriptor stands for."""
        found = DESCRIPTOR.fullmatch(path)
        return self._by_fd.get((int(found[1]), int(found[2]))) if found else None

    def _took_name(self, old: bytes, new: bytes, event: NameEvent, word: Access) -> None:
        """A file that the job never opened got a new name: what it held came from the old one."""
        state = self._only_named(new, event, word)
        if not state.input_path:
            state.input_path = old
            state.read.add(word)
            state.read_steps.add(event.step)

    def _only_named(self, path: bytes, event: NameEvent, word: Access) -> FileState:
        state = self.named.get(path)
        if state is None:
            state = self.named[path] = FileState(None, path)
        self._given.add(path)
        self._note_directories(path)
        self._wrote(state, event.step, event.time, word)
        return state

    def _unlink(self, path: bytes, step: int) -> None:
        self._name_changed(path)
        given = path in self._given
        self._given.discard(path)
        self._nodes.discard(path)
        state = self._by_path.pop(path, None)
        named = self.named.pop(path, None)
        if state is not None:
            state.path = None
            state.renamed = True
            given = given or state.special
        elif named is not None and named.input_path:
            if named.wrote == {"link"}:
                named.path = None
                self.former.append(named)               # whose content was taken, and still is where it was
            else:
                path, given = named.input_path, False   # it had another name before
        if not given:
            self.removed.setdefault(path, set()).add(step)

    def _place(self, state: FileState, path: bytes) -> None:
        state.path = path
        self._by_path[path] = state
        self._note_directories(path)

    def _note_directories(self, path: bytes) -> None:
        directory = posixpath.dirname(path)
        while directory not in self._directories:
            self._directories.add(directory)
            directory = posixpath.dirname(directory)
