"""What people say of recorded things: asked for, changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

from lineage.annotations import Annotations, Edit, Subject, SubjectKind
from lineage.annotationwire import annotated_from, edit_to, subject_to
from lineage.v1 import annotations_pb2 as pb
from lineage.whole import annotations_document, history_document, whole_document

if TYPE_CHECKING:
    from lineage.records import Job
    from roarctl.client import Client
    from roarctl.references import Target

_MOST = 5000  # subjects in one question


def subject_of(target: Target, step: int | None = None) -> Subject:
    """As the daemon takes it: a job may be named by its id or its run."""
    if step is not None:
        return Subject("step", target.id, step)
    return Subject(cast(SubjectKind, target.kind), target.id)


def annotate(client: Client, subject: Subject, edits: Iterable[Edit]) -> Annotations:
    """What stands afterwards.  Values and notes lose what looks like a secret."""
    from lineage.redact import redact_text

    clean = [edit._replace(values=tuple(map(redact_text, edit.values))) for edit in edits]
    request = pb.AnnotateRequest(subject=subject_to(subject), edits=[edit_to(edit) for edit in clean])
    return annotated_from(client.call("Annotations/Annotate", request, pb.Annotated))


def listed(client: Client, subjects: Sequence[Subject], *, history: bool = False) -> list[Annotations]:
    """Of those that have some, in the order asked for."""
    found: list[Annotations] = []
    for at in range(0, len(subjects), _MOST):
        request = pb.ListAnnotationsRequest(subjects=[subject_to(one) for one in subjects[at:at + _MOST]], history=history)
        answer = client.call("Annotations/ListAnnotations", request, pb.ListAnnotationsResponse)
        found += [annotated_from(one) for one in answer.annotated]
    return found


def of_one(client: Client, subject: Subject, *, history: bool = False) -> Annotations:
    found = listed(client, [subject], history=history)
    return found[0] if found else Annotations(subject)


def of_job(client: Client, job: Job) -> tuple[Annotations, dict[int, Annotations]]:
    """(of the job, of its steps by index)."""
    subjects = [Subject("job", job.head.run), *(Subject("step", job.head.run, step.index) for step in job.steps)]
    own, steps = Annotations(subjects[0]), {}
    for one in listed(client, subjects):
        if one.subject.kind == "job":
            own = one
        else:
            steps[one.subject.step] = one
    return own, steps


def of_jobs(client: Client, runs: Iterable[bytes]) -> dict[bytes, Annotations]:
    """By run."""
    return {one.subject.id: one for one in listed(client, [Subject("job", run) for run in runs])}


def job_document(client: Client, job: Job) -> dict[str, Any]:
    return whole_document(job, *of_job(client, job))


def subject_document(found: Annotations, *, history: bool = False) -> dict[str, Any]:
    """``roar.annotations/1``: one thing, and what is said of it."""
    subject = found.subject
    return {"schema": "roar.annotations/1", "kind": subject.kind, "id": subject.id.hex(),
            "step": subject.step if subject.kind == "step" else None, **annotations_document(found),
            **({"history": history_document(found)} if history else {})}
