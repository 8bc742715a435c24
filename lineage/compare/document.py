"""Comparisons as JSON: what `roar diff --json` prints.

A value that differs is {name, change, a, b, incidental}; a file {path, change, a, b} with each side's {path, hash, size,
role, job}; ``a`` or ``b`` is null where there is none.  Times, hashes and paths are as in ``lineage.document``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite

from lineage.compare.metrics import Delta
from lineage.compare.model import (
    CATEGORIES,
    Cause,
    Change,
    CodeHistory,
    Commit,
    CommitRange,
    Comparison,
    FileChange,
    Subject,
    counts,
)
from lineage.compare.sentences import cause_text
from lineage.document import Document, entry_document, head_document, step_document, time_text
from lineage.records import Json

_SECOND = 1_000_000_000


def subject_document(subject: Subject) -> Document:
    """A job's head; of a step also the ``step``, and ``kind`` "step"."""
    document = head_document(subject.job.head)
    return document if subject.step is None else {**document, "kind": "step", "step": step_document(subject.step)}


def changes_document(changes: Iterable[Change], histories: Mapping[FileChange, CodeHistory],
                     values: Mapping[FileChange, tuple[Iterable[Delta], str]]) -> dict[str, list[Document]]:
    """By category, each with a list: what differs, and what cannot be told (change "unknown")."""
    found: dict[str, list[Document]] = {category: [] for category in CATEGORIES}
    for change in changes:
        found[change.category].append(change_document(change, histories, values))
    return found


def change_document(change: Change, histories: Mapping[FileChange, CodeHistory],
                    values: Mapping[FileChange, tuple[Iterable[Delta], str]]) -> Document:
    if not isinstance(change, FileChange):
        return {"name": change.name, "change": change.kind, "a": change.a, "b": change.b, "incidental": change.incidental}
    document: Document = {"path": change.path.decode("utf-8", "replace"), "change": change.kind,
                          "a": _side(change, "a"), "b": _side(change, "b")}
    if change in histories:
        history = histories[change]
        document["code"] = {
            "commits": _commits(history.commits), "back": history.back, "uncommitted": list(history.uncommitted),
            "diff": "\n".join(history.diff) or None, "diff_absent": history.absent or None}
    if change in values:
        document.update(values_document(*values[change]))
    return document


def values_document(deltas: Iterable[Delta], absent: str) -> Document:
    """``values`` is null where a content is gone."""
    found = [{"name": one.name, "a": _value(one.a), "b": _value(one.b), "delta": one.delta} for one in deltas]
    return {"values": None if absent else found, "values_absent": absent or None}


def cause_document(cause: Cause, histories: Mapping[FileChange, CodeHistory], top: str) -> Document:
    """``chain`` leads from what was compared to the pair of jobs ``a`` and ``b`` at which the difference is."""
    return {
        "category": cause.category, "strength": cause.strength, "sentence": cause_text(cause, histories, top),
        "a": _job(cause.a), "b": _job(cause.b),
        "chain": [{"path": link.change.path.decode("utf-8", "replace"), "change": link.change.kind,
                   "a": {**(_side(link.change, "a") or {}), "job": _job(link.a)},
                   "b": {**(_side(link.change, "b") or {}), "job": _job(link.b)}} for link in cause.chain],
        "changes": [change_document(change, histories, {}) for change in cause.changes],
    }


def range_document(commits: CommitRange | None) -> Document | None:
    if commits is None:
        return None
    return {"root": commits.root.decode("utf-8", "replace"), "a": commits.a, "b": commits.b,
            "only_a": _commits(commits.only_a), "only_b": _commits(commits.only_b), "more": commits.more,
            "files": [path.decode("utf-8", "replace") for path in commits.files], "absent": commits.absent or None}


def differing(comparison: Comparison) -> list[str]:
    """The categories in which two executions differ, in their order."""
    found = {change.category for change in comparison.changes if counts(change)}
    return [category for category in CATEGORIES if category in found]


def _value(value: Json) -> Json:
    """JSON has no NaN and no infinities: they are told as text."""
    return str(value) if isinstance(value, float) and not isfinite(value) else value


def _job(subject: Subject) -> Document:
    head = subject.job.head
    return {"id": head.id.hex() if head.id is not None else None, "run": head.run.hex(), "number": head.number,
            "session": head.session.hex(), "step": subject.step.index if subject.step is not None else None}


def _side(change: FileChange, side: str) -> Document | None:
    entry = change.a if side == "a" else change.b
    if entry is None:
        return None
    document = entry_document(entry)
    keys = ("path", "path_b64", "hash", "hash_reason", "size", "role", "package")
    return {key: document[key] for key in keys if key in document}


def _commits(commits: Iterable[Commit]) -> list[Document]:
    return [{"hash": one.hash, "subject": one.subject, "author": one.author, "time": time_text(one.time * _SECOND)}
            for one in commits]
