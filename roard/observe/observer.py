"""The daemon's heart: jobs come, are watched, end, and become records.

Batches from the reader are applied by one thread, in order, under one lock; hashes come in by the workers' threads and
take the lock for a moment; a job that is over is finished by a pool thread, so that a large one holds nobody up.
"""

from __future__ import annotations

import heapq
import logging
import os
import pwd
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Any

from lineage.errors import InvalidError, NotFoundError, UnavailableError
from lineage.records import JOB_KINDS, Host, Job, JobHead, Reason, Session, User
from roard.content.hashing import ENDED, KERNEL_FILES, RACY_NS, Hashing
from roard.content.mounts import Mounts
from roard.content.worker import Outcome, Question, Settled
from roard.observe import record
from roard.observe.attach import TakenIn
from roard.observe.attacher import Attacher
from roard.observe.events import AccessEvent, AnswerEvent, ContentEvent, EndpointEvent, NameEvent, ProcessEvent
from roard.observe.files import FileTable
from roard.observe.filestate import FileState
from roard.observe.job import Process, WatchedJob, boot_offset, lives
from roard.observe.transfer import transferred
from roard.observe.tree import Tree
from roard.probe import layout
from roard.probe.layout import FileId
from roard.probe.probes import Probes
from roard.probe.reader import CONTENT
from roard.probe.supervisor import Reader
from roard.store.store import Store

_log = logging.getLogger(__name__)
_TICK_SECONDS = 0.25
#: An output is hashed when it was closed, not when the job ends, for then somebody waits; but not at once: a burst of
#: small files needs the processors itself, and within a tick of the clock a file could change again and look the same.
_EARLY_SECONDS = 0.25
_STRAGGLER_SECONDS = 0.3
_LOOK_SECONDS = 0.002
_MOST_STEPS = 1_000_000
_NO_PROCESSOR = 255  # in place of the one that an exec's step is named after
_FINISHERS = 4


@dataclass(frozen=True)
class Finished:
    """``head`` None: not final yet, and ``pending`` says why."""

    head: JobHead | None
    pending: str


class Observer:
    def __init__(self, probes: Probes, reader: Reader, hashing: Hashing, store: Store, host: Host,
                 stderr: bool = True) -> None:
        """``stderr``: keep what jobs that fail wrote to their standard error."""
        self._stderr = stderr
        self._probes = probes
        self._reader = reader
        self._hashing = hashing
        self._store = store
        self._host = host
        self._lock = threading.RLock()
        self._jobs: dict[int, WatchedJob] = {}
        self._runs: dict[bytes, WatchedJob] = {}
        self._unsaved: list[tuple[WatchedJob, Job]] = []
        self._early: deque[tuple[float, WatchedJob, FileState]] = deque()
        self._mounts = Mounts()
        self._compat_users: set[int] = set()            # who has run programs of 32-bit calls that nobody announced
        self._pool = ThreadPoolExecutor(_FINISHERS, thread_name_prefix="finish")
        self._stopped = threading.Event()
        self.events = 0
        self.jobs_finished = 0
        self.attacher = Attacher(self)
        for target in (self._listen, self._tick):
            threading.Thread(target=target, name=target.__name__.strip("_"), daemon=True).start()

    # ---- jobs come and go ----

    def register(self, process: Process, argv: tuple[bytes, ...], cwd: bytes, project: bytes, context: Mapping[str, Any],
                 tracked: frozenset[bytes], compat: bool = False, stderr: bool = True,
                 forward: str | None = None) -> tuple[Session, JobHead]:
        """From its return on, nothing that the process's program does is missed. ``process`` is the caller's to close
        where this fails, the job's else. ``compat``: its program makes 32-bit calls, or may; ``stderr``: what it writes
        there may be kept; ``forward``: the scope in which the registry shall get it."""
        session, job = self._begin(process, argv, cwd, project, context, tracked, stderr=stderr, forward=forward)
        try:
            if compat or process.uid in self._compat_users:
                self._watch_compat(job)
            self._reader.look(len(self._jobs))
            outer = self._probes.add_member(process.pid, job.kernel)
            job.missed_before = self._probes.missed_runs()  # of its own program none could be: that has not begun
            if outer is not None:
                self._depart(outer, process.pid)
            if not lives(process.pidfd):  # it ended before it was a member
                raise NotFoundError("the process to watch has ended", "try again")
        except BaseException:
            self._forget(job)
            raise
        return session, job.head

    def _begin(self, process: Process, argv: tuple[bytes, ...], cwd: bytes, project: bytes, context: Mapping[str, Any],
               tracked: frozenset[bytes], taken_in: TakenIn | None = None,
               stderr: bool = True, forward: str | None = None) -> tuple[Session, WatchedJob]:
        """A job that has no process yet."""
        if not cwd.startswith(b"/") or not project.startswith(b"/"):
            raise InvalidError("cwd and project are absolute paths")
        name, home = _account(process.uid)
        run = secrets.token_bytes(16)
        self._probes.attachment.hold()
        try:
            session, head = self._store.begin_job(User(process.uid, name), self._host, project, run, argv, cwd,
                                                  time.time_ns(), _kind(context), forward)
        except BaseException:
            self._probes.attachment.release()
            raise
        job = WatchedJob(
            kernel=int.from_bytes(run[:8], "little") or 1, head=head, process=process, home=home,
            tree=Tree(process.pid, boot_offset()), files=FileTable(), tracked=tracked, context=dict(context),
            taken_in=taken_in)
        if stderr and self._stderr:
            self._probes.hear(job.kernel)
        with self._lock:
            self._jobs[job.kernel] = self._runs[run] = job
        return session, job

    def _depart(self, kernel: int, tgid: int) -> None:
        with self._lock:
            job = self._jobs.get(kernel)
            if job is not None:
                job.tree.depart(tgid)
                self._end_if_ready(job)

    def describe(self, run: bytes, uid: int, context: Mapping[str, Any]) -> None:
        with self._lock:
            self._job(run, uid).add_context(context)

    def finish(self, run: bytes, uid: int, told: tuple[int | None, int | None], interrupted: bool,
               resources: Mapping[str, Any], seconds: float) -> Finished:
        """The caller's word that the root has ended. Waits for the record, but not for processes left behind."""
        with self._lock:
            job = self._job(run, uid)
            job.told_exit = told
            job.interrupted |= interrupted
            job.add_context({"resources": dict(resources)})
            self._end_if_ready(job)
        self._reader.look(len(self._jobs))
        deadline = time.monotonic() + seconds
        patience = time.monotonic() + _STRAGGLER_SECONDS
        while not job.final.wait(min(0.05, max(0.0, deadline - time.monotonic()))):
            with self._lock:
                left = len(job.tree.live)
                if job.problem:
                    return Finished(None, job.problem)
                if left and job.tree.root_ended and time.monotonic() > patience:
                    return Finished(None, "1 process of it still runs: the record is final when it has ended" if left == 1 else
                                    f"{left} processes of it still run: the record is final when they have ended")
            if time.monotonic() > deadline:
                return Finished(None, "contents are still being hashed")
        return Finished(job.result, "")

    def inputs(self, run: bytes, uid: int, seconds: float) -> list[bytes]:
        """The paths of what a job took, of the roles that people are shown; when its root has ended."""
        deadline = time.monotonic() + seconds
        self._reader.look(len(self._jobs))
        while True:
            with self._lock:
                job = self._job(run, uid)
                if job.tree.root_ended or job.closing or time.monotonic() > deadline:
                    return record.taken_paths(job)
            time.sleep(_LOOK_SECONDS)

    def job_of_process(self, pid: int, uid: int) -> int:
        """The number of the job that a process belongs to."""
        with self._lock:
            return self._member(pid, uid)[0].head.number

    def begin_cell(self, pid: int, uid: int, digest: bytes) -> int:
        """The process executes a cell now: what it does is that cell's. Returns its job's number."""
        with self._lock:
            job, outer = self._member(pid, uid)
            if len(job.tree.steps) >= _MOST_STEPS:
                raise InvalidError("the job has too many steps for one more cell")
            step = time.clock_gettime_ns(time.CLOCK_BOOTTIME) << 8 | _NO_PROCESSOR
            job.tree.begin_cell(pid, outer, step, digest)
            if not self._probes.change_step(pid, job.kernel, step):
                raise NotFoundError("the process has ended")
            return job.head.number

    def end_cell(self, pid: int, uid: int, number: int, *, failed: bool) -> int:
        """It goes on in the step around the cell."""
        with self._lock:
            job, step = self._member(pid, uid)
            outer = job.tree.end_cell(pid, step, number, time.time_ns(), failed=failed)
            if outer is None:
                raise InvalidError("no cell runs in this process", "begin one first")
            self._probes.change_step(pid, job.kernel, outer)
            return job.head.number

    def _member(self, pid: int, uid: int) -> tuple[WatchedJob, int]:
        """The job of a process, and the step that it is in."""
        member = self._probes.member(pid) if pid > 0 else None
        job = self._jobs.get(member[0]) if member else None
        if member is None or job is None or uid not in (0, job.head.user.uid):
            raise NotFoundError("this process belongs to no job", "start it by `roar run`")
        return job, member[1]

    def never_ran(self, run: bytes, uid: int) -> None:
        with self._lock:
            job = self._job(run, uid)
        self._forget(job)

    def progress(self, run: bytes, uid: int) -> tuple[JobHead, dict[str, int], threading.Event]:
        """(head, counts so far, what is set when the store has it)."""
        with self._lock:
            job = self._job(run, uid)
            read = sum(1 for state in job.files.all() if state.taken)
            written = sum(1 for state in job.files.all() if state.written)
            head, final, alive = job.head, job.final, list(job.tree.live)
            counts = {"files_read": read, "files_written": written, "processes": len(alive), "steps": len(job.tree.steps),
                      "events": job.received_accesses + job.received_processes}
        bytes_read, bytes_written = transferred(alive)
        return head, {**counts, "bytes_read": bytes_read, "bytes_written": bytes_written}, final

    def running(self, uid: int) -> int:
        with self._lock:
            return sum(1 for job in self._jobs.values() if uid in (0, job.head.user.uid))

    def statistics(self) -> dict[str, int]:
        with self._lock:
            return {"jobs_running": len(self._jobs), "jobs_finished": self.jobs_finished, "events": self.events,
                    "jobs_unsaved": len(self._unsaved), "probes_attached": int(self._probes.attachment.attached)}

    def unsaved(self) -> int:
        with self._lock:
            return len(self._unsaved)

    def close(self) -> None:
        """Stops watching. What still runs stays in the store as running; the next start closes it as incomplete."""
        self._stopped.set()
        self._pool.shutdown(wait=True)
        self._retry_unsaved()
        self._reader.close()
        self._probes.attachment.close()
        self._probes.compat.close()
        self._probes.grouping.close()
        self._mounts.close()

    def _job(self, run: bytes, uid: int) -> WatchedJob:
        job = self._runs.get(run)
        if job is None or uid not in (0, job.head.user.uid):
            raise NotFoundError("no such job is running", "`roar log` lists those that have ended")
        return job

    def _forget(self, job: WatchedJob) -> None:
        self._store.forget_job(job.head.run)
        self._leave(job)
        job.final.set()

    def _leave(self, job: WatchedJob) -> None:
        for tgid in list(job.tree.live):
            self._probes.remove_member(tgid)
        with self._lock:
            if self._jobs.pop(job.kernel, None) is None:
                return
            self._runs.pop(job.head.run, None)
        self._probes.forget(job.kernel)
        self._probes.attachment.release()
        if job.compat:
            self._probes.compat.release()
        if job.taken_in is not None:
            self.attacher.leave(job.taken_in)
        job.process.close()

    # ---- what the reader sends ----

    def _listen(self) -> None:
        while not self._stopped.is_set():
            batch = self._reader.receive()
            if batch is None:
                if self._stopped.is_set():
                    return
                _log.error("the reader ended; its successor goes on where it was")
                self._reader.restart()
                self._reader.look(len(self._jobs))
                continue
            try:
                self._apply(*batch)
            except Exception:
                _log.exception("a batch of events could not be applied")

    def _apply(self, processes: list[tuple[Any, ...]], accesses: list[tuple[Any, ...]], counts: dict[int, int],
               heard: dict[int, tuple[bytes, int, bool]]) -> None:
        """Exits last: each access of a process that ended in this batch is in it."""
        touched: set[WatchedJob] = set()
        with self._lock:
            self.events += len(processes) + len(accesses)
            exits, programs = [], []
            newcomers: dict[WatchedJob, list[ProcessEvent]] = {}
            for row in processes:
                event = ProcessEvent(*row)
                job = self._jobs.get(event.job)
                if job is None:
                    continue
                touched.add(job)
                job.received_processes += 1
                if event.kind == layout.EXIT:
                    exits.append((job, event))
                    continue
                job.tree.apply(event)
                if event.kind == layout.JOIN and event.code == layout.JOINED:
                    newcomers.setdefault(job, []).append(event)
                if event.flags & layout.F_COMPAT:
                    self.learn_compat(job)
                if event.file is not None:
                    programs.append(row)
            for kernel, number in counts.items():
                if kernel in self._jobs:
                    self._jobs[kernel].received_accesses += number
            for kernel, said in heard.items():
                if kernel in self._jobs:
                    self._jobs[kernel].stderr.add(*said)
            # a program may have been written a moment before it was executed
            rows = accesses if not programs else heapq.merge(accesses, programs, key=lambda row: row[4])
            for row in rows:
                job = self._jobs.get(row[2])
                if job is not None:
                    touched.add(job)
                    if job.backlog:
                        job.backlog.append(row)
                    else:
                        self._access(job, row)
            for job, found in newcomers.items():
                self.attacher.came(job, found)
            for job in touched:
                self._want_hashes(job)
            for job, event in exits:
                job.tree.apply(event)
                self._end_if_ready(job)

    def _access(self, job: WatchedJob, row: tuple[Any, ...]) -> None:
        kind = row[0]
        if kind == layout.ANSWER:
            job.network.answer(AnswerEvent(*row))
            return
        if layout.CONNECT <= kind < layout.ANSWER:
            job.network.endpoint(EndpointEvent(*row))
            return
        if job.taken_in is not None:
            row = job.taken_in.held.row(row)
        if kind == CONTENT:
            job.files.content(ContentEvent(*row))
        elif kind >= layout.FORK:
            self._executed(job, ProcessEvent(*row))
        elif kind >= layout.RENAME:
            event = self._names_at_home(job, NameEvent(*row))
            questions = job.files.questions(event)
            if questions:
                self._resolve(job, row, event, questions)
            else:
                job.files.name(event)
        else:
            self._accessed(job, AccessEvent(*row))

    def _accessed(self, job: WatchedJob, access: AccessEvent) -> None:
        if access.inner and access.path is not None:
            path, flags = self._at_home(job, FileId(*access.file), access.path, access.inner, access.flags)
            access = access._replace(path=path, flags=flags)
        job.files.access(access)

    def _executed(self, job: WatchedJob, event: ProcessEvent) -> None:
        if event.file is not None:
            file = FileId(*event.file)
            path, flags = self._at_home(job, file, event.path, event.inner, event.flags)
            job.files.execute(file, path, flags, event.step, event.time, event.tgid)
            if not event.flags & layout.F_COMPAT and job.tree.before_compat(event.time) and file not in job.examined:
                job.examined.add(file)
                self._examine(job, file, path, event.tgid)

    def _examine(self, job: WatchedJob, file: FileId, path: bytes, tgid: int) -> None:
        """A 64-bit program that began while 32-bit calls were not watched: if it is the user's own, may it make any?"""
        if job.role(path, executed=True) in {"system", "package"}:
            return

        def answered(found: list[bool] | None) -> None:
            if found == [True]:
                job.tree.suspects += 1
                self.learn_compat(job)

        asked = self._hashing.programs(job.owner, [(path, tgid, file.dev, file.ino, file.magic)])
        self._await(job, asked, answered)

    def _resolve(self, job: WatchedJob, row: tuple[Any, ...], event: NameEvent, questions: list[bytes]) -> None:
        """Somebody must look where these lead; until then nothing that came later is applied."""
        job.backlog.append(row)

        def answered(canonical: dict[bytes, bytes] | None) -> None:
            job.files.learn({path: (canonical or {}).get(path, path) for path in questions}, event,
                            time.clock_gettime_ns(time.CLOCK_BOOTTIME))
            waiting, job.backlog = job.backlog, deque()
            while waiting and not job.backlog:
                self._access(job, waiting.popleft())
            job.backlog += waiting
            self._want_hashes(job)

        self._await(job, self._hashing.canonical(job.owner, [(event.root, path) for path in questions]), answered)

    def _at_home(self, job: WatchedJob, file: FileId, path: bytes, inner: bytes, flags: int) -> tuple[bytes, int]:
        """Where the daemon's mount namespace has a file that was accessed in another one; else as it was seen there."""
        if not flags & (layout.F_FOREIGN | layout.F_DETACHED):
            return path, flags
        home = self._mounts.place(file.dev, inner)
        if flags & layout.F_FOREIGN and not flags & (layout.F_DETACHED | layout.F_UNLINKED):
            job.elsewhere.tell(path, home)
        if home is None:
            return path, flags
        return home, flags & ~(layout.F_FOREIGN | layout.F_DETACHED)

    def _names_at_home(self, job: WatchedJob, event: NameEvent) -> NameEvent:
        """Names in another mount namespace. Those that lead through directories may pass its mounts: to be looked up."""
        if not event.flags & layout.F_FOREIGN:
            return event

        def at_home(path: bytes, dev: int, inner: bytes, follow: bool) -> bytes:
            if not inner:
                return path
            if event.flags & layout.F_TYPED:
                known = None if follow else job.elsewhere.home(path)
                return known or b"/proc/%d/root%b" % (event.tgid, path)
            return self._mounts.place(dev, inner) or path

        first = at_home(event.first, *event.inner[0], layout.follows(event.kind, event.call_flags))
        second = at_home(event.second, *event.inner[1], False)
        return event._replace(first=first, second=second, flags=event.flags & ~layout.F_FOREIGN)

    def learn_compat(self, job: WatchedJob) -> None:
        """It runs a program that makes 32-bit calls, or may: they are seen from now on, in this job, and from the start in
        this user's next ones."""
        self._compat_users.add(job.head.user.uid)
        self._watch_compat(job)

    def _watch_compat(self, job: WatchedJob) -> None:
        if not job.compat:
            self._probes.compat.hold()
            job.compat = True
            job.tree.compat_since = time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    # ---- contents ----

    def _want_hashes(self, job: WatchedJob) -> None:
        """Asks for the inputs that the batch brought, where nobody knows them; notes the outputs for later."""
        files, ask = job.files, []
        for state in files.wants.values():
            version = state.input_file or state.file
            if version is None or version.magic in KERNEL_FILES or state.input_hash is not None:
                continue
            known = None if state.shared else self._hashing.known(version)
            if known is not None:
                state.take_hash(version.size, version.mtime, version.ctime, known)
            elif state.path is not None or state.tgid:
                ask.append((state, version, state.kept))
        files.wants = {}
        if ask:
            items = [(state.path or state.first_path, state.tgid, state.fd, version.dev, version.ino, version.magic,
                      version.size if prefix else None) for state, version, prefix in ask]
            began = time.time_ns()
            future = self._hashing.hash_files(job.owner, items)
            self._await(job, future, lambda answer: self._inputs_hashed(ask, answer, began))
        due = time.monotonic() + _EARLY_SECONDS
        for state in files.closed:
            if not state.due:
                state.due = True
                self._early.append((due, job, state))
        files.closed = []

    def _await(self, job: WatchedJob, future: Future[Any], use: Any) -> None:  # noqa: ANN401 - a callback
        job.hashing.add(future)

        def done(answered: Future[Any]) -> None:
            with self._lock:
                try:
                    use(answered.result())
                finally:
                    job.hashing.discard(answered)

        future.add_done_callback(done)

    def _inputs_hashed(self, asked: list[tuple[FileState, FileId, bool]], answer: list[Outcome] | None,
                       began: int) -> None:
        settled: list[tuple[FileId, bytes]] = []
        for at, (state, version, prefix) in enumerate(asked):
            if answer is None:
                state.input_reason = state.input_reason or ENDED
                continue
            problem, digest, state.st_dev, _, size, mtime, ctime = answer[at]
            if digest is None:
                state.input_reason = state.input_reason or problem
                continue
            if prefix:
                state.prefix = digest
                continue
            state.take_hash(size, mtime, ctime, digest)
            if not state.shared:
                settled.append((version._replace(size=size, mtime=mtime, ctime=ctime), digest))
        self._hashing.remember(settled, began)

    def _hash_early(self) -> None:
        """Outputs that were closed a moment ago, and not gone since."""
        with self._lock:
            now = time.monotonic()
            due: dict[WatchedJob, list[tuple[FileState, FileId]]] = {}
            while self._early and self._early[0][0] <= now:
                _, job, state = self._early.popleft()
                state.due = False
                if not job.closing and state.file is not None and state.path is not None and not state.of.shared:
                    due.setdefault(job, []).append((state, state.file))
            for job, asked in due.items():
                began = time.time_ns()
                future = self._hashing.hash_files(job.owner, [
                    (state.path or b"", state.tgid, state.fd, file.dev, file.ino, file.magic, None)
                    for state, file in asked])
                self._await(job, future, lambda answer, asked=asked, began=began:
                            self._outputs_hashed(asked, answer, began))

    def _outputs_hashed(self, asked: list[tuple[FileState, FileId]], answer: list[Outcome] | None, began: int) -> None:
        rows = []
        for (state, file), outcome in zip(asked, answer or (), strict=False):
            _, digest, dev, ino, size, mtime, ctime = outcome
            if digest is not None and began - max(mtime, ctime) > RACY_NS:  # else it is done again at the end
                state.early = ((dev, ino, size, mtime, ctime), digest)
                rows.append((file._replace(size=size, mtime=mtime, ctime=ctime), digest))
        self._hashing.remember(rows, began)

    # ---- the end ----

    def _end_if_ready(self, job: WatchedJob) -> None:
        if not job.closing and job.ready():
            job.closing = True
            job.missed = self._probes.missed_runs() - job.missed_before
            self._pool.submit(self._finalise, job)

    def _end_without_word(self) -> None:
        """Jobs that are over and whose client was killed."""
        with self._lock:
            for job in self._jobs.values():
                self._end_if_ready(job)

    def _finalise(self, job: WatchedJob) -> None:
        try:
            if not job.tree.steps:
                self._forget(job)  # its program never began
                return
            self._wait_for_hashes(job)
            with self._lock:
                job.files.want_again()
                self._want_hashes(job)
            self._wait_for_hashes(job)
            whole, afterwards = self._record(job)
            self._save(job, whole)
            afterwards()
        except Exception:
            _log.exception("job %s could not be finished", job.head.run.hex())
            with self._lock:
                job.problem = "roard failed to write the record; its log says why"

    def _wait_for_hashes(self, job: WatchedJob) -> None:
        while True:
            with self._lock:
                waiting = set(job.hashing)
            if not waiting:
                return
            wait(waiting)

    def _record(self, job: WatchedJob) -> tuple[Job, Callable[[], None]]:
        """Also what may be done when the record is stored and nobody waits any more."""
        files = job.files
        written = [state for state in files.all() if state.written and not state.special and state.path is not None]
        written += files.scripts.values()
        written += [state for state in files.former if state.file is None]
        renamed = [state for state in files.named.values()
                   if state.input_path not in (b"", state.path) and state.wrote == {"rename"}]
        items: list[Question] = [(state.path or state.input_path, *((not state.of.shared and state.early) or (None, None)))
                                 for state in written]
        items += [(state.input_path, None, None) for state in renamed]
        began = time.time_ns()
        settling = self._hashing.settle(job.owner, items)
        with self._lock:  # while the worker looks at the outputs
            recorder = record.Recorder(job)
        answers = settling()
        found = dict(zip(map(id, written), answers, strict=False))
        with self._lock:
            for state, (_, before) in zip(renamed, answers[len(written):], strict=True):
                if before[0] and before[4] == found[id(state)][1][4]:
                    files.named.pop(state.path or b"")  # both are names of one inode: then renaming does nothing
            entries = recorder.entries(found)
        owners = self._hashing.owners(job.owner, [entry.path for entry in entries if record.may_be_owned(entry)])
        whole = record.build(job, entries, self._probes.counts_of(job.kernel), owners, self._probes.unheard(job.kernel))
        return whole, lambda: self._remember_outputs(written, found, began)

    def _remember_outputs(self, written: Iterable[FileState], found: Mapping[int, tuple[bytes, Settled]],
                          began: int) -> None:
        rows = []
        for state in written:
            _, (_, _, digest, _, ino, size, mtime, ctime, _) = found[id(state)]
            fresh = not state.of.shared and (state.early is None or state.early[1] != digest)
            if fresh and digest is not None and size is not None and state.file is not None and ino == state.file.ino:
                rows.append((state.file._replace(size=size, mtime=mtime, ctime=ctime), digest))
        self._hashing.remember(rows, began)

    def _save(self, job: WatchedJob, whole: Job) -> None:
        try:
            head = self._store.finish_job(whole)
        except UnavailableError as error:
            _log.error("job %s is kept in memory: %s", job.head.run.hex(), error.message)
            with self._lock:
                job.problem = f"not stored yet: {error.message}"
                if all(waiting is not job for waiting, _ in self._unsaved):
                    self._unsaved.append((job, whole))
            return
        with self._lock:
            self._unsaved = [(waiting, held) for waiting, held in self._unsaved if waiting is not job]
            self.jobs_finished += 1
            job.problem = ""
            job.result = head
        job.final.set()
        self._leave(job)

    def _retry_unsaved(self) -> None:
        with self._lock:
            waiting = list(self._unsaved)
        for job, whole in waiting:
            self._save(job, whole)

    def _tick(self) -> None:
        beat = 0
        while not self._stopped.wait(_TICK_SECONDS):
            beat += 1
            try:
                self._hash_early()
                self._end_without_word()
                if beat % 8 == 0:
                    self._retry_unsaved()
                    self._hashing.close_idle()
                    self._look_for_lost_ends()
                    self.attacher.tick()
            except Exception:
                _log.exception("the observer's clock")

    def _look_for_lost_ends(self) -> None:
        """Where process records were lost, the kernel's own table says who still lives."""
        with self._lock:
            doubtful = [job for job in self._jobs.values() if not job.closing]
        for job in doubtful:
            if not self._probes.counts_of(job.kernel).lost_processes:
                continue
            live = self._probes.members_of(job.kernel)
            with self._lock:
                if job.tree.root and not job.tree.root_ended and lives(job.process.pidfd):
                    live.add(job.tree.root)
                job.tree.live &= live
                self._end_if_ready(job)


def close_abandoned(store: Store) -> int:
    """Jobs that an earlier daemon watched and did not see end: recorded as incomplete, with that reason."""
    abandoned = store.running(lambda _uid: True)
    for head in abandoned:
        why = (Reason("gap", "roard stopped while it ran: what it did is not known"),)
        ended = replace(head, ended_at=None, complete=False, incomplete_reasons=(*head.incomplete_reasons, *why))
        store.finish_job(Job(head=ended, steps=(), entries=(), context={}))
    return len(abandoned)


def account_name(uid: int) -> str:
    return _account(uid)[0]


def _kind(context: Mapping[str, Any]) -> str:
    """What the client calls the job, if there is such a kind."""
    kind = context.get("kind")
    return kind if isinstance(kind, str) and kind in JOB_KINDS else ""


def _account(uid: int) -> tuple[str, bytes]:
    """(name, home) of a user."""
    try:
        account = pwd.getpwuid(uid)
    except KeyError:
        return str(uid), b""
    return account.pw_name, os.fsencode(account.pw_dir)
