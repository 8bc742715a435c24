"""Proofs of the log about jobs and bundles, for those who may see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glaas.log.log import Log
from glaas.registry.tables import PARTS
from glaas.store.viewer import Viewer
from lineage.bundle import decode_header
from lineage.errors import InvalidError, NotFoundError
from lineage.v1 import registry_pb2 as pb
from lineage.wire_log import head_to

if TYPE_CHECKING:
    from glaas.server.wiring import Wiring

_HINT = "only what is registered, where you may see it, can be shown to be in the log"


def proof_to(log: Log, index: int, *, opened: bool) -> pb.InclusionProof:
    """``opened``: with what the entry is about."""
    proof = log.proof(index, opened=opened)
    return pb.InclusionProof(index=proof.number, size=proof.head.size, path=proof.path, entry=proof.entry,
                             opening=proof.opening, head=head_to(proof.head, log.changes()))


def inclusion(wiring: Wiring, viewer: Viewer, *, job: bytes = b"", bundle: bytes = b"", size: int = 0) -> pb.InclusionProof:
    """Of the oldest registration of a job, or of a bundle, that the viewer may see.  NotFoundError where there is none."""
    if bool(job) == bool(bundle):
        raise InvalidError("a proof is of either a job or a bundle", "give the id of one")
    leaf = _leaf(wiring, viewer, job, bundle)
    head = wiring.log.head()
    if size and not leaf < size <= head.size:
        raise NotFoundError(f"entry {leaf} is not in a tree of {size}", f"the newest has {head.size}")
    found = proof_to(wiring.log, leaf, opened=True)
    if size and size != found.size:
        del found.path[:]
        found.path.extend(wiring.log.inclusion(leaf, size))
        found.size = size
    return found


def _leaf(wiring: Wiring, viewer: Viewer, job: bytes, bundle: bytes) -> int:
    jobs = (job,) if job else header_jobs(wiring, bundle)
    found = [one.leaf for all_ in wiring.registry.registrations(viewer, jobs).values() for one in all_
             if not bundle or one.bundle == bundle]
    if not found:
        raise NotFoundError(f"no registration of {'job' if job else 'bundle'} {(job or bundle).hex()[:12]} is known", _HINT)
    return min(found)


def header_jobs(wiring: Wiring, bundle: bytes) -> tuple[bytes, ...]:
    """The jobs that a bundle named; none, for one that is not kept."""
    with wiring.store.read() as reader:
        data = reader.get(PARTS, [(bundle, b"")]).get((bundle, b"")) if len(bundle) == 32 else None
    return () if data is None else decode_header(data).jobs
