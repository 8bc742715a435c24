"""The Observe service: jobs are registered, described and finished by those who run them."""
# ruff: noqa: N802 - the methods are named by the protocol

from __future__ import annotations

import logging
import time
import zlib
from collections.abc import Callable, Iterator

import grpc

from lineage import wire
from lineage.annotations import Edit, Subject, checked
from lineage.errors import ConflictError, InvalidError, NotFoundError, RoarError
from lineage.graph import Limits, Start, ancestors
from lineage.records import SHOWN_ROLES, Entry, Host, Job, JobHead, User
from lineage.service.errors import answered
from lineage.service.view import RUN_SIZE, View
from lineage.v1 import observe_pb2 as pb
from lineage.v1 import observe_pb2_grpc
from lineage.v1 import records_pb2 as records
from roard.observe.observer import Observer, account_name
from roard.outbox.policy import Asked, Forwarding
from roard.rpc.caller import Caller
from roard.rpc.identity import Identity
from roard.store.store import Store

MAX_TRACKED = 64 << 20  # bytes of names, unpacked
MAX_SUMMARY = 200
MAX_INPUTS = 10_000
MAX_INPUTS_WAIT = 2.0
MAX_WAIT = 3600.0
_log = logging.getLogger(__name__)
_ATTENTION = 0.2  # seconds within which a call that waits notices that its caller has gone


class ObserveService(observe_pb2_grpc.ObserveServicer):
    """``observer`` is None where this kernel cannot be watched; ``why`` then says so."""

    def __init__(self, observer: Observer | None, why: RoarError | None, store: Store, identity: Identity, host: Host,
                 caller: Callable[[grpc.ServicerContext], Caller], forwarding: Forwarding) -> None:
        self._forwarding = forwarding
        self._observer = observer
        self._why = why
        self._store = store
        self._identity = identity
        self._host = host
        self._caller = caller

    def _watching(self) -> Observer:
        if self._observer is None:
            raise self._why or InvalidError("this roard does not watch")
        return self._observer

    @answered
    def Register(self, request: pb.RegisterRequest, context: grpc.ServicerContext) -> pb.RegisterResponse:
        caller = self._caller(context)
        observer = self._watching()
        if not request.argv:
            raise InvalidError("a job has a command", "send argv")
        for key, value in request.labels.items():
            checked(Edit("label", key, (value,)))
        tracked = _unpacked(request.tracked)
        forward = self._forwarding.scope_of(_asked(request))
        process = self._identity.redeem(request.process, caller)
        try:
            if process.directory >= 0:
                raise InvalidError("a cgroup is attached to, not run", "send a pidfd")
            session, head = observer.register(process, tuple(request.argv), request.cwd, request.project,
                                              wire.struct_from(request.context), tracked, request.compat,
                                              not request.no_stderr, forward)
        except BaseException:
            process.close()
            raise
        if request.labels:
            edits = [Edit("label", key, (value,)) for key, value in request.labels.items()]
            try:
                self._store.annotate(Subject("job", head.run), caller.uid, edits, head.user, head.started_at)
            except RoarError as error:  # it is watched already: its record shall not be lost for that
                _log.warning("@%d has no labels: %s", head.number, error)
        return pb.RegisterResponse(run=head.run, number=head.number, session=wire.session_to(session))

    @answered
    def Describe(self, request: pb.DescribeRequest, context: grpc.ServicerContext) -> pb.DescribeResponse:
        self._watching().describe(request.run, self._caller(context).uid, wire.struct_from(request.context))
        return pb.DescribeResponse()

    @answered
    def Inputs(self, request: pb.InputsRequest, context: grpc.ServicerContext) -> pb.InputsResponse:
        paths = self._watching().inputs(request.run, self._caller(context).uid, min(request.wait_ms / 1000, MAX_INPUTS_WAIT))
        return pb.InputsResponse(paths=paths[:MAX_INPUTS], truncated=len(paths) > MAX_INPUTS)

    @answered
    def Finish(self, request: pb.FinishRequest, context: grpc.ServicerContext) -> pb.FinishResponse:
        caller = self._caller(context)
        observer = self._watching()
        if request.never_ran:
            observer.never_ran(request.run, caller.uid)
            return pb.FinishResponse(final=True)
        told = (request.exit_code if request.HasField("exit_code") else None,
                request.signal if request.HasField("signal") else None)
        identity = self._store.job_of_run(request.run)
        if identity is None:
            try:
                finished = observer.finish(request.run, caller.uid, told, request.interrupted,
                                           wire.struct_from(request.resources), min(request.wait_ms / 1000, MAX_WAIT))
            except NotFoundError:
                identity = self._store.job_of_run(request.run)  # it became final between the two questions
                if identity is None:
                    raise
            else:
                if finished.head is None or finished.head.id is None:
                    return pb.FinishResponse(final=False, pending=finished.pending)
                identity = finished.head.id
        return self._summary(self._stored(identity, caller), caller)

    @answered
    def Attach(self, request: pb.AttachRequest, context: grpc.ServicerContext) -> pb.AttachResponse:
        caller = self._caller(context)
        observer = self._watching()
        if not request.argv:
            raise InvalidError("a job has a name", "send argv")
        tracked = _unpacked(request.tracked)
        forward = self._forwarding.scope_of(_asked(request))
        process = self._identity.redeem(request.process, caller)
        try:
            session, head, processes, others = observer.attacher.attach(
                process, tuple(request.argv), request.cwd, request.project, wire.struct_from(request.context), tracked,
                caller.pid, forward)
        except BaseException:
            process.close()
            raise
        return pb.AttachResponse(run=head.run, number=head.number, session=wire.session_to(session), processes=processes,
                                 others=others)

    @answered
    def Detach(self, request: pb.DetachRequest, context: grpc.ServicerContext) -> pb.DetachResponse:
        caller = self._caller(context)
        head, final = self._watching().attacher.detach(request.run, caller.uid, min(request.wait_ms / 1000, MAX_WAIT))
        if head.id is not None:
            end = self._summary(self._stored(head.id, caller), caller)
        else:
            end = pb.FinishResponse(final=final, pending="" if final else "contents are still being hashed")
        return pb.DetachResponse(run=head.run, number=head.number, end=end)

    @answered
    def Watch(self, request: pb.WatchRequest, context: grpc.ServicerContext) -> Iterator[pb.Progress]:
        caller = self._caller(context)
        observer = self._watching()
        interval = min(max(request.interval_ms, 50), 60_000) / 1000
        while context.is_active():
            try:
                head, counts, final = observer.progress(request.run, caller.uid)
            except NotFoundError:
                yield self._ended(request.run, caller)
                return
            yield pb.Progress(head=wire.head_to(head), **counts)
            due = time.monotonic() + interval
            while context.is_active() and time.monotonic() < due and not final.is_set():
                final.wait(min(interval, _ATTENTION))
            if final.is_set():
                yield self._ended(request.run, caller)
                return

    def _ended(self, run: bytes, caller: Caller) -> pb.Progress:
        """The last that there is to say of a job, as the store has it."""
        job = self._stored(self._store.job_of_run(run), caller)
        return pb.Progress(head=wire.head_to(job.head), steps=len(job.steps), files_read=len(job.of_kind("input")),
                           files_written=len(job.of_kind("output")))

    def _stored(self, identity: bytes | None, caller: Caller) -> Job:
        job = self._store.job(identity) if identity is not None else None
        if job is None or not caller.may_see(job.head.user.uid):
            raise NotFoundError("no such job")
        return job

    @answered
    def Reset(self, request: pb.ResetRequest, context: grpc.ServicerContext) -> pb.ResetResponse:
        session = self._store.end_session(self._caller(context).uid, request.project)
        if session is None:
            return pb.ResetResponse(ended=False)
        return pb.ResetResponse(ended=True, session=wire.session_to(session))

    @answered
    def Begin(self, request: pb.BeginRequest, context: grpc.ServicerContext) -> records.Session:
        caller = self._caller(context)
        if not request.project.startswith(b"/"):
            raise InvalidError("a project is an absolute path")
        user = User(caller.uid, account_name(caller.uid))
        return wire.session_to(self._store.begin_session(user, self._host, request.project, time.time_ns()))

    @answered
    def Forget(self, request: pb.ForgetRequest, context: grpc.ServicerContext) -> pb.ForgetResponse:
        caller = self._caller(context)
        if self._store.running_head(request.id) is not None:
            head = View(self._store, caller).head(request.id)
            raise ConflictError(f"job @{head.number} still runs", "stop it first, or wait for its end")
        identity = request.id if len(request.id) != RUN_SIZE else self._store.job_of_run(request.id) or b""
        forgotten, session = self._store.forget_finished(identity, caller.uid)
        return pb.ForgetResponse(job=wire.head_to(forgotten), session=wire.session_to(session))

    def _summary(self, job: Job, caller: Caller) -> pb.FinishResponse:
        entries = [entry for entry in job.entries if entry.role in SHOWN_ROLES and entry.kind in ("input", "output")]
        entries.sort(key=lambda entry: (entry.kind != "output", -(entry.size or 0)))
        return pb.FinishResponse(
            final=True, job=wire.job_to(job), entries=[wire.entry_to(entry) for entry in entries[:MAX_SUMMARY]],
            origins=[pb.Origin(hash=entry.hash, path=entry.path, job=wire.head_to(maker))
                     for entry, maker in self._origins(job, entries[:MAX_SUMMARY], caller)])

    def _origins(self, job: Job, entries: list[Entry], caller: Caller) -> Iterator[tuple[Entry, JobHead]]:
        """For inputs that an earlier job made: that job."""
        number = self._store.job_number(job.head.id or b"")
        if number is None:
            return
        graph = ancestors(self._store, Start(job=number), Limits(depth=1, nodes=5000, seconds=0.5), caller.may_see)
        makers = {edge.node.artifact: edge.job for edge in graph.edges if edge.output and edge.job != number}
        for entry in entries:
            if entry.kind != "input" or entry.hash is None:
                continue
            artifact = self._store.artifact_number(entry.hash)
            maker = makers.get(artifact) if artifact is not None else None
            head = self._store.numbered_head(maker) if maker is not None else None
            if head is not None:
                yield entry, head


def _asked(request: pb.RegisterRequest | pb.AttachRequest) -> Asked | None:
    return Asked(request.forward.scope, request.forward.registry) if request.HasField("forward") else None


def _unpacked(packed: bytes) -> frozenset[bytes]:
    """Names from zlib, with a limit on what a small message can become."""
    if not packed:
        return frozenset()
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(packed, MAX_TRACKED)
    except zlib.error as error:
        raise InvalidError(f"the tracked paths are not zlib: {error}") from error
    if unpacker.unconsumed_tail:
        raise InvalidError("too many tracked paths", f"at most {MAX_TRACKED >> 20} MB of names")
    return frozenset(data.split(b"\0"))
