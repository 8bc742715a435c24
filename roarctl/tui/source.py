"""What the screens ask the daemon."""

from __future__ import annotations

from dataclasses import dataclass

from lineage.errors import NotFoundError
from lineage.records import Job, JobHead, Session
from lineage.v1 import lineage_pb2, records_pb2
from roarctl import queries
from roarctl.client import GRAPH_SECONDS, Client

_JOBS = 1_000


@dataclass(frozen=True, slots=True)
class Source:
    """``project`` is where the person stands. Its methods wait for the daemon: they are for threads."""

    client: Client
    project: bytes

    def jobs(self, *, everywhere: bool) -> tuple[list[JobHead], bool]:
        """(jobs, newest first; are there more?)"""
        try:
            return queries.log(self.client, project=b"" if everywhere else self.project, limit=_JOBS)
        except NotFoundError:
            return [], False  # no session here yet

    def job(self, identity: bytes) -> Job:
        return queries.job(self.client, identity)

    def artifact(self, digest: bytes) -> records_pb2.Artifact:
        return self.client.call("Lineage/GetArtifact", lineage_pb2.GetArtifactRequest(hash=digest, limit=200),
                                records_pb2.Artifact)

    def session(self, identity: bytes) -> tuple[Session, list[JobHead], lineage_pb2.Graph]:
        session = queries.session(self.client, identity)
        jobs, _ = queries.log(self.client, session=identity, limit=_JOBS)
        graph = self.client.call("Lineage/SessionDag", lineage_pb2.SessionDagRequest(session=identity),
                                 lineage_pb2.Graph, GRAPH_SECONDS)
        return session, jobs, graph

    def lineage(self, *, job: bytes = b"", artifact: bytes = b"", path: bytes = b"", down: bool = False) -> lineage_pb2.Graph:
        request = lineage_pb2.GraphRequest(job=job) if job else lineage_pb2.GraphRequest(artifact=artifact, path=path)
        return self.client.call("Lineage/Descendants" if down else "Lineage/Ancestors", request, lineage_pb2.Graph,
                                GRAPH_SECONDS)
