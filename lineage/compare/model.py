"""The words of a comparison: A and B are compared; a change is one thing that differs between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, TypeAlias, get_args

from lineage.records import Entry, Job, Json, Step

#: In the order that explains most. ``inputs`` are files that are no code, ``context`` what other sections of the record say.
Category: TypeAlias = Literal[
    "code", "parameters", "inputs", "packages", "environment", "machine", "context", "outcome", "outputs"]
#: "unknown": there on both sides, but not hashed on one, so that it cannot be said whether it differs.
Kind: TypeAlias = Literal["changed", "added", "removed", "moved", "unknown"]

CATEGORIES: tuple[Category, ...] = get_args(Category)


class ValueChange(NamedTuple):
    """``a`` is None where it was ``added``, ``b`` where it was ``removed``.

    ``incidental``: it differs from one terminal to the next, and is no difference between runs.  ``names_file``: both
    values name files, whose own difference is told apart.
    """

    category: Category
    name: str
    kind: Kind
    a: Json
    b: Json
    incidental: bool = False
    names_file: bool = False


class FileChange(NamedTuple):
    """``a`` and ``b`` are the entries of both sides, None where there is none.  ``path`` is B's, A's if it is gone:
    relative to the project where it lies in it."""

    category: Category
    path: bytes
    kind: Kind
    a: Entry | None
    b: Entry | None

    @property
    def path_in_a(self) -> bytes:
        """Where A has it, if that is elsewhere; else empty.  Only the name, where the directory is the same."""
        if self.a is None or self.b is None or self.a.path == self.path or self.a.path.endswith(b"/" + self.path):
            return b""
        (before, _, name), (after, _, other) = self.a.path.rpartition(b"/"), self.path.rpartition(b"/")
        return name if name != other and (before == after or before.endswith(b"/" + after) or not after) else self.a.path


Change: TypeAlias = ValueChange | FileChange


@dataclass(frozen=True, slots=True)
class Subject:
    """A job, or one of its steps.  ``missing`` says in words what of it cannot be compared."""

    job: Job
    step: Step | None
    argv: tuple[bytes, ...]
    inputs: tuple[Entry, ...]
    outputs: tuple[Entry, ...]
    missing: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[bytes, int]:
        return self.job.head.run, -1 if self.step is None else self.step.index

    @property
    def running(self) -> bool:
        return self.job.head.id is None

    @property
    def name(self) -> str:
        """@3, or @3/2 for its step 2."""
        return f"@{self.job.head.number}" + (f"/{self.step.index}" if self.step is not None else "")


def names(a: Subject, b: Subject) -> tuple[str, str]:
    """What the two are called; A and B where two sessions gave them the same number."""
    return (a.name, b.name) if a.name != b.name else ("A", "B")


@dataclass(frozen=True, slots=True)
class Comparison:
    a: Subject
    b: Subject
    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()  # what could not be compared

    def of(self, category: Category) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.category == category)

    def files(self, category: Category) -> tuple[FileChange, ...]:
        return tuple(change for change in self.changes if isinstance(change, FileChange) and change.category == category)

    @property
    def differs(self) -> bool:
        """In anything that is more than incidental."""
        return any(counts(change) for change in self.changes)


def counts(change: Change) -> bool:
    """Is it a difference?"""
    return change.kind != "unknown" and not (isinstance(change, ValueChange) and change.incidental)


class Link(NamedTuple):
    """One step up: the file ``change`` was read below, and ``a`` and ``b`` made it."""

    change: FileChange
    a: Subject
    b: Subject


@dataclass(frozen=True, slots=True)
class Cause:
    """A difference that no differing input explains.

    ``chain`` leads from what was compared to ``a`` and ``b``, where it is.  ``changes`` are of one category; with
    ``nondeterminism`` there are none: nothing that is recorded differs, but the outputs do.  ``strength`` "possible": it
    differs, but whether it matters cannot be told.
    """

    category: Category | Literal["nondeterminism"]
    strength: Literal["difference", "possible"]
    a: Subject
    b: Subject
    chain: tuple[Link, ...]
    changes: tuple[Change, ...]
    makers: tuple[tuple[Subject | None, Subject | None], ...] = ()  # of inputs and code: who made each, on both sides


@dataclass(frozen=True, slots=True)
class Causes:
    """``truncated``: the walk ended at its limit of pairs of jobs."""

    found: tuple[Cause, ...] = ()
    pairs: int = 0
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Commit:
    hash: str
    subject: str
    author: str
    time: int  # seconds since the epoch


@dataclass(frozen=True, slots=True)
class CodeHistory:
    """How one file came to differ, as far as git and the disk still say.

    ``commits``, newest first, changed it between the two sides; ``back``: A's commit is the later one.  ``uncommitted``:
    sides whose working tree had changes of it that were in no commit.  ``diff`` has lines of a unified diff; where there
    are none, ``absent`` says why.
    """

    commits: tuple[Commit, ...] = ()
    back: bool = False
    uncommitted: tuple[Literal["a", "b"], ...] = ()
    diff: tuple[str, ...] = ()
    absent: str = ""


@dataclass(frozen=True, slots=True)
class CommitRange:
    """From A's commit to B's.  ``only_a`` are commits that B's does not have (a branch, or a step back); ``files`` changed
    in between, relative to ``root``; ``absent`` says why git cannot tell."""

    root: bytes
    a: str
    b: str
    only_b: tuple[Commit, ...] = ()
    only_a: tuple[Commit, ...] = ()
    more: bool = False  # there are more commits than these
    files: tuple[bytes, ...] = ()
    absent: str = ""


class Records(Protocol):
    """Where a walk learns of ancestors."""

    def maker(self, job: Job, entry: Entry) -> Job | None:
        """The job that made what ``job`` took; None where nobody recorded it."""
