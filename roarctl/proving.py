"""Receipts of registries, checked: what holds, and by whose word.

A receipt is checked offline. That it is in *the* log of a registry follows from the registry's key alone, so whose key it is is
a check of its own: it is the one that was given, or the one that this user saw first.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lineage import ids
from lineage import receipt as receipts
from lineage.document import time_text
from lineage.errors import CorruptError, InvalidError, NotFoundError, RoarError, UnavailableError
from lineage.receipt import Receipt
from lineage.text import JOB_DIGITS, count_text
from lineage.transparency import KeyChange, TreeHead, follow, parse_verifier_key, verifier_key
from roarctl.known_logs import KnownLog, KnownLogs, data_directory
from roarctl.verifying import Check, Verdict

if TYPE_CHECKING:
    from roarctl.client import Client
    from roarctl.registry.client import RegistryClient

_MOST_MAKERS = 20
_PREFIX = re.compile(r"[0-9a-f]{4,64}", re.ASCII)


class Key(NamedTuple):
    """A log's key that the person gave."""

    origin: str
    key: bytes


def log_key(text: str) -> Key:
    """A key, or the name of a file that has one. InvalidError for what is neither."""
    if "+" not in text or Path(text).is_file():
        try:
            with Path(text).open(encoding="utf-8") as file:
                text = file.read(4096)
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidError(f"{text} is no key of a log, and no file that has one", "`glaas log head` prints it") from error
    return Key(*parse_verifier_key(text))


def read(path: Path) -> Receipt:
    try:
        with path.open("rb") as file:
            return receipts.decode(file.read(receipts.MAX_BYTES + 1))
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {error.strerror}", "give a receipt that `roar register` kept") from error


def kept(job: bytes) -> list[Path]:
    """The receipts of a job that this user got, one a registry."""
    return sorted(data_directory("receipts").glob(f"*/{job.hex()}.json"))


def kept_heads(origin: str) -> list[TreeHead]:
    """Of all receipts that this user got of a log. What does not hold is passed over: it is no head that a registry signed."""
    heads: dict[bytes, TreeHead] = {}
    files = {file.stat().st_ino: file for file in data_directory("receipts").glob("*/*.json")}  # jobs of a bundle share one
    for file in files.values():
        try:
            head = read(file).head
        except RoarError:
            continue
        if head.origin == origin:
            heads[head.root] = head
    return list(heads.values())


def receipt_checks(found: Receipt, known: KnownLogs, key: Key | None = None, *, own: bool = False,
                   jobs: Sequence[bytes] = ()) -> list[Check]:
    """``own``: this user got it from the registry, so its key is remembered if it is the first. ``jobs``: it must be of
    these."""
    try:
        proved = found.verify()
    except CorruptError as error:
        return [Check("log", "failed", error.message)]
    absent = set(jobs) - set(proved.jobs)
    if absent:
        return [Check("log", "failed", f"the receipt says nothing of job {min(absent).hex()[:12]}")]
    signed = trust(found.head, found.changes, known, key, remember=own)
    origin, opening = found.head.origin, proved.opening
    about = count_text(len(proved.jobs), "job")
    if opening.bundle:
        about = f"bundle {opening.bundle.hex()[:12]} of {about}"
    who = f"{about}, which {opening.account} {'registered' if opening.act == 'register' else 'moved'} {_space(opening.space)}"
    checks = [Check("ids", "held", f"{who}, at {moment_text(proved.entry.at)} by the registry's clock")]
    what = f"registered before {moment_text(found.head.at)} in {origin}'s log, entry {found.index + 1} of {found.head.size}"
    if signed.outcome == "held":
        checks.append(Check("log", "held", what))
    else:
        checks.append(Check("log", "unknown", f"if the key is {origin}'s: {what}"))
    checks.append(signed)
    seen = known.of(origin)
    if seen is not None and seen.head is not None and signed.outcome == "held":
        checks += _same_history(found.head, seen, known)
    return checks


def first_key(head: TreeHead, changes: Sequence[KeyChange]) -> bytes:
    """The key with which the log began, as the registry says when it is first seen: older receipts are signed by it."""
    oldest = next((change.previous for change in changes if change.origin == head.origin), head.key)
    return oldest if follow(head.origin, oldest, head.key, changes) else head.key


def reference_verdict(reference: str, known: KnownLogs, key: Key | None, client: Client | None,
                      registry: RegistryClient | None = None) -> Verdict:
    """Of the receipts that are kept here of a job, or of jobs that made a file; ``registry`` is asked for those that are not.
    NotFoundError where it names nothing."""
    checks: list[Check] = []
    for job in _jobs(reference, client, checks):
        files = kept(job)
        if not files:
            checks += _asked(job, known, key, registry)
        for file in files:
            try:
                checks += receipt_checks(read(file), known, key, own=True, jobs=[job])
            except RoarError as error:
                checks.append(Check("log", "failed", f"{file}: {error.message}"))
    return Verdict("receipt", tuple(checks))


def _asked(job: bytes, known: KnownLogs, key: Key | None, registry: RegistryClient | None) -> list[Check]:
    name = f"job {job.hex()[:JOB_DIGITS]}"
    if registry is None:
        return [Check("log", "unknown", f"{name}: no receipt of it is here; `roar register job:{job.hex()[:12]}` gets one")]
    try:
        document = registry.document("GET", f"/api/v1/log/receipt?job={job.hex()}")
        found = receipts.decode(json.dumps(document, ensure_ascii=False).encode())
    except NotFoundError as error:
        return [Check("log", "unknown", f"{name}: {registry.url} gives no receipt of it: {error.message}")]
    except CorruptError as error:
        return [Check("log", "failed", f"{name}: what {registry.url} gives as its receipt does not hold: {error.message}")]
    return receipt_checks(found, known, key, own=True, jobs=[job])


def _jobs(reference: str, client: Client | None, checks: list[Check]) -> list[bytes]:
    """Without a daemon: those that begin with this hash, of which there are receipts."""
    if client is None:
        prefix = reference.removeprefix("job:").lower()
        if _PREFIX.fullmatch(prefix):
            found = {bytes.fromhex(file.stem) for file in data_directory("receipts").glob(f"*/{prefix}*.json")
                     if _PREFIX.fullmatch(file.stem) and len(file.stem) == 64}
            if found:
                return sorted(found)
        raise UnavailableError(f"no roard is here that could know {reference}", "give the receipt's file, or a job's hash")
    from lineage.v1 import lineage_pb2, records_pb2
    from roarctl import references
    from roarctl.commands.options import current_project

    target = references.resolve(client, reference, current_project())
    if target.kind == "job":
        if target.runs:
            raise InvalidError("this job has not ended: nothing of it is registered yet", "wait for it")
        return [target.id]
    if target.kind != "artifact":
        raise InvalidError(f"{reference} is a {target.kind}; jobs are registered", "name a job or a file")
    if target.changed:
        checks.append(Check("file", "failed", f"{reference}: what is in it now is recorded nowhere; what was, is what follows"))
    request = lineage_pb2.GetArtifactRequest(hash=target.id, limit=_MOST_MAKERS)
    makers = client.call("Lineage/GetArtifact", request, records_pb2.Artifact).producers
    jobs = list(dict.fromkeys(one.job.id for one in makers if one.job.id))
    if not jobs:
        raise NotFoundError(f"no job is known that made {reference}", "`roar lineage` shows what is known of it")
    checks += [_made(client, job, target.id, reference) for job in jobs]
    return jobs


def _made(client: Client, job: bytes, digest: bytes, reference: str) -> Check:
    """A job's id is the hash of its record, and the record has the hash of the file: so nobody has to be believed."""
    from lineage.v1 import lineage_pb2

    name = f"{reference} and job {job.hex()[:JOB_DIGITS]}"
    try:
        parts = list(client.stream("Lineage/GetRecord", lineage_pb2.GetRecordRequest(id=job), lineage_pb2.RecordPart))
        if not parts or ids.content_id(parts[0].data) != job:
            return Check("record", "failed", f"{name}: what is given as the job's record has another hash")
        record = ids.decode_job(parts[0].data, {part.id: part.data for part in parts[1:]}.__getitem__)
    except (KeyError, ValueError, CorruptError) as error:
        return Check("record", "failed", f"{name}: the job's record does not have the hashes that it names: {error}")
    except RoarError as error:
        return Check("record", "unknown", f"{name}: the job's record is not given: {error.message}")
    if any(entry.kind == "output" and entry.hash == digest for entry in record.entries):
        return Check("record", "held", f"{name}: the job's record names this content as its output, and has the job's hash")
    return Check("record", "failed", f"{name}: the job's record does not name this content as its output")


def file_checks(found: Receipt, artifacts: Sequence[Path], client: Client | None) -> list[Check]:
    """Are these files made by a job of the receipt? The receipt names jobs; what they made is in their records."""
    from roarctl import digests, queries

    checks = []
    for path in artifacts:
        try:
            digest = digests.both(path)[0]
        except OSError as error:
            checks.append(Check("file", "failed", f"{path}: cannot be read: {error.strerror}"))
            continue
        if client is None:
            checks.append(Check("file", "unknown", f"{path}: no roard is here that knows what the jobs made"))
            continue
        makers, known = [], False
        for job in found.verify().jobs:
            try:
                entries = queries.entries(client, job, ("output",))
            except NotFoundError:
                continue
            known = True
            makers += [job for entry in entries if entry.hash == digest]
        if makers:
            checks.append(Check("file", "held", f"{path}: made by job {makers[0].hex()[:JOB_DIGITS]}, which was registered"))
        else:
            checks.append(Check("file", "failed" if known else "unknown", f"{path}: " + (
                "no job of the receipt made it" if known else "the jobs of the receipt are not known here")))
    return checks


def trust(head: TreeHead, changes: Sequence[KeyChange], known: KnownLogs, key: Key | None, *, remember: bool,
          url: str = "") -> Check:
    """Is the key that signed a head the log's?"""
    said = verifier_key(head.origin, head.key)
    if key is not None:
        if key.origin == head.origin and follow(head.origin, key.key, head.key, changes):
            return Check("key", "held", f"signed by the key that you gave for {head.origin}")
        return Check("key", "failed", f"signed by {said}, not by the key that you gave")
    seen = known.of(head.origin)
    if seen is not None:
        since = moment_text(seen.first_seen)
        if not seen.accepts(head, changes):
            return Check("key", "failed", f"signed by {said}; since {since} {head.origin} has had another key here")
        if head.key != seen.first_key:
            return Check("key", "held", f"signed by a key that follows from the one known here since {since}")
        return Check("key", "held", f"signed by the key of {head.origin} that is known here since {since}")
    if remember:
        known.keep(KnownLog(head.origin, url, first_key(head, changes), time.time_ns(), tuple(changes)))
        return Check("key", "held", f"this machine sees {head.origin} for the first time, and holds it to its key: {said}")
    return Check("key", "unknown", f"{head.origin} is not known here; ask its operators whether this is its key, then "
                                   f"give it with --log-key: {said}")


def _same_history(head: TreeHead, seen: KnownLog, known: KnownLogs) -> list[Check]:
    """Two heads of one size must be one; of others nothing can be said without the registry."""
    other = seen.head
    if other is None or other.size != head.size or other.root == head.root:
        return []
    why = f"two trees of {head.size} entries that differ, both signed"
    file = known.accuse(head.origin, seen.url, why, other.note(), head.note())
    return [Check("history", "failed", f"{head.origin} showed {why}: it has lied to somebody; both are kept in {file}")]


def moment_text(nanoseconds: int) -> str:
    """To the second, in UTC."""
    return str(time_text(nanoseconds))[:19] + "Z"


def _space(space: str) -> str:
    if space.startswith("org:"):
        return f"for the organisation {space.removeprefix('org:')}"
    return "for everyone" if space == "public" else "for themselves"
