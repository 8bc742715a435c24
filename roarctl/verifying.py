"""`roar verify`, put together: what a file claims, and which of it holds.

Each check has an outcome: it held, it failed, or nobody could tell, and why. What was not checked is said as plainly as
what was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from lineage import bundle, dsse
from lineage.errors import CorruptError, InvalidError, NotFoundError, RoarError, UnavailableError
from lineage.export.slsa import PAYLOAD_TYPE, PREDICATE_TYPE, STATEMENT_TYPE
from roarctl.render.text import count_text

if TYPE_CHECKING:
    from roarctl.client import Client
    from roarctl.signing import Trusted

Outcome: TypeAlias = Literal["held", "failed", "unknown"]
_MAX_FILE = 256 << 20
_OF_LOGS: dict[Literal["consistency", "evidence"], bytes] = {
    "consistency": b'"glaas.consistency/', "evidence": b'"roar.log-evidence/'}
_STATEMENTS = (b'"_type"', b'"predicateType"', b'"payload"', b'"payloadType"', b'"signatures"')  # one of these comes early
_JOB_URI = "urn:roar:job:"


class Check(NamedTuple):
    """``of``: what was checked: signature, ids, file, record; of a registry's log: log, key, history."""

    of: str
    outcome: Outcome
    text: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One in-toto statement, and the envelope that it came in."""

    value: dict[str, Any]
    envelope: dsse.Envelope | None

    @property
    def subjects(self) -> list[dict[str, Any]]:
        return list(self.value["subject"])

    @property
    def job(self) -> bytes | None:
        """The job that it says it is about."""
        metadata = self.value.get("predicate", {}).get("runDetails", {}).get("metadata", {})
        name = str(metadata.get("invocationId", ""))
        with suppress(ValueError):
            return bytes.fromhex(name.removeprefix(_JOB_URI)) if name.startswith(_JOB_URI) else None
        return None


@dataclass(frozen=True, slots=True)
class Verdict:
    kind: str
    checks: tuple[Check, ...]

    @property
    def exit_code(self) -> int:
        """0: what was checked held, and there was something to check against; 1: something is false; 3: nothing that says
        anything was checked, since neither a key nor a file was given and no record is here."""
        if any(check.outcome == "failed" for check in self.checks):
            return 1
        return 0 if any(check.outcome == "held" for check in self.checks) else 3

    def document(self) -> dict[str, Any]:
        return {"schema": "roar.verify/1", "kind": self.kind, "verdict": {0: "holds", 1: "fails", 3: "unknown"}[self.exit_code],
                "checks": [check._asdict() for check in self.checks]}


def kind_of(path: Path) -> Literal["bundle", "receipt", "statement", "consistency", "evidence"] | None:
    """What a file says that it is, by how it begins; None: nothing that could be verified, or no file."""
    from lineage import receipt

    try:
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError:
        return None
    if bundle.looks_like(start):
        return "bundle"
    if receipt.looks_like(start):
        return "receipt"
    for kind, name in _OF_LOGS.items():
        if name in start[:400]:
            return kind
    # Not any JSON: a model's configuration is looked up as what it is.
    return "statement" if start.lstrip().startswith(b"{") and any(word in start for word in _STATEMENTS) else None


def verify(path: Path, keys: Sequence[Trusted], artifacts: Sequence[Path], client: Client | None) -> Verdict:
    """``client``: a daemon that may know the jobs. InvalidError for a file of no known kind."""
    try:
        with path.open("rb") as file:
            start = file.read(4096)
            file.seek(0)
            if bundle.looks_like(start):
                return _verify_bundle(bundle.read(file), keys, artifacts, client)
            data = file.read(_MAX_FILE + 1)
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {error.strerror}", "give a file that `roar export` wrote") from error
    if len(data) > _MAX_FILE:
        raise InvalidError(f"{path} is too large to be a statement", "give a file that `roar export` wrote")
    statements = list(_statements(data, path))
    checks = [check for statement in statements for check in _signature(statement.envelope, keys, _called(statement))]
    checks += [_artifact(artifact, statements) for artifact in artifacts]
    if not artifacts:
        checks.append(Check("file", "unknown", "no file was given to compare: roar verify FILE PATH…"))
    checks += [_record(statement, client) for statement in statements]
    return Verdict("statement", tuple(checks))


def _statements(data: bytes, path: Path) -> Iterator[Statement]:
    """One JSON document, or one a line."""
    try:
        documents = [json.loads(data)]
    except ValueError:
        try:
            documents = [json.loads(line) for line in data.splitlines() if line.strip()]
        except ValueError as error:
            raise InvalidError(f"{path} is neither a statement nor a bundle",
                               "`roar verify` is for what `roar export` makes as slsa or bundle") from error
    for document in documents:
        envelope = dsse.parse(document) if dsse.is_envelope(document) else None
        if envelope is not None and envelope.payload_type != PAYLOAD_TYPE:
            raise InvalidError(f"{path} signs {envelope.payload_type!r}, which is no in-toto statement",
                               "`roar verify` is for what `roar export` makes as slsa or bundle")
        yield Statement(_checked(document if envelope is None else _payload(envelope), path), envelope)
    if not documents:
        raise InvalidError(f"{path} is empty", "give a file that `roar export` wrote")


def _payload(envelope: dsse.Envelope) -> object:
    try:
        return json.loads(envelope.payload)
    except ValueError as error:
        raise CorruptError(f"what the envelope holds is not JSON: {error}") from error


def _checked(value: object, path: Path) -> dict[str, Any]:
    if not isinstance(value, dict) or value.get("_type") != STATEMENT_TYPE or value.get("predicateType") != PREDICATE_TYPE:
        raise InvalidError(f"{path} has no in-toto statement with SLSA provenance",
                           "`roar verify` is for what `roar export` makes as slsa or bundle")
    subjects = value.get("subject")
    if not isinstance(subjects, list) or not subjects or not all(
            isinstance(each, dict) and isinstance(each.get("digest"), dict) and each["digest"] for each in subjects):
        raise CorruptError(f"{path} has a statement about nothing", "its subjects have no digests")
    return value


def _called(statement: Statement) -> str:
    names = [str(subject.get("name")) for subject in statement.subjects]
    return names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def _signature(envelope: dsse.Envelope | None, keys: Sequence[Trusted], what: str) -> Iterator[Check]:
    from roarctl import signing

    if envelope is None or not envelope.signatures:
        yield Check("signature", "failed" if keys else "unknown", f"{what}: not signed, so anyone could have written it")
    elif not keys:
        names = ", ".join(each.key or "no key named" for each in envelope.signatures)
        yield Check("signature", "unknown",
                    f"{what}: signed, it says by {names}; not checked (--key PUB, --allowed-signers FILE)")
    else:
        key = signing.verified(envelope, keys)
        if key is None:
            yield Check("signature", "failed", f"{what}: by none of the {len(keys)} keys that you trust, or changed since")
        else:
            yield Check("signature", "held", f"{what}: signed by {key.who} ({key.key})")


def _artifact(path: Path, statements: Sequence[Statement]) -> Check:
    """Is this file one of those that a statement is about?"""
    from roarctl import digests

    try:
        blake, sha256 = digests.both(path)
    except OSError as error:
        return Check("file", "failed", f"{path}: cannot be read: {error.strerror}")
    own = {"blake3": blake.hex(), "sha256": sha256.hex()}
    named = False
    for statement in statements:
        for subject in statement.subjects:
            known = {name: value for name, value in subject["digest"].items() if name in own}
            named = named or str(subject.get("name", "")).rpartition("/")[2] == path.name
            if known and all(own[name] == value for name, value in known.items()):
                return Check("file", "held", f"{path}: is {subject.get('name')}, by {' and '.join(sorted(known))}")
    if any(_is_dependency(statement, own) for statement in statements):
        return Check("file", "failed", f"{path}: is an input of what is attested, not what is attested")
    return Check("file", "failed", f"{path}: is not the content that is attested under this name" if named else
                 f"{path}: nothing is attested about it")


def _is_dependency(statement: Statement, own: dict[str, str]) -> bool:
    definition = statement.value.get("predicate", {}).get("buildDefinition", {})
    for dependency in definition.get("resolvedDependencies", ()):
        known = {name: value for name, value in (dependency.get("digest") or {}).items() if name in own}
        if known and all(own[name] == value for name, value in known.items()):
            return True
    return False


def _record(statement: Statement, client: Client | None) -> Check:
    """Does the record that is here say the same?"""
    what = _called(statement)
    if statement.job is None:
        return Check("record", "unknown", f"{what}: it does not name a job of roar")
    if client is None:
        return Check("record", "unknown", f"{what}: no roard is here that could know job {statement.job.hex()[:12]}")
    from roarctl import queries

    try:
        entries = queries.entries(client, statement.job, ("output",))
    except NotFoundError:
        return Check("record", "unknown", f"{what}: job {statement.job.hex()[:12]} is not known here")
    except UnavailableError as error:
        return Check("record", "unknown", f"{what}: {error.message}")
    if not _recorded_here(client, statement.job):
        return Check("record", "unknown", f"{what}: job {statement.job.hex()[:12]} is known here by an import alone")
    known = {entry.hash.hex() for entry in entries if entry.hash is not None}
    for subject in statement.subjects:
        claimed = subject["digest"].get("blake3")
        if claimed is None:
            return Check("record", "unknown", f"{subject.get('name')}: it has no BLAKE3 to compare with the record")
        if claimed not in known:
            return Check("record", "failed", f"{subject.get('name')}: the record here of job {statement.job.hex()[:12]} says "
                                             "that it did not make this content")
    return Check("record", "held", f"{what}: the record of job {statement.job.hex()[:12]} here has the same outputs")


def _verify_bundle(raw: bundle.Raw, keys: Sequence[Trusted], artifacts: Sequence[Path], client: Client | None) -> Verdict:
    """CorruptError says what differs."""
    content = bundle.content(raw)
    header = content.header
    counted = [count_text(len(found), noun) for found, noun in (
        (header.jobs, "job"), (header.sessions, "session"), (header.chunks, "chunk"))]
    checks = [Check("ids", "held", f"{', '.join(counted)}: each has the content that its id says")]
    checks += signature_of_bundle(raw, keys)
    known = {entry.hash: entry for job in content.jobs for entry in job.of_kind("output") if entry.hash is not None}
    from roarctl import digests

    for path in artifacts:
        try:
            entry = known.get(digests.both(path)[0])
        except OSError as error:
            checks.append(Check("file", "failed", f"{path}: cannot be read: {error.strerror}"))
            continue
        if entry is None:
            checks.append(Check("file", "failed", f"{path}: no job in the bundle made it"))
        else:
            name = entry.path.decode(errors="backslashreplace")
            checks.append(Check("file", "held", f"{path}: is {name}, made by a job in the bundle"))
    known_here = sum(_recorded_here(client, identity) for identity in header.jobs) if client is not None else 0
    checks.append(Check("record", "held" if known_here else "unknown",
                        f"{known_here} of the {len(header.jobs)} jobs were recorded by this roard, with the same ids"))
    if header.truncated:
        checks.append(Check("ids", "unknown", f"not the whole lineage: the limit of {header.truncated} was reached"))
    return Verdict("bundle", tuple(checks))


def signature_of_bundle(raw: bundle.Raw, keys: Sequence[Trusted]) -> list[Check]:
    what = f"bundle {raw.id.hex()[:12]}"
    if not raw.envelope:
        return list(_signature(None, keys, what))
    try:
        envelope = dsse.parse(json.loads(raw.envelope))
    except (ValueError, RoarError) as error:
        return [Check("signature", "failed", f"{what}: its signature cannot be read: {error}")]
    if envelope.payload_type != bundle.PAYLOAD_TYPE or envelope.payload != raw.header:
        return [Check("signature", "failed", f"{what}: its signature is of something else")]
    return list(_signature(envelope, keys, what))


def _recorded_here(client: Client, identity: bytes) -> bool:
    """What was only imported says no more than who made the import."""
    from lineage.v1 import lineage_pb2, records_pb2

    try:
        job = client.call("Lineage/GetJob", lineage_pb2.GetJobRequest(id=identity), records_pb2.Job)
    except RoarError:
        return False
    return not job.head.HasField("imported")


def trusted(key: Path | None, signers: Path | None) -> list[Trusted]:
    from roarctl import signing

    keys = [signing.trusted_key(key)] if key else []
    return keys + (signing.allowed_signers(signers) if signers else [])
