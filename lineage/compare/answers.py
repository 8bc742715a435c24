"""Two of anything compared, whoever has the records: a daemon, a registry.  What they say is asked for once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from lineage import wire
from lineage.compare import causes as walking
from lineage.compare.files import labels
from lineage.compare.model import Cause, Causes, Change, Comparison, FileChange, Subject, counts
from lineage.compare.sentences import top_text
from lineage.compare.sessions import MAX_JOBS, Aligned, align
from lineage.compare.subjects import compare, job_subject, step_subject
from lineage.errors import InvalidError, NotFoundError
from lineage.records import Entry, Job, JobHead, Role, Session
from lineage.v1 import lineage_pb2, records_pb2

What: TypeAlias = Literal["job", "step", "artifact", "session"]
#: Sessions have many jobs: libraries' files, thousands of each, stay where they are.
_SESSION_ROLES: tuple[Role, ...] = ("data", "source", "config", "temporary")
_ARTICLES = {"job": "a job", "step": "a step", "artifact": "an artifact", "session": "a session"}
_MAX_NODES = 100_000
_SIGHTINGS = 200


class Target(Protocol):
    """What is compared.  ``kind``: job, step, artifact or session.  ``path``: where an artifact was named by one;
    ``changed``: its present content is recorded nowhere, and this is the newest that is.  ``step``: of kind step, its index."""

    @property
    def kind(self) -> str: ...
    @property
    def id(self) -> bytes: ...
    @property
    def path(self) -> bytes: ...
    @property
    def changed(self) -> bool: ...
    @property
    def step(self) -> int | None: ...


class Source(Protocol):
    """Who has the records.  NotFoundError for what is not there, or not for the caller to see."""

    def job(self, identity: bytes, roles: Sequence[Role]) -> Job:
        """By its id or run, with the entries of these roles (none: all)."""

    def artifact(self, digest: bytes, limit: int) -> records_pb2.Artifact: ...
    def makers(self, identity: bytes, max_nodes: int) -> lineage_pb2.Graph:
        """A job's ancestors, one level of them."""

    def session(self, identity: bytes) -> Session: ...
    def session_heads(self, identity: bytes, limit: int) -> tuple[list[JobHead], bool]:
        """(newest first, are there more?)"""


@dataclass(frozen=True, slots=True)
class Artifact:
    """``maker`` is None where no recorded job made it; ``changed`` as of a Target.  ``job`` made it, or else read it, as
    ``entry``."""

    hash: bytes
    path: bytes
    size: int | None
    changed: bool
    maker: Subject | None
    job: Job
    entry: Entry


@dataclass(slots=True)
class Answer:
    """What was found.  ``a`` and ``b`` are executions (of artifacts: their makers), or None.  ``pairs`` has the aligned jobs
    of sessions and what differs between them."""

    kind: What
    same: bool
    comparison: Comparison | None = None
    causes: Causes = field(default_factory=Causes)
    artifacts: tuple[Artifact, Artifact] | None = None
    sessions: tuple[Session, Session] | None = None
    pairs: list[tuple[Aligned, Comparison | None]] = field(default_factory=list)
    changes: tuple[Change, ...] = ()  # what differs of the compared things themselves: outputs, or the artifacts
    notes: list[str] = field(default_factory=list)

    def top(self, cause: Cause) -> str:
        """What the cause explains in the end: of sessions the outputs of the two jobs that it is of."""
        if self.kind != "session":
            return top_text(self.changes)
        compared = (one for _, one in self.pairs if one is not None and not cause.chain)
        pair = next((one for one in compared if (one.a.key, one.b.key) == (cause.a.key, cause.b.key)), None)
        return top_text(pair.changes) if pair is not None else "the sessions differ"

    @property
    def subjects(self) -> tuple[Subject, Subject] | None:
        return (self.comparison.a, self.comparison.b) if self.comparison else None


class Fetched:
    """Records of one source, each asked for once.  ``incomplete``: not all makers could be looked up."""

    def __init__(self, source: Source, roles: Sequence[Role] = ()) -> None:
        self._source = source
        self._roles = roles
        self._jobs: dict[bytes, Job | None] = {}
        self._makers: dict[bytes, dict[tuple[bytes, bytes], bytes]] = {}
        self.incomplete = False

    def job(self, identity: bytes) -> Job:
        found = self._job(identity)
        if found is None:
            raise NotFoundError(f"there is no job {identity.hex()[:12]}", "`roar log` lists the jobs")
        return found

    def maker(self, job: Job, entry: Entry) -> Job | None:
        if job.head.id is None or entry.hash is None:
            return None
        makers = self._makers_of(job.head.id)
        identity = makers.get((entry.hash, entry.path)) or makers.get((entry.hash, b""))
        return self._job(identity) if identity is not None else None

    def artifact(self, target: Target) -> Artifact:
        """With the latest job that left it at the path it was named by, else the latest that made it anywhere."""
        answer = self._source.artifact(target.id, _SIGHTINGS)
        there = (one for one in answer.producers if one.entry.path == target.path)
        made = next(there, None) or next(iter(answer.producers), None)
        seen = made or answer.consumers[0]  # it is known by one of them
        entry, job = wire.entry_from(seen.entry), self.job(seen.job.id)
        entry = entry._replace(path=target.path or entry.path)  # that is where its content is looked for first
        return Artifact(answer.hash, entry.path, answer.size if answer.HasField("size") else None,
                        target.changed, job_subject(job) if made is not None else None, job, entry)

    def places(self, digest: bytes) -> Iterable[bytes]:
        """The paths at which recorded jobs saw a content."""
        try:
            answer = self._source.artifact(digest, _SIGHTINGS)
        except NotFoundError:
            return []
        return dict.fromkeys(one.entry.path for one in (*answer.producers, *answer.consumers))

    def _job(self, identity: bytes) -> Job | None:
        if identity not in self._jobs:
            try:
                self._jobs[identity] = self._source.job(identity, self._roles)
            except NotFoundError:
                self._jobs[identity] = None
        return self._jobs[identity]

    def _makers_of(self, identity: bytes) -> dict[tuple[bytes, bytes], bytes]:
        """By (hash, path) of what a job took, and by (hash, b""), the id of the job that made it."""
        if identity not in self._makers:
            graph = self._source.makers(identity, _MAX_NODES)
            self.incomplete = self.incomplete or graph.truncated in {"nodes", "time"}
            found: dict[tuple[bytes, bytes], bytes] = {}
            for edge in graph.edges:
                if not edge.output and edge.HasField("maker") and graph.jobs[edge.job].id == identity:
                    artifact, maker = graph.artifacts[edge.artifact], graph.jobs[edge.maker].id
                    found[artifact.hash, artifact.path] = maker
                    found.setdefault((artifact.hash, b""), maker)
            self._makers[identity] = found
        return self._makers[identity]


class _Comparing:
    """Comparisons that were made are kept: the walk meets them again."""

    def __init__(self, fetched: Fetched) -> None:
        self._fetched = fetched
        self._known: dict[object, Comparison] = {}

    def __call__(self, a: Subject, b: Subject) -> Comparison:
        key = a.key, b.key
        if key not in self._known:
            self._known[key] = compare(a, b, self._fetched)
        return self._known[key]


def compare_targets(source: Source, a: Target, b: Target) -> tuple[Answer, Fetched]:
    """InvalidError where the two are of different kinds."""
    if a.kind != b.kind:
        raise InvalidError(f"{_ARTICLES[a.kind]} and {_ARTICLES[b.kind]} cannot be compared",
                           "name two jobs, two steps, two sessions, or two files; `roar show FILE` says which job made a file")
    if a.kind == "session":
        fetched = Fetched(source, _SESSION_ROLES)
        return _sessions(source, fetched, a, b), fetched
    fetched = Fetched(source)
    if a.kind == "artifact":
        return _artifacts(fetched, a, b), fetched
    first, second = (_subject(fetched, target) for target in (a, b))
    return _subjects("job" if a.kind == "job" else "step", fetched, first, second), fetched


def _subject(fetched: Fetched, target: Target) -> Subject:
    job = fetched.job(target.id)
    return job_subject(job) if target.step is None else step_subject(job, target.step)


def _subjects(kind: What, fetched: Fetched, a: Subject, b: Subject) -> Answer:
    if a.key == b.key and not a.running:
        return Answer(kind, same=True, comparison=Comparison(a, b, ()), notes=[f"{a.name} is compared with itself"])
    comparing = _Comparing(fetched)
    comparison = comparing(a, b)
    answer = Answer(kind, same=not comparison.differs and not (a.running or b.running), comparison=comparison,
                    changes=comparison.of("outputs"), notes=list(comparison.notes))
    if _to_explain(comparison):
        answer.causes = walking.find_causes([(a, b)], fetched, comparing)
    return _with_limits(answer, fetched)


def _to_explain(comparison: Comparison) -> bool:
    """Causes are told of what came out otherwise, or of inputs that differ; not of a run that came out the same."""
    return any(counts(change) and change.kind != "moved" for category in ("inputs", "outputs", "outcome")
               for change in comparison.changes if change.category == category)


def _artifacts(fetched: Fetched, a: Target, b: Target) -> Answer:
    one, other = fetched.artifact(a), fetched.artifact(b)
    answer = Answer("artifact", same=one.hash == other.hash, artifacts=(one, other))
    answer.notes += [f"{_text(_label(artifact))}: its present content is not recorded; compared is the newest that is"
                     for artifact in (one, other) if artifact.changed]
    if answer.same:
        return answer
    answer.changes = (FileChange("outputs", _label(other), "changed", one.entry, other.entry),)
    answer.notes += [f"{_text(_label(artifact))}: no recorded job made it, so its lineage begins there"
                     for artifact in (one, other) if artifact.maker is None]
    if one.maker is None or other.maker is None:
        return answer
    if one.maker.key == other.maker.key:
        answer.notes.append(f"both were made by {one.maker.name}: they are different outputs of one job")
        return answer
    comparing = _Comparing(fetched)
    answer.comparison = comparing(one.maker, other.maker)
    answer.notes += answer.comparison.notes
    answer.causes = walking.find_causes([(one.maker, other.maker)], fetched, comparing)
    return _with_limits(answer, fetched)


def _label(artifact: Artifact) -> bytes:
    return labels(artifact.maker.job.head.project)(artifact.path) if artifact.maker else artifact.path


def _sessions(source: Source, fetched: Fetched, a: Target, b: Target) -> Answer:
    one, other = source.session(a.id), source.session(b.id)
    answer = Answer("session", same=one.id == other.id, sessions=(one, other))
    if answer.same:
        answer.notes.append("a session is compared with itself")
        return answer
    heads: list[list[JobHead]] = []
    for session in (one, other):
        jobs, more = source.session_heads(session.id, MAX_JOBS)
        heads.append(sorted(jobs, key=lambda head: head.number))
        if more:
            answer.notes.append(f"session {session.id.hex()[:7]}: only its newest {MAX_JOBS} jobs are compared")
    comparing = _Comparing(fetched)
    pairs: list[tuple[Subject, Subject]] = []
    for aligned in align(*heads):
        comparison = None
        if aligned.a is not None and aligned.b is not None:
            first, second = (job_subject(fetched.job(head.id or head.run)) for head in (aligned.a, aligned.b))
            comparison = comparing(first, second)
            if _to_explain(comparison):
                pairs.append((first, second))
        answer.pairs.append((aligned, comparison))
    answer.same = all(comparison is not None and not comparison.differs for _, comparison in answer.pairs)
    answer.causes = walking.find_causes(pairs, fetched, comparing)
    return _with_limits(answer, fetched)


def _with_limits(answer: Answer, fetched: Fetched) -> Answer:
    if answer.causes.truncated:
        answer.notes.append(f"the walk ended after {answer.causes.pairs} pairs of jobs: there may be more causes")
    if fetched.incomplete:
        answer.notes.append("a job has so many files that not all of their makers were looked up: there may be more causes")
    return answer


def _text(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")
