"""What one caller may see, as ``lineage.compare.answers`` asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from lineage.errors import NotFoundError
from lineage.graph import ancestors
from lineage.records import Job, JobHead, Role, Session
from lineage.service.graphs import walk_message
from lineage.service.service import artifact_message
from lineage.service.view import View
from lineage.v1 import lineage_pb2, records_pb2


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is compared (``lineage.compare.answers.Target``)."""

    kind: str
    id: bytes
    path: bytes = b""
    changed: bool = False
    step: int | None = None


@dataclass(frozen=True, slots=True)
class FromView:
    """``lineage.compare.answers.Source`` over what one viewer may see."""

    view: View

    def job(self, identity: bytes, roles: Sequence[Role]) -> Job:
        head = self.view.head(identity)
        job = None if head.id is None else self.view.store.job(head.id)
        if job is None:
            raise NotFoundError(f"there is no job {identity.hex()[:12]}")
        entries = tuple(entry for entry in job.entries if not roles or entry.role in roles)
        return replace(job, head=head, entries=entries)

    def artifact(self, digest: bytes, limit: int) -> records_pb2.Artifact:
        return artifact_message(self.view, digest, limit)

    def makers(self, identity: bytes, max_nodes: int) -> lineage_pb2.Graph:
        request = lineage_pb2.GraphRequest(job=identity, depth=1, max_nodes=max_nodes, roles=("data", "source"))
        return walk_message(self.view, request, ancestors)

    def session(self, identity: bytes) -> Session:
        return self.view.session(identity, b"")

    def session_heads(self, identity: bytes, limit: int) -> tuple[list[JobHead], bool]:
        """Newest first."""
        heads = list(islice(self.view.session_jobs(self.session(identity), limit + 1), limit + 1))
        return heads[:limit], len(heads) > limit
