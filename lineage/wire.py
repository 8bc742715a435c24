"""Records to and from their protobuf messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableSequence
from typing import Any, cast

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct

from lineage.records import (
    Access,
    Cell,
    Entry,
    EntryKind,
    Host,
    Imported,
    Job,
    JobHead,
    Reason,
    Resources,
    Role,
    Session,
    Step,
    User,
)
from lineage.v1 import records_pb2 as pb


def head_to(head: JobHead) -> pb.JobHead:
    return pb.JobHead(**_head_fields(head))


def add_head(heads: MutableSequence[pb.JobHead], head: JobHead) -> None:
    """To a field of a message: what is made in its place need not be copied there."""
    cast(Any, heads).add(**_head_fields(head))


def _head_fields(head: JobHead) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "id": head.id, "run": head.run, "session": head.session, "number": head.number, "user": _user_to(head.user),
        "host": _host_to(head.host), "argv": head.argv, "cwd": head.cwd, "project": head.project,
        "started_at": head.started_at, "ended_at": head.ended_at, "exit_code": head.exit_code, "signal": head.signal,
        "interrupted": head.interrupted, "complete": head.complete, "counts": head.counts, "kind": head.kind}
    if head.incomplete_reasons:
        fields["incomplete_reasons"] = [pb.Reason(code=reason.code, message=reason.message, count=reason.count)
                                        for reason in head.incomplete_reasons]
    if head.imported is not None:
        fields["imported"] = _imported_to(head.imported)
    return fields


def head_from(message: pb.JobHead) -> JobHead:
    return JobHead(
        id=_optional(message, "id"), run=message.run, session=message.session, number=message.number,
        user=_user_from(message.user), host=_host_from(message.host), argv=tuple(message.argv), cwd=message.cwd,
        project=message.project, started_at=message.started_at, ended_at=_optional(message, "ended_at"),
        exit_code=_optional(message, "exit_code"), signal=_optional(message, "signal"),
        interrupted=message.interrupted, complete=message.complete,
        incomplete_reasons=tuple(Reason(reason.code, reason.message, reason.count)
                                 for reason in message.incomplete_reasons),
        counts=dict(message.counts), kind=message.kind,
        imported=_imported_from(message.imported) if message.HasField("imported") else None)


def entry_to(entry: Entry) -> pb.Entry:
    return pb.Entry(kind=entry.kind, path=entry.path, hash=entry.hash, hash_reason=entry.hash_reason, size=entry.size,
                    role=entry.role, access=entry.access, steps=entry.steps, package=entry.package, target=entry.target,
                    device=entry.device, inode=entry.inode, history=entry.history)


def entry_from(message: pb.Entry) -> Entry:
    return Entry(
        kind=cast(EntryKind, message.kind), path=message.path, hash=_optional(message, "hash"),
        hash_reason=message.hash_reason, size=_optional(message, "size"), role=cast(Role, message.role),
        access=cast("tuple[Access, ...]", tuple(message.access)), steps=tuple(message.steps), package=message.package,
        target=_optional(message, "target"), device=_optional(message, "device"), inode=_optional(message, "inode"),
        history=tuple(message.history))


def step_to(step: Step) -> pb.Step:
    return pb.Step(index=step.index, parent=step.parent, pid=step.pid, argv=step.argv, executable=step.executable,
                   started_at=step.started_at, ended_at=step.ended_at, exit_code=step.exit_code, signal=step.signal,
                   resources=pb.Resources(**step.resources._asdict()) if step.resources else None,
                   cell=pb.Cell(**step.cell._asdict()) if step.cell else None)


def step_from(message: pb.Step) -> Step:
    return Step(
        index=message.index, parent=_optional(message, "parent"), pid=message.pid, argv=tuple(message.argv),
        executable=message.executable, started_at=message.started_at, ended_at=_optional(message, "ended_at"),
        exit_code=_optional(message, "exit_code"), signal=_optional(message, "signal"),
        resources=_resources_from(message.resources) if message.HasField("resources") else None,
        cell=Cell(message.cell.number, message.cell.hash, message.cell.failed) if message.HasField("cell") else None)


def _resources_from(message: pb.Resources) -> Resources:
    return Resources(
        message.cpu_ns, message.user_ns, message.system_ns, _optional(message, "max_rss_bytes"),
        _optional(message, "bytes_read"), _optional(message, "bytes_written"), _optional(message, "storage_bytes_read"),
        _optional(message, "storage_bytes_written"), message.processes)


def job_to(job: Job) -> pb.Job:
    """Without the entries, which travel by Lineage.ListEntries."""
    return pb.Job(head=head_to(job.head), steps=[step_to(step) for step in job.steps], context=struct_to(job.context))


def job_from(message: pb.Job, entries: Iterable[Entry] = ()) -> Job:
    return Job(head=head_from(message.head), steps=tuple(step_from(step) for step in message.steps),
               entries=tuple(entries), context=struct_from(message.context))


def session_to(session: Session) -> pb.Session:
    return pb.Session(id=session.id, user=_user_to(session.user), host=_host_to(session.host), project=session.project,
                      started_at=session.started_at, head=session.head, jobs=session.jobs, current=session.current)


def session_from(message: pb.Session) -> Session:
    return Session(id=message.id, user=_user_from(message.user), host=_host_from(message.host), project=message.project,
                   started_at=message.started_at, head=message.head, jobs=message.jobs, current=message.current)


def struct_to(value: Mapping[str, Any]) -> Struct:
    struct = Struct()
    struct.update(value)
    return struct


def struct_from(struct: Struct) -> dict[str, Any]:
    """Struct has one kind of number: whole ones come back as int. It keeps no order: keys come sorted."""
    return cast("dict[str, Any]", _whole(MessageToDict(struct)))


def _whole(value: object) -> object:
    if isinstance(value, dict):
        return {key: _whole(value[key]) for key in sorted(value)}  # a Struct has no order: this is one
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _optional(message: Any, name: str) -> Any:  # noqa: ANN401 - any message, any field
    return getattr(message, name) if message.HasField(name) else None


def _user_to(user: User) -> pb.User:
    return pb.User(uid=user.uid, name=user.name)


def _user_from(message: pb.User) -> User:
    return User(message.uid, message.name)


def _imported_to(imported: Imported | None) -> pb.Imported | None:
    return None if imported is None else pb.Imported(
        uid=imported.uid, at=imported.at, bundle=imported.bundle, registry=imported.registry)


def _imported_from(message: pb.Imported) -> Imported:
    return Imported(message.uid, message.at, message.bundle, message.registry)


def _host_to(host: Host) -> pb.Host:
    return pb.Host(name=host.name, kernel=host.kernel, machine=host.machine)


def _host_from(message: pb.Host) -> Host:
    return Host(message.name, message.kernel, message.machine)
