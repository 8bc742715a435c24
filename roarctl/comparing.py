"""What `roar diff` compares, with records from the daemon: lineage.compare.answers does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lineage import wire
from lineage.compare.answers import Answer, Artifact, Fetched
from lineage.compare.answers import compare_targets as compare_in
from lineage.records import Job, JobHead, Role, Session
from lineage.v1 import lineage_pb2, records_pb2
from roarctl import queries
from roarctl.client import GRAPH_SECONDS

if TYPE_CHECKING:
    from roarctl.client import Client
    from roarctl.references import Target

__all__ = ["Answer", "Artifact", "Fetched", "compare_targets"]


class _FromClient:
    """A daemon's, or a registry's, answers as ``lineage.compare.answers.Source``."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def job(self, identity: bytes, roles: Sequence[Role]) -> Job:
        message = self._client.call("Lineage/GetJob", lineage_pb2.GetJobRequest(id=identity), records_pb2.Job)
        return wire.job_from(message, queries.entries(self._client, identity, roles=roles))

    def artifact(self, digest: bytes, limit: int) -> records_pb2.Artifact:
        request = lineage_pb2.GetArtifactRequest(hash=digest, limit=limit)
        return self._client.call("Lineage/GetArtifact", request, records_pb2.Artifact)

    def makers(self, identity: bytes, max_nodes: int) -> lineage_pb2.Graph:
        request = lineage_pb2.GraphRequest(job=identity, depth=1, max_nodes=max_nodes, roles=("data", "source"))
        return self._client.call("Lineage/Ancestors", request, lineage_pb2.Graph, GRAPH_SECONDS)

    def session(self, identity: bytes) -> Session:
        return queries.session(self._client, identity)

    def session_heads(self, identity: bytes, limit: int) -> tuple[list[JobHead], bool]:
        return queries.log(self._client, session=identity, limit=limit)


def compare_targets(client: Client, a: Target, b: Target) -> tuple[Answer, Fetched]:
    """InvalidError where the two are of different kinds."""
    return compare_in(_FromClient(client), a, b)
