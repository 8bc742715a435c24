"""What one viewer may see of a registry, as the store that ``lineage.service`` asks: of one request, in one thread.

Numbers, which walks count in, are given as artifacts and jobs are met: a job's is ``IMPORTED`` and the time at which it
began, so that they sort by time (of two with the same nanosecond the one met later counts as later).  Each read is a
snapshot of its own.

A file whose maker its owner keeps private is *masked* in the job that took it, if the same account registered both: it is "a
private artifact", its hash shown only where the owner allowed that (``masks.py``).
"""

# ruff: noqa: ARG002 - who sees what was settled before: `visible` and the like have nothing to add

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeAlias

import cbor2

from glaas.registry import edges as packing
from glaas.registry import said
from glaas.registry.edges import Edges, read_maker
from glaas.registry.masks import Mask, Masks, Suspect
from glaas.registry.recent import newest_rows
from glaas.registry.tables import (
    EDGES,
    KNOWN,
    MAKERS,
    OWN_MAKERS,
    PARTS,
    PATHS,
    RUNS,
    SEAT,
    SEEN,
    SESSION_JOBS,
    SIGHTING,
    TAG,
    TREES,
    USERS,
    account_tag,
    path_home,
    tag_of,
)
from glaas.store.keyed import KeyedStore, Range, Table
from glaas.store.viewer import Viewer
from lineage import ids
from lineage.annotations import Change, Edit, Item, Subject, What
from lineage.composite import FileSet
from lineage.errors import CorruptError, DeniedError, NotFoundError, UnsupportedError
from lineage.ids import path_number
from lineage.provenance import IMPORTED
from lineage.records import PRIVATE_PATH, Entry, Job, JobHead, Session, User
from lineage.store import Link, Seat, Visible

MAX_ACCOUNTS, MAX_OWN = 20, 100  # whose makers of a content with more than MAX_LINKS are looked at, and how many of each
MAX_LINKS = 1000  # makers, or users, of one artifact in one space: the newest
MAX_SEEN = 1000  # sightings of one path in one space
HEADS_BATCH = 64
SMALL, PATIENCE = 32, 5  # after so many questions for a few makers each, a walk looks ahead …
AHEAD, MAX_AHEAD = 1000, 20_000  # … by so many jobs, if they took no more files than that
MAX_LAST = 100
Rows: TypeAlias = list[tuple[bytes, bytes]]


class Met(NamedTuple):
    """A job that a walk came by."""

    id: bytes
    started_at: int
    ended_at: int
    account: str


class RegistryStore:
    """See ``lineage.store.RecordStore`` and ``lineage.service.view.JobStore``.  NotFoundError for numbers it did not give."""

    shared = True

    def __init__(self, store: KeyedStore, viewer: Viewer) -> None:
        self._store = store
        self.viewer = viewer
        self.tags = sorted(map(tag_of, viewer.spaces))
        self._masks = Masks(store, frozenset(self.tags))
        self._hashes: list[bytes] = [b""]  # by the artifact's number
        self._artifacts: dict[bytes, int] = {}
        self._met: dict[int, Met] = {}
        self._jobs: dict[bytes, int] = {}
        self._accounts: dict[str, int] = {}
        self._edges: dict[int, Edges] = {}
        self._packed: dict[int, tuple[tuple[bytes, int], ...]] = {}
        self._masked: dict[int, Mapping[bytes, Mask]] = {}
        self._records: dict[bytes, bytes | None] = {}
        self._ahead: dict[bytes, list[Rows]] = {}  # makers that were fetched before they were asked for, by artifact
        self._last: dict[tuple[Table, bytes], Sequence[Rows]] = {}  # answers to questions about one artifact alone
        self._latest: list[bytes] = []  # jobs that were the answer to the last question for makers
        self._small = 0  # questions for few makers, one after the other

    # -- numbers ------------------------------------------------------------------------------------------------------

    def job_number(self, identity: bytes) -> int | None:
        return self._numbers([identity]).get(identity)

    def _numbers(self, identities: Iterable[bytes]) -> dict[bytes, int]:
        """Of the jobs that the viewer may see."""
        wanted = list(dict.fromkeys(identities))
        new = [identity for identity in wanted if identity not in self._jobs and len(identity) == 32]
        if new:
            accounts = self._masks.accounts(new)
            with self._store.read() as reader:
                found = reader.get(EDGES, [(identity, b"") for identity in accounts])
            for (identity, _), value in found.items():
                edges = packing.decoded(value)
                self._edges[self._meet(Met(identity, edges.started_at, edges.ended_at, accounts[identity]))] = edges
        return {identity: self._jobs[identity] for identity in wanted if identity in self._jobs}

    def _meet(self, met: Met) -> int:
        number = self._jobs.get(met.id)
        if number is None:
            number = IMPORTED + min(met.started_at, IMPORTED - (1 << 20))
            while number in self._met:
                number += 1
            self._jobs[met.id] = number
            self._met[number] = met
        return number

    def artifact_number(self, digest: bytes) -> int | None:
        return self._artifact(digest)

    def _artifact(self, digest: bytes) -> int:
        number = self._artifacts.get(digest)
        if number is None:
            number = self._artifacts[digest] = len(self._hashes)
            self._hashes.append(digest)
        return number

    def artifact_hash(self, number: int) -> bytes:
        if not 0 < number < len(self._hashes):
            raise NotFoundError(f"no artifact has the number {number}")
        return self._hashes[number]

    def job_id(self, number: int) -> bytes:
        if number not in self._met:
            raise NotFoundError(f"no job has the number {number}")
        return self._met[number].id

    # -- the graph ----------------------------------------------------------------------------------------------------

    def inputs(self, jobs: Sequence[int]) -> Mapping[int, Sequence[tuple[int, int]]]:
        known = [job for job in jobs if job in self._met]
        self._learn(job for job in known if job not in self._packed)
        masks = self._masks_of(known)
        found: dict[int, Sequence[tuple[int, int]]] = {job: [] for job in jobs}
        for job in known:
            links = self._packed.get(job)
            if links is None:
                links = tuple((one.hash, path_number(one.path)) for one in self._edges[job].inputs)
            hidden = masks.get(job)
            if hidden:
                links = tuple((hidden[digest].blind, path) if digest in hidden else (digest, path) for digest, path in links)
            found[job] = sorted((self._artifact(digest), path) for digest, path in links)
        return found

    def outputs(self, jobs: Sequence[int]) -> Mapping[int, Sequence[tuple[int, int]]]:
        known = [job for job in jobs if job in self._met]
        self._learn(known)
        found: dict[int, Sequence[tuple[int, int]]] = {job: [] for job in jobs}
        for job in known:
            found[job] = sorted((self._artifact(one.hash), path_number(one.path)) for one in self._edges[job].outputs)
        return found

    def _learn(self, jobs: Iterable[int]) -> None:
        new = {self._met[job].id: job for job in jobs if job not in self._edges}
        if new:
            with self._store.read() as reader:
                found = reader.get(EDGES, [(identity, b"") for identity in new])
            for identity, job in new.items():
                if (identity, b"") not in found:
                    raise CorruptError(f"job {identity.hex()[:12]} is in an index and has no edges", "run `glaas verify`")
                self._edges[job] = packing.decoded(found[identity, b""])

    def _masks_of(self, jobs: Sequence[int]) -> Mapping[int, Mapping[bytes, Mask]]:
        """By job, what is masked of its inputs, by hash."""
        new = [job for job in jobs if job not in self._masked]
        if not new:
            return self._masked
        accounts = self._masks.may_hide(self._met[job].account for job in new)
        hiding = [job for job in new if self._met[job].account in accounts]
        self._masked.update({job: {} for job in new})
        if hiding:
            self._learn(hiding)
            found = self._masks.of([
                Suspect(met.id, met.ended_at, met.account, frozenset(one.hash for one in self._edges[job].inputs))
                for job, met in ((job, self._met[job]) for job in hiding)])
            self._masked.update({job: found[self._met[job].id] for job in hiding})
        return self._masked

    def producers(self, artifacts: Sequence[int]) -> Mapping[int, Sequence[Link]]:
        return self._links(MAKERS, artifacts)

    def consumers(self, artifacts: Sequence[int]) -> Mapping[int, Sequence[Link]]:
        found = self._links(USERS, artifacts)
        masks = self._masks_of(sorted({link.node for links in found.values() for link in links}))
        if not any(masks.values()):
            return found
        return {artifact: [link for link in links if self._hashes[artifact] not in masks.get(link.node, {})]
                for artifact, links in found.items()}

    def _links(self, table: Table, artifacts: Sequence[int]) -> dict[int, Sequence[Link]]:
        asked = [number for number in dict.fromkeys(artifacts) if 0 < number < len(self._hashes)]
        rows_of = self._rows_of(table, [self._hashes[number] for number in asked])
        if table is MAKERS:
            rows_of = self._with_own(rows_of)
        found: dict[int, Sequence[Link]] = {number: [] for number in artifacts}
        latest: list[bytes] = []
        for number in asked:
            links: set[Link] = set()
            for rows in rows_of[self._hashes[number]]:
                for rest, value in rows:
                    _, started_at, identity, path = SIGHTING.unpack(rest)
                    job = self._jobs.get(identity)
                    if job is None or (table is MAKERS and job not in self._packed and job not in self._edges):
                        maker = read_maker(value)
                        job = self._meet(Met(identity, started_at, maker.ended_at, maker.account))
                        if maker.inputs is not None and table is MAKERS:
                            self._packed[job] = maker.inputs
                    links.add(Link(job, path))
            found[number] = sorted(links)
            if links:
                latest.append(self._met[found[number][-1].node].id)
        if table is MAKERS:
            self._latest = latest
        return found

    def _with_own(self, rows_of: Mapping[bytes, Sequence[Rows]]) -> Mapping[bytes, Sequence[Rows]]:
        """What very many made has more makers than are asked for: those of the accounts that the walk came by are asked for
        besides, so that nobody can push them out with makers of their own."""
        many = [digest for digest, spaces in rows_of.items() if any(len(rows) >= MAX_LINKS for rows in spaces)]
        accounts = list(dict.fromkeys(met.account for met in self._met.values()))[:MAX_ACCOUNTS]
        if not many or not accounts:
            return rows_of
        asked = [(digest, account_tag(account) + tag) for digest in many for account in accounts for tag in self.tags]
        with self._store.read() as reader:
            answers = reader.scan(OWN_MAKERS, [Range(digest, prefix, limit=MAX_OWN, reverse=True) for digest, prefix in asked])
        own: dict[bytes, list[Rows]] = {digest: [] for digest in many}
        for (digest, _), rows in zip(asked, answers, strict=True):
            own[digest].append([(rest[TAG:], value) for rest, value in rows])
        return {digest: [*spaces, *own.get(digest, ())] for digest, spaces in rows_of.items()}

    def _rows_of(self, table: Table, digests: Sequence[bytes]) -> Mapping[bytes, Sequence[Rows]]:
        """By artifact, the rows of each of the viewer's spaces."""
        if len(digests) == 1 and (table, digests[0]) in self._last:  # a page asks about one artifact again and again
            return {digests[0]: self._last[table, digests[0]]}
        found = {digest: self._ahead[digest] for digest in digests if digest in self._ahead} if table is MAKERS else {}
        missing = [digest for digest in digests if digest not in found]
        if table is MAKERS and missing:
            self._small = self._small + 1 if len(missing) <= SMALL else 0
            if self._small > PATIENCE:
                self._small = 0
                self._look_ahead()
                found |= {digest: self._ahead[digest] for digest in missing if digest in self._ahead}
                missing = [digest for digest in missing if digest not in found]
        if missing:
            found |= self._scanned(table, missing)
        if len(digests) == 1 and len(self._last) < MAX_LAST:
            self._last[table, digests[0]] = found[digests[0]]
        return found

    def _scanned(self, table: Table, digests: Sequence[bytes]) -> dict[bytes, list[Rows]]:
        ranges = [Range(digest, tag, limit=MAX_LINKS, reverse=True) for digest in digests for tag in self.tags]
        with self._store.read() as reader:
            answers = reader.scan(table, ranges)
        size = len(self.tags)
        return {digest: answers[at * size:(at + 1) * size] for at, digest in enumerate(digests)}

    def _look_ahead(self) -> None:
        """A walk up a long history asks many small questions, each a round trip.  What jobs took mostly comes from earlier
        jobs of their own session: so the makers of what these took are fetched together, in four questions."""
        with self._store.read() as reader:
            records = reader.get(PARTS, [(identity, b"") for identity in self._latest[:SMALL]])
            heads = [ids.decode_head(record, identity) for (identity, _), record in records.items()]
            newest = {head.session: head.started_at for head in sorted(heads, key=lambda head: head.started_at)}
            seats = reader.scan(SESSION_JOBS, [
                Range(session, tag, SEAT.pack(tag, at, b"\xff" * 32), AHEAD // len(newest), reverse=True)
                for session, at in newest.items() for tag in self.tags]) if newest else []
            jobs = {SEAT.unpack(rest)[2] for rows in seats for rest, _ in rows}
            edges = reader.get(EDGES, [(identity, b"") for identity in jobs])
        taken = {one.hash for value in edges.values() for one in packing.decoded(value).inputs}
        new = sorted(taken - self._ahead.keys())
        if new and len(new) <= MAX_AHEAD:
            self._ahead |= self._scanned(MAKERS, new)

    def owners(self, jobs: Sequence[int]) -> Mapping[int, int]:
        """A number for each account, from 1."""
        return {job: self._accounts.setdefault(self._met[job].account, len(self._accounts) + 1)
                for job in jobs if job in self._met}

    def untils(self, jobs: Sequence[int]) -> Mapping[int, int]:
        return self.ends(jobs)

    def ends(self, jobs: Sequence[int]) -> Mapping[int, int]:
        return {job: IMPORTED + min(self._met[job].ended_at, IMPORTED - 1) for job in jobs if job in self._met}

    # -- records ------------------------------------------------------------------------------------------------------

    def head(self, identity: bytes) -> JobHead | None:
        record = self._record(identity)
        return None if record is None else ids.decode_head(record, identity)

    def numbered_head(self, number: int) -> JobHead | None:
        return self.head(self._met[number].id) if number in self._met else None

    def seats(self, identity: bytes) -> list[Seat]:
        number = self.job_number(identity)
        return [] if number is None else [Seat(number, 0)]

    def _record(self, identity: bytes) -> bytes | None:
        if identity not in self._records:
            self._fetch([identity])
        return self._records[identity]

    def _fetch(self, identities: Sequence[bytes]) -> None:
        seen = self._numbers(identities)
        with self._store.read() as reader:
            found = reader.get(PARTS, [(identity, b"") for identity in seen])
        self._records.update({identity: found.get((identity, b"")) for identity in identities})

    def prefetch(self, jobs: Sequence[int]) -> None:
        met = [job for job in jobs if job in self._met]
        new = [identity for identity in (self._met[job].id for job in met) if identity not in self._records]
        with self._store.read() as reader:
            found = reader.get(PARTS, [(identity, b"") for identity in new])
        self._records.update({identity: found.get((identity, b"")) for identity in new})
        self._learn(met)

    def heads(self, identities: Sequence[bytes]) -> list[JobHead]:
        """Of those that the viewer may see, in this order."""
        self._fetch([identity for identity in identities if identity not in self._records])
        return [ids.decode_head(record, identity) for identity in identities
                if (record := self._records[identity]) is not None]

    def job(self, identity: bytes) -> Job | None:
        record = self._record(identity)
        if record is None:
            return None
        value = ids.decode(record)
        parts = self._parts([*value["steps"], *value["entries"], value["context"]])
        job = ids.decode_job(record, parts.__getitem__)
        masks = self._masks_of([self._jobs[identity]])[self._jobs[identity]]
        return replace(job, entries=tuple(_masked(entry, masks) for entry in job.entries)) if masks else job

    def entries(self, identity: bytes) -> Iterator[Entry]:
        record = self._record(identity)
        if record is None:
            return
        masks = self._masks_of([self._jobs[identity]])[self._jobs[identity]]
        for chunk in ids.entry_chunks(record):
            for entry in ids.decode_entries(self._parts([chunk])[chunk], chunk):
                yield _masked(entry, masks)

    def linked(self, identity: bytes) -> Iterator[tuple[bytes, Entry]]:
        """From the edges alone: without packages, steps and the like."""
        number = self.job_number(identity)
        if number is None:
            return
        self._learn([number])
        masks, edges = self._masks_of([number])[number], self._edges[number]
        for kind, ends in (("input", edges.inputs), ("output", edges.outputs)):
            for one in ends:
                entry = Entry(kind, one.path, one.hash, "", one.size, one.role, (), ())  # type: ignore[arg-type]
                mask = masks.get(one.hash) if kind == "input" else None
                yield (one.hash, entry) if mask is None else (mask.blind, _masked(entry, masks))

    def record(self, identity: bytes) -> Iterator[tuple[bytes, bytes]]:
        """DeniedError where it names what is private: its bytes cannot be changed."""
        record = self._record(identity)
        if record is None:
            return
        if self._masks_of([self._jobs[identity]])[self._jobs[identity]]:
            raise DeniedError(f"the record of job {identity.hex()[:12]} names private artifacts, and is not given out",
                              "ask who registered it; `roar show` has all of it that is not private")
        yield identity, record
        value = ids.decode(record)
        wanted = list(dict.fromkeys([*value["steps"], *value["entries"], value["context"]]))
        parts = self._parts(wanted)
        for chunk in wanted:
            yield chunk, parts[chunk]

    def step_count(self, identity: bytes) -> int:
        record = self._record(identity)
        steps = [] if record is None else ids.decode(record)["steps"]
        return sum(len(ids.decode(part)) for part in self._parts(steps).values())

    def _parts(self, wanted: Sequence[bytes]) -> dict[bytes, bytes]:
        with self._store.read() as reader:
            found = reader.get(PARTS, [(part, b"") for part in wanted])
        if len(found) < len(set(wanted)):
            raise CorruptError("a chunk of a record is missing", "run `glaas verify`")
        return {part: found[part, b""] for part in wanted}

    # -- sessions -----------------------------------------------------------------------------------------------------

    def session(self, identity: bytes) -> Session | None:
        rows = self._session_rows(identity)
        if not rows:
            return None
        with self._store.read() as reader:
            record = reader.get(PARTS, [(identity, b"")]).get((identity, b""))
        return None if record is None else ids.decode_session(record, jobs=len(rows))

    def session_record(self, identity: bytes) -> bytes | None:
        if self.session(identity) is None:
            return None
        return self._parts([identity])[identity]

    def _session_rows(self, session: bytes) -> list[bytes]:
        """Ids of its jobs, newest first."""
        if len(session) != 32:
            return []
        with self._store.read() as reader:
            answers = reader.scan(SESSION_JOBS, [Range(session, tag) for tag in self.tags])
        rows = {SEAT.unpack(rest)[1:] for rows in answers for rest, _ in rows}
        return [identity for _, identity in sorted(rows, reverse=True)]

    def imported_session(self, identity: bytes, visible: Visible) -> Session | None:
        return self.session(identity)

    def imported_session_jobs(self, session: bytes, visible: Visible) -> list[JobHead]:
        return self.session_jobs(session)

    def current_session(self, uid: int, project: bytes) -> Session | None:
        return None

    def session_jobs(self, session: bytes, limit: int = 0) -> list[JobHead]:
        return self.heads(self._session_rows(session)[:limit or None])

    def session_numbers(self, session: bytes) -> dict[int, bytes]:
        return {head.number: head.id or b"" for head in reversed(self.session_jobs(session))}

    def running(self, visible: Visible) -> list[JobHead]:
        return []

    def running_head(self, run: bytes) -> JobHead | None:
        return None

    def job_of_run(self, run: bytes) -> bytes | None:
        with self._store.read() as reader:
            found = [rest for rest, _ in reader.scan(RUNS, [Range(run)])[0]] if len(run) == 16 else []
        return next(iter(self._numbers(found)), None)

    # -- looking for things -------------------------------------------------------------------------------------------

    def newest_heads(self, visible: Visible, session: bytes = b"", until: int = 0) -> Iterator[JobHead]:
        """``until``: those that began before it."""
        if session:
            yield from self.session_jobs(session)
            return
        batch: list[bytes] = []
        for _, identity in newest_rows(self._store, self.tags, until):
            batch.append(identity)
            if len(batch) == HEADS_BATCH:
                yield from self.heads(batch)
                batch = []
        yield from self.heads(batch)

    def seen_at(self, path: bytes, visible: Visible) -> list[tuple[bytes, bytes]]:
        found: dict[bytes, bytes] = {}
        for _, job, artifact, _ in sorted(self.rows_at([path], lambda _: True, MAX_SEEN), reverse=True):
            found.setdefault(self._hashes[artifact], self._met[job].id)
        return list(found.items())

    def rows_at(self, paths: Sequence[bytes], wanted: Callable[[int], bool], limit: int) -> list[tuple[int, int, int, bytes]]:
        """(twice the time at which the job began, + 1 if an output; job number; artifact number; path)."""
        ranges = [Range(path_home(tag, path_number(path)), limit=MAX_SEEN, reverse=True)
                  for path in paths for tag in self.tags]
        with self._store.read() as reader:
            answers = reader.scan(PATHS, ranges)
        seen = {(paths[at // len(self.tags)], *SEEN.unpack(rest)) for at, rows in enumerate(answers) for rest, _ in rows}
        numbers = self._numbers({row[3] for row in seen})
        masks = self._masks_of(list(numbers.values()))
        found: list[tuple[int, int, int, bytes]] = []
        counts: dict[tuple[bytes, bytes], bool] = {}
        for path, started_at, output, identity, digest in sorted(seen, key=lambda row: row[1:3], reverse=True):
            job = numbers.get(identity)
            if job is None or (path, digest) in counts or (not output and digest in masks[job]) or not wanted(job):
                continue
            counts[path, digest] = True
            if sum(1 for known, _ in counts if known == path) <= limit:
                found.append((started_at * 2 + output, job, self._artifact(digest), path))
        return found

    def path_texts(self, prefix: bytes) -> Iterator[list[bytes]]:
        """None: a registry is searched by words (``search.py``), not by all the paths there are."""
        yield []

    def indexing(self) -> bool:
        return False

    def by_prefix(self, kind: str, prefix: str, limit: int) -> list[bytes]:
        """Whole bytes are looked up, a last odd digit is compared."""
        whole = bytes.fromhex(prefix[:len(prefix) & ~1])
        mark = kind[:1].encode()
        keep = frozenset(mark + tag for tag in self.tags)
        if len(whole) == KNOWN.home:
            with self._store.read() as reader:
                return [whole] if reader.get(KNOWN, [(whole, rest) for rest in sorted(keep)]) else []
        found: dict[bytes, None] = {}
        with self._store.read() as reader:
            for (home, rest), _ in reader.walk(KNOWN, whole):
                if rest in keep and home.hex().startswith(prefix):
                    found.setdefault(home)
                    if len(found) >= limit:
                        break
        return list(found)

    def jobs_of_tree(self, tree: bytes, limit: int) -> list[tuple[int, FileSet]]:
        if len(tree) != 32:
            return []
        with self._store.read() as reader:
            answers = reader.scan(TREES, [Range(tree, tag, limit=limit, reverse=True) for tag in self.tags])
        rows = {SEAT.unpack(rest)[1:]: value for rows in answers for rest, value in rows}
        newest = sorted(rows, reverse=True)[:limit]
        numbers = self._numbers(identity for _, identity in newest)
        masks = self._masks_of(list(numbers.values()))
        found = []
        for key in newest:
            kind, path, files = cbor2.loads(rows[key])
            if key[1] in numbers and not (kind == "input" and masks[numbers[key[1]]]):
                found.append((numbers[key[1]], FileSet(tree, kind, path, files)))
        return found

    # -- what is said -------------------------------------------------------------------------------------------------

    def said(self, subjects: Sequence[Subject]) -> dict[Subject, dict[str, list[Item]]]:
        """By subject (jobs and steps by the job's id) and account."""
        with self._store.read() as reader:
            return said.read(reader, self.tags, subjects)

    def annotations(self, subjects: Sequence[Subject]) -> dict[Subject, dict[int, list[Item]]]:
        return {subject: dict(enumerate(by_account.values())) for subject, by_account in self.said(subjects).items()}

    def labelled(self, what: What, key: str, value: str | None = None) -> list[tuple[Subject, int]]:
        """Jobs and steps by run, as ``lineage.service`` has them."""
        with self._store.read() as reader:
            found = said.labelled(reader, self.tags, what, key, value)
        heads = {head.id: head for head in self.heads([one.id for one in found if one.kind in {"job", "step"}])}
        return [(one if one.kind not in {"job", "step"} else one._replace(id=heads[one.id].run), 0)
                for one in found if one.kind not in {"job", "step"} or one.id in heads]

    def annotate(self, subject: Subject, space: int, edits: Sequence[Edit], author: User, at: int) -> list[Item]:
        raise UnsupportedError("a registry takes labels and notes with what is registered",
                               "change them on the box, and register again")

    def annotation_history(self, subject: Subject, space: int) -> list[Change]:
        return []


def _masked(entry: Entry, masks: Mapping[bytes, Mask]) -> Entry:
    if entry.kind != "input" or entry.hash is None or entry.hash not in masks:
        return entry
    shown = masks[entry.hash].shown
    return entry._replace(path=PRIVATE_PATH, hash=shown, hash_reason="" if shown else "private", size=None, package="",
                          target=None, device=None, inode=None)

