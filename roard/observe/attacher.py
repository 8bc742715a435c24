"""Jobs that ran before they were watched: begun in the middle, and let go where somebody wants that.

The observer's other half: it works on the observer's tables, under its lock.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lineage.errors import ConflictError, InvalidError, NotFoundError, UnsupportedError
from lineage.records import JobHead, Session
from roard.content.standing import OpenFile
from roard.observe import attach
from roard.observe.attach import Group, Held, Stat, TakenIn
from roard.observe.events import ProcessEvent
from roard.observe.job import Process, WatchedJob, lives

if TYPE_CHECKING:
    from roard.content.hashing import Standing
    from roard.observe.observer import Observer

#: When a job is let go: how long its last records may take, and how often to look for them.
_LAST_SECONDS = 5.0
_LAST_LOOK_SECONDS = 0.02
#: How long attaching waits for what the processes have open: a user's file system may never answer.
_LOOK_SECONDS = 10.0
_PASSES = 100
_LISTED = "`roar log` lists the jobs, those that run too"


class Attacher:
    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def attach(self, process: Process, argv: tuple[bytes, ...], cwd: bytes, project: bytes, context: Mapping[str, Any],
               tracked: frozenset[bytes], client: int, forward: str | None = None) -> tuple[Session, JobHead, int, int]:
        """Watches a process with everything below it, or a cgroup, from now on. Also: how many processes that are, and how
        many are other users' and left out. ``process`` is the caller's to close where this fails, the job's else. ``client``:
        the caller's own process, which is no part of what it attaches to."""
        observer, probes = self._observer, self._observer._probes
        group = self._group(process) if process.directory >= 0 else None
        root = None if group else self._root(process)
        taken = TakenIn(Held(), group)
        try:
            session, job = observer._begin(process, argv, cwd, project, context, tracked, taken, forward=forward)
        except BaseException:
            taken.close()
            raise
        job.tree.live.clear()  # nobody is in it yet
        job.tree.processes = 0
        try:
            job.notes = (attach.ATTACHED,)
            job.head = replace(job.head, complete=False, incomplete_reasons=job.notes)
            observer._store.update_running(job.head)
            job.missed_before = probes.missed_runs()
            observer._reader.look(len(observer._jobs))
            probes.begin(job.kernel)
            enrolment = attach.Enrolment(probes, job, observer._lock, frozenset({client, *attach.own()}), self._runs)
            if group is not None:
                self._open_group(job, taken, group)
                enrolment.members(group)
            elif root is None or not enrolment.tree(root):
                raise NotFoundError("the process to watch has ended", "try again")
        except BaseException:
            observer._forget(job)
            raise
        with observer._lock:
            if process.client >= 0:  # nobody's word is waited for
                os.close(process.client)
                process.client = -1
            counts = len(job.tree.live), len(job.tree.others)
            looked = self._look(job, [(stat.pid, step, stat.start) for stat, step in enrolment.added])
            taken.open = group is not None
            observer._end_if_ready(job)
        looked.wait(_LOOK_SECONDS)  # so that what is open when this returns has been seen
        return session, job.head, *counts

    def _runs(self, kernel: int) -> bool:
        return kernel in self._observer._jobs

    def _root(self, process: Process) -> Stat:
        stat = attach.stat_of(process.pid)
        if stat is None or stat.ended or not lives(process.pidfd):
            raise NotFoundError("the process to watch has ended", "try again")
        if stat.of_kernel:
            raise InvalidError("this is a thread of the kernel", "only programs open files in a way that can be watched")
        if process.pid in attach.own():
            raise InvalidError("this is a process of roard itself", "name another one")
        member = self._observer._probes.member(process.pid)
        with self._observer._lock:
            job = self._observer._jobs.get(member[0]) if member is not None else None
        if job is not None:
            mine = job.head.user.uid == process.uid
            raise ConflictError("it is already watched" + (f" as @{job.head.number}" if mine else " in a job of another user"),
                                f"see `roar show job:{job.head.run.hex()}`" if mine else "")
        return stat

    def _group(self, process: Process) -> Group:
        if not self._observer._probes.can_group:
            raise UnsupportedError("this kernel cannot tell the processes of a cgroup", "that needs Linux 6.1 or later")
        try:
            group = Group(process.directory)
        except FileNotFoundError as error:
            raise InvalidError("the root cgroup is the whole machine, or this one has gone", "name one below it") from error
        if os.getpid() in group.processes():
            group.close()
            raise InvalidError("roard itself is in this cgroup", "name one below it")
        return group

    def _open_group(self, job: WatchedJob, taken: TakenIn, group: Group) -> None:
        probes, uid = self._observer._probes, job.process.uid
        probes.grouping.hold()
        taken.holds = True
        if not probes.add_group(group.identity, job.kernel, uid or None):
            raise ConflictError("this cgroup is already watched", _LISTED)
        taken.listed = True

    def detach(self, run: bytes, uid: int, seconds: float) -> tuple[JobHead, bool]:
        """Ends watching, and waits for the record so long: is it final? ``run`` empty: of the newest job of this user that
        was attached to. A final one has no id if nothing ran."""
        observer = self._observer
        with observer._lock:
            if not run:
                mine = [job for job in observer._jobs.values() if job.taken_in is not None and job.head.user.uid == uid]
                if not mine:
                    raise NotFoundError("no job runs that was attached to", f"`roar detach @3` names one; {_LISTED}")
                run = max(mine, key=lambda job: job.head.started_at).head.run
            job = observer._job(run, uid)
        self._let_go(job)
        final = job.final.wait(seconds)
        return job.result or job.head, final

    def _let_go(self, job: WatchedJob) -> None:
        """What its processes have done by now is still waited for, what they do from now on is nobody's."""
        observer, probes, taken = self._observer, self._observer._probes, job.taken_in
        with observer._lock:
            if taken is not None:
                self._close_group(taken)
        for _ in range(_PASSES):
            members = probes.members_of(job.kernel)
            for tgid in members:
                probes.remove_member(tgid)
            if not members:
                break  # else a child may have come in meanwhile
        deadline = time.monotonic() + _LAST_SECONDS
        while time.monotonic() < deadline:
            observer._reader.look(len(observer._jobs))
            time.sleep(_LAST_LOOK_SECONDS)
            counts = probes.counts_of(job.kernel)
            if job.received_accesses >= counts.accesses and job.received_processes >= counts.processes:
                break
        with observer._lock:
            if job.closing:
                return  # it has just ended by itself
            job.notes += (attach.DETACHED,)
            if taken is not None:
                taken.open = False
            job.tree.live.clear()
            job.tree.ended_at = max(job.tree.ended_at, time.time_ns())
            job.told_exit = job.told_exit or (None, None)
            observer._end_if_ready(job)

    def leave(self, taken: TakenIn) -> None:
        """The job is over."""
        self._close_group(taken)
        taken.close()

    def _close_group(self, taken: TakenIn) -> None:
        if taken.group is not None and taken.listed:
            self._observer._probes.remove_group(taken.group.identity)
            taken.listed = False
        if taken.holds:
            self._observer._probes.grouping.release()
            taken.holds = False

    # ---- what they have at hand ----

    def came(self, job: WatchedJob, joined: Sequence[ProcessEvent]) -> None:
        """Processes that came into the cgroup."""
        assert job.taken_in is not None
        newcomers = [(event.tgid, event.step, attach.ticks(event.start)) for event in joined]
        job.taken_in.adopted.update({pid: start for pid, _, start in newcomers})
        self._look(job, newcomers)

    def _look(self, job: WatchedJob, processes: list[tuple[int, int, int]]) -> threading.Event:
        """Asks for it: pid, step, when they began in ticks. Says when it is there."""
        looked = threading.Event()

        def answered(answer: list[Standing | None] | None) -> None:
            try:
                self._looked(job, processes, when, answer)
            finally:
                looked.set()

        if processes:
            when = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            future = self._observer._hashing.look(job.owner, [(pid, start) for pid, _, start in processes])
            self._observer._await(job, future, answered)
        else:
            looked.set()
        return looked

    def _looked(self, job: WatchedJob, processes: list[tuple[int, int, int]], when: int,
                answer: list[Standing | None] | None) -> None:
        observer, taken = self._observer, job.taken_in
        assert taken is not None
        if answer is None:  # the worker has ended
            taken.hidden += len(processes)
        for (pid, step, _), found in zip(processes, answer or (), strict=False):
            if found is not None and observer._probes.member(pid) in (None, (job.kernel, step)):
                # else it has ended, or become another program, as was seen
                argv, program, compat, files = found
                job.tree.describe(step, argv, program)
                if compat:
                    observer.learn_compat(job)
                taken.hidden += files is None
                opened = (OpenFile(*file) for file in files or ())
                for access in attach.first_accesses(taken.held, job.kernel, step, when, pid, opened):
                    observer._accessed(job, access)
        observer._want_hashes(job)

    def tick(self) -> None:
        """Now and then: who ended just as it came in? Does nobody come any more?"""
        observer = self._observer
        with observer._lock:
            jobs = [(job, job.taken_in) for job in observer._jobs.values() if job.taken_in is not None and not job.closing]
        for job, taken in jobs:
            attach.look_for_dead(observer._probes, job, observer._lock)
            with observer._lock:
                if taken.group is not None and taken.open and taken.group.over(job.tree):
                    self._close_group(taken)
                    taken.open = False
                observer._end_if_ready(job)
