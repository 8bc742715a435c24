"""The Registry service: what a registry does besides answering questions."""
# ruff: noqa: N802 - the methods are named by the protocol

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import grpc

from glaas.accounts import audit
from glaas.accounts.errors import NotSignedInError
from glaas.accounts.identity import Identity
from glaas.accounts.model import Actor
from glaas.server.proofs import inclusion, proof_to
from glaas.server.verifiers import Task
from glaas.server.wiring import peer_host
from lineage import bundle
from lineage.annotations import Annotations, Subject
from lineage.annotationwire import annotated_from, annotated_to, subject_from
from lineage.errors import CorruptError, DeniedError, InvalidError, RoarError
from lineage.service.errors import answered
from lineage.service.view import ID_SIZE, View
from lineage.v1 import registry_pb2 as pb
from lineage.v1 import registry_pb2_grpc
from lineage.wire_log import head_to

if TYPE_CHECKING:
    from glaas.registry.registry import Registered, Said
    from glaas.server.wiring import Wiring

MAX_JOBS = 10_000  # in one question
MAX_SUBJECTS = 10_000


class RegistryService(registry_pb2_grpc.RegistryServicer):
    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    @answered
    def WhoAmI(self, request: pb.WhoAmIRequest, context: grpc.ServicerContext) -> pb.Account:
        del request
        identity = self._wiring.caller(context)
        keys = self._wiring.accounts.keys.of(identity.account) if identity.account else []
        proven = next((key.fingerprint for key in keys if key.proven_at), "")
        return pb.Account(name=identity.account, organisations=sorted(identity.organisations), scopes=sorted(identity.scopes),
                          expires_at=identity.expires_at, key=proven)

    @answered
    def Known(self, request: pb.KnownRequest, context: grpc.ServicerContext) -> pb.KnownResponse:
        identity = self._someone(context)
        space = self._wiring.accounts.space(identity, request.space)
        return pb.KnownResponse(jobs=sorted(self._wiring.registry.known(identity.account, space, _ids(request.jobs))))

    @answered
    def RegisterBundle(self, request: pb.RegisterBundleRequest,
                       context: grpc.ServicerContext) -> pb.RegisterBundleResponse:
        identity = self._someone(context)
        said = [(one.subject, one.items) for one in map(annotated_from, request.said)]
        done = register(self._wiring, identity, peer_host(context.peer()), request.bundle, request.space,
                        show_hashes=request.show_hashes, said=said)
        answer = pb.RegisterBundleResponse(bundle=done.bundle, registered=done.new, known=done.known)
        if done.leaf is not None:
            answer.leaf = done.leaf
            answer.proof.CopyFrom(proof_to(self._wiring.log, done.leaf, opened=True))
        return answer

    @answered
    def SetScope(self, request: pb.SetScopeRequest, context: grpc.ServicerContext) -> pb.SetScopeResponse:
        identity = self._someone(context)
        space = self._wiring.accounts.space(identity, request.space)
        moved = self._wiring.registry.move(identity.account, _ids(request.jobs), space, show_hashes=request.show_hashes)
        self._note(identity, context, "scope", moved, {"space": space})
        return pb.SetScopeResponse(moved=sorted(moved))

    @answered
    def ForgetJobs(self, request: pb.ForgetJobsRequest, context: grpc.ServicerContext) -> pb.ForgetJobsResponse:
        identity = self._someone(context)
        self._wiring.accounts.space(identity, "private")  # who may register may take back
        forgotten = self._wiring.registry.forget(identity.account, _ids(request.jobs))
        self._note(identity, context, "forget", forgotten, {})
        return pb.ForgetJobsResponse(forgotten=sorted(forgotten))

    @answered
    def ListSaid(self, request: pb.ListSaidRequest, context: grpc.ServicerContext) -> pb.ListSaidResponse:
        view = self._wiring.view_of(context)
        if len(request.subjects) > MAX_SUBJECTS:
            raise InvalidError(f"{len(request.subjects)} things at once", f"{MAX_SUBJECTS} at most")
        return pb.ListSaidResponse(annotated=[annotated_to(one) for one in said_of(view, map(subject_from, request.subjects))])

    @answered
    def GetTreeHead(self, request: pb.GetTreeHeadRequest, context: grpc.ServicerContext) -> pb.TreeHead:
        del request, context
        return head_to(self._wiring.log.head(), self._wiring.log.changes())

    @answered
    def GetConsistency(self, request: pb.ConsistencyRequest, context: grpc.ServicerContext) -> pb.ConsistencyProof:
        del context
        log = self._wiring.log
        head = log.head()
        second = request.second or head.size
        return pb.ConsistencyProof(first=request.first, second=second, path=log.consistency(request.first, second),
                                   head=head_to(head, log.changes()))

    @answered
    def GetInclusion(self, request: pb.InclusionRequest, context: grpc.ServicerContext) -> pb.InclusionProof:
        identity = self._wiring.caller(context)
        return inclusion(self._wiring, self._wiring.accounts.viewer(identity), job=request.job, bundle=request.bundle,
                         size=request.size)

    def _note(self, identity: Identity, context: grpc.ServicerContext, action: audit.Action, jobs: Collection[bytes],
              details: Mapping[str, str | int]) -> None:
        """Which jobs were forgotten is forgotten too."""
        if jobs:
            subject = next(iter(jobs)).hex() if action == "scope" and len(jobs) == 1 else ""
            self._wiring.accounts.audit.append([audit.Event(
                Actor(identity.account, peer_host(context.peer())), action, subject, details={"jobs": len(jobs), **details})])

    def _someone(self, context: grpc.ServicerContext) -> Identity:
        return someone(self._wiring.caller(context))


def someone(identity: Identity) -> Identity:
    if not identity.account:
        raise NotSignedInError("this needs an account", "`roar login`, or set GLAAS_TOKEN to a token of yours")
    return identity


def register(wiring: Wiring, identity: Identity, address: str, data: bytes, space: str, *, show_hashes: bool = False,
             said: Said = ()) -> Registered:
    """A bundle as it was received from an address, into the space that ``space`` (private, public, org:NAME) means to who
    brings it.  Blocks until it is durable."""
    metrics, actor = wiring.metrics, Actor(identity.account, address)
    try:
        where = wiring.accounts.space(identity, space)
        wiring.rates.take("register", identity.account)
        if not bundle.looks_like(data[:16]):
            raise InvalidError("this is not a lineage bundle", "`roar export REF --format bundle` makes one")
        wiring.usage.check(identity.account, len(data))
        keys = {key.fingerprint: key.public for key in wiring.accounts.keys.of(identity.account)}
        with metrics.register_seconds.time():
            done = wiring.verifiers.register(Task(identity.account, where, data, show_hashes, said, keys))
    except RoarError as error:
        metrics.refused.labels(error.code).inc()
        if isinstance(error, DeniedError | InvalidError | CorruptError):
            outcome: audit.Outcome = "denied" if isinstance(error, DeniedError) else "failed"
            wiring.accounts.audit.append([audit.Event(actor, "register", "", outcome, {"why": error.message})])
        raise
    if done.new:
        wiring.accounts.audit.append([audit.Event(actor, "register", done.bundle.hex(), details={
            "space": where, "jobs": len(done.new)})])
    wiring.usage.add(identity.account, len(done.new), len(data))
    metrics.bundles.inc()
    metrics.bundle_bytes.inc(len(data))
    metrics.jobs.inc(len(done.new))
    return done


def said_of(view: View, subjects: Iterable[Subject]) -> list[Annotations]:
    """What is said of those that have something, in the order asked for; jobs and steps by the job's id."""
    wanted = list(dict.fromkeys(subjects))
    found = view.store.annotations(wanted)
    return [Annotations(subject, tuple(item for items in found[subject].values() for item in items))
            for subject in wanted if found.get(subject)]


def _ids(jobs: Sequence[bytes]) -> list[bytes]:
    if len(jobs) > MAX_JOBS:
        raise InvalidError(f"{len(jobs)} jobs at once", f"{MAX_JOBS} at most")
    if not all(len(job) == ID_SIZE for job in jobs):
        raise InvalidError("a job's id has 32 bytes", "its run will not do here")
    return list(jobs)
