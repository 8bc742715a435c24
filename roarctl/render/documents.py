"""Documents of single commands that are no record's (those are in lineage.document)."""

from __future__ import annotations

from typing import Any

from lineage import wire
from lineage.document import head_document, session_document
from lineage.v1 import observe_pb2


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


def _job(end: observe_pb2.FinishResponse) -> dict[str, Any] | None:
    return head_document(wire.job_from(end.job, []).head) if end.HasField("job") else None
