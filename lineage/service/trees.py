"""Sets of files found again by their one hash."""

from __future__ import annotations

from lineage import wire
from lineage.errors import InvalidError
from lineage.service.view import ID_SIZE, View
from lineage.v1 import lineage_pb2 as pb

DEFAULT_USES, MAX_USES = 20, 1000
MAX_HASHES = 50_000
MAX_LOOKED = 10_000  # jobs of all users that are looked through


def tree_message(view: View, request: pb.FindTreeRequest) -> pb.FindTreeResponse:
    if len(request.tree) != ID_SIZE:
        raise InvalidError("a set's hash has 32 bytes")
    if len(request.hashes) > MAX_HASHES:
        raise InvalidError(f"{len(request.hashes)} hashes at once", f"{MAX_HASHES} at most")
    limit = min(request.limit or DEFAULT_USES, MAX_USES)
    answer = pb.FindTreeResponse()
    rows = view.store.jobs_of_tree(request.tree, MAX_LOOKED)
    owners = view.store.owners(sorted({job for job, _ in rows}))
    for job, found in rows:
        if job not in owners or not view.caller.may_see(owners[job]):
            continue
        if len(answer.uses) == limit:
            answer.truncated = True
            break
        head = view.store.head(view.store.job_id(job))
        if head is not None:
            answer.uses.add(job=wire.head_to(head), kind=found.kind, path=found.path, files=found.files)
    numbers = [number for number in map(view.store.artifact_number, request.hashes) if number is not None]
    makers, users = view.store.producers(numbers), view.store.consumers(numbers)
    jobs = {link.node for links in (*makers.values(), *users.values()) for link in links}
    visible = {job for job, owner in view.store.owners(sorted(jobs)).items() if view.caller.may_see(owner)}
    for number in numbers:
        made = any(link.node in visible for link in makers[number])
        answer.made += made
        answer.known += made or any(link.node in visible for link in users[number])
    return answer
