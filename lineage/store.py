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


class Seat(NamedTuple):
    """A job's place among those of one user: the same job can be one user's own and another's import."""

    number: int
    uid: int


class GraphStore(Protocol):
    """Edges between finished jobs and artifacts, in interned ids, many at a time: one call a level of a walk.

    Jobs get their sequence number, from 1, when they begin.  Those that were imported have one for each who did so, above
    ``provenance.IMPORTED``.

    ``shared``: what one owner's jobs made explains what another's took, where none of their own does (a registry).
    """

    @property
    def shared(self) -> bool: ...

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

    def ends(self, jobs: Sequence[int]) -> Mapping[int, int]:
        """By job, the number above those of all imported jobs that began before it ended (``provenance.IMPORTED``)."""


class RecordStore(GraphStore, Protocol):
    """Everything that a Lineage service reads."""

    def job_number(self, identity: bytes) -> int | None:
        """The sequence number of a job by its id."""

    def artifact_number(self, digest: bytes) -> int | None: ...
    def job_id(self, number: int) -> bytes: ...
    def artifact_hash(self, number: int) -> bytes: ...
    def head(self, identity: bytes) -> JobHead | None: ...
    def numbered_head(self, number: int) -> JobHead | None:
        """By the job's number, which also says whether it was imported, and by whom."""

    def prefetch(self, jobs: Sequence[int]) -> None:
        """The heads and linked files of these jobs are asked for next, one by one: a store that is far away gets them in
        one go.  It may do nothing."""

    def seats(self, identity: bytes) -> list[Seat]:
        """Who has this job: who recorded it here first, then who imported it.  None for an unknown one."""

    def job(self, identity: bytes) -> Job | None: ...
    def entries(self, identity: bytes) -> Iterator[Entry]: ...
    def record(self, identity: bytes) -> Iterator[tuple[bytes, bytes]]:
        """(id, bytes) of the job's head, then of each of its chunks."""

    def linked(self, identity: bytes) -> Iterator[tuple[bytes, Entry]]:
        """The job's files that edges are made of, with the content by which the graph knows each; those of the roles that
        people are shown first.  (The entry is as the caller may see it: its hash can be withheld.)"""

    def session(self, identity: bytes) -> Session | None: ...
    def session_record(self, identity: bytes) -> bytes | None: ...
    def imported_session(self, identity: bytes, visible: Visible) -> Session | None:
        """A session of jobs that a visible user imported."""

    def imported_session_jobs(self, session: bytes, visible: Visible) -> list[JobHead]:
        """The imported jobs of a session, newest first by when they began."""

    def current_session(self, uid: int, project: bytes) -> Session | None: ...
    def session_jobs(self, session: bytes, limit: int = 0) -> list[JobHead]:
        """Finished jobs of a session, newest first by when they began; ``limit`` 0: all."""

    def newest_heads(self, visible: Visible, session: bytes = b"", until: int = 0) -> Iterator[JobHead]:
        """Finished jobs, of a session or of all, newest first by when they began, read as they are asked for.
        ``until``: of all sessions, those that began at that time or later may be left out (nanoseconds; 0: none)."""

    def seen_at(self, path: bytes, visible: Visible) -> list[tuple[bytes, bytes]]:
        """(artifact hash, job id) of the contents that jobs left or found at a path, newest first."""

    def by_prefix(self, kind: str, prefix: str, limit: int) -> list[bytes]:
        """Ids of kind job, artifact or session whose hex begins with ``prefix`` (4 or more digits)."""
