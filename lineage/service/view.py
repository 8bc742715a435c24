"""The store as one caller may see it.  What is not visible is not found: a denial would tell that it exists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple, Protocol

from lineage.annotations import Change, Edit, Item, Subject, What
from lineage.composite import FileSet
from lineage.errors import InvalidError, NotFoundError
from lineage.records import Entry, EntryKind, JobHead, Session, User
from lineage.store import Link, RecordStore, Visible


class Caller(Protocol):
    """Who asks. A registry has its own idea of who may see what, and shows each caller a store that has just that."""

    @property
    def uid(self) -> int: ...
    def may_see(self, uid: int) -> bool:
        """What this uid recorded."""


ID_SIZE, RUN_SIZE = 32, 16  # bytes
PREFETCH = 25  # sightings that are fetched at once: what a page shows, about
_HINT = "`roar log` lists the jobs"


class JobStore(RecordStore, Protocol):
    """A store that knows the jobs that run too."""

    def running(self, visible: Visible) -> list[JobHead]: ...
    def running_head(self, run: bytes) -> JobHead | None: ...
    def job_of_run(self, run: bytes) -> bytes | None: ...
    def session_numbers(self, session: bytes) -> dict[int, bytes]: ...
    def rows_at(self, paths: Sequence[bytes], wanted: Callable[[int], bool],
                limit: int) -> list[tuple[int, int, int, bytes]]: ...
    def path_texts(self, prefix: bytes) -> Iterator[list[bytes]]: ...
    def indexing(self) -> bool: ...
    def jobs_of_tree(self, tree: bytes, limit: int) -> list[tuple[int, FileSet]]: ...
    def annotate(self, subject: Subject, space: int, edits: Sequence[Edit], author: User, at: int) -> list[Item]: ...
    def annotations(self, subjects: Sequence[Subject]) -> dict[Subject, dict[int, list[Item]]]: ...
    def annotation_history(self, subject: Subject, space: int) -> list[Change]: ...
    def labelled(self, what: What, key: str, value: str | None = None) -> list[tuple[Subject, int]]: ...
    def step_count(self, identity: bytes) -> int: ...


class Seen(NamedTuple):
    """An artifact and its visible links, in order of the jobs' numbers."""

    hash: bytes
    number: int
    producers: Sequence[Link]
    consumers: Sequence[Link]


class Sighting(NamedTuple):
    head: JobHead
    entry: Entry


@dataclass(frozen=True, slots=True)
class View:
    store: JobStore
    caller: Caller

    def head(self, identity: bytes) -> JobHead:
        """Of a job by its id, or by its 16-byte run, while it runs and after."""
        if len(identity) not in {ID_SIZE, RUN_SIZE}:
            raise InvalidError("a job's id has 32 bytes, its run 16")
        if len(identity) == RUN_SIZE:
            # The run's end may come between the two questions: so running first.
            head = self.store.running_head(identity)
            finished = None if head else self.store.job_of_run(identity)
            if finished is not None:
                head = self._finished(finished)
        else:
            head = self._finished(identity)
        if head is None or (head.id is None and not self.caller.may_see(head.user.uid)):
            raise NotFoundError(f"there is no job {identity.hex()[:12]}", _HINT)
        return head

    def _finished(self, identity: bytes) -> JobHead | None:
        number = self.number(identity)
        return None if number is None else self.store.numbered_head(number)

    def number(self, identity: bytes) -> int | None:
        """A job's number for the caller: that of the own one, else of an import that they may see."""
        return next((seat.number for seat in self.store.seats(identity) if self.caller.may_see(seat.uid)), None)

    def session(self, identity: bytes, project: bytes) -> Session:
        """By its id, else the project's current one."""
        if identity:
            session = self.store.session(identity)
            if session is None or not self.caller.may_see(session.user.uid):
                session = self.store.imported_session(identity, self.caller.may_see)
            if session is None:
                raise NotFoundError(f"there is no session {identity.hex()[:12]}", _HINT)
            return session
        if not project:
            raise InvalidError("neither a session nor a project is named", "run this inside a project")
        session = self.store.current_session(self.caller.uid, project)
        if session is None:
            raise NotFoundError("this project has no session yet", "record a command with `roar run CMD`")
        return session

    def session_jobs(self, session: Session, limit: int = 0) -> list[JobHead]:
        """Finished jobs of a session that ``session`` gave, newest first by when they began; ``limit`` 0: all."""
        if self._is_own(session):
            return self.store.session_jobs(session.id, limit)
        return self.store.imported_session_jobs(session.id, self.caller.may_see)[:limit or None]

    def newest_heads(self, session: Session | None, until: int) -> Iterable[JobHead]:
        """Finished jobs that may be seen, newest first by when they began: of a session that ``session`` gave, else all that
        began before ``until`` (0: no limit)."""
        if session is None:
            return self.store.newest_heads(self.caller.may_see, until=until)
        if self._is_own(session):
            return self.store.newest_heads(self.caller.may_see, session.id)
        return self.store.imported_session_jobs(session.id, self.caller.may_see)

    def _is_own(self, session: Session) -> bool:
        own = self.store.session(session.id)
        return own is not None and self.caller.may_see(own.user.uid)

    def running(self, session: bytes = b"") -> list[JobHead]:
        """Newest first; of one session, or of all."""
        return [head for head in self.store.running(self.caller.may_see) if not session or head.session == session]

    def artifact(self, digest: bytes) -> Seen:
        """Visible through a visible job that read it or left it behind."""
        number = self.store.artifact_number(digest) if len(digest) == ID_SIZE else None
        if number is not None:
            producers, consumers = self.store.producers([number])[number], self.store.consumers([number])[number]
            owners = self.store.owners(sorted({link.node for link in (*producers, *consumers)}))
            mine = {job for job, owner in owners.items() if self.caller.may_see(owner)}
            if mine:
                return Seen(digest, number, [link for link in producers if link.node in mine],
                            [link for link in consumers if link.node in mine])
        raise NotFoundError(f"there is no artifact {digest.hex()[:12]}",
                            "only contents that a recorded job read or wrote are known")

    def sightings(self, digest: bytes, links: Sequence[Link], kind: EntryKind) -> Iterator[Sighting]:
        """The entries behind an artifact's links, newest job first, read as they are asked for."""
        jobs = list(dict.fromkeys(link.node for link in reversed(links)))
        for at, job in enumerate(jobs):
            if at == 2:  # mostly the first one or two are all that is wanted
                self.store.prefetch(jobs[at:at + PREFETCH])
            identity = self.store.job_id(job)
            head = self.store.numbered_head(job)
            if head is None:
                continue
            left = sum(link.node == job for link in links)
            for entry in self.store.entries(identity):
                if entry.hash == digest and entry.kind == kind:
                    yield Sighting(head, entry)
                    left -= 1
                    if not left:  # a large job need not be read to its end
                        break

    def all_sightings(self, seen: Seen) -> Iterator[Sighting]:
        """Who left it behind, then who read it; newest first."""
        return chain(self.sightings(seen.hash, seen.producers, "output"),
                     self.sightings(seen.hash, seen.consumers, "input"))
