"""The Admin service: how the daemon is."""
# ruff: noqa: N802 - the methods are named by the protocol

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import replace
from importlib import metadata

import grpc

from lineage.errors import DeniedError, RoarError
from lineage.service.errors import answered
from lineage.v1 import admin_pb2 as pb
from lineage.v1 import admin_pb2_grpc
from roard.observe.observer import Observer
from roard.outbox.policy import Forwarding
from roard.rpc.caller import ROOT, Caller
from roard.store.outbox import Row, Trouble
from roard.store.store import Store

_MOST_JOBS = 1000


class AdminService(admin_pb2_grpc.AdminServicer):
    def __init__(self, observer: Observer | None, why: RoarError | None, store: Store,
                 caller: Callable[[grpc.ServicerContext], Caller], forwarding: Forwarding) -> None:
        self._forwarding = forwarding
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

    @answered
    def Outbox(self, request: pb.OutboxRequest, context: grpc.ServicerContext) -> pb.OutboxResponse:
        policy = self._forwarding
        counts, listed = self._store.outbox_state(_whose(self._caller(context)), min(request.limit, _MOST_JOBS))
        pace = self._store.outbox_pace()
        return pb.OutboxResponse(
            forward=policy.forward if policy.active else "never", registry=policy.url, forwarded=counts.forwarded,
            waiting=counts.waiting, refused=counts.refused, waiting_since=counts.waiting_since,
            trouble=_trouble_to(pace.trouble), next_try_at=pace.next_try, forwarded_at=pace.forwarded_at,
            jobs=[self._outbox_job(state, row) for state, row in listed])

    def _outbox_job(self, state: str, row: Row) -> pb.OutboxJob:
        head = self._store.head(row.job)
        return pb.OutboxJob(
            id=row.job, number=head.number if head else 0, project=head.project if head else b"", scope=row.scope, state=state,
            since=row.since, tries=row.tries, next_try_at=row.next_try, trouble=_trouble_to(row.trouble))

    @answered
    def RetryOutbox(self, request: pb.RetryOutboxRequest, context: grpc.ServicerContext) -> pb.RetryOutboxResponse:
        caller = self._caller(context)
        if caller.uid == ROOT:  # who mends the machine does not wait for the next try
            self._store.write_outbox_pace(replace(self._store.outbox_pace(), failures=0, next_try=0))
        return pb.RetryOutboxResponse(jobs=self._store.outbox_retry(_whose(caller), list(request.jobs)))


def _whose(caller: Caller) -> int | None:
    return None if caller.uid == ROOT else caller.uid


def _trouble_to(trouble: Trouble | None) -> pb.Trouble | None:
    return None if trouble is None else pb.Trouble(code=trouble.code, message=trouble.message, hint=trouble.hint)
