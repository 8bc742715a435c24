"""From what was watched to the record: entries with their hashes and roles, and why something may be missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lineage import observed
from lineage.ids import counts_of
from lineage.records import SHOWN_ROLES, Access, Entry, EntryKind, Job, Reason
from lineage.redact import redact_text
from roard.content.hashing import KERNEL_FILES
from roard.content.owner import Owner
from roard.content.worker import GONE, LINK, SPECIAL, UNKNOWN, Settled
from roard.observe import devices
from roard.observe.filestate import CHANGED_BEFORE, FileState
from roard.observe.job import WatchedJob
from roard.observe.tree import Tree
from roard.probe.layout import FileId
from roard.probe.probes import Counts

KERNEL_MADE = "the kernel makes it anew for each reader"
#: Reasons for a hash of null that take nothing from the record: there is no content to name.
_NO_CONTENT = frozenset({KERNEL_MADE, LINK, SPECIAL})
#: Of an output: its mount was in no namespace but a container's.
HIDDEN = "only its container could see where it was left"
PIPEFS, BTRFS, TMPFS = 0x50495045, 0x9123683E, 0x01021994  # include/uapi/linux/magic.h
_ORDER: tuple[Access, ...] = ("read", "map", "execute", "create", "write", "truncate", "rename", "link", "unlink")
_UNKNOWN: tuple[bytes, Settled] = (b"", (False, GONE, None, *UNKNOWN, None))
#: Managers of what the machine has, not the project.
_SYSTEM = frozenset({"dpkg", "rpm"})
_CALLS = {10: "mprotect", 16: "ioctl", 28: "madvise", 209: "libaio", 307: "sendmmsg", 425: "io_uring", 440: "process_madvise"}


def taken_paths(job: WatchedJob) -> list[bytes]:
    """Of the inputs so far of the roles that people are shown, each once."""
    paths = dict.fromkeys(state.input_path for state in job.files.all()
                          if state.taken and not state.special and state.input_path)
    return [path for path in paths if job.role(path) in SHOWN_ROLES]


class Recorder:
    """Builds the entries of one job that is over: its inputs at once, the rest when its outputs have settled."""

    def __init__(self, job: WatchedJob) -> None:
        self._job = job
        self._settled: dict[int, tuple[bytes, Settled]] = {}
        # a job's files were mostly used in a few ways by a few steps
        self._known_words: dict[frozenset[Access], tuple[Access, ...]] = {}
        self._known_steps: dict[frozenset[int], tuple[int, ...]] = {}
        # those that do not depend on what is there at the end
        self._inputs = {id(state): self._input(state) for state in job.files.all() if state.taken and not state.special}

    def entries(self, settled: dict[int, tuple[bytes, Settled]]) -> list[Entry]:
        """``settled``: the canonical path and what is there, by id() of a state."""
        self._settled = settled
        self._merge_names()
        entries: list[Entry] = []
        for state in self._job.files.all():
            if state.special:
                if state.read or devices.is_used_by_opening(state.first_path):
                    entries.append(self._special(state))
                continue
            if self._is_directory(state):
                continue
            if state.taken or state.input_path:
                known = self._inputs.get(id(state))
                entries.append(self._input(state) if known is None or known.hash is None else known)
            if state.written:
                entry = self._written(state)
                if entry is not None:
                    entries.append(entry)
        present = {entry.path for entry in entries if entry.kind == "output"}
        entries = [entry for entry in entries if entry.kind != "removed" or entry.path not in present]
        entries += [self._entry("removed", path, None, GONE, None, {"unlink"}, steps)
                    for path, steps in self._job.files.removed.items() if path not in present]
        return _united(entries)

    def _merge_names(self) -> None:
        """A file that got its last name by a path that only the inode can tell (symbolic links in it): one file."""
        files = self._job.files
        lost = {(state.file.dev, state.file.ino): state for state in files.states.values()
                if state.file is not None and state.written and not self._exists(state)}
        if not lost:
            return
        for path, named in list(files.named.items()):
            canonical, found = self._settled.get(id(named), _UNKNOWN)
            if not found[0] or found[8] is not None:    # a symbolic link has an inode of its own
                continue
            state = lost.pop((found[3], found[4]), None)
            if state is not None:
                del files.named[path]
                state.path = canonical
                state.wrote |= named.wrote
                state.write_steps |= named.write_steps
                self._settled[id(state)] = canonical, found

    def _special(self, state: FileState) -> Entry:
        assert state.file is not None
        path = b"pipe:[%d]" % state.file.ino if state.file.magic == PIPEFS else state.first_path
        steps = state.read_steps or state.write_steps
        return self._entry("pipe" if state.pipe else "device", path, None, SPECIAL, None, state.read, steps,
                           identity=_identity(state, state.file),
                           history=self._history(state, steps) if state.pipe else ())

    def _is_directory(self, state: FileState) -> bool:
        """A directory that was moved, of which no file was opened: it has no content of its own."""
        _, found = self._settled.get(id(state), _UNKNOWN)
        return state.file is None and found[1] == SPECIAL

    def _history(self, state: FileState, steps: Iterable[int]) -> tuple[int, ...]:
        """See records.Entry: nothing where it says no more than the entry's steps do."""
        uses = state.ordered_uses()
        if all(wrote for _, wrote in uses) and sorted(step for step, _ in uses) == sorted(steps):
            return ()
        return tuple(2 * self._job.tree.step_index(step) + wrote for step, wrote in uses)

    def _exists(self, state: FileState) -> bool:
        """Is the very file that the job wrote still where the job left it?"""
        _, found = self._settled.get(id(state), _UNKNOWN)
        if state.path is None or not found[0]:
            return False
        return state.file is None or found[4] in (state.file.ino, 0)

    def _input(self, state: FileState) -> Entry:
        content = state.of
        file, digest, reason = content.input_file, content.input_hash, content.input_reason
        if digest is None and content.kept:
            digest = content.prefix
        if digest is None:
            digest = next(filter(None, (self._of_copy(content, *copy) for copy in content.copies)), None)
        appended: set[Access] = {"write"}
        words = appended if content.appended and not state.read else state.read
        identity = _identity(content, file)
        size = file.size if file is not None else None
        if state.executed_at:  # a script that nobody opened: good if it has not changed since
            _, found = self._settled.get(id(state), _UNKNOWN)
            changed = found[7] > state.executed_at + self._job.tree.offset
            digest, reason = (None, CHANGED_BEFORE) if changed else (found[2], found[1])
            size, identity = found[5], (found[3], found[4])
        elif file is None:  # a name that was moved or linked: what it held is what is at the new one
            _, found = self._settled.get(id(state), _UNKNOWN)
            if found[0]:
                digest, reason, size, identity = found[2], found[1], found[5], (found[3], found[4])
            else:
                reason = GONE
        elif file.magic in KERNEL_FILES:
            digest, reason = None, KERNEL_MADE
        return self._entry("input", state.input_path, digest, "" if digest else reason or GONE, size, words,
                           state.took_before(), executed="execute" in state.read, identity=identity)

    def _of_copy(self, content: FileState, state: FileState, then: FileId) -> bytes | None:
        """The hash of what an input was copied to as a whole, if that still is what it was then."""
        _, (exists, _, digest, _, ino, size, mtime, _, _) = self._settled.get(id(state), _UNKNOWN)
        same = exists and (ino, size, mtime) == (then.ino, then.size, then.mtime)
        return digest if same and state.of.copied is content and not state.of.shared else None

    def _written(self, state: FileState) -> Entry | None:
        words, steps = set(state.wrote), set(state.write_steps)
        if not state.taken:
            words |= state.read
            steps |= state.read_steps
        if self._exists(state):
            canonical, (_, reason, digest, dev, ino, size, _, _, target) = self._settled[id(state)]
            if state.file is not None and state.file.magic in KERNEL_FILES:
                digest, reason = None, KERNEL_MADE
            return self._entry("output", canonical, digest, reason, size, words, steps, target=target,
                               identity=(dev, ino) if ino else _identity(state, state.file),
                               history=self._history(state, steps))
        if state.path is not None and state.file is not None and state.file.magic != TMPFS and (
                self._job.elsewhere.hides(state.path)):
            reason = KERNEL_MADE if state.file.magic in KERNEL_FILES else HIDDEN
            return self._entry("output", state.path, None, reason, None, words, steps,
                               identity=_identity(state, state.file), history=self._history(state, steps))
        own = state.of.created or state.file is None or state.nameless
        kind: EntryKind = "scratch" if own else "removed"
        return self._entry(kind, state.path or state.first_path, None, GONE, None, words, steps,
                           identity=_identity(state, state.file), history=self._history(state, steps))

    def _entry(self, kind: EntryKind, path: bytes, digest: bytes | None, reason: str, size: int | None,
               words: Iterable[Access], steps: Iterable[int], *, executed: bool = False,
               target: bytes | None = None, identity: tuple[int | None, int | None] = (None, None),
               history: tuple[int, ...] = ()) -> Entry:
        role = self._job.role(path, executed=executed, device=kind == "device")
        return Entry(kind=kind, path=path, hash=digest, hash_reason="" if digest else reason, size=size, role=role,
                     access=self._words(frozenset(words)),
                     steps=self._indexes(frozenset(steps)), target=target, device=identity[0], inode=identity[1],
                     history=history)

    def _words(self, words: frozenset[Access]) -> tuple[Access, ...]:
        found = self._known_words.get(words)
        if found is None:
            found = self._known_words[words] = _in_order(words)
        return found

    def _indexes(self, steps: frozenset[int]) -> tuple[int, ...]:
        found = self._known_steps.get(steps)
        if found is None:
            found = self._known_steps[steps] = tuple(sorted({self._job.tree.step_index(step) for step in steps}))
        return found


def _in_order(words: Collection[Access]) -> tuple[Access, ...]:
    return tuple(word for word in _ORDER if word in words)


def _united(entries: list[Entry]) -> list[Entry]:
    """An input that was taken in several ways (linked twice, say) is one."""
    inputs: dict[tuple[bytes, bytes | None], int] = {}
    united: list[Entry] = []
    for entry in entries:
        if entry.kind == "input":
            at = inputs.setdefault((entry.path, entry.hash), len(united))
            if at < len(united):
                known = united[at]
                united[at] = known._replace(access=_in_order({*known.access, *entry.access}),
                                            steps=tuple(sorted({*known.steps, *entry.steps})))
                continue
        united.append(entry)
    return united


def _identity(state: FileState, file: FileId | None) -> tuple[int | None, int | None]:
    """On btrfs st_dev is the subvolume's: who asked stat(2) knows it, nobody else."""
    if file is None:
        return None, None
    return state.of.st_dev or (None if file.magic == BTRFS else file.dev), file.ino


def reasons(job: WatchedJob, counts: Counts, entries: Sequence[Entry]) -> list[Reason]:
    """Everything that the record may have missed, in words; none: it is complete."""
    found: list[Reason] = list(job.notes)

    def add(code: str, number: int, words: str) -> None:
        if number > 0:
            s, es = ("", "") if number == 1 else ("s", "es")
            found.append(Reason(code, words.format(n=number, s=s, es=es), number))

    add("lost_accesses", counts.lost_accesses, "{n} file access{es} could not be recorded: the ring was full")
    add("lost_processes", counts.lost_processes, "{n} process event{s} could not be recorded: a table was full")
    add("missing_events", counts.accesses - job.received_accesses + counts.processes - job.received_processes,
        "{n} event{s} that the probes sent did not arrive")
    add("missed_runs", job.missed,
        "the kernel left out {n} run{s} of probes while it ran: what they would have seen is not known")
    add("long_paths", job.files.cut_paths, "{n} path{s} did not fit into a record")
    add("unknown_paths", job.files.unknown_paths, "{n} path{s} could not be resolved")
    add("more_versions", job.files.more_versions, "{n} version{s} of files that kept changing were read and not kept")
    add("long_arguments", job.tree.cut_argv, "the arguments of {n} step{s} did not fit into a record")
    add("ia32", job.tree.compat, "{n} 32-bit program{s} began before such calls were watched: run it again, now they are")
    add("ia32", job.tree.suspects, "{n} program{s} in which there may be 32-bit calls began before such calls were watched: "
        "run it again, now they are")
    add("core_dumps", job.tree.dumped, "{n} process{es} left a core dump, which the kernel writes unseen")
    add("nested", job.tree.nested, "{n} process{es} became a job by `roar run`: what it did is recorded there")
    add("other_users", len(job.tree.others), "{n} process{es} of other users could not be watched")
    add("hidden_files", job.taken_in.hidden if job.taken_in else 0,
        "{n} process{es} did not let roar look at what was open: what it had is not known")
    add("more_endpoints", job.network.more, "{n} more use{s} of network endpoints: so many are not kept")
    add("gpudirect", sum(entry.kind == "device" and devices.is_gpudirect(entry.path) for entry in entries),
        "GPUDirect Storage was used (/dev/nvidia-fs): what it moves between files and a GPU cannot be seen")
    for call, number in sorted(job.tree.blind.items()):
        name = _CALLS.get(call, f"system call {call}")
        add("unseen_calls", number, f"{name} was used in a way whose accesses cannot be seen")
    for kind in ("input", "output"):
        unhashed = [entry for entry in entries
                    if entry.kind == kind and entry.hash is None and entry.hash_reason not in _NO_CONTENT]
        if unhashed:
            name = unhashed[0].path.decode(errors="replace").rpartition("/")[2]
            found.append(Reason(f"unhashed_{kind}s", f"{len(unhashed)} {kind}{'s' * (len(unhashed) > 1)} without a hash "
                                                     f"({name}: {unhashed[0].hash_reason})", len(unhashed)))
    return found


def may_be_owned(entry: Entry) -> bool:
    """Of packages all that was read; of the system's files programs and libraries; and modules, which may be those of an
    editable install."""
    if entry.kind != "input":
        return False
    if entry.role == "system":
        return "execute" in entry.access or "map" in entry.access or b".so" in entry.path or b"/bin/" in entry.path
    return entry.role == "package" or entry.path.endswith((b".py", b".so", b".R"))


def packages(entries: Iterable[Entry], owners: Mapping[bytes, Owner]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Packages by the files that were really read, and those of the system apart: {name, version, files, manager, …}."""
    counted = Counter(owners[entry.path] for entry in entries if entry.package and entry.path in owners)
    rows: list[dict[str, Any]] = []
    for owner, number in sorted(counted.items()):
        more = {key: redact_text(value) for key, value in owner.more}
        rows.append({"name": owner.name, "version": owner.version, "files": number, "manager": owner.manager, **more})
    rows.sort(key=lambda row: (row["name"], row["version"]))
    return ([row for row in rows if row["manager"] not in _SYSTEM], [row for row in rows if row["manager"] in _SYSTEM])


def resources(tree: Tree, told: Mapping[str, Any]) -> dict[str, Any]:
    """Of all processes of the job. ``told``: what wait4(2) told the client, of those that were waited for, to the microsecond;
    the probes see all, and a process's last few milliseconds not always: the larger time is the truer one."""
    usage = tree.accounts.total()
    found: dict[str, Any] = {**told, "processes": tree.processes}
    used = usage.record()
    if used is None:  # some of it ran before it was watched
        return found
    for name, nanoseconds in (("user_seconds", used.user_ns), ("system_seconds", used.system_ns)):
        found[name] = max(float(told.get(name, 0)), nanoseconds / 1e9)
    found["cpu_ns"] = max(used.cpu_ns, round((told.get("user_seconds", 0) + told.get("system_seconds", 0)) * 1e9))
    if used.max_rss_bytes is not None:  # of one process; wait4(2) has that of `roar run` in it, as it was before the exec
        found["max_rss_bytes"] = used.max_rss_bytes
    if used.bytes_read is not None:
        found |= {"bytes_read": used.bytes_read, "bytes_written": used.bytes_written,
                  "storage_bytes_read": used.storage_bytes_read, "storage_bytes_written": used.storage_bytes_written}
    return found


def build(job: WatchedJob, entries: list[Entry], counts: Counts, owners: Mapping[bytes, Owner], unheard: int = 0) -> Job:
    """``unheard``: writes to the standard error that the probes could not send."""
    entries = [entry._replace(package=f"{owners[entry.path].name}=={owners[entry.path].version}")
               if entry.path in owners and may_be_owned(entry) else entry for entry in entries]
    installed, system = packages(entries, owners)
    tree = job.tree
    steps = tree.records()
    network = job.network.records(tree.step_index, tree.offset)
    why = reasons(job, counts, entries)
    code, signal = (tree.exit_code, tree.signal) if tree.root_ended else job.told_exit or (None, None)
    head = replace(
        job.head, ended_at=max(tree.ended_at, job.head.started_at), exit_code=code, signal=signal,
        interrupted=job.interrupted or signal in (1, 2, 3, 15), complete=not why, incomplete_reasons=tuple(why),
        counts=counts_of(entries))
    context = {
        **job.context, "packages": installed, "system_packages": system, "network": network, "gpus": devices.gpus(entries),
        "seeds": observed.seeds(steps, head.argv, job.context.get("environment") or {}),
        "trackers": observed.trackers(entries), "accelerator_libraries": observed.accelerator_libraries(entries),
        "resources": resources(tree, job.context.get("resources", {})),
    }
    if code or signal:
        said = job.stderr.section(unheard)
        if said:
            context["stderr"] = said
    return Job(head=head, steps=steps, entries=tuple(entries), context=context)
