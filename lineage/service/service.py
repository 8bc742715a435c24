"""The Lineage service: every question about the record, answered with what the caller may see."""
# ruff: noqa: N802 - the methods are named by the protocol

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice

import grpc

from lineage import wire
from lineage.errors import InvalidError, NotFoundError
from lineage.graph import ancestors, descendants
from lineage.jobfilter import from_message
from lineage.records import ENTRY_KINDS, ROLES, Entry
from lineage.service.errors import answered
from lineage.service.graphs import dag_message, roles_of, walk_message
from lineage.service.references import by_path, by_reference
from lineage.service.scan import newest
from lineage.service.search import search_message
from lineage.service.trees import tree_message
from lineage.service.view import Sighting, View
from lineage.v1 import lineage_pb2 as pb
from lineage.v1 import lineage_pb2_grpc
from lineage.v1 import records_pb2 as records

PAGE_ENTRIES, PAGE_BYTES = 1000, 1 << 20  # of a message, whose limit is 4 MB
DEFAULT_LOG, MAX_LOG = 50, 10_000
DEFAULT_SIGHTINGS, MAX_SIGHTINGS = 20, 1000


class LineageService(lineage_pb2_grpc.LineageServicer):
    """``view``: what the caller of a request may see; it raises DeniedError for who cannot be known."""

    def __init__(self, view: Callable[[grpc.ServicerContext], View]) -> None:
        self._view = view

    @answered
    def Resolve(self, request: pb.ResolveRequest, context: grpc.ServicerContext) -> pb.ResolveResponse:
        view = self._view(context)
        if request.path:
            named = by_path(view, request.path, request.hash)
        else:
            named = by_reference(view, request.reference, request.project)
        return pb.ResolveResponse(kind=named.kind, id=named.id, path=named.path, changed=named.changed)

    @answered
    def GetJob(self, request: pb.GetJobRequest, context: grpc.ServicerContext) -> records.Job:
        """Of a job that runs, the head alone."""
        view = self._view(context)
        head = view.head(request.id)
        job = None if head.id is None else view.store.job(head.id)
        return records.Job(head=wire.head_to(head)) if job is None else wire.job_to(replace(job, head=head))

    @answered
    def ListEntries(self, request: pb.ListEntriesRequest, context: grpc.ServicerContext) -> Iterator[pb.EntryPage]:
        view = self._view(context)
        head = view.head(request.id)
        roles = roles_of(request.roles, frozenset(ROLES))
        kinds = frozenset(request.kinds or ENTRY_KINDS)
        if not kinds <= set(ENTRY_KINDS):
            raise InvalidError(f"there is no kind {sorted(kinds - set(ENTRY_KINDS))[0]!r}",
                               "kinds are " + ", ".join(ENTRY_KINDS))
        entries = () if head.id is None else view.store.entries(head.id)
        yield from _pages(entry for entry in entries if entry.kind in kinds and entry.role in roles)

    @answered
    def GetArtifact(self, request: pb.GetArtifactRequest, context: grpc.ServicerContext) -> records.Artifact:
        return artifact_message(self._view(context), request.hash, request.limit)

    @answered
    def GetSession(self, request: pb.GetSessionRequest, context: grpc.ServicerContext) -> records.Session:
        return wire.session_to(self._view(context).session(request.id, request.project))

    @answered
    def GetRecord(self, request: pb.GetRecordRequest, context: grpc.ServicerContext) -> Iterator[pb.RecordPart]:
        view = self._view(context)
        head = view.head(request.id)
        if head.id is None:
            raise NotFoundError(f"job @{head.number} still runs: its record is made when it ends", "wait for its end")
        for identity, data in view.store.record(head.id):
            yield pb.RecordPart(id=identity, data=data)

    @answered
    def Log(self, request: pb.LogRequest, context: grpc.ServicerContext) -> pb.LogResponse:
        """By when they began, newest first."""
        view = self._view(context)
        session = view.session(request.session, request.project) if request.session or request.project else None
        found = newest(view, session, from_message(request.filter), min(request.limit or DEFAULT_LOG, MAX_LOG))
        return pb.LogResponse(jobs=[wire.head_to(head) for head in found.heads], truncated=found.truncated,
                              stopped=found.stopped, reached=found.reached)

    @answered
    def Search(self, request: pb.SearchRequest, context: grpc.ServicerContext) -> pb.SearchResponse:
        return search_message(self._view(context), request)

    @answered
    def FindTree(self, request: pb.FindTreeRequest, context: grpc.ServicerContext) -> pb.FindTreeResponse:
        return tree_message(self._view(context), request)

    @answered
    def SessionDag(self, request: pb.SessionDagRequest, context: grpc.ServicerContext) -> pb.Graph:
        return dag_message(self._view(context), request)

    @answered
    def Ancestors(self, request: pb.GraphRequest, context: grpc.ServicerContext) -> pb.Graph:
        return walk_message(self._view(context), request, ancestors)

    @answered
    def Descendants(self, request: pb.GraphRequest, context: grpc.ServicerContext) -> pb.Graph:
        return walk_message(self._view(context), request, descendants)


def artifact_message(view: View, digest: bytes, limit: int) -> records.Artifact:
    """``limit``: of each of makers and users; 0: the usual number."""
    seen = view.artifact(digest)
    limit = min(limit or DEFAULT_SIGHTINGS, MAX_SIGHTINGS)
    # One more than asked for tells whether there are more.
    producers = list(islice(view.sightings(seen.hash, seen.producers, "output"), limit + 1))
    consumers = list(islice(view.sightings(seen.hash, seen.consumers, "input"), limit + 1))
    size = next((sighting.entry.size for sighting in (*producers, *consumers)), None)
    return records.Artifact(
        hash=seen.hash, size=size, producers=_sightings(producers[:limit]), consumers=_sightings(consumers[:limit]),
        truncated=max(len(producers), len(consumers)) > limit)


def _sightings(sightings: Iterable[Sighting]) -> list[records.Sighting]:
    return [records.Sighting(job=wire.head_to(head), entry=wire.entry_to(entry)) for head, entry in sightings]


def _pages(entries: Iterable[Entry]) -> Iterator[pb.EntryPage]:
    """At most 1000 entries and about 1 MB each: a path may have 4096 bytes."""
    page, size = pb.EntryPage(), 0
    for entry in entries:
        page.entries.append(wire.entry_to(entry))
        size += len(entry.path) + len(entry.target or b"")
        if len(page.entries) == PAGE_ENTRIES or size >= PAGE_BYTES:
            yield page
            page, size = pb.EntryPage(), 0
    if page.entries:
        yield page
