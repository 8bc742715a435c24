"""The Bundles service: records of other machines, verified, and kept for who brings them."""
# ruff: noqa: N802 - the methods are named by the protocol

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import grpc

from lineage import bundle
from lineage.errors import NotFoundError, UnavailableError
from lineage.service.errors import answered
from lineage.service.receiving import received
from lineage.service.view import View
from lineage.v1 import bundle_pb2 as pb
from lineage.v1 import bundle_pb2_grpc, lineage_pb2
from roard.rpc.caller import Caller
from roard.store.store import Store

_WAIT_SECONDS = 5.0
_MAX_SECONDS = 120.0


class BundleService(bundle_pb2_grpc.BundlesServicer):
    """``caller`` says who is calling; it raises DeniedError for who cannot be known."""

    def __init__(self, store: Store, caller: Callable[[grpc.ServicerContext], Caller]) -> None:
        self._store = store
        self._caller = caller
        self._one_at_a_time = threading.Lock()  # a bundle being verified takes several times its size of memory

    @answered
    def SessionRecord(self, request: lineage_pb2.GetRecordRequest, context: grpc.ServicerContext) -> lineage_pb2.RecordPart:
        session = View(self._store, self._caller(context)).session(request.id, b"")
        record = self._store.session_record(session.id)
        if record is None:
            raise NotFoundError(f"there is no session {request.id.hex()[:12]}", "`roar log` lists the jobs")
        return lineage_pb2.RecordPart(id=session.id, data=record)

    @answered
    def Import(self, request_iterator: Iterator[lineage_pb2.RecordPart],
               context: grpc.ServicerContext) -> pb.ImportResponse:
        """Whose jobs these are is what the caller brings; whose import it is, the kernel says."""
        caller = self._caller(context)
        if not self._one_at_a_time.acquire(timeout=_WAIT_SECONDS):
            raise UnavailableError("another import is under way", "try again in a minute")
        patience = threading.Timer(_MAX_SECONDS, context.cancel)  # who sends nothing keeps others from importing
        patience.daemon = True
        patience.start()
        try:
            raw = received(request_iterator)
            content = bundle.content(raw)
            new, known = self._store.import_bundle(caller.uid, content, raw)
        finally:
            patience.cancel()
            self._one_at_a_time.release()
        return pb.ImportResponse(bundle=content.id, imported=new, known=known, sessions=len(content.sessions))
