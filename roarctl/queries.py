"""Questions to the Lineage service whose answers come as records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lineage import wire
from lineage.records import Entry, EntryKind, Job, JobHead, Role, Session
from lineage.v1 import lineage_pb2, records_pb2
from roarctl.client import GRAPH_SECONDS

if TYPE_CHECKING:
    from roarctl.client import Client


def job(client: Client, identity: bytes) -> Job:
    """A whole job, by its id or its run."""
    message = client.call("Lineage/GetJob", lineage_pb2.GetJobRequest(id=identity), records_pb2.Job)
    return wire.job_from(message, entries(client, identity))


def entries(client: Client, identity: bytes, kinds: Sequence[EntryKind] = (),
            roles: Sequence[Role] = ()) -> list[Entry]:
    request = lineage_pb2.ListEntriesRequest(id=identity, kinds=kinds, roles=roles)
    return [wire.entry_from(entry) for page in client.stream("Lineage/ListEntries", request, lineage_pb2.EntryPage)
            for entry in page.entries]


def session(client: Client, identity: bytes = b"", project: bytes = b"") -> Session:
    """A session by its id, or the current one of a project."""
    request = lineage_pb2.GetSessionRequest(id=identity, project=project)
    return wire.session_from(client.call("Lineage/GetSession", request, records_pb2.Session))


def log(client: Client, *, session: bytes = b"", project: bytes = b"", limit: int = 0) -> tuple[list[JobHead], bool]:
    """(jobs, newest first; are there more?)"""
    answer = filtered_log(client, lineage_pb2.LogRequest(session=session, project=project, limit=limit))
    return [wire.head_from(head) for head in answer.jobs], answer.truncated


def filtered_log(client: Client, request: lineage_pb2.LogRequest) -> lineage_pb2.LogResponse:
    return client.call("Lineage/Log", request, lineage_pb2.LogResponse, GRAPH_SECONDS)
