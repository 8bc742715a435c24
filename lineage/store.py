"""What the graph queries and the Lineage service need of a store; roard's LMDB and a registry's both have it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from lineage.records import Entry, Job, JobHead, Session

#: May the caller see what this uid recorded?
Visible = Callable[[int], bool]


class Link(NamedTuple):
    """One end of an edge: ``node`` is the interned artifact (of a job's links) or the job's sequence number (of an
    artifact's links); ``path`` is the 64-bit name of the path by which the content was seen there."""

    node: int
    path: int


class GraphStore(Protocol):
    """Edges between finished jobs and artifacts, in interned ids, many at a time: one call a level of a walk.

    Jobs get their sequence number, from 1, when they begin.
    """

    def inputs(self, jobs: Sequence[int]) -> Mapping[int, Sequence[tuple[int, int]]]:
        """By job, what a Link has: (artifact, path).  Bare, since there are very many."""

    def outputs(self, jobs: Sequence[int]) -> Mapping[int, Sequence[tuple[int, int]]]: ...
    def producers(self, artifacts: Sequence[int]) -> Mapping[int, Sequence[Link]]:
        """By artifact, the finished jobs that left it behind, in order of their sequence numbers."""

    def consumers(self, artifacts: Sequence[int]) -> Mapping[int, Sequence[Link]]: ...
    def owners(self, jobs: Sequence[int]) -> Mapping[int, int]:
        """By job, the uid that ran it."""

    def untils(self, jobs: Sequence[int]) -> Mapping[int, int]:
        """By job, the first sequence number that was not given yet when it finished: what it took can come from any
        job with a lower one."""


class RecordStore(GraphStore, Protocol):
    """Everything that a Lineage service reads."""

    def job_number(self, identity: bytes) -> int | None:
        """The sequence number of a job by its id."""

    def artifact_number(self, digest: bytes) -> int | None: ...
    def job_id(self, number: int) -> bytes: ...
    def artifact_hash(self, number: int) -> bytes: ...
    def head(self, identity: bytes) -> JobHead | None: ...
    def job(self, identity: bytes) -> Job | None: ...
    def entries(self, identity: bytes) -> Iterator[Entry]: ...
    def record(self, identity: bytes) -> Iterator[tuple[bytes, bytes]]:
        """(id, bytes) of the job's head, then of each of its chunks."""

    def session(self, identity: bytes) -> Session | None: ...
    def current_session(self, uid: int, project: bytes) -> Session | None: ...
    def session_jobs(self, session: bytes, limit: int = 0) -> list[JobHead]:
        """Finished jobs of a session, newest first by when they began; ``limit`` 0: all."""

    def log(self, visible: Visible, limit: int) -> list[JobHead]:
        """Finished jobs of all sessions, newest first by when they began."""

    def seen_at(self, path: bytes, visible: Visible) -> list[tuple[bytes, bytes]]:
        """(artifact hash, job id) of the contents that jobs left or found at a path, newest first."""

    def by_prefix(self, kind: str, prefix: str, limit: int) -> list[bytes]:
        """Ids of kind job, artifact or session whose hex begins with ``prefix`` (4 or more digits)."""
