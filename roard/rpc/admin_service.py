"""The Admin service: how the daemon is."""
# ruff: noqa: N802 - the methods are named by the protocol

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from importlib import metadata

import grpc

from lineage.errors import DeniedError, RoarError
from lineage.service.errors import answered
from lineage.v1 import admin_pb2 as pb
from lineage.v1 import admin_pb2_grpc
from roard.observe.observer import Observer
from roard.rpc.caller import ROOT, Caller
from roard.store.store import Store


class AdminService(admin_pb2_grpc.AdminServicer):
    def __init__(self, observer: Observer | None, why: RoarError | None, store: Store,
                 caller: Callable[[grpc.ServicerContext], Caller]) -> None:
        self._observer = observer
        self._why = why
        self._store = store
        self._caller = caller
        self._started = time.time_ns()

    @answered
    def Health(self, _request: pb.HealthRequest, context: grpc.ServicerContext) -> pb.HealthResponse:
        caller = self._caller(context)
        problems = []
        if self._why is not None:
            problems.append(f"nothing can be watched: {self._why.message} ({self._why.hint})")
        running = 0
        if self._observer is not None:
            running = self._observer.running(caller.uid)
            unsaved = self._observer.unsaved()
            if unsaved:
                problems.append(f"{unsaved} finished job(s) wait in memory for room on the store's disk: make room")
        return pb.HealthResponse(version=metadata.version("roar"), capturing=self._observer is not None,
                                 problems=problems, started_at=self._started, running_jobs=running)

    @answered
    def Statistics(self, _request: pb.StatisticsRequest, context: grpc.ServicerContext) -> pb.StatisticsResponse:
        if self._caller(context).uid != ROOT:
            raise DeniedError("only root may see the whole daemon's figures", "`roar status` shows yours")
        values = {f"store_{name}": value for name, value in self._store.statistics().items()}
        if self._observer is not None:
            values |= self._observer.statistics()
        values["max_rss_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return pb.StatisticsResponse(values=values)
