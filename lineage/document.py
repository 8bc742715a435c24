"""Records as JSON documents: what `--json` prints and a registry's API answers.

Pure. Paths and arguments are text; where one is not UTF-8 its exact bytes stand beside it in base64 (``path_b64``).
Times are RFC 3339 in UTC with nanoseconds. Hashes and ids are lower-case hex.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeAlias

from lineage import wire
from lineage.records import Entry, EntryKind, Host, Imported, Job, JobHead, Session, Step, User
from lineage.steps import NOTHING, StepGraph, Version, job_versions, step_at, uses_by_step
from lineage.v1 import lineage_pb2, observe_pb2, records_pb2

Document: TypeAlias = dict[str, Any]

_SECOND = 1_000_000_000


class DagEdge(NamedTuple):
    """Job ``target`` took what job ``source`` left behind; both are indexes into the graph's jobs."""

    source: int
    target: int
    artifacts: tuple[int, ...]  # indexes into the graph's artifacts


def job_document(job: Job) -> Document:
    """A whole job. Sections of the context that nobody gathered are there, and empty. Each step has the ``inputs`` that it
    took and the ``outputs`` that it made, as {path, version}: see ``lineage.steps``."""
    context = job.context
    return {
        "schema": "roar.job/1", "kind": "job", **_head_fields(job.head),
        "inputs": _entries(job, "input"), "outputs": _entries(job, "output"), "scratch": _entries(job, "scratch"),
        "removed": _entries(job, "removed"), "devices": _entries(job, "device"), "pipes": _entries(job, "pipe"),
        "network": context.get("network") or [], "gpus": context.get("gpus") or [],
        "steps": _steps(job.steps, job_versions(job)),
        "git": context.get("git"), "repositories": context.get("repositories") or [], "python": context.get("python"),
        "packages": context.get("packages") or [],
        "system_packages": context.get("system_packages") or [],
        "environment": context.get("environment") or {}, "hardware": context.get("hardware") or {},
        "resources": context.get("resources") or {}, "stderr": context.get("stderr"),
        "container": context.get("container"), "scheduler": context.get("scheduler"),
        "seeds": context.get("seeds") or [], "trackers": context.get("trackers") or [],
        "accelerator_libraries": context.get("accelerator_libraries") or {},
        "again_of": context.get("again_of"), "reproduces": context.get("reproduces"),
    }


def head_document(head: JobHead) -> Document:
    """A job without its bulk, as lists have it."""
    return {"kind": "job", **_head_fields(head), "counts": dict(sorted(head.counts.items()))}


def entry_document(entry: Entry) -> Document:
    return {
        **_text("path", entry.path), "hash": entry.hash.hex() if entry.hash is not None else None,
        "hash_reason": entry.hash_reason or None, "size": entry.size, "role": entry.role, "access": list(entry.access),
        "steps": list(entry.steps), "package": entry.package or None,
        **(_text("target", entry.target) if entry.target is not None else {"target": None}),
        "device": entry.device, "inode": entry.inode,
        "history": [{"step": use >> 1, "access": "write" if use & 1 else "read"} for use in entry.history],
    }


def path_document(path: bytes) -> Document:
    return _text("path", path)


def step_document(step: Step) -> Document:
    return {
        "index": step.index, "parent": step.parent, "pid": step.pid, **_argv(step.argv),
        **_text("executable", step.executable), "started_at": time_text(step.started_at),
        "ended_at": time_text(step.ended_at), "exit_code": step.exit_code, "signal": step.signal,
        "resources": resources_document(step), "kind": "cell" if step.cell else "program",
        "cell": {"number": step.cell.number, "hash": step.cell.hash.hex(), "failed": step.cell.failed} if step.cell else None,
    }


def resources_document(step: Step) -> Document | None:
    """None: not known. A step's ``wall_seconds`` are those from its beginning to its end, whoever had the processor."""
    used = step.resources
    if used is None:
        return None
    wall = (step.ended_at - step.started_at) / _SECOND if step.ended_at is not None else None
    return {
        "wall_seconds": wall, "cpu_seconds": used.cpu_ns / _SECOND, "user_seconds": used.user_ns / _SECOND,
        "system_seconds": used.system_ns / _SECOND, "max_rss_bytes": used.max_rss_bytes, "bytes_read": used.bytes_read,
        "bytes_written": used.bytes_written, "storage_bytes_read": used.storage_bytes_read,
        "storage_bytes_written": used.storage_bytes_written, "processes": used.processes,
    }


def step_page_document(job: Job, index: int) -> Document:
    """One step of a job. NotFoundError where it has no such step."""
    step = step_at(job, index)
    [described] = _steps([step], job_versions(job))
    return {"schema": "roar.step/1", **described, "job": head_document(job.head),
            "started": [one.index for one in job.steps if one.parent == index]}


def session_document(session: Session, jobs: Sequence[JobHead] | None = None) -> Document:
    """``jobs``: also the jobs of the session, newest first."""
    document = {
        "schema": "roar.session/1", "kind": "session", "id": session.id.hex(), "head": session.head.hex(),
        **_text("project", session.project), "user": _user(session.user), "host": _host(session.host),
        "started_at": time_text(session.started_at), "current": session.current, "job_count": session.jobs,
    }
    return document if jobs is None else {**document, "jobs": [head_document(head) for head in jobs]}


def artifact_document(artifact: records_pb2.Artifact) -> Document:
    return {
        "schema": "roar.artifact/1", "kind": "artifact", "hash": artifact.hash.hex(), "id": artifact.hash.hex(),
        "size": artifact.size if artifact.HasField("size") else None,
        "producers": _sightings(artifact.producers), "consumers": _sightings(artifact.consumers),
        "truncated": artifact.truncated,
    }


def log_document(jobs: Iterable[JobHead], labels: Mapping[bytes, Mapping[str, str]], *, truncated: bool, stopped: str = "",
                 reached: int = 0) -> Document:
    """``labels``: of those jobs that have some, by run.  ``stopped``: what ended the search before all jobs were looked at,
    ``reached``: when the last of those began."""
    return {"schema": "roar.log/1",
            "jobs": [{**head_document(head), "labels": dict(labels.get(head.run, {}))} for head in jobs],
            "truncated": truncated,
            "stopped": stopped or None, "reached": time_text(reached) if stopped else None}


def graph_document(graph: lineage_pb2.Graph, start: Mapping[str, str], direction: str) -> Document:
    """Jobs, artifacts, and edges between the two: ``from`` and ``to`` hold a job's id (its run while it is running)
    or an artifact's hash."""
    names = [_name(job) for job in graph.jobs]
    hashes = [artifact.hash.hex() for artifact in graph.artifacts]
    return {
        "schema": "roar.lineage/1", "start": dict(start), "direction": direction,
        "jobs": [head_document(wire.head_from(job)) for job in graph.jobs],
        "artifacts": [_graph_artifact(artifact) for artifact in graph.artifacts],
        "edges": [{"from": names[edge.job], "to": hashes[edge.artifact], "kind": "output"} if edge.output
                  else {"from": hashes[edge.artifact], "to": names[edge.job], "kind": "input"} for edge in graph.edges],
        "truncated": graph.truncated or None,
    }


def dag_document(graph: lineage_pb2.Graph, session: Session | None) -> Document:
    """The jobs of a session and which took from which; ``artifacts`` of no edge are listed with the others."""
    return {
        "schema": "roar.dag/1", "session": session_document(session) if session else None,
        "nodes": [head_document(wire.head_from(job)) for job in graph.jobs],
        "edges": [{
            "from": _name(graph.jobs[edge.source]), "to": _name(graph.jobs[edge.target]),
            "from_number": graph.jobs[edge.source].number, "to_number": graph.jobs[edge.target].number,
            "artifacts": [_graph_artifact(graph.artifacts[index]) for index in edge.artifacts],
        } for edge in dag_edges(graph)],
        "artifacts": [_graph_artifact(artifact) for artifact in graph.artifacts],
        "truncated": graph.truncated or None,
    }


def steps_document(head: JobHead, graph: StepGraph) -> Document:
    """One job's steps and which took what from which.

    ``nodes`` are steps as in the job's own document, ``edges`` {from, to, artifacts: [{path, version}]} with indexes of
    steps, ``artifacts`` the versions of files: {path, version, kind, role, hash, size, writers, readers}.
    """
    return {
        "schema": "roar.steps/1", "job": head_document(head),
        "nodes": _steps(graph.steps, graph.versions),
        "edges": [{"from": edge.source, "to": edge.target,
                   "artifacts": [_version_name(graph.versions[at]) for at in edge.versions]} for edge in graph.edges],
        "artifacts": [{
            **_version_name(version), "kind": version.kind, "role": version.role,
            "hash": version.hash.hex() if version.hash is not None else None, "size": version.size,
            "writers": sorted(version.writers), "readers": sorted(version.readers),
        } for version in graph.versions],
        "truncated": graph.truncated or None,
    }


def dag_edges(graph: lineage_pb2.Graph) -> list[DagEdge]:
    """Job to job, as the daemon says who made what a job took.  Jobs that overlap can make a cycle."""
    between: dict[tuple[int, int], list[int]] = {}
    for edge in graph.edges:
        if edge.HasField("maker"):
            between.setdefault((edge.maker, edge.job), []).append(edge.artifact)
    return [DagEdge(*pair, tuple(dict.fromkeys(between[pair]))) for pair in sorted(between)]


def progress_document(progress: observe_pb2.Progress) -> Document:
    """A running job at one moment, or, with its ``id``, as it is stored; then there are no ``bytes_…``."""
    running = not progress.head.HasField("id")
    return {
        "schema": "roar.progress/1", "job": head_document(wire.head_from(progress.head)),
        "files_read": progress.files_read, "files_written": progress.files_written, "processes": progress.processes,
        "steps": progress.steps, "bytes_read": progress.bytes_read if running else None,
        "bytes_written": progress.bytes_written if running else None,
    }


def time_text(nanoseconds: int | None) -> str | None:
    """RFC 3339 in UTC, to the nanosecond."""
    if nanoseconds is None:
        return None
    seconds, fraction = divmod(nanoseconds, _SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"


def _head_fields(head: JobHead) -> Document:
    return {
        "job_kind": head.kind or None, "id": head.id.hex() if head.id is not None else None, "run": head.run.hex(),
        "number": head.number,
        "session": head.session.hex(), "state": "running" if head.id is None else "finished",
        **_argv(head.argv), **_text("cwd", head.cwd), **_text("project", head.project),
        "exit_code": head.exit_code, "signal": head.signal, "interrupted": head.interrupted,
        "started_at": time_text(head.started_at), "ended_at": time_text(head.ended_at),
        "user": _user(head.user), "host": _host(head.host),
        "imported": _imported(head.imported) if head.imported is not None else None,
        "complete": head.complete,
        "incomplete_reasons": [{"code": reason.code, "message": reason.message, "count": reason.count}
                               for reason in head.incomplete_reasons],
    }


def _imported(imported: Imported) -> Document:
    here = not imported.registry
    return {"uid": imported.uid if here else None, "at": time_text(imported.at) if here else None,
            "bundle": imported.bundle.hex() if here else None, "registry": imported.registry or None}


def _entries(job: Job, kind: EntryKind) -> list[Document]:
    return [entry_document(entry) for entry in job.of_kind(kind)]


def _steps(steps: Iterable[Step], versions: Sequence[Version]) -> list[Document]:
    uses = uses_by_step(versions)
    return [{**step_document(step), **{
        key: [_version_name(versions[at]) for at in used]
        for key, used in zip(("inputs", "outputs"), uses.get(step.index, NOTHING), strict=True)}} for step in steps]


def _version_name(version: Version) -> Document:
    return {**_text("path", version.path), "version": version.number}


def _sightings(sightings: Iterable[records_pb2.Sighting]) -> list[Document]:
    return [{"job": head_document(wire.head_from(one.job)), "entry": entry_document(wire.entry_from(one.entry))}
            for one in sightings]


def _graph_artifact(artifact: lineage_pb2.GraphArtifact) -> Document:
    return {"hash": artifact.hash.hex() or None, **_text("path", artifact.path),
            "size": artifact.size if artifact.HasField("size") else None, "role": artifact.role or None,
            "produced": artifact.produced}


def _name(job: records_pb2.JobHead) -> str:
    return (job.id if job.HasField("id") else job.run).hex()


def _user(user: User) -> Document:
    return {"uid": user.uid, "name": user.name}


def _host(host: Host) -> Document:
    return {"name": host.name, "kernel": host.kernel, "machine": host.machine}


def entry_text(key: str, data: bytes) -> Document:
    """Bytes as text, with ``key_b64`` beside where they are not UTF-8."""
    return _text(key, data)


def _text(key: str, data: bytes) -> Document:
    try:
        return {key: data.decode()}
    except UnicodeDecodeError:
        return {key: data.decode("utf-8", "replace"), f"{key}_b64": b64encode(data).decode()}


def _argv(argv: Sequence[bytes]) -> Document:
    try:
        return {"argv": [argument.decode() for argument in argv]}
    except UnicodeDecodeError:
        return {"argv": [argument.decode("utf-8", "replace") for argument in argv],
                "argv_b64": [b64encode(argument).decode() for argument in argv]}
