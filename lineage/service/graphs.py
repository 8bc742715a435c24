"""Graphs as messages: walks give numbers, the jobs' own records give paths, sizes and roles."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, takewhile
from typing import TypeAlias, cast

from lineage import wire
from lineage.dag import session_dag
from lineage.errors import InvalidError
from lineage.graph import OUTPUT, Graph, Limits, Start
from lineage.ids import path_number
from lineage.records import ROLES, SHOWN_ROLES, Entry, JobHead, Role
from lineage.service.view import JobStore, View
from lineage.store import GraphStore, Visible
from lineage.v1 import lineage_pb2 as pb

MAX_DEPTH = 1000
MAX_NODES, DEFAULT_NODES = 100_000, 10_000
MAX_SECONDS = 5.0
PREFETCH = 1024  # jobs whose records are fetched at once

Walk: TypeAlias = Callable[[GraphStore, Start, Limits, Visible], Graph]


def roles_of(names: Iterable[str], default: frozenset[Role]) -> frozenset[Role]:
    """InvalidError for a role that does not exist."""
    wanted = frozenset(names)
    if not wanted <= set(ROLES):
        raise InvalidError(f"there is no role {sorted(wanted - set(ROLES))[0]!r}", "roles are " + ", ".join(ROLES))
    return cast("frozenset[Role]", wanted) or default


def nodes_of(asked: int) -> int:
    return min(asked or DEFAULT_NODES, MAX_NODES)


def walk_message(view: View, request: pb.GraphRequest, walk: Walk) -> pb.Graph:
    """Ancestors or descendants of what the request starts from, within the server's bounds."""
    roles = roles_of(request.roles, SHOWN_ROLES)
    deadline = time.monotonic() + MAX_SECONDS
    if bool(request.job) == bool(request.artifact):
        raise InvalidError("a walk starts from either a job or an artifact")
    seen = None
    if request.job:
        head = view.head(request.job)
        number = None if head.id is None else view.number(head.id)
        if number is None:  # it runs: what it reads and writes is not settled
            return pb.Graph(jobs=[wire.head_to(head)])
        start = Start(job=number)
    else:
        seen = view.artifact(request.artifact)
        start = Start(artifact=seen.number, path=path_number(request.path) if request.path else None)
    limits = Limits(min(request.depth or MAX_DEPTH, MAX_DEPTH), nodes_of(request.max_nodes), MAX_SECONDS)
    graph = walk(view.store, start, limits, view.caller.may_see)
    assembly = _Assembly(view.store, graph, roles, start)
    if seen is not None:  # even where no job is found above or below, what was asked about is shown
        assembly.show_start([sighting.entry for sighting in islice(view.all_sightings(seen), 1)])
    return assembly.message(deadline)


def dag_message(view: View, request: pb.SessionDagRequest) -> pb.Graph:
    """Jobs oldest first, in the order in which they began; of those that run no edge is known yet."""
    session = view.session(request.session, request.project)
    heads = {head.run: head for head in view.running(session.id)}
    heads.update({head.run: head for head in view.session_jobs(session)})  # last: one may have ended meanwhile

    def entries_of(head: JobHead) -> Iterable[Entry]:
        return () if head.id is None else _shown(view.store, head.id)

    # By its numbers, and where several boxes gave the same number, by the clock.
    ordered = sorted(heads.values(), key=lambda head: (head.number, head.started_at))
    dag = session_dag(ordered, entries_of, max_nodes=nodes_of(request.max_nodes))
    return pb.Graph(
        jobs=[wire.head_to(head) for head in dag.jobs],
        artifacts=[pb.GraphArtifact(hash=artifact.hash or b"", path=artifact.path, size=artifact.size,
                                    role=artifact.role, produced=artifact.produced) for artifact in dag.artifacts],
        edges=[pb.GraphEdge(job=edge.job, artifact=edge.artifact, output=edge.output, maker=edge.maker)
               for edge in dag.edges],
        truncated=dag.truncated)


def _shown(store: JobStore, identity: bytes) -> Iterator[Entry]:
    """Entries of the roles that people are shown, which a record has before all others (``ids.encode_job``): the
    chunks of thousands of library files stay unread."""
    return takewhile(lambda entry: entry.role in SHOWN_ROLES, store.entries(identity))


class _Assembly:
    """A walk's numbers made into jobs and files.

    Listed are artifacts between two jobs, whatever their role, and of the ends (roots above, leaves below) those of
    the asked roles.
    """

    def __init__(self, store: JobStore, graph: Graph, roles: frozenset[Role], start: Start) -> None:
        self._store = store
        self._graph = graph
        self._roles = roles
        self._start = start
        self._hashes: dict[int, bytes] = {}
        self._exact: dict[int, Entry] = {}  # by the node's place, an entry with the content at the node's path
        self._near: dict[int, Entry] = {}  # one with the content, at another path
        self._nodes = graph.keys
        written = {place for place, maker in zip(graph.edge_places, graph.edge_makers, strict=True) if maker == OUTPUT}
        read = {place for place, maker in zip(graph.edge_places, graph.edge_makers, strict=True) if maker != OUTPUT}
        self._roots = graph.root_places - written
        self._ends = self._roots | (written - read)

    def show_start(self, sighted: Iterable[Entry]) -> None:
        for entry in sighted:
            self._near.update({place: entry for place, (artifact, _) in enumerate(self._nodes)
                               if artifact == self._start.artifact})

    def message(self, deadline: float) -> pb.Graph:
        message = pb.Graph(truncated=self._graph.truncated)
        by_job: dict[int, list[tuple[int, int]]] = {job: [] for job in self._graph.jobs}  # → (place, maker)
        for job, place, maker in self._graph.rows():
            by_job[job].append((place, maker))
        listed: dict[int, int] = {}  # job → its index in the message
        indexes_by_id: dict[bytes, int] = {}  # root can see one job that several users imported: it is listed once
        order = list(by_job)
        for at, job in enumerate(order):
            if time.monotonic() > deadline:
                message.truncated = "time"
                break
            if not at % PREFETCH:
                self._store.prefetch(order[at:at + PREFETCH])
            identity = self._store.job_id(job)
            head = self._store.numbered_head(job)
            if head is None:
                continue
            self._look_up(identity, by_job[job])
            listed[job] = indexes_by_id.setdefault(identity, len(message.jobs))
            if listed[job] < len(message.jobs):
                continue
            wire.add_head(message.jobs, head)
        indexes = self._add_artifacts(message, {place for job in listed for place, _ in by_job[job]})
        add = message.edges.add
        for job, index in listed.items():
            for place, maker in by_job[job]:
                if place not in indexes:
                    continue
                if maker == OUTPUT:
                    add(job=index, artifact=indexes[place], output=True)
                elif maker in listed:
                    add(job=index, artifact=indexes[place], maker=listed[maker])
                else:
                    add(job=index, artifact=indexes[place])
        return message

    def _look_up(self, identity: bytes, ends: list[tuple[int, int]]) -> None:
        """Finds the entries behind a job's nodes, reading no further than needed."""
        missing: dict[bytes, list[int]] = {}
        for place, _ in ends:
            if place not in self._exact:
                missing.setdefault(self._hash(self._nodes[place][0]), []).append(place)
        if not missing:
            return
        only_shown = self._roles <= SHOWN_ROLES
        for digest, entry in self._store.linked(identity):
            if only_shown and entry.role not in SHOWN_ROLES:
                if all(place in self._ends for places in missing.values() for place in places):
                    return  # the rest of the record has other roles, and ends of those are not listed
                only_shown = False
            places = missing.get(digest)
            if places is None:
                continue
            path = path_number(entry.path)
            left = []
            for place in places:
                if self._nodes[place][1] == path:
                    self._exact[place] = entry
                else:
                    self._near.setdefault(place, entry)
                    left.append(place)
            if left:
                missing[digest] = left
                continue
            del missing[digest]
            if not missing:
                return

    def _add_artifacts(self, message: pb.Graph, linked: set[int]) -> dict[int, int]:
        """A node's place → its index in the message, for those that are listed."""
        indexes: dict[int, int] = {}
        for place, (artifact, _) in enumerate(self._nodes):
            entry = self._exact.get(place) or self._near.get(place)
            starts = artifact == self._start.artifact
            if entry is None or (place not in linked and not starts):
                continue
            if place in self._ends and entry.role not in self._roles and not starts:
                continue
            indexes[place] = len(indexes)
            message.artifacts.add(hash=entry.hash or b"", path=entry.path, size=entry.size, role=entry.role,
                                  produced=place not in self._roots)
        return indexes

    def _hash(self, artifact: int) -> bytes:
        if artifact not in self._hashes:
            self._hashes[artifact] = self._store.artifact_hash(artifact)
        return self._hashes[artifact]
