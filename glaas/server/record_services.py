"""Of roard's other services, what can be asked of a registry too: a session's record, and what is said of things."""
# ruff: noqa: N802 - the methods are named by the protocol

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import grpc

from glaas.server.registry_service import MAX_SUBJECTS, said_of
from lineage.annotations import Subject
from lineage.annotationwire import annotated_to, subject_from
from lineage.errors import InvalidError, NotFoundError, UnsupportedError
from lineage.service.errors import answered
from lineage.service.view import View
from lineage.v1 import annotations_pb2, annotations_pb2_grpc, bundle_pb2, bundle_pb2_grpc, lineage_pb2

Views = Callable[[grpc.ServicerContext], View]


class BundleRecords(bundle_pb2_grpc.BundlesServicer):
    """``record``: the bytes of a session that the view shows, None where there are none."""

    def __init__(self, view: Views, record: Callable[[View, bytes], bytes | None]) -> None:
        self._view = view
        self._record = record

    @answered
    def SessionRecord(self, request: lineage_pb2.GetRecordRequest, context: grpc.ServicerContext) -> lineage_pb2.RecordPart:
        record = self._record(self._view(context), request.id)
        if record is None:
            raise NotFoundError(f"there is no session {request.id.hex()[:12]}", "only sessions of registered jobs are known")
        return lineage_pb2.RecordPart(id=request.id, data=record)

    @answered
    def Import(self, request_iterator: Iterator[lineage_pb2.RecordPart],
               context: grpc.ServicerContext) -> bundle_pb2.ImportResponse:
        del request_iterator, context
        raise UnsupportedError("a registry takes bundles whole", "`roar register`, or Registry.RegisterBundle")


class SaidOfThings(annotations_pb2_grpc.AnnotationsServicer):
    """Read-only: what is said comes with what is registered."""

    def __init__(self, view: Views) -> None:
        self._view = view

    @answered
    def Annotate(self, request: annotations_pb2.AnnotateRequest,
                 context: grpc.ServicerContext) -> annotations_pb2.Annotated:
        del request, context
        raise UnsupportedError("a registry takes labels and notes with what is registered",
                               "change them on the box, and register again")

    @answered
    def ListAnnotations(self, request: annotations_pb2.ListAnnotationsRequest,
                        context: grpc.ServicerContext) -> annotations_pb2.ListAnnotationsResponse:
        """Jobs and steps may be named by id or run; they are answered by run, as roard does."""
        view = self._view(context)
        if len(request.subjects) > MAX_SUBJECTS:
            raise InvalidError(f"{len(request.subjects)} things at once", f"{MAX_SUBJECTS} at most")
        asked: dict[Subject, Subject] = {}  # as the registry keeps it: as it is answered
        for one in map(subject_from, request.subjects):
            if one.kind not in {"job", "step"}:
                asked[one] = one
                continue
            try:
                head = view.head(one.id)
            except NotFoundError:
                continue
            asked[one._replace(id=head.id or b"")] = one._replace(id=head.run)
        return annotations_pb2.ListAnnotationsResponse(
            annotated=[annotated_to(replace(one, subject=asked[one.subject])) for one in said_of(view, asked)])
