"""Documents that are made of several records: a job with its sets of files and with what is said of it; what a search found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lineage import document, wire
from lineage.annotations import Annotations
from lineage.composite import Group, Member, grouped
from lineage.document import Document, head_document, path_document
from lineage.records import SHOWN_ROLES, Entry, Job, User
from lineage.v1 import lineage_pb2, records_pb2


def whole_document(job: Job, own: Annotations, steps: Mapping[int, Annotations]) -> Document:
    """The job's document with what is said of it, and of its steps by index."""
    return {**document.job_document(job), "groups": groups_document(job.entries), "annotations": annotations_document(own),
            "step_annotations": [{"step": index, **annotations_document(one)} for index, one in steps.items()]}


def annotations_document(annotations: Annotations) -> Document:
    """``labels`` by key; everything else, and labels too, with author and time in ``items``."""
    return {
        "labels": annotations.labels(),
        "items": [{"what": item.what, "key": item.key, "values": list(item.values), "author": _author(item.author),
                   "at": document.time_text(item.at)} for item in annotations.items],
    }


def history_document(annotations: Annotations) -> list[Document]:
    return [{"what": change.what, "key": change.key, "old": list(change.old), "new": list(change.new),
             "author": _author(change.author), "at": document.time_text(change.at)} for change in annotations.history]


def entry_groups(entries: Iterable[Entry]) -> list[Entry | Group[Entry]]:
    """Those that were used in the same way, and have the same role, as one."""
    return grouped(entries, lambda entry: Member(entry.path, entry.hash, entry.size),
                   lambda entry: (entry.kind, entry.role, entry.access, entry.hash is None, entry.target is not None))


def groups_document(entries: Sequence[Entry]) -> list[Document]:
    """The sets among a job's data and source: what they are called, and the hash of each (lineage/composite.py)."""
    found = []
    for kind in ("output", "input"):
        shown = [entry for entry in entries if entry.kind == kind and entry.role in SHOWN_ROLES]
        found += [_group_document(one) for one in entry_groups(shown) if isinstance(one, Group)]
    return found


def search_document(answer: lineage_pb2.SearchResponse) -> Document:
    return {
        "schema": "roar.search/1",
        "artifacts": [_found_document(found) for found in answer.artifacts],
        "jobs": [_job_document(job) for job in answer.jobs],
        "more_artifacts": answer.more_artifacts, "more_jobs": answer.more_jobs, "stopped": answer.stopped or None,
        "indexing": answer.indexing,
    }


def _found_document(found: lineage_pb2.FoundArtifact) -> Document:
    return {
        "kind": "artifact", "hash": found.hash.hex(), "size": found.size if found.HasField("size") else None,
        "paths": [path_document(path) for path in found.paths],
        "job": _job_document(found.job) if found.HasField("job") else None,
        "as": "output" if found.output else "input", "made": found.made, "used": found.used,
        "makers": [_job_document(job) for job in found.makers], "users": [_job_document(job) for job in found.users],
    }


def _group_document(group: Group[Entry]) -> Document:
    digest = group.hash
    return {"kind": group.items[0].kind, "role": group.items[0].role, **path_document(group.path), "files": len(group.items),
            "size": group.size, "tree": None if digest is None else digest.hex(), "whole": group.whole}


def _job_document(job: records_pb2.JobHead) -> Document:
    return head_document(wire.head_from(job))


def _author(user: User) -> Document:
    return {"uid": user.uid, "name": user.name}
