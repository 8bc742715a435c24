"""Why two things differ: a walk up both lineages at once, to the differences that no differing input explains.

Two executions are a pair: first those that are compared, then the makers of each input that differs between them.  At a
pair, code, parameters and inputs that nobody made (raw data) can differ, and packages, environment and machine: each is a
cause.  A pair where none of them differs, whose outputs differ all the same, may be nondeterministic.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeAlias

from lineage.compare.model import (
    CATEGORIES,
    Category,
    Cause,
    Causes,
    Change,
    Comparison,
    FileChange,
    Link,
    Records,
    Subject,
    ValueChange,
    counts,
)
from lineage.compare.subjects import compare, job_subject, step_maker
from lineage.records import Entry
from lineage.steps import Version, job_versions

MAX_PAIRS = 200
#: What is known to decide what a program makes; of the others it can only be said that they differ.
_CERTAIN: frozenset[Category] = frozenset({"code", "parameters", "inputs", "packages"})
#: Shared by all jobs of a machine or a virtual environment: told once, where it matters first.
_SHARED: frozenset[Category] = frozenset({"packages", "environment", "machine", "context"})

#: Where things are installed says nothing of what they are: files and packages are compared by content.
_PLACES = frozenset({"python.executable", "python.prefix", "python.base_prefix", "PATH", "VIRTUAL_ENV", "CONDA_PREFIX", "HOME",
                     "USER", "LOGNAME", "TMPDIR", "SHELL"})

Compare: TypeAlias = Callable[[Subject, Subject], Comparison]
_Makers: TypeAlias = tuple[Subject | None, Subject | None]


def find_causes(pairs: Sequence[tuple[Subject, Subject]], records: Records, comparing: Compare | None = None,
                max_pairs: int = MAX_PAIRS) -> Causes:
    """The causes of what differs between ``pairs``, those that explain most first: by how certain they are, by
    category, and the farthest upstream first.  ``comparing`` stands in for ``compare``, for who keeps its answers."""
    walk = _Walk(records, comparing or (lambda a, b: compare(a, b, records)), max_pairs)
    for a, b in pairs:
        walk.add(a, b, ())
    walk.go()
    found = sorted(_once(walk.found), key=_rank)
    return Causes(tuple(found), walk.pairs, walk.truncated)


class _Walk:
    def __init__(self, records: Records, comparing: Compare, max_pairs: int) -> None:
        self.queue: deque[tuple[Subject, Subject, tuple[Link, ...]]] = deque()
        self.found: list[Cause] = []
        self.pairs = 0
        self.truncated = False
        self._records = records
        self._compare = comparing
        self._max_pairs = max_pairs
        self._seen: set[tuple[tuple[bytes, int], tuple[bytes, int]]] = set()
        self._versions: dict[bytes, list[Version]] = {}  # of jobs whose steps are compared

    def add(self, a: Subject, b: Subject, chain: tuple[Link, ...]) -> None:
        if a.key != b.key and (a.key, b.key) not in self._seen:
            self._seen.add((a.key, b.key))
            self.queue.append((a, b, chain))

    def go(self) -> None:
        while self.queue:
            if self.pairs >= self._max_pairs:
                self.truncated = True
                return
            self.pairs += 1
            self._look(*self.queue.popleft())

    def _look(self, a: Subject, b: Subject, chain: tuple[Link, ...]) -> None:
        comparison = self._compare(a, b)
        own: dict[Category, list[tuple[Change, _Makers]]] = {}
        followed = False
        for change in comparison.changes:
            made_a = made_b = None
            if isinstance(change, FileChange) and change.category in {"code", "inputs"}:
                if self.pairs + len(self.queue) >= self._max_pairs:  # each maker that is looked up is a whole record
                    self.truncated = followed = True
                    continue
                made_a, made_b = self._maker(a, change.a), self._maker(b, change.b)
                if made_a is not None and made_b is not None and made_a.key != made_b.key and change.kind != "moved":
                    self.add(made_a, made_b, (*chain, Link(change, made_a, made_b)))
                    followed = followed or change.kind != "unknown"
                    continue
            if _explains(change):
                own.setdefault(change.category, []).append((change, (made_a, made_b)))
        for category, rows in own.items():
            self.found.append(Cause(category, "difference" if category in _CERTAIN else "possible", a, b, chain,
                                    tuple(change for change, _ in rows), tuple(makers for _, makers in rows)))
        certain = any(category in _CERTAIN for category in own)
        if not certain and not followed and _made_other(comparison, chain) and not (a.running or b.running):
            self.found.append(Cause("nondeterminism", "possible", a, b, chain, ()))

    def _maker(self, subject: Subject, entry: Entry | None) -> Subject | None:
        """Who made what was read there: another step of the same job, else another job."""
        if entry is None:
            return None
        step = None
        if subject.step is not None:
            run = subject.job.head.run
            if run not in self._versions:
                self._versions[run] = job_versions(subject.job)
            step = step_maker(subject, entry, self._versions[run])
        job = None if step is not None else self._records.maker(subject.job, entry)
        return step if job is None else job_subject(job)


def _explains(change: Change) -> bool:
    if not counts(change) or change.kind == "moved" or change.category in {"outputs", "outcome"}:
        return False
    if isinstance(change, ValueChange):
        return not change.names_file and not (change.category == "environment" and change.name in _PLACES)
    return True


def _made_other(comparison: Comparison, chain: tuple[Link, ...]) -> bool:
    """Do its outputs differ: those that led here, or any of the pair that was compared?"""
    if chain:
        return chain[-1].change.kind != "unknown"
    return any(change.kind == "changed" for change in comparison.files("outputs"))


def _rank(cause: Cause) -> tuple[bool, int, int]:
    category = len(CATEGORIES) if cause.category == "nondeterminism" else CATEGORIES.index(cause.category)
    return cause.strength == "possible", category, -len(cause.chain)


def _once(causes: Iterable[Cause]) -> list[Cause]:
    """What all jobs of a machine share is told where it comes first, deepest in the lineage.  A pair is not called
    nondeterministic for what a difference farther up may have made (through a pipe, say, whose content is not known)."""
    told: set[object] = set()
    kept = []
    by_depth = sorted(causes, key=lambda cause: -len(cause.chain))
    chains = [cause.chain for cause in by_depth if cause.strength == "difference"]
    for cause in by_depth:
        if cause.category == "nondeterminism" and any(_above(chain, cause.chain) for chain in chains):
            continue
        if cause.category in _SHARED:
            new = tuple(change for change in cause.changes if _identity(change) not in told)
            told.update(map(_identity, new))
            if new:
                kept.append(replace(cause, changes=new, makers=()))
        else:
            kept.append(cause)
    return kept


def _identity(change: Change) -> object:
    if isinstance(change, FileChange):
        return change.path, change.a and change.a.hash, change.b and change.b.hash
    return change.category, change.name, repr(change.a), repr(change.b)


def _above(chain: tuple[Link, ...], start: tuple[Link, ...]) -> bool:
    return len(chain) > len(start) and chain[:len(start)] == start
