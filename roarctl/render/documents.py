"""Documents of single commands that are no record's (those are in lineage.document)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lineage import wire
from lineage.document import head_document, session_document
from lineage.v1 import observe_pb2

if TYPE_CHECKING:
    from lineage.records import Entry, JobHead, Session
    from roarctl.outputs import Output


def attach_document(answer: observe_pb2.AttachResponse, end: observe_pb2.FinishResponse | None) -> dict[str, Any]:
    """``end``: what became of the job, if it was waited for."""
    return {
        "schema": "roar.attach/1", "run": answer.run.hex(), "number": answer.number, "session": answer.session.id.hex(),
        "processes": answer.processes, "others": answer.others, "job": _job(end) if end is not None else None,
    }


def detach_document(answer: observe_pb2.DetachResponse) -> dict[str, Any]:
    end = answer.end
    return {"schema": "roar.detach/1", "run": answer.run.hex(), "number": answer.number, "final": end.final,
            "pending": end.pending or None, "job": _job(end)}


def reset_document(answer: observe_pb2.ResetResponse) -> dict[str, Any]:
    session = session_document(wire.session_from(answer.session)) if answer.ended else None
    return {"schema": "roar.reset/1", "ended": answer.ended, "session": session}


def pop_document(job: JobHead, session: Session | None, deleted: Sequence[Entry], kept: Sequence[Output],
                 problems: Sequence[str]) -> dict[str, Any]:
    """``session`` is None for a dry run: then ``deleted`` is what would be."""
    from roarctl import outputs

    return {
        "schema": "roar.pop/1", "dry_run": session is None, "job": head_document(job),
        "session": session_document(session) if session is not None else None, "deleted": outputs.documents(deleted),
        "kept": [{**document, "reason": one.kept} for one, document in zip(
            kept, outputs.documents([one.entry for one in kept]), strict=True)], "problems": list(problems)}


def _job(end: observe_pb2.FinishResponse) -> dict[str, Any] | None:
    return head_document(wire.job_from(end.job, []).head) if end.HasField("job") else None
