"""Artifacts by the paths where they were seen or by hash, and jobs by what they were called; newest first."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from lineage import wire
from lineage.errors import InvalidError, NotFoundError
from lineage.globs import compiled, literal_prefix
from lineage.jobfilter import JobFilter, from_message
from lineage.records import JobHead
from lineage.service.scan import labelled_artifacts, labelled_runs, newest
from lineage.service.view import Seen, View
from lineage.v1 import lineage_pb2 as pb
from lineage.v1 import records_pb2 as records

DEFAULT_RESULTS, MAX_RESULTS = 20, 1000
PATH_SECONDS = 2.0  # for looking through paths; as long again for jobs
DETAIL_SECONDS = 1.0
MAX_PATHS = 5  # of one artifact
MAX_NAMED = 3  # makers of one artifact, and users
MAX_PREFIXED = 1000  # ids with one prefix that are looked through
MAX_GLOBS = 20


@dataclass(slots=True)
class _Artifact:
    number: int
    seen: Seen
    paths: list[bytes]
    job: int  # the newest that saw it there
    output: bool


@dataclass(slots=True)
class _Search:
    view: View
    request: pb.SearchRequest
    wanted: JobFilter
    limit: int
    answer: pb.SearchResponse = field(default_factory=pb.SearchResponse)
    runs: set[bytes] | None = None  # of the jobs that have the labels; None: any will do
    _heads: dict[int, JobHead | None] = field(default_factory=dict)  # None: not the caller's
    _matches: dict[int, bool] = field(default_factory=dict)

    def head(self, job: int) -> JobHead | None:
        """Of a finished job that the caller may see."""
        if job not in self._heads:
            owner = self.view.store.owners([job]).get(job)
            visible = owner is not None and self.view.caller.may_see(owner)
            self._heads[job] = self.view.store.head(self.view.store.job_id(job)) if visible else None
        return self._heads[job]

    def matches(self, job: int) -> bool:
        if job not in self._matches:
            head = self.head(job)
            self._matches[job] = (head is not None and self.wanted.matches(head)
                                  and (self.runs is None or head.run in self.runs))
        return self._matches[job]

    def paths(self, deadline: float) -> Iterator[list[bytes]]:
        """Those that match, a batch at a time; those below the project first."""
        request = self.request
        patterns = [compiled(glob) for glob in request.globs]
        words = [word.encode().lower() for word in request.words]
        below = request.project.rstrip(b"/") + b"/" if request.project else b""
        prefixes = sorted({literal_prefix(glob) for glob in request.globs} or {b""})
        prefixes = [one for at, one in enumerate(prefixes) if not any(one.startswith(other) for other in prefixes[:at])]
        first = [below] if below and b"" in prefixes else []
        for prefix in (*first, *prefixes):
            for batch in self.view.store.path_texts(prefix):
                if first and prefix != below:
                    batch = [path for path in batch if not path.startswith(below)]  # noqa: PLW2901 - seen before
                yield [path for path in batch if all(word in path.lower() for word in words)
                       and (not patterns or any(pattern.fullmatch(path) for pattern in patterns))]
                if time.monotonic() > deadline:
                    self.answer.stopped = "time"
                    return

    def by_path(self) -> list[_Artifact]:
        deadline = time.monotonic() + PATH_SECONDS
        rows: list[tuple[int, int, int, bytes]] = []
        for paths in self.paths(deadline):
            rows += self.view.store.rows_at(paths, self.matches, self.limit + 1)
        rows.sort(reverse=True)
        found: dict[int, _Artifact] = {}
        for mark, job, number, path in rows:
            known = found.get(number)
            if known is not None:
                if len(known.paths) < MAX_PATHS and path not in known.paths:
                    known.paths.append(path)
                continue
            if len(found) == self.limit:
                self.answer.more_artifacts = True
                break
            seen = self.view.artifact(self.view.store.artifact_hash(number))
            found[number] = _Artifact(number, seen, [path], job, bool(mark & 1))
        return list(found.values())

    def by_hash(self, digests: Iterable[bytes]) -> list[_Artifact]:
        found = []
        for digest in digests:
            try:
                seen = self.view.artifact(digest)
            except NotFoundError:
                continue
            made = {link.node for link in seen.producers}
            jobs = sorted(made | {link.node for link in seen.consumers}, reverse=True)
            job = next((job for job in jobs if self.matches(job)), None)
            if job is not None:
                found.append(_Artifact(seen.number, seen, [], job, job in made))
        found.sort(key=lambda one: one.job, reverse=True)
        self.answer.more_artifacts = len(found) > self.limit
        return found[:self.limit]

    def add(self, artifacts: list[_Artifact]) -> None:
        sizes = self._learn(artifacts)
        for one in artifacts:
            head = self.head(one.job)
            makers, users = ({link.node: None for link in reversed(links)}
                             for links in (one.seen.producers, one.seen.consumers))
            self.answer.artifacts.append(pb.FoundArtifact(
                hash=one.seen.hash, size=sizes.get(one.seen.hash), paths=one.paths, output=one.output,
                job=None if head is None else wire.head_to(head), made=len(makers), used=len(users),
                makers=self._named(makers), users=self._named(users)))

    def _learn(self, artifacts: list[_Artifact]) -> dict[bytes, int | None]:
        """Sizes, and paths where none are known yet, from the records of the jobs, as far as there is time."""
        deadline = time.monotonic() + DETAIL_SECONDS
        by_job: dict[int, dict[bytes, _Artifact]] = {}
        for one in artifacts:
            by_job.setdefault(one.job, {})[one.seen.hash] = one
        sizes: dict[bytes, int | None] = {}
        for job, missing in by_job.items():
            for at, entry in enumerate(self.view.store.entries(self.view.store.job_id(job))):
                if not missing or (not at & 0xFFF and time.monotonic() > deadline):
                    break
                if entry.hash in missing and entry.kind in {"input", "output"}:
                    one = missing.pop(entry.hash)
                    sizes[one.seen.hash] = entry.size
                    one.paths = one.paths or [entry.path]
        return sizes

    def _named(self, jobs: Iterable[int]) -> list[records.JobHead]:
        heads = (self.head(job) for job in list(jobs)[:MAX_NAMED])
        return [wire.head_to(head) for head in heads if head is not None]

    def add_jobs(self) -> None:
        wanted = self.wanted
        words = (*wanted.words, *self.request.words)
        if self.request.hash:
            found = [head for head in self._jobs_by_id()
                     if wanted.matches(head) and (self.runs is None or head.run in self.runs)]
            self.answer.more_jobs, heads = len(found) > self.limit, found[:self.limit]
        elif words or wanted:
            scan = newest(self.view, None, replace(wanted, words=words), self.limit)
            self.answer.more_jobs, heads = scan.truncated, scan.heads
            self.answer.stopped = self.answer.stopped or scan.stopped
        else:
            return
        self.answer.jobs.extend(wire.head_to(head) for head in heads)

    def _jobs_by_id(self) -> list[JobHead]:
        found = []
        for identity in self.view.store.by_prefix("job", self.request.hash, MAX_PREFIXED):
            try:
                found.append(self.view.head(identity))
            except NotFoundError:
                continue
        return sorted(found, key=lambda head: head.started_at, reverse=True)


def search_message(view: View, request: pb.SearchRequest) -> pb.SearchResponse:
    """InvalidError where nothing is asked for."""
    wanted = from_message(request.filter)
    if not (request.globs or request.words or request.hash or wanted):
        raise InvalidError("nothing to search for", "give a path, a hash or words: roar search 'data/*.parquet'")
    if len(request.globs) > MAX_GLOBS:
        raise InvalidError(f"{len(request.globs)} paths are too many to search for", f"give {MAX_GLOBS} at most")
    search = _Search(view, request, wanted, min(request.limit or DEFAULT_RESULTS, MAX_RESULTS))
    search.runs = labelled_runs(view, wanted.labels)
    if request.hash:
        search.add(search.by_hash(view.store.by_prefix("artifact", request.hash, MAX_PREFIXED)))
    elif wanted.labels and not (request.globs or request.words):
        labelled, search.runs = labelled_artifacts(view, wanted.labels), None
        search.add(search.by_hash(sorted(labelled or ())))
    elif request.globs or request.words:
        search.add(search.by_path())
        search.answer.indexing = view.store.indexing()
    if not request.globs:
        search.add_jobs()
    return search.answer
