"""The Annotations service: what people say of what was recorded."""
# ruff: noqa: N802 - the methods are named by the protocol

from __future__ import annotations

import pwd
import time
from collections.abc import Callable, Iterable

import grpc

from lineage.annotations import Annotations, Subject, check_fits
from lineage.annotationwire import annotated_to, edit_from, subject_from
from lineage.errors import DeniedError, InvalidError, NotFoundError
from lineage.records import User
from lineage.service.errors import answered
from lineage.service.view import JobStore, View
from lineage.v1 import annotations_pb2 as pb
from lineage.v1 import annotations_pb2_grpc
from roard.rpc.caller import ROOT, Caller

MAX_SUBJECTS, MAX_EDITS = 10_000, 1000


class AnnotationService(annotations_pb2_grpc.AnnotationsServicer):
    def __init__(self, store: JobStore, caller: Callable[[grpc.ServicerContext], Caller]) -> None:
        self._store = store
        self._caller = caller

    @answered
    def Annotate(self, request: pb.AnnotateRequest, context: grpc.ServicerContext) -> pb.Annotated:
        view = View(self._store, self._caller(context))
        if not 0 < len(request.edits) <= MAX_EDITS:
            raise InvalidError(f"{len(request.edits)} changes", f"1 to {MAX_EDITS} at once")
        subject, owner = seen_subject(view, subject_from(request.subject))
        caller = view.caller.uid
        if owner is not None and caller not in {owner, ROOT}:
            raise DeniedError(f"this {subject.kind} is not yours to annotate", "its owner and root may")
        space = caller if owner is None else owner
        edits = [edit_from(edit) for edit in request.edits]
        for edit in edits:
            check_fits(subject, edit)
        self._store.annotate(subject, space, edits, User(caller, _account(caller)), time.time_ns())
        return annotated_to(annotations_of(view, [subject]).get(subject) or Annotations(subject))

    @answered
    def ListAnnotations(self, request: pb.ListAnnotationsRequest,
                        context: grpc.ServicerContext) -> pb.ListAnnotationsResponse:
        view = View(self._store, self._caller(context))
        if len(request.subjects) > MAX_SUBJECTS:
            raise InvalidError(f"{len(request.subjects)} things at once", f"{MAX_SUBJECTS} at most")
        subjects = []
        for asked in request.subjects:
            try:
                subjects.append(seen_subject(view, subject_from(asked))[0])
            except NotFoundError:
                continue
        found = annotations_of(view, subjects, history=request.history)
        return pb.ListAnnotationsResponse(annotated=[annotated_to(one) for one in found.values()])


def seen_subject(view: View, asked: Subject) -> tuple[Subject, int | None]:
    """(the subject as it is kept: a job by its run; who owns it, None for an artifact).  NotFoundError for what is not
    there, or not the caller's to see."""
    if asked.kind == "artifact":
        view.artifact(asked.id)
        return Subject("artifact", asked.id), None
    if asked.kind == "session":
        if not asked.id:
            raise InvalidError("no session is named", "give its id")
        return Subject("session", asked.id), view.session(asked.id, b"").user.uid
    head = view.head(asked.id)
    if asked.kind == "step" and (head.id is None or asked.step >= view.store.step_count(head.id)):
        raise NotFoundError(f"@{head.number} has no step {asked.step}", "`roar show` lists the steps of a job that has ended")
    return Subject(asked.kind, head.run, asked.step if asked.kind == "step" else 0), head.user.uid


def annotations_of(view: View, subjects: Iterable[Subject], *, history: bool = False) -> dict[Subject, Annotations]:
    """Of subjects that the caller sees, by the word of those whom the caller sees; those that have none only with their
    history."""
    wanted = list(dict.fromkeys(subjects))
    stored = view.store.annotations(wanted)
    found: dict[Subject, Annotations] = {}
    for subject in wanted:
        spaces = [space for space in stored.get(subject, {}) if view.caller.may_see(space)]
        items = tuple(item for space in spaces for item in stored[subject][space])
        changes = []
        if history:
            changes = [change for space in {*spaces, *_own(view, subject)}
                       for change in view.store.annotation_history(subject, space)]
        if items or changes:
            found[subject] = Annotations(subject, items, tuple(sorted(changes, key=lambda change: change.at)))
    return found


def _own(view: View, subject: Subject) -> set[int]:
    """Spaces in which there may be a history although nothing stands any more."""
    if subject.kind == "artifact":
        return {view.caller.uid}
    if subject.kind == "session":
        return {view.session(subject.id, b"").user.uid}
    return {view.head(subject.id).user.uid}


def _account(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
