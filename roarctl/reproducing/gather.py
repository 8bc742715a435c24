"""The jobs that a reference asks to be run again, with what they need."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lineage import wire
from lineage.errors import ConflictError, NotFoundError
from lineage.records import BUILD, Job, JobHead
from lineage.reproduce.plan import NEEDED_ROLES
from lineage.v1 import lineage_pb2, records_pb2
from roarctl import queries
from roarctl.client import GRAPH_SECONDS

if TYPE_CHECKING:
    from roarctl.client import Client
    from roarctl.references import Target

_MOST_JOBS = 1000
_LOG = 10_000
_ROLES = ("package", *sorted(NEEDED_ROLES))


class Gathered(NamedTuple):
    jobs: list[Job]
    warnings: list[str]


def gather(client: Client, target: Target) -> Gathered:
    """Of an artifact: what made it, and its ancestors. Of a job: it and its ancestors. Of a session: its jobs that went
    well. And the build steps before them, in the sessions of those.

    ConflictError where a job still runs or there are too many.
    """
    warnings: list[str] = []
    heads = _session(client, target.id, warnings) if target.kind == "session" else _ancestors(client, target, warnings)
    if len(heads) > _MOST_JOBS:
        raise ConflictError(f"{len(heads)} jobs would have to run again: more than {_MOST_JOBS}",
                            "name something nearer to its roots, or a single job with --only")
    heads += builds(client, heads)
    for head in heads:
        if head.id is None:
            raise ConflictError(f"job @{head.number} still runs", "wait for its end")
    unique = {head.id: head for head in heads}
    told = sorted({head.imported.registry for head in heads if head.imported is not None and head.imported.registry})
    if told:
        warnings.append(f"recorded elsewhere, as {', '.join(told)} tells: look at what would be run before you run it")
    built = any(head.kind == BUILD for head in unique.values())
    return Gathered([_job(client, identity or b"", with_packages=built) for identity in unique], warnings)


def _ancestors(client: Client, target: Target, warnings: list[str]) -> list[JobHead]:
    if target.kind == "job":
        request = lineage_pb2.GraphRequest(job=target.id)
    else:
        request = lineage_pb2.GraphRequest(artifact=target.id, path=target.path)
        if target.changed:
            warnings.append("the file's present content is recorded nowhere: this is about the newest content seen there")
    graph = client.call("Lineage/Ancestors", request, lineage_pb2.Graph, GRAPH_SECONDS)
    if graph.truncated:
        warnings.append(f"the lineage is longer than could be followed ({graph.truncated}): earlier steps are missing, and "
                        "what they made must be there")
    return [wire.head_from(head) for head in graph.jobs]


def _session(client: Client, identity: bytes, warnings: list[str]) -> list[JobHead]:
    heads, truncated = queries.log(client, session=identity, limit=_LOG)
    if truncated:
        warnings.append(f"the session has more than {_LOG} jobs: the oldest are missing")
    good = [head for head in heads if head.id is not None and not head.exit_code and head.signal is None]
    if len(good) < len(heads):
        others = ", ".join(f"@{head.number}" for head in reversed(heads) if head not in good)
        warnings.append(f"left out, because they failed or still run: {others}")
    if not good:
        raise NotFoundError("no job of this session ended well: there is nothing to run again", "`roar log` lists them")
    return good


def builds(client: Client, heads: list[JobHead]) -> list[JobHead]:
    """Of the same sessions, what was built before the last of the jobs ended."""
    last: dict[bytes, int] = {}
    for head in heads:
        last[head.session] = max(last.get(head.session, 0), head.ended_at or 0)
    found = []
    for session, until in last.items():
        log, _ = queries.log(client, session=session, limit=_LOG)
        found += [head for head in log if head.kind == BUILD and head.id is not None and head.started_at < until
                  and not head.exit_code and head.signal is None]
    return found


def _job(client: Client, identity: bytes, *, with_packages: bool) -> Job:
    message = client.call("Lineage/GetJob", lineage_pb2.GetJobRequest(id=identity), records_pb2.Job, GRAPH_SECONDS)
    roles = _ROLES if with_packages else _ROLES[1:]
    return wire.job_from(message, queries.entries(client, identity, ("input", "output", "scratch"), roles))
