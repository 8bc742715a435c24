"""What a comparison found, as `roar.diff/1`: for `roar diff --json` and a registry alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lineage.compare.answers import Answer
from lineage.compare.document import (
    cause_document,
    changes_document,
    differing,
    range_document,
    subject_document,
    values_document,
)
from lineage.compare.metrics import Delta
from lineage.compare.model import CodeHistory, CommitRange, FileChange
from lineage.document import Document, head_document, path_document, session_document


def diff_document(answer: Answer, commits: CommitRange | None = None, histories: Mapping[FileChange, CodeHistory] | None = None,
                  values: Mapping[FileChange, tuple[Iterable[Delta], str]] | None = None) -> Document:
    """``commits``, ``histories``, ``values``: what git and a disk tell, where they were asked.  Of sessions ``jobs`` has the
    aligned pairs, of the others ``differences`` what differs."""
    histories, values = histories or {}, values or {}
    comparison = answer.comparison
    document: Document = {"schema": "roar.diff/1", "kind": answer.kind, "same": answer.same}
    if answer.artifacts is not None:
        document["a"], document["b"] = ({
            "kind": "artifact", "hash": one.hash.hex(), **path_document(one.path), "size": one.size, "changed": one.changed,
            "maker": subject_document(one.maker) if one.maker else None} for one in answer.artifacts)
        found = next((values[change] for change in answer.changes if isinstance(change, FileChange) and change in values), None)
        document.update(values_document(*found) if found else {"values": None, "values_absent": None})
    elif answer.sessions is not None:
        document["a"], document["b"] = map(session_document, answer.sessions)
        document["jobs"] = [{"a": head_document(pair.a) if pair.a else None, "b": head_document(pair.b) if pair.b else None,
                             "differs": differing(compared) if compared else None} for pair, compared in answer.pairs]
    elif comparison is not None:
        document["a"], document["b"] = subject_document(comparison.a), subject_document(comparison.b)
    if answer.kind != "session":
        document["commits"] = range_document(commits)
        document["differences"] = changes_document(comparison.changes if comparison else (), histories, values)
    causes = [cause_document(cause, histories, answer.top(cause)) for cause in answer.causes.found]
    return {**document, "cause": causes, "truncated": answer.causes.truncated, "notes": answer.notes}
