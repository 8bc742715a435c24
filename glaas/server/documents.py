"""Answers as JSON documents: those that `roar … --json` prints, of what one viewer may see. Nothing in here knows of HTTP.

``reference`` is an id, its first 4 digits or more, or of a job its run.  NotFoundError where there is no such thing (to see),
AmbiguousError where there are several.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Literal, NamedTuple, TypeAlias

from glaas.registry.registry import Registry
from glaas.store.viewer import Viewer
from lineage import document
from lineage.annotations import Annotations, Subject
from lineage.compare.answerdocument import diff_document
from lineage.compare.answers import compare_targets
from lineage.document import Document
from lineage.errors import InvalidError, NotFoundError
from lineage.graph import ancestors, descendants
from lineage.records import ENTRY_KINDS, ROLES, Entry, Job
from lineage.service.graphs import dag_message, roles_of, walk_message
from lineage.service.references import by_reference
from lineage.service.service import artifact_message
from lineage.service.sources import FromView, Wanted
from lineage.service.view import View
from lineage.v1 import lineage_pb2
from lineage.whole import annotations_document, whole_document

Kind: TypeAlias = Literal["artifact", "job", "session"]
_ID = re.compile(r"[0-9a-fA-F]{4,64}")
MAX_SIGHTINGS = 200
MAX_ENTRIES = 10_000  # of a page
MAX_SESSION_JOBS = 10_000


class Found(NamedTuple):
    """``whole``: the reference was the whole id, so that the answer's address is one that stays."""

    id: bytes
    whole: bool


def resolve(view: View, kind: Kind, reference: str) -> Found:
    if not _ID.fullmatch(reference):
        raise InvalidError(f"{reference[:80]!r} is no id", "give 4 to 64 hex digits")
    found = by_reference(view, f"{kind}:{reference}", b"").id
    return Found(found, found.hex() == reference)


def artifact(view: View, reference: str, limit: int = MAX_SIGHTINGS) -> Document:
    """`roar.artifact/1`."""
    digest = resolve(view, "artifact", reference).id
    return {**document.artifact_document(artifact_message(view, digest, limit)), "changed": False,
            "annotations": annotations_document(said(view, [Subject("artifact", digest)])[0])}


def job(view: View, reference: str) -> Document:
    """`roar.job/1`."""
    one = whole_job(view, resolve(view, "job", reference).id)
    identity = one.head.id or b""
    subjects = [Subject("job", identity), *(Subject("step", identity, step.index) for step in one.steps)]
    own, *steps = said(view, subjects)
    return whole_document(one, own, {one.subject.step: one for one in steps if one.items})


def whole_job(view: View, identity: bytes) -> Job:
    head = view.head(identity)
    found = view.store.job(head.id or b"")
    if found is None:
        raise NotFoundError(f"there is no job {identity.hex()[:12]}", "only registered jobs are known")
    return replace(found, head=head)


def entries(view: View, reference: str, kinds: Iterable[str] = (), roles: Iterable[str] = (), after: int = 0,
            limit: int = MAX_ENTRIES) -> Document:
    """`glaas.entries/1`: a page of a job's files; ``next`` is the ``after`` of the one that follows, null on the last."""
    identity = resolve(view, "job", reference).id
    wanted = frozenset(kinds or ENTRY_KINDS)
    if not wanted <= set(ENTRY_KINDS):
        raise InvalidError(f"there is no kind {sorted(wanted - set(ENTRY_KINDS))[0]!r}", "kinds are " + ", ".join(ENTRY_KINDS))
    shown = roles_of(roles, frozenset(ROLES))
    chosen: Iterator[Entry] = (one for one in view.store.entries(view.head(identity).id or b"")
                               if one.kind in wanted and one.role in shown)
    page = list(islice(chosen, after, after + limit + 1))
    return {"schema": "glaas.entries/1", "job": identity.hex(),
            "entries": [{"kind": one.kind, **document.entry_document(one)} for one in page[:limit]],
            "next": after + limit if len(page) > limit else None}


def session(view: View, reference: str) -> Document:
    """`roar.session/1`, with its newest jobs."""
    found = view.session(resolve(view, "session", reference).id, b"")
    return {**document.session_document(found, view.session_jobs(found, MAX_SESSION_JOBS)),
            "annotations": annotations_document(said(view, [Subject("session", found.id)])[0])}


def dag(view: View, reference: str, max_nodes: int = 0) -> Document:
    """`roar.dag/1`."""
    found = view.session(resolve(view, "session", reference).id, b"")
    message = dag_message(view, lineage_pb2.SessionDagRequest(session=found.id, max_nodes=max_nodes))
    return document.dag_document(message, found)


def lineage(view: View, kind: Literal["artifact", "job"], reference: str, direction: Literal["up", "down"] = "up",
            depth: int = 0, max_nodes: int = 0) -> Document:
    """`roar.lineage/1`."""
    identity = resolve(view, kind, reference).id
    request = lineage_pb2.GraphRequest(depth=depth, max_nodes=max_nodes)
    setattr(request, kind, identity)
    graph = walk_message(view, request, ancestors if direction == "up" else descendants)
    return {**document.graph_document(graph, {"kind": kind, "id": identity.hex()}, direction), "changed": False}


def said(view: View, subjects: Sequence[Subject]) -> list[Annotations]:
    """Of each, in order; jobs and steps by the job's id."""
    found = view.store.annotations(subjects)
    return [Annotations(subject, tuple(item for items in found.get(subject, {}).values() for item in items))
            for subject in subjects]


def search_request(query: str, limit: int) -> lineage_pb2.SearchRequest:
    """What somebody typed: digits of a hash, patterns of paths, or words."""
    text = query.strip()
    asked = lineage_pb2.SearchRequest(limit=limit)
    digits = _ID.fullmatch(text.rpartition(":")[2])
    if digits and text.partition(":")[0] in {"artifact", "job", "session", text}:
        asked.hash = digits[0].lower()
    elif "*" in text:
        asked.globs.extend(word.encode() for word in text.split())
    else:
        asked.words.extend(text.split())
    return asked


def account(registry: Registry, viewer: Viewer, name: str, before: int, limit: int) -> Document:
    """`glaas.account/1`: what an account registered, as the viewer may see it.  ``next``: the ``before`` of what follows.
    NotFoundError where that is nothing, and the account is not the viewer's own: who has accounts is nobody's business."""
    heads = registry.account_jobs(viewer, name, limit + 1, before)
    if not heads and not before and name != viewer.account:
        raise NotFoundError(f"{name[:60]} has registered nothing that you may see", "names are lower-case")
    return {"schema": "glaas.account/1", "name": name, "jobs": [document.head_document(head) for head in heads[:limit]],
            "next": heads[limit - 1].started_at if len(heads) > limit else None}


def diff(view: View, a: str, b: str) -> Document:
    """`roar.diff/1` of two artifacts, jobs or sessions.  What git and a disk would tell, a registry does not know."""
    targets = [Wanted(named.kind, named.id) for named in (by_reference(view, one, b"") for one in (a, b))]
    answer, _ = compare_targets(FromView(view), *targets)
    return diff_document(answer)
