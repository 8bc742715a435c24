"""The store: what roard remembers, in one LMDB environment.  It implements ``lineage.store.RecordStore``.

Reads run in the caller's thread, each in a short read transaction of its own; none is held while a generator waits for
its consumer.  Writes go through the one writer thread and return when they are durable.
"""

from __future__ import annotations

import heapq
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import TracebackType

import lmdb

from lineage import bundle, ids
from lineage.annotations import Change, Edit, Item, Subject, What
from lineage.composite import FileSet, file_sets
from lineage.errors import CorruptError, InvalidError, NotFoundError, UnavailableError
from lineage.provenance import IMPORTED
from lineage.records import Entry, Host, Job, JobHead, Session, User
from lineage.store import Link, Seat, Visible
from roard.store import annotated, edges, forgetting, imports, jobs, lookup, outbox, pathtexts, sessions, upgrade
from roard.store.environment import UNINDEXED_KEY, Tables, open_environment, read_error
from roard.store.values import U64, Txn, get, put
from roard.store.writer import Writer

_log = logging.getLogger(__name__)

MAX_SIGNATURE = 100  # bytes
HEADS_BATCH = 256  # heads that are read in one transaction, where many are looked through
PATHS_BATCH = 4096  # likewise of paths
MAX_SEEN = 10_000  # sightings of one path that are looked through


class Store:
    """Open it with ``Store.open``, once in a process, and never carry it across fork.

    Any method may raise CorruptError.  Methods that write raise UnavailableError where the disk is full or the store
    is closed; nothing of what they should have written was written then, and the store goes on.
    """

    shared = False

    def __init__(self, env: lmdb.Environment, tables: Tables, directory: Path) -> None:
        self._env = env
        self._tables = tables
        self._writer = Writer(env, directory)
        self._directory = directory
        #: Called when there may be something new to send.
        self.outbox_changed: Callable[[], None] = lambda: None
        if self.indexing():
            self._index_older()

    @classmethod
    def open(cls, directory: Path) -> Store:
        """Makes it where there is none.  See ``open_environment`` for the errors."""
        directory = directory.absolute()
        return cls(*open_environment(directory), directory)

    def close(self) -> None:
        """After all writes that were submitted."""
        self._writer.close()
        self._env.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    @contextmanager
    def _read(self) -> Iterator[Txn]:
        try:
            with self._env.begin() as txn:
                yield txn
        except lmdb.Error as error:
            raise read_error(error) from error

    # -- jobs as they run ---------------------------------------------------------------------------------------------

    def begin_job(
            self, user: User, host: Host, project: bytes, run: bytes, argv: Sequence[bytes], cwd: bytes,
            started_at: int, kind: str = "", forward: str | None = None) -> tuple[Session, JobHead]:
        """Gives the job its sequence number, and the next number of the project's current session, which begins where
        there is none.  Nothing is known to be missing from it yet, so it is complete so far.  ``forward``: the scope in which
        it is to go on to a registry when it has ended."""
        head = JobHead(
            id=None, run=run, session=b"", number=0, user=user, host=host, argv=tuple(argv), cwd=cwd, project=project,
            started_at=started_at, ended_at=None, exit_code=None, signal=None, interrupted=False, complete=True,
            incomplete_reasons=(), kind=kind)
        return self._writer.do(lambda txn: jobs.begin_job(txn, self._tables, head, forward))

    def update_running(self, head: JobHead) -> bool:
        """False where the job does not run any more."""
        return self._writer.do(lambda txn: jobs.update_running(txn, self._tables, head))

    def running(self, visible: Visible) -> list[JobHead]:
        """Heads of the visible running jobs, newest first."""
        with self._read() as txn:
            heads = jobs.all_running(txn, self._tables)
        return sorted((head for head in heads if visible(head.user.uid)), key=lambda head: -head.started_at)

    def running_head(self, run: bytes) -> JobHead | None:
        with self._read() as txn:
            return jobs.running_head(txn, self._tables, run)

    def forget_job(self, run: bytes) -> bool:
        """For a job that never ran.  False where no such job runs."""
        return self._writer.do(lambda txn: jobs.forget_job(txn, self._tables, run))

    def forget_finished(self, identity: bytes, owner: int) -> tuple[JobHead, Session]:
        """The job that was forgotten and its session without it; see ``forgetting.forget_finished``."""
        return self._writer.do(lambda txn: forgetting.forget_finished(txn, self._tables, identity, owner))

    def finish_job(self, job: Job) -> JobHead:
        """The stored head, with its id.  Doing it again changes nothing.  NotFoundError for an unknown session."""
        encoded = ids.encode_job(job)  # here, not in the writer: it is the larger part of the work
        sets = file_sets(job.entries)
        head = self._writer.do(lambda txn: jobs.finish_job(txn, self._tables, job, encoded, sets))
        self.outbox_changed()
        return head

    def job_of_run(self, run: bytes) -> bytes | None:
        """The id of a finished job by its run."""
        with self._read() as txn:
            return get(txn, self._tables.runs, run)

    # -- sessions -----------------------------------------------------------------------------------------------------

    def begin_session(self, user: User, host: Host, project: bytes, started_at: int) -> Session:
        """The project's current session, or a new one."""
        return self._writer.do(
            lambda txn: sessions.begin_session(txn, self._tables, user, host, project=project, started_at=started_at))

    def end_session(self, uid: int, project: bytes) -> Session | None:
        """The session that ended, None where the project had none."""
        return self._writer.do(lambda txn: sessions.end_session(txn, self._tables, uid, project))

    def session(self, identity: bytes) -> Session | None:
        with self._read() as txn:
            return sessions.read_session(txn, self._tables, identity)

    def current_session(self, uid: int, project: bytes) -> Session | None:
        with self._read() as txn:
            return sessions.current_session(txn, self._tables, uid, project)

    def session_jobs(self, session: bytes, limit: int = 0) -> list[JobHead]:
        """Finished jobs, newest first by when they began; ``limit`` 0: all."""
        with self._read() as txn:
            rows = sorted(sessions.session_index(txn, self._tables, session), reverse=True)
            return [jobs.stored_head(txn, self._tables, identity) for _, identity in islice(rows, limit or None)]

    def session_numbers(self, session: bytes) -> dict[int, bytes]:
        """n of @n → job id, of the finished jobs, in the order of the hash chain."""
        with self._read() as txn:
            return dict(sessions.session_index(txn, self._tables, session))

    def session_record(self, identity: bytes) -> bytes | None:
        """The bytes whose hash is the session's id, whether it is from here or was imported."""
        with self._read() as txn:
            return imports.session_record(txn, self._tables, identity)

    # -- what was imported --------------------------------------------------------------------------------------------

    def import_bundle(self, uid: int, content: bundle.Content, raw: bundle.Raw) -> tuple[list[bytes], list[bytes]]:
        """Keeps a verified bundle for one user, all or nothing: (jobs new to them, jobs that they had)."""
        at = time.time_ns()
        return self._writer.do(lambda txn: imports.import_jobs(txn, self._tables, uid, at, content, raw))

    def imported_session(self, identity: bytes, visible: Visible) -> Session | None:
        with self._read() as txn:
            return imports.session_of(txn, self._tables, identity, visible)

    def imported_session_jobs(self, session: bytes, visible: Visible) -> list[JobHead]:
        with self._read() as txn:
            numbers = list(imports.session_numbers(txn, self._tables, session, visible))
            return [self._numbered_head(txn, number) for number in sorted(numbers, reverse=True)]

    def seats(self, identity: bytes) -> list[Seat]:
        """Who has this job: who recorded it here first, then who imported it."""
        with self._read() as txn:
            return imports.seats_of(txn, self._tables, identity)

    # -- finished jobs ------------------------------------------------------------------------------------------------

    def job_number(self, identity: bytes) -> int | None:
        with self._read() as txn:
            found = jobs.job_record(txn, self._tables, identity)
        return None if found is None else found[0]

    def job_id(self, number: int) -> bytes:
        """NotFoundError where no job has the number."""
        with self._read() as txn:
            return self._job_id(txn, number)

    def _job_id(self, txn: Txn, number: int) -> bytes:
        for _, _, _, identity in jobs.facts_of(txn, self._tables, [number]):
            return identity
        raise NotFoundError(f"no finished job has the number {number}")

    def head(self, identity: bytes) -> JobHead | None:
        record = self._record(identity)
        return None if record is None else ids.decode_head(record, identity)

    def prefetch(self, jobs: Sequence[int]) -> None:
        """Everything is at hand."""

    def numbered_head(self, number: int) -> JobHead | None:
        """By the job's number, which also says whether it was imported, and by whom."""
        with self._read() as txn:
            return self._numbered_head(txn, number) if jobs.facts_of(txn, self._tables, [number]) else None

    def _numbered_head(self, txn: Txn, number: int) -> JobHead:
        for _, uid, _, identity in jobs.facts_of(txn, self._tables, [number]):
            if number < IMPORTED:
                return jobs.stored_head(txn, self._tables, identity)
            record = imports.foreign_record(txn, self._tables, identity)
            if record is not None:
                return replace(ids.decode_head(record, identity), imported=imports.mark(txn, self._tables, identity, uid))
        raise CorruptError(f"a job with the number {number} is in an index and has no record", "run `roard fsck`")

    def job(self, identity: bytes) -> Job | None:
        record = self._record(identity)
        return None if record is None else ids.decode_job(record, self._chunk)

    def entries(self, identity: bytes) -> Iterator[Entry]:
        """Chunk by chunk; those of the roles that people are shown come first.  Nothing for an unknown job."""
        record = self._record(identity)
        for chunk in [] if record is None else ids.entry_chunks(record):
            yield from ids.decode_entries(self._chunk(chunk), chunk)

    def linked(self, identity: bytes) -> Iterator[tuple[bytes, Entry]]:
        """See ``lineage.store.RecordStore``; also inputs of packages and of the system that have no edge."""
        for entry in self.entries(identity):
            if entry.hash is not None and entry.kind in {"input", "output"}:
                yield entry.hash, entry

    def record(self, identity: bytes) -> Iterator[tuple[bytes, bytes]]:
        """(id, bytes) of the head, then of each chunk it names.  Nothing for an unknown job."""
        record = self._record(identity)
        if record is None:
            return
        yield identity, record
        value = ids.decode(record)
        for chunk in dict.fromkeys([*value["steps"], *value["entries"], value["context"]]):
            yield chunk, self._chunk(chunk)

    def newest_heads(self, visible: Visible, session: bytes = b"", until: int = 0) -> Iterator[JobHead]:
        """Each job once, the own before an imported one; see ``lineage.store.RecordStore``. A batch at a time, each in a
        read transaction of its own."""
        if session:
            with self._read() as txn:
                wanted = [identity for _, identity in
                          sorted(sessions.session_index(txn, self._tables, session), reverse=True)]
            for at in range(0, len(wanted), HEADS_BATCH):
                with self._read() as txn:
                    batch = [jobs.stored_head(txn, self._tables, identity) for identity in wanted[at:at + HEADS_BATCH]]
                yield from batch
            return
        with self._read() as txn:
            below = jobs.number_by_time(txn, self._tables, until) if until else IMPORTED
        own = self._heads(visible, below, 0)
        brought = self._heads(visible, IMPORTED + until if until else 2 * IMPORTED, IMPORTED)
        seen: set[bytes | None] = set()
        for head in heapq.merge(own, brought, key=lambda head: head.started_at, reverse=True):
            if head.id not in seen and not (head.imported and self._is_own(head, visible)):
                yield head
            if head.imported:
                seen.add(head.id)

    def _heads(self, visible: Visible, below: int, lowest: int) -> Iterator[JobHead]:
        while True:
            with self._read() as txn:
                numbers = list(islice(jobs.newest_numbers(txn, self._tables, visible, below, lowest), HEADS_BATCH))
                batch = [self._numbered_head(txn, number) for number in numbers]
            yield from batch
            if len(numbers) < HEADS_BATCH:
                return
            below = numbers[-1]

    def _is_own(self, head: JobHead, visible: Visible) -> bool:
        """Was what is an imported job recorded here too, by somebody visible?"""
        return any(seat.number < IMPORTED and visible(seat.uid) for seat in self.seats(head.id or b""))

    def _record(self, identity: bytes) -> bytes | None:
        with self._read() as txn:
            found = jobs.job_record(txn, self._tables, identity)
            return imports.foreign_record(txn, self._tables, identity) if found is None else found[1]

    def _chunk(self, identity: bytes) -> bytes:
        with self._read() as txn:
            return jobs.chunk_of(txn, self._tables, identity)

    # -- artifacts and the graph --------------------------------------------------------------------------------------

    def artifact_number(self, digest: bytes) -> int | None:
        with self._read() as txn:
            return edges.artifact_number(txn, self._tables, digest)

    def artifact_hash(self, number: int) -> bytes:
        """NotFoundError where no artifact has the number."""
        with self._read() as txn:
            return self._artifact_hash(txn, number)

    def _artifact_hash(self, txn: Txn, number: int) -> bytes:
        digest = get(txn, self._tables.hashes, U64.pack(number))
        if digest is None:
            raise NotFoundError(f"no artifact has the number {number}")
        return digest

    def inputs(self, jobs: Sequence[int]) -> Mapping[int, Sequence[tuple[int, int]]]:
        with self._read() as txn:
            return edges.links_of_jobs(txn, self._tables.inputs, jobs)

    def outputs(self, jobs: Sequence[int]) -> Mapping[int, Sequence[tuple[int, int]]]:
        with self._read() as txn:
            return edges.links_of_jobs(txn, self._tables.outputs, jobs)

    def producers(self, artifacts: Sequence[int]) -> Mapping[int, Sequence[Link]]:
        with self._read() as txn:
            return edges.links_of_artifacts(txn, self._tables.producers, artifacts)

    def consumers(self, artifacts: Sequence[int]) -> Mapping[int, Sequence[Link]]:
        with self._read() as txn:
            return edges.links_of_artifacts(txn, self._tables.consumers, artifacts)

    def owners(self, jobs: Sequence[int]) -> Mapping[int, int]:
        """Without the jobs that do not exist."""
        with self._read() as txn:
            return self._owners(txn, jobs)

    def untils(self, jobs: Sequence[int]) -> Mapping[int, int]:
        """Without the jobs that do not exist."""
        with self._read() as txn:
            return self._untils(txn, jobs)

    def ends(self, jobs: Sequence[int]) -> Mapping[int, int]:
        """Without the jobs that do not exist."""
        with self._read() as txn:
            known = self._owners(txn, jobs)
            return imports.ends_of([(number, self._numbered_head(txn, number)) for number in known])

    def _owners(self, txn: Txn, numbers: Sequence[int]) -> dict[int, int]:
        return {number: uid for number, uid, _, _ in jobs.facts_of(txn, self._tables, numbers)}

    def _untils(self, txn: Txn, numbers: Sequence[int]) -> dict[int, int]:
        return {number: until for number, _, until, _ in jobs.facts_of(txn, self._tables, numbers)}

    def seen_at(self, path: bytes, visible: Visible) -> list[tuple[bytes, bytes]]:
        """(artifact hash, id of the newest job) of the contents that visible jobs left or found at ``path``, newest
        first by when the jobs finished, each content once; of the newest 10,000 sightings."""
        with self._read() as txn:
            rows = edges.seen_rows(txn, self._tables, path, MAX_SEEN)
            owners = self._owners(txn, list({job for _, job in rows}))
            newest: dict[int, int] = {}
            for artifact, job in rows:
                if job in owners and visible(owners[job]):
                    newest.setdefault(artifact, job)
            return [(self._artifact_hash(txn, artifact), self._job_id(txn, job)) for artifact, job in newest.items()]

    def rows_at(self, paths: Sequence[bytes], wanted: Callable[[int], bool], limit: int) -> list[tuple[int, int, int, bytes]]:
        """(twice the end number, + 1 if an output; job number; artifact number; path) of the newest sightings at each of
        ``paths`` by the jobs that are wanted: each content once, ``limit`` of them at a path."""
        rows: list[tuple[int, int, int, bytes]] = []
        with self._read() as txn:
            for path in paths:
                seen: set[int] = set()
                for mark, job, artifact in edges.marked_rows(txn, self._tables, path, MAX_SEEN):
                    if artifact not in seen and wanted(job):
                        seen.add(artifact)
                        rows.append((mark, job, artifact, path))
                        if len(seen) == limit:
                            break
        return rows

    def path_texts(self, prefix: bytes) -> Iterator[list[bytes]]:
        """The paths on the edges of finished jobs that begin with ``prefix``, a batch at a time, each in a read transaction
        of its own."""
        after: bytes | None = None
        while True:
            with self._read() as txn:
                batch, after = pathtexts.texts_from(txn, self._tables, prefix, after, PATHS_BATCH)
            yield batch
            if after is None:
                return

    def indexing(self) -> bool:
        """Are there paths of older jobs that ``path_texts`` does not know yet?"""
        with self._read() as txn:
            return get(txn, self._tables.meta, UNINDEXED_KEY) is not None

    def _index_older(self) -> None:
        """One step after the other, so that other writes come between."""
        def go_on(step: Future[bool]) -> None:
            if step.exception() is not None:
                _log.warning("older jobs are not searched by path until roard starts again: %s", step.exception())
            elif step.result():
                self._index_older()

        try:
            step = self._writer.submit(lambda txn: upgrade.index_older(txn, self._tables))
        except UnavailableError:
            return  # the store is being closed; it goes on when it is opened again
        step.add_done_callback(go_on)

    def by_prefix(self, kind: str, prefix: str, limit: int) -> list[bytes]:
        """See ``lookup.ids_by_prefix``."""
        with self._read() as txn:
            return lookup.ids_by_prefix(txn, self._tables, kind, prefix, limit)

    def jobs_of_tree(self, tree: bytes, limit: int) -> list[tuple[int, FileSet]]:
        """(job number, what it was of the job) of the newest jobs that used or made just this set of files."""
        with self._read() as txn:
            return jobs.jobs_of_tree(txn, self._tables, tree, limit)

    # -- annotations --------------------------------------------------------------------------------------------------

    def annotate(self, subject: Subject, space: int, edits: Sequence[Edit], author: User, at: int) -> list[Item]:
        """What stands then, in the space of that uid: see ``annotated.py``.  InvalidError, NotFoundError."""
        return self._writer.do(lambda txn: annotated.annotate(txn, self._tables, subject, space, edits, author, at))

    def annotations(self, subjects: Sequence[Subject]) -> dict[Subject, dict[int, list[Item]]]:
        """By subject and space, of those that have some."""
        with self._read() as txn:
            found = {subject: annotated.items_of(txn, self._tables, subject) for subject in subjects}
        return {subject: items for subject, items in found.items() if items}

    def annotation_history(self, subject: Subject, space: int) -> list[Change]:
        """Oldest first."""
        with self._read() as txn:
            return annotated.history_of(txn, self._tables, subject, space)

    def labelled(self, what: What, key: str, value: str | None = None) -> list[tuple[Subject, int]]:
        """(subject, space) of what has the label or tag, with this value or any."""
        with self._read() as txn:
            return annotated.labelled(txn, self._tables, what, key, value)

    def step_count(self, identity: bytes) -> int:
        """Of a finished job; its entries are not read."""
        record = self._record(identity)
        return 0 if record is None else sum(len(ids.decode(self._chunk(chunk))) for chunk in ids.decode(record)["steps"])

    # -- what goes on to a registry, see ``outbox.py`` ------------------------------------------------------------------

    def outbox_due(self, now: int, after: int, most: int) -> tuple[list[outbox.Row], int]:
        with self._read() as txn:
            return outbox.due(txn, self._tables, now, after, most)

    def outbox_settle(self, at: int, sent: Sequence[tuple[outbox.Row, bytes]],
                      refused: Sequence[tuple[outbox.Row, outbox.Trouble]]) -> None:
        """What came of sending these, together; of what was sent also the bundle that it is in."""
        def settle(txn: Txn) -> None:
            outbox.sent(txn, self._tables, sent, at)
            for row, trouble in refused:
                outbox.refuse(txn, self._tables, row, trouble, at)

        self._writer.do(settle)

    def outbox_put_off(self, rows: Sequence[outbox.Row], trouble: outbox.Trouble, until: int, pace: outbox.Pace | None) -> None:
        """``pace``: the one from now on, where the trouble concerns all."""
        def put_off(txn: Txn) -> None:
            outbox.put_off(txn, self._tables, rows, trouble, until)
            if pace is not None:
                outbox.write_pace(txn, self._tables, pace)

        self._writer.do(put_off)

    def outbox_retry(self, uid: int | None, wanted: Sequence[bytes]) -> int:
        """How many refused jobs of a user (None: of all) wait again; ``wanted`` empty: all of them."""
        count = self._writer.do(lambda txn: outbox.retry(txn, self._tables, uid, wanted))
        self.outbox_changed()
        return count

    def outbox_state(self, uid: int | None, most: int) -> tuple[outbox.Counts, list[tuple[str, outbox.Row]]]:
        """Of one user, or of all; see ``outbox.listed``."""
        with self._read() as txn:
            return outbox.counts(txn, self._tables, uid), outbox.listed(txn, self._tables, uid, most)

    def outbox_pace(self) -> outbox.Pace:
        with self._read() as txn:
            return outbox.read_pace(txn, self._tables)

    def write_outbox_pace(self, pace: outbox.Pace) -> None:
        self._writer.do(lambda txn: outbox.write_pace(txn, self._tables, pace))

    # -- hashes that are known ----------------------------------------------------------------------------------------

    def known_hash(self, signature: bytes) -> bytes | None:
        """The hash of the content that had this stat signature (opaque, at most 100 bytes)."""
        with self._read() as txn:
            return get(txn, self._tables.known, signature)

    def remember_hashes(self, known: Iterable[tuple[bytes, bytes]]) -> None:
        """(signature, hash) pairs.  Returns at once: losing them in a crash costs a hash computed again, no more."""
        pairs = list(known)
        if any(not 0 < len(signature) <= MAX_SIGNATURE for signature, _ in pairs):
            raise InvalidError(f"a signature has 1 to {MAX_SIGNATURE} bytes")

        def write(txn: Txn) -> None:
            for signature, digest in pairs:
                put(txn, self._tables.known, signature, digest)

        self._writer.submit(write)

    # -- the store itself ---------------------------------------------------------------------------------------------

    def statistics(self) -> dict[str, int]:
        """Entries of each table, by its name, and bytes: ``bytes_used`` in pages, ``bytes_reserved`` of addresses."""
        with self._read() as txn:
            counts = {name: txn.stat(getattr(self._tables, name))["entries"] for name in Tables.__slots__}
        info, page = self._env.info(), self._env.stat()["psize"]
        return {**counts, "bytes_used": (info["last_pgno"] + 1) * page, "bytes_reserved": info["map_size"]}
