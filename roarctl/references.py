"""What a person's reference names: a job, an artifact or a session.

A path is looked at here, as the user, so that the daemon need not open anybody's files.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lineage.errors import AmbiguousError, InvalidError, NotFoundError
from lineage.v1 import lineage_pb2
from roarctl.hashes import file_hash

if TYPE_CHECKING:
    from roarctl.client import Client

_BY_NAME = re.compile(r"@|(job|artifact|session|name):")
_RUN_SIZE = 16  # bytes
_PREFIX = re.compile(r"[0-9a-fA-F]{4,64}")
_STEP = re.compile(r"(?P<job>@\d*|@~\d+|job:[0-9a-fA-F]{4,64})(?:/(?P<index>\d{1,9})|\[(?P<bracketed>\d{1,9})\])")


@dataclass(frozen=True, slots=True)
class Target:
    """``changed``: the file's present content is recorded nowhere, and this is the newest content seen at its path.

    ``step``: of kind "step", its index in the job ``id``.
    """

    kind: str
    id: bytes
    path: bytes = b""
    changed: bool = False
    step: int | None = None

    @property
    def runs(self) -> bool:
        """A job that has not ended, which has no id but that of its run."""
        return self.kind == "job" and len(self.id) == _RUN_SIZE


def resolve(client: Client, reference: str, project: bytes) -> Target:
    """Raises NotFoundError, AmbiguousError (with candidates), InvalidError."""
    if _BY_NAME.match(reference):
        return _ask(client, lineage_pb2.ResolveRequest(reference=reference, project=project))
    name = os.fsencode(reference)
    path = os.path.realpath(name)
    if os.path.lexists(name):
        return _ask(client, lineage_pb2.ResolveRequest(path=path, hash=content_hash(path), project=project))
    if _PREFIX.fullmatch(reference):
        return _ask(client, lineage_pb2.ResolveRequest(reference=reference.lower(), project=project))
    return _ask(client, lineage_pb2.ResolveRequest(path=path, project=project))


def resolve_step(client: Client, reference: str, project: bytes) -> Target:
    """As ``resolve``, but a step of a job has a reference too: `@3/2`, or `@3[2]`, is step 2 of job @3 as `roar dag
    --steps` numbers them; in the place of @3 stands any reference of a job but a bare hash prefix."""
    found = _STEP.fullmatch(reference)
    if found is None:
        return resolve(client, reference, project)
    job = resolve(client, found["job"], project)
    return replace(job, kind="step", step=int(found["index"] or found["bracketed"]))


def resolve_part(client: Client, reference: str, project: bytes) -> tuple[Target, int | None]:
    """As ``resolve_step``, the step apart from its job."""
    target = resolve_step(client, reference, project)
    return (replace(target, kind="job"), target.step) if target.kind == "step" else (target, None)


def content_hash(path: bytes) -> bytes:
    """The BLAKE3 of a file; empty where we may not read it (what was recorded at its path may still be shown)."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - bytes
    except OSError:
        return b""
    if stat.S_ISDIR(mode):
        raise InvalidError(f"{os.fsdecode(path)} is a directory", f"see `roar show {os.fsdecode(path)}`, or name a file in it")
    if not stat.S_ISREG(mode):
        raise InvalidError(f"{os.fsdecode(path)} is not a regular file", "only files with a content have a lineage")
    try:
        return file_hash(path)
    except OSError:
        return b""


def _ask(client: Client, request: lineage_pb2.ResolveRequest) -> Target:
    answer = client.call("Lineage/Resolve", request, lineage_pb2.ResolveResponse)
    if answer.candidates and not answer.id:
        what = request.reference or os.fsdecode(request.path)
        raise AmbiguousError(f"{what} could mean several things", "give more digits, or the kind: job:…, artifact:…",
                             tuple(f"{one.kind}:{one.id.hex()[:16]}  {one.description}" for one in answer.candidates))
    if not answer.id:
        raise NotFoundError(f"nothing is recorded as {request.reference or os.fsdecode(request.path)}",
                            "`roar log` lists the jobs")
    return Target(answer.kind, answer.id, answer.path or request.path, answer.changed)
