"""What git and the disk still say about files that differ: commits, diffs, values."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field

from lineage.compare.metrics import Delta, compare_metrics, is_metrics, read
from lineage.compare.model import CodeHistory, Commit, CommitRange, FileChange, Subject
from lineage.compare.patches import alike, split, unified
from lineage.records import Entry, Job
from lineage.redact import redact_text
from roarctl.comparing import Answer, Fetched
from roarctl.contents import Contents
from roarctl.repository import Repositories, Repository

_MOST_FILES = 20  # whose history, and whose values, are looked for
_MOST_LINES = 2000  # of a file's diff


@dataclass(frozen=True, slots=True)
class Values:
    """``absent`` says of which side the content is gone, and why; then there are no deltas."""

    deltas: tuple[Delta, ...] = ()
    absent: str = ""


@dataclass(slots=True)
class Evidence:
    """``range`` is None where both ran at the same commit, or outside of git."""

    range: CommitRange | None = None
    histories: dict[FileChange, CodeHistory] = field(default_factory=dict)
    values: dict[FileChange, Values] = field(default_factory=dict)


def gather(answer: Answer, fetched: Fetched, here: bytes, *, code: bool = True) -> Evidence:
    """``here`` is a directory whose repository may stand in for one that is not where it was.  ``code``: diffs too."""
    repositories = Repositories(here)
    looking = _Looking(repositories, Contents(repositories, fetched.places), code)
    found = Evidence()
    if answer.subjects is not None:
        found.range = looking.commit_range(*answer.subjects)
    for a, b, change in _files(answer):
        if change in found.histories or change in found.values or change.a is None or change.b is None:
            continue
        if change.category == "code" or (change.category == "inputs" and change.a.role == change.b.role == "config"):
            if len(found.histories) < _MOST_FILES:
                found.histories[change] = looking.history(a, b, change.a, change.b)
        elif change.kind == "changed" and is_metrics(change.a.path) and is_metrics(change.b.path) \
                and len(found.values) < _MOST_FILES:
            found.values[change] = looking.values(a, b, change.a, change.b)
    return found


def _files(answer: Answer) -> Iterable[tuple[Job, Job, FileChange]]:
    """All that are shown, with the jobs that they are of."""
    if answer.artifacts is not None:
        yield from ((answer.artifacts[0].job, answer.artifacts[1].job, change) for change in answer.changes
                    if isinstance(change, FileChange))
    if answer.comparison is not None:
        a, b = answer.comparison.a.job, answer.comparison.b.job
        yield from ((a, b, change) for change in answer.comparison.changes
                    if isinstance(change, FileChange) and change.kind != "unknown")
    for cause in answer.causes.found:
        yield from ((cause.a.job, cause.b.job, change) for change in cause.changes if isinstance(change, FileChange))


class _Looking:
    def __init__(self, repositories: Repositories, contents: Contents, code: bool) -> None:
        self._repositories = repositories
        self._contents = contents
        self._code = code

    def commit_range(self, a: Subject, b: Subject) -> CommitRange | None:
        root_a, commit_a = _git(a.job)
        root_b, commit_b = _git(b.job)
        if not commit_a or not commit_b or commit_a == commit_b:
            return None
        repository = self._both(a.job, b.job)
        if repository is None:
            places = " and ".join(dict.fromkeys(os.fsdecode(root) for root in (root_a, root_b)))
            return CommitRange(root_b, commit_a, commit_b, absent=f"no repository at {places} has both commits")
        return repository.between(commit_a, commit_b)

    def history(self, job_a: Job, job_b: Job, a: Entry, b: Entry) -> CodeHistory:
        (root_a, commit_a), (root_b, commit_b) = _git(job_a), _git(job_b)
        name_a, name_b = _below(root_a, a.path), _below(root_b, b.path)
        repository = self._both(job_a, job_b)
        commits: list[Commit] = []
        back = False
        if repository is not None and commit_a != commit_b and name_a == name_b != b.path:
            commits, _ = repository.commits(commit_a, commit_b, name_b)
            if not commits:
                commits, _ = repository.commits(commit_b, commit_a, name_b)
                back = bool(commits)
        parts = {"a": _uncommitted(job_a, name_a), "b": _uncommitted(job_b, name_b)}
        sides = tuple(side for side in ("a", "b") if parts[side] and parts["a"] != parts["b"])
        diff, absent = self._diff(job_a, job_b, a, b, name_b) if self._code else ([], "")
        if not diff and absent and name_a == name_b and commit_a == commit_b:
            # What was recorded (redacted) stands in for contents that are gone.
            diff = [line for side in sides for line in parts[side].splitlines()]
        return CodeHistory(tuple(commits), back, sides, tuple(diff[:_MOST_LINES]), absent)  # type: ignore[arg-type]

    def values(self, job_a: Job, job_b: Job, a: Entry, b: Entry) -> Values:
        gone, found = [], []
        for job, entry in ((job_a, a), (job_b, b)):
            content = self._contents.of(job, entry)
            values = read(entry.path, content.data) if content.data is not None else None
            if content.data is None:
                gone.append(f"as of @{job.head.number} {content.absent}")
            elif values is None:
                gone.append(f"as of @{job.head.number} it is not what its name says, or too long")
            else:
                found.append(values)
        return Values(tuple(compare_metrics(*found))) if not gone else Values(absent="; ".join(gone))

    def _diff(self, job_a: Job, job_b: Job, a: Entry, b: Entry, name: bytes) -> tuple[list[str], str]:
        one, other = self._contents.of(job_a, a), self._contents.of(job_b, b)
        if one.data is None or other.data is None:
            side, absent = ("@" + str(job_a.head.number), one) if one.data is None else ("@" + str(job_b.head.number), other)
            return [], f"as of {side} {absent.absent}"
        if a.path.rpartition(b"/")[2] != b.path.rpartition(b"/")[2] and not alike(one.data, other.data):
            return [], "the two have little in common"
        text = name.decode("utf-8", "backslashreplace")
        lines = unified(one.data, other.data, f"a/{text}", f"b/{text}")
        return redact_text("\n".join(lines)).split("\n") if lines else [], "" if lines else "it is not text"

    def _both(self, a: Job, b: Job) -> Repository | None:
        """A repository that has the commits of both."""
        (root_a, commit_a), (root_b, commit_b) = _git(a), _git(b)
        for root in (root_b, root_a):
            one, other = self._repositories.of(root, commit_a), self._repositories.of(root, commit_b)
            if one is not None and other is not None and one.root == other.root:
                return one
        return None


def _git(job: Job) -> tuple[bytes, str]:
    """(root of the work tree, commit); empty where it was none."""
    git = job.context.get("git") or {}
    return os.fsencode(git.get("root") or "").rstrip(b"/"), str(git.get("commit") or "")


def _below(root: bytes, path: bytes) -> bytes:
    return path.removeprefix(root + b"/") if root else path


def _uncommitted(job: Job, name: bytes) -> str:
    """The recorded diff of one file, or a word for one that git did not know."""
    git = job.context.get("git") or {}
    part = split(os.fsencode(git.get("diff") or "")).get(name)
    if part is not None:
        return os.fsdecode(part)
    text = os.fsdecode(name)
    untracked = any(text == one or (one.endswith("/") and text.startswith(one)) for one in git.get("untracked") or ())
    return f"new file {text}, not in git" if untracked else ""
