"""What a registry keeps, and how it gets there: bundles, each verified whole, in one transaction.

Everything is in a space (``glaas.store.viewer``), and all indexes have the space in their keys: ``RegistryStore`` reads
those of its viewer's spaces.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import grpc

from glaas.log.journal import Journal
from glaas.log.log import LOCK as LOG_LOCK
from glaas.registry import edges as packing
from glaas.registry import rows as indexing
from glaas.registry import said as saying
from glaas.registry.edges import Edges
from glaas.registry.registration import Registration, encoded, registrations_of
from glaas.registry.search import DEFAULT_RESULTS, Hits, search, search_message
from glaas.registry.store import RegistryStore
from glaas.registry.tables import (
    ACCOUNT_JOBS,
    ACCOUNT_SPACES,
    EDGES,
    ENVELOPES,
    KNOWN,
    MAKERS,
    PART_JOBS,
    PARTS,
    RUNS,
    SESSION_JOBS,
    TAG,
    TIMED,
    U64,
    USERS,
    tag_of,
)
from glaas.store.keyed import Key, KeyedStore, Range, Table, Writer
from glaas.store.viewer import Viewer
from lineage import bundle, ids
from lineage.annotations import Item, Subject
from lineage.composite import FileSet, file_sets
from lineage.errors import InvalidError
from lineage.records import Job, JobHead
from lineage.service.errors import answered
from lineage.service.service import LineageService
from lineage.service.view import View
from lineage.v1 import lineage_pb2 as pb

#: Subjects with what is said of them: jobs and steps by the job's id here, not by its run.
Said = Sequence[tuple[Subject, Sequence[Item]]]
MAX_AHEAD = 24 * 3600 * 10**9  # nanoseconds that another's clock may be before ours


@dataclass(frozen=True, slots=True)
class Registered:
    """``new``: jobs that were not in the space; ``leaf`` None: nothing was new."""

    bundle: bytes
    new: tuple[bytes, ...]
    known: tuple[bytes, ...]
    leaf: int | None


@dataclass(frozen=True, slots=True)
class _Prepared:
    job: Job
    edges: Edges
    sets: Sequence[FileSet]
    chunks: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Everyone:
    """A caller for whom a store already has nothing but what they may see."""

    uid: int = 0

    def may_see(self, uid: int) -> bool:  # noqa: ARG002 - see above
        return True


class Registry:
    """Every change is durable when its method returns, or did not happen; methods may be called from any thread."""

    def __init__(self, store: KeyedStore, journal: Journal | None = None, clock: Callable[[], int] = time.time_ns) -> None:
        self._store = store
        self._journal = journal
        self._clock = clock

    # -- taking in ----------------------------------------------------------------------------------------------------

    def register(self, account: str, space: str, raw: bundle.Raw, *, show_hashes: bool = False, said: Said = ()) -> Registered:
        """CorruptError or InvalidError for what is not a bundle as docs/bundle.md says: then nothing of it is kept."""
        return self.keep(account, space, raw, bundle.content(raw), show_hashes=show_hashes, said=said)

    def keep(self, account: str, space: str, raw: bundle.Raw, content: bundle.Content, *, show_hashes: bool = False,
             said: Said = ()) -> Registered:
        """``register`` for a bundle that was verified already."""
        now = self._clock()
        if any(job.head.started_at > now + MAX_AHEAD for job in content.jobs):
            raise InvalidError("a job of the bundle began in the future", "set the clock of the machine that recorded it")
        prepared = _prepared(raw, content)
        place = indexing.Place(tag_of(space), account, show_hashes)
        made = {one.job.head.id: _job_rows(raw, one, place) for one in prepared}  # while nobody waits for the lock

        def work(txn: Writer) -> Registered:
            _lock(txn)
            held = self._held(txn, prepared, place.tag)
            mine = {job for job, all_ in held.items() if any(one.account == account for one in all_)}
            fresh = [one for one in prepared if one.job.head.id not in mine]
            leaf = None
            if fresh and self._journal is not None:
                leaf = self._journal.record(txn, "register", account, space, content.id)
            edges = {home: packing.decoded(value) for (home, _), value in
                     txn.get(EDGES, [(one.job.head.id or b"", b"") for one in fresh]).items()}
            registration = Registration(space, account, now, content.id, show_hashes, leaf or 0)
            rows = _Rows()
            rows.add(PARTS, (content.id, b""), raw.header)
            if raw.envelope:
                rows.put(ENVELOPES, (content.id, account.encode()), raw.envelope.encode())
            for session in content.sessions:
                rows.add(PARTS, (session, b""), raw.parts[session])
            for one in fresh:
                job = one.job.head.id or b""
                rows.put(KNOWN, indexing.registration_key(job, place.tag), encoded([*held.get(job, ()), registration]))
                if job not in held:  # its edges are those that it had first, so that they can be found again
                    first = edges.get(job, one.edges)
                    rows.take(made[job] if first == one.edges else _job_rows(raw, replace(one, edges=first), place))
            rows.add(ACCOUNT_SPACES, (account.encode(), place.tag), space.encode())
            for subject, _ in said:
                saying.forget(txn, subject, place.tag, account)
            saying.add_rows(rows.put, place, said, {one.job.head.id or b"" for one in prepared},
                            {digest for one in prepared for digest in _hashes(one.edges)}, set(content.sessions))
            rows.write(txn)
            return Registered(content.id, tuple(one.job.head.id or b"" for one in fresh),
                              tuple(one.job.head.id or b"" for one in prepared if one.job.head.id in mine), leaf)

        return self._store.write(work)

    def known(self, account: str, space: str, jobs: Iterable[bytes]) -> set[bytes]:
        """Which of these jobs the account has registered in the space."""
        tag = tag_of(space)
        with self._store.read() as reader:
            found = reader.get(KNOWN, [indexing.registration_key(job, tag) for job in jobs])
        return {key[0] for key, value in found.items() if any(one.account == account for one in registrations_of(value))}

    def _held(self, txn: Writer, prepared: Sequence[_Prepared], tag: bytes) -> dict[bytes, list[Registration]]:
        found = txn.get(KNOWN, [indexing.registration_key(one.job.head.id or b"", tag) for one in prepared])
        return {key[0]: registrations_of(value) for key, value in found.items()}

    # -- taking back, and moving --------------------------------------------------------------------------------------

    def move(self, account: str, jobs: Iterable[bytes], space: str, *, show_hashes: bool) -> set[bytes]:
        """All of the account's registrations of these jobs are in that space then, and in no other; the jobs that it had."""
        return self._change(account, jobs, space, show_hashes=show_hashes)

    def forget(self, account: str, jobs: Iterable[bytes]) -> set[bytes]:
        """The account's registrations of these jobs, and what nobody else registered of their records."""
        return self._change(account, jobs, None, show_hashes=False)

    def _change(self, account: str, jobs: Iterable[bytes], space: str | None, *, show_hashes: bool) -> set[bytes]:
        wanted = sorted(set(jobs))

        def work(txn: Writer) -> set[bytes]:
            _lock(txn)
            homes = zip(wanted, txn.scan(KNOWN, [Range(job, b"j") for job in wanted]), strict=True)
            held = {job: {rest: registrations_of(value) for rest, value in found} for job, found in homes}
            mine = {job: [one for all_ in places.values() for one in all_ if one.account == account]
                    for job, places in held.items()}
            changed = [job for job in wanted if mine[job]]
            if changed and self._journal is not None:
                self._journal.record_all(txn, "forget" if space is None else "move", account, space or "", changed)
            for job in changed:
                self._take_out(txn, job, held[job], account)
                if space is not None:
                    self._put_in(txn, job, replace(mine[job][0], space=space, show_hashes=show_hashes))
            if space is None:
                for job in changed:
                    self._drop_parts(txn, job)
                self._close(txn, account, {one.bundle for job in changed for one in mine[job]})
            return set(changed)

        return self._store.write(work)

    def _close(self, txn: Writer, account: str, bundles: set[bytes]) -> None:
        """What opens the log's entries on bundles of which the account has no job left here."""
        for identity in sorted(bundles):
            data = txn.get(PARTS, [(identity, b"")]).get((identity, b""))
            jobs = bundle.decode_header(data).jobs if data is not None else ()
            left = [one for rows in txn.scan(KNOWN, [Range(job, b"j") for job in jobs]) for _, value in rows
                    for one in registrations_of(value) if one.bundle == identity]
            if self._journal is not None and not any(one.account == account for one in left):
                self._journal.destroy(txn, [identity], account)
            if not any(one.account == account for one in left):
                txn.delete(ENVELOPES, [(identity, account.encode())])
            if not left:
                txn.delete(PARTS, [(identity, b"")])

    def _take_out(self, txn: Writer, job: bytes, held: dict[bytes, list[Registration]], account: str) -> None:
        head, edges, sets = self._stored(txn, job)
        for rest, all_ in held.items():
            kept = [one for one in all_ if one.account != account]
            if len(kept) == len(all_):
                continue
            tag = rest[1:]
            rows = _Rows()
            place = indexing.Place(tag, all_[0].account, all_[0].show_hashes)
            rows.remove((table, key) for table, key, _ in indexing.rows_of(head, edges, sets, place))
            if kept:
                rows.put(KNOWN, (job, rest), encoded(kept))
            else:
                rows.remove([(KNOWN, (job, rest))])
            rows.write(txn)
            if kept:
                self._index(txn, head, edges, sets, indexing.Place(tag, kept[0].account, kept[0].show_hashes))
            else:
                saying.forget_job(txn, job, tag)
                self._drop_shared(txn, head, edges, tag)
            saying.forget_job(txn, job, tag, account)

    def _put_in(self, txn: Writer, job: bytes, new: Registration) -> None:
        head, edges, sets = self._stored(txn, job)
        tag = tag_of(new.space)
        key = indexing.registration_key(job, tag)
        held = [one for value in txn.get(KNOWN, [key]).values() for one in registrations_of(value)]
        txn.put(KNOWN, [(key, encoded([*held, new]))])
        txn.add(ACCOUNT_SPACES, [((new.account.encode(), tag), new.space.encode())])
        if not held:
            self._index(txn, head, edges, sets, indexing.Place(tag, new.account, new.show_hashes))

    def _index(self, txn: Writer, head: JobHead, edges: Edges, sets: Sequence[FileSet], place: indexing.Place) -> None:
        rows = _Rows()
        _add_index(rows, head, edges, sets, place)
        rows.write(txn)

    def _stored(self, txn: Writer, job: bytes) -> tuple[JobHead, Edges, Sequence[FileSet]]:
        record = txn.get(PARTS, [(job, b"")])[job, b""]
        value = ids.decode(record)
        parts = txn.get(PARTS, [(chunk, b"") for chunk in value["entries"]])
        entries = [entry for chunk in value["entries"] for entry in ids.decode_entries(parts[chunk, b""], chunk)]
        edges = packing.decoded(txn.get(EDGES, [(job, b"")])[job, b""])
        return ids.decode_head(record, job), edges, file_sets(entries)

    def _drop_shared(self, txn: Writer, head: JobHead, edges: Edges, tag: bytes) -> None:
        """What is known in the space by no other job any more."""
        keys = indexing.shared_keys(head, edges, tag)
        here = [Range(home, tag, limit=1) for home, _ in keys]
        used = [bool(makers or users or jobs) for makers, users, jobs in zip(
            txn.scan(MAKERS, here), txn.scan(USERS, here), txn.scan(SESSION_JOBS, here), strict=True)]
        txn.delete(KNOWN, [key for key, still in zip(keys, used, strict=True) if not still])

    def _drop_parts(self, txn: Writer, job: bytes) -> None:
        """The record of a job that is registered nowhere any more, and its chunks that no other job names."""
        if txn.scan(KNOWN, [Range(job, b"j", limit=1)])[0]:
            return
        record = txn.get(PARTS, [(job, b"")])[job, b""]
        value = ids.decode(record)
        chunks = sorted({*value["steps"], *value["entries"], value["context"]})
        txn.delete(PART_JOBS, [(chunk, job) for chunk in chunks])
        others = txn.scan(PART_JOBS, [Range(chunk, limit=1) for chunk in chunks])
        unused = [chunk for chunk, rows in zip(chunks, others, strict=True) if not rows]
        if not txn.scan(SESSION_JOBS, [Range(value["session"], limit=1)])[0]:
            unused.append(value["session"])
        txn.delete(PARTS, [(part, b"") for part in (job, *unused)])
        txn.delete(EDGES, [(job, b"")])
        txn.delete(RUNS, [(value["run"], job)])

    # -- looking ------------------------------------------------------------------------------------------------------

    def store(self, viewer: Viewer) -> RegistryStore:
        """What the viewer may see, for the time of one request and one thread."""
        return RegistryStore(self._store, viewer)

    def view(self, viewer: Viewer) -> View:
        """Likewise, for the functions of ``lineage.service``."""
        return View(self.store(viewer), Everyone())

    def search(self, viewer: Viewer, query: str, limit: int = DEFAULT_RESULTS) -> Hits:
        """By a hash, or by words: see ``search.py``."""
        return search(self._store, self.store(viewer), query, limit)

    def lineage_service(self, view: Callable[[grpc.ServicerContext], View]) -> LineageService:
        """``view``: what the caller of a request may see, as ``view`` of this registry gives it."""
        return RegistryLineage(self._store, view)

    def account_jobs(self, viewer: Viewer, account: str, limit: int = 50, before: int = 0) -> list[JobHead]:
        """What an account registered, newest first by when the jobs began (before that time; 0: all), as the viewer may see
        it."""
        start = U64.pack(before) if before else b""
        tags = sorted(map(tag_of, viewer.spaces))
        with self._store.read() as reader:
            answers = reader.scan(ACCOUNT_JOBS, [
                Range(account.encode(), tag, tag + start if start else b"", limit, reverse=True) for tag in tags])
        rows = {TIMED.unpack(rest[TAG:]) for found in answers for rest, _ in found}
        return self.store(viewer).heads([identity for _, identity in sorted(rows, reverse=True)[:limit]])

    def signature(self, registration: Registration) -> tuple[bytes, str]:
        """The header of the bundle with which a job came, and the envelope that signs it (JSON; empty: it was not signed).
        Of a registration that the viewer was given."""
        key = (registration.bundle, registration.account.encode())
        with self._store.read() as reader:
            header = reader.get(PARTS, [(registration.bundle, b"")]).get((registration.bundle, b""), b"")
            envelope = reader.get(ENVELOPES, [key]).get(key, b"")
        return header, envelope.decode()

    def registrations(self, viewer: Viewer, jobs: Iterable[bytes]) -> dict[bytes, list[Registration]]:
        """By job, those that the viewer may see, oldest first."""
        keys = [indexing.registration_key(job, tag) for job in jobs for tag in sorted(map(tag_of, viewer.spaces))]
        found: dict[bytes, list[Registration]] = {}
        with self._store.read() as reader:
            for (job, _), value in reader.get(KNOWN, keys).items():
                found.setdefault(job, []).extend(registrations_of(value))
        return {job: sorted(all_, key=lambda one: one.at) for job, all_ in found.items()}


def _lock(txn: Writer) -> None:
    """Of what is registered, and of the log, in the order of their names."""
    for name in (LOG_LOCK, "registry"):
        txn.lock(name)


class RegistryLineage(LineageService):
    """The Lineage service, with the registry's own search."""

    def __init__(self, store: KeyedStore, view: Callable[[grpc.ServicerContext], View]) -> None:
        super().__init__(view)
        self._keyed = store

    @answered
    def Search(self, request: pb.SearchRequest, context: grpc.ServicerContext) -> pb.SearchResponse:  # noqa: N802
        return search_message(self._keyed, self._view(context), request)


class _Rows:
    """Changes, gathered by table: a batch each."""

    def __init__(self) -> None:
        self._added: dict[Table, dict[Key, bytes]] = {}
        self._put: dict[Table, dict[Key, bytes]] = {}
        self._removed: dict[Table, set[Key]] = {}

    def add(self, table: Table, key: Key, value: bytes) -> None:
        self._added.setdefault(table, {})[key] = value

    def put(self, table: Table, key: Key, value: bytes) -> None:
        self._put.setdefault(table, {})[key] = value

    def remove(self, keys: Iterable[tuple[Table, Key]]) -> None:
        for table, key in keys:
            self._removed.setdefault(table, set()).add(key)

    def take(self, other: _Rows) -> None:
        """What is to be added and put there."""
        for mine, theirs in ((self._added, other._added), (self._put, other._put)):
            for table, rows in theirs.items():
                mine.setdefault(table, {}).update(rows)

    def write(self, txn: Writer) -> None:
        for table, keys in self._removed.items():
            txn.delete(table, sorted(keys))
        for table, rows in self._added.items():
            txn.add(table, sorted(rows.items()))
        for table, rows in self._put.items():
            txn.put(table, sorted(rows.items()))


def _prepared(raw: bundle.Raw, content: bundle.Content) -> list[_Prepared]:
    made = Counter(entry.hash for job in content.jobs for entry in job.entries if entry.kind == "output" and entry.hash)
    prepared = []
    for job in content.jobs:
        value = ids.decode(raw.parts[job.head.id or b""])
        chunks = tuple(dict.fromkeys([*value["steps"], *value["entries"], value["context"]]))
        own = Counter(entry.hash for entry in job.entries if entry.kind == "output" and entry.hash)
        others = {entry.hash for entry in job.entries if entry.hash and made.get(entry.hash, 0) > own.get(entry.hash, 0)}
        prepared.append(_Prepared(job, packing.edges_of(job, others), file_sets(job.entries), chunks))
    return prepared


def _hashes(edges: Edges) -> set[bytes]:
    return {one.hash for one in (*edges.inputs, *edges.outputs)}


def _job_rows(raw: bundle.Raw, one: _Prepared, place: indexing.Place) -> _Rows:
    rows = _Rows()
    job = one.job.head.id or b""
    rows.add(PARTS, (job, b""), raw.parts[job])
    for chunk in one.chunks:
        rows.add(PARTS, (chunk, b""), raw.parts[chunk])
        rows.add(PART_JOBS, (chunk, job), b"")
    rows.add(EDGES, (job, b""), packing.encoded(one.edges))
    rows.add(RUNS, (one.job.head.run, job), b"")
    _add_index(rows, replace(one.job.head, id=job), one.edges, one.sets, place)
    return rows


def _add_index(rows: _Rows, head: JobHead, edges: Edges, sets: Sequence[FileSet], place: indexing.Place) -> None:
    for table, key, value in indexing.rows_of(head, edges, sets, place):
        rows.put(table, key, value)
    for key in indexing.shared_keys(head, edges, place.tag):
        rows.add(KNOWN, key, b"")
