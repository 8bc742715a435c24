"""`roar export`, put together: the lineage is gathered, made private, put into a format, signed, and written."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from lineage import bundle
from lineage.errors import DeniedError, InvalidError, NotFoundError
from lineage.export.model import Lineage, build
from lineage.export.privacy import Privacy
from lineage.records import Job
from roarctl import digests, exporting, writing

if TYPE_CHECKING:
    from roarctl.client import Client
    from roarctl.exporting import Gathered
    from roarctl.references import Target
    from roarctl.signing import Signer

FORMATS = ("slsa", "prov", "rocrate", "openlineage", "cyclonedx", "dot", "json", "bundle")
_SIGNED = {"slsa", "bundle"}
_WITH_SHA256 = {"slsa", "prov", "rocrate", "openlineage", "cyclonedx", "json"}
_AS_RECORDED = {"json", "bundle"}  # paths stay absolute, unless told otherwise


@dataclass(frozen=True, slots=True)
class Request:
    """The options of the command line, by their names there."""

    form: str
    output: Path | None
    direct: bool = False
    max_jobs: int = exporting.MAX_JOBS
    sign: Path | None = None
    with_files: bool = False
    steps: bool = False
    everything: bool = False
    exclude: frozenset[str] = frozenset()
    relative: bool | None = None
    anonymous: bool = False
    redact: bool = True
    as_directory: bool = False

    @property
    def privacy(self) -> Privacy:
        relative = self.form not in _AS_RECORDED if self.relative is None else self.relative
        return Privacy(self.exclude, relative, self.anonymous, self.redact)


@dataclass(slots=True)
class Report:
    """What was handed on, and what about it is not as one might think."""

    form: str
    output: Path | None
    jobs: int
    files: int
    truncated: str
    signed_by: str = ""
    without_sha256: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    suggestion: str = ""

    @property
    def summary(self) -> str:
        where = f" to {self.output}" if self.output else ""
        signed = f", signed by {self.signed_by}" if self.signed_by else ""
        return (f"exported {self.jobs} job{'s' * (self.jobs != 1)} with {self.files} file{'s' * (self.files != 1)} "
                f"as {self.form}{where}{signed}")

    def document(self) -> dict[str, Any]:
        return {"schema": "roar.exported/1", "format": self.form, "output": str(self.output) if self.output else None,
                "jobs": self.jobs, "files": self.files, "truncated": self.truncated or None,
                "signed_by": self.signed_by or None, "without_sha256": self.without_sha256, "warnings": self.warnings}


def check(request: Request) -> None:
    """InvalidError for options that make no sense together, before anything is asked."""
    if request.form not in FORMATS:
        raise InvalidError(f"there is no format {request.form!r}", "formats are " + ", ".join(FORMATS))
    for given, option, forms in ((request.sign, "--sign", _SIGNED), (request.with_files, "--with-files", {"rocrate"}),
                                 (request.steps, "--steps", {"prov"})):
        if given and request.form not in forms:
            raise InvalidError(f"{option} is not for {request.form}", f"it is for {' and '.join(sorted(forms))}")
    if request.form == "bundle" and (request.exclude or request.anonymous or request.relative):
        raise InvalidError("a bundle holds records as they are: their ids are hashes of every byte",
                           "leave out --exclude, --anonymous and --relative-paths, or choose another format")
    assert request.privacy is not None  # raises for a part that does not exist


def export(client: Client, target: Target, request: Request) -> Report:
    from roarctl import signing

    signer = signing.signer(request.sign) if request.sign else None
    whole = request.form == "json" or request.everything or request.steps
    gathered = exporting.gather(client, target, direct=request.direct, max_jobs=request.max_jobs, whole=whole)
    report = Report(request.form, request.output, len(gathered.jobs), 0, gathered.truncated, signer.key if signer else "")
    if gathered.truncated:
        report.warnings.append(f"not everything: the limit of {gathered.truncated} was reached, and the export says so")
    if request.form == "bundle":
        _export_bundle(client, target, gathered, request, signer, report)
    else:
        _export_document(target, gathered, request, signer, report)
    missed = [job for job in gathered.jobs if not job.head.complete and job.head.id is not None]
    if missed:
        report.warnings.append(f"{len(missed)} of the jobs are incomplete, and the export says why where its format can")
    running = [job for job in gathered.jobs if job.head.id is None]
    if running and request.form != "bundle":
        report.warnings.append(f"{len(running)} of the jobs still run: nothing is known of their files yet")
    return report


def _export_document(target: Target, gathered: Gathered, request: Request, signer: Signer | None, report: Report) -> None:
    found = digests.Found()
    if request.form in _WITH_SHA256:
        found = digests.look_up(gathered.jobs, all_roles=request.everything)
    lineage = build(target.kind, target.id, target.path, gathered.jobs, gathered.maker_of, truncated=gathered.truncated,
                    sha256=found.sha256, all_roles=request.everything, privacy=request.privacy)
    report.files = len(lineage.files)
    if found.missing:
        shown = {file.hash: file for file in lineage.files if file.hash in found.missing}
        report.without_sha256 = sorted(file.path.decode(errors="backslashreplace") for file in shown.values())
        names = ", ".join(report.without_sha256[:3]) + (", …" if len(report.without_sha256) > 3 else "")
        report.warnings.append(f"{len(shown)} of {len({file.hash for file in lineage.files if file.hash})} contents are not "
                               f"at their place any more, so they have BLAKE3 alone and no SHA-256: {names}")
    if request.form == "rocrate":
        _write_crate(lineage, found, request, report)
    else:
        text = _TEXTS[request.form](lineage, request, signer, report)
        writing.write_file(request.output, lambda file: _write_all(file, text.encode("utf-8", "backslashreplace")))


def _slsa(lineage: Lineage, request: Request, signer: Signer | None, report: Report) -> str:
    """One line a job: in-toto's bundle of attestations (spec/v1/bundle.md), or bare statements where nobody signs."""
    from lineage.export import slsa

    statements = slsa.statements(lineage)
    if not statements:
        raise NotFoundError("none of these jobs left anything whose content is known: there is nothing to attest",
                            "`roar show REF` says what the job left")
    left_out = len(lineage.nodes) - len(statements)
    if left_out:
        report.warnings.append(f"{left_out} of the jobs left nothing whose content is known: no statement is made of them")
    payloads = [json.dumps(statement, ensure_ascii=True, separators=(",", ":")) for statement in statements]
    where = shlex.quote(str(request.output)) if request.output else "FILE"
    if signer is None:
        report.warnings.append("not signed: anyone could have written this (--sign KEY)")
        report.suggestion = f"roar verify {where} PATH…"
        return "".join(f"{payload}\n" for payload in payloads)
    report.suggestion = f"roar verify {where} --key KEY.pub PATH…"
    return "".join(f"{signer.envelope(slsa.PAYLOAD_TYPE, payload.encode()).text()}\n" for payload in payloads)


def _prov(lineage: Lineage, request: Request, _signer: Signer | None, _report: Report) -> str:
    from lineage.export import prov

    return _pretty(prov.document(lineage, steps=request.steps))


def _openlineage(lineage: Lineage, _request: Request, _signer: Signer | None, _report: Report) -> str:
    from lineage.export import openlineage

    return "".join(json.dumps(event) + "\n" for event in openlineage.events(lineage))


def _cyclonedx(lineage: Lineage, _request: Request, _signer: Signer | None, _report: Report) -> str:
    from lineage.export import cyclonedx

    return _pretty(cyclonedx.document(lineage))


def _dot(lineage: Lineage, _request: Request, _signer: Signer | None, _report: Report) -> str:
    from lineage.export import dot

    return dot.document(lineage)


def _json(lineage: Lineage, _request: Request, _signer: Signer | None, _report: Report) -> str:
    from lineage.export import plain

    return _pretty(plain.document(lineage))


_TEXTS: dict[str, Callable[[Lineage, Request, Signer | None, Report], str]] = {
    "slsa": _slsa, "prov": _prov, "openlineage": _openlineage, "cyclonedx": _cyclonedx, "dot": _dot, "json": _json}


def _write_crate(lineage: Lineage, found: digests.Found, request: Request, report: Report) -> None:
    from lineage.export import rocrate

    inside = rocrate.places(lineage, found.places) if request.with_files else {}
    metadata = _pretty(rocrate.document(lineage, inside)).encode()
    contents = {place: (found.places[digest], digest) for digest, place in inside.items()}
    output = request.output
    as_directory = output is not None and (request.as_directory or output.is_dir())
    writing.write_crate(output, metadata, rocrate.METADATA, contents, as_directory=as_directory)
    report.warnings.append("the crate says that its licence is not stated: RO-Crate wants one, and only you know it")


def _export_bundle(client: Client, target: Target, gathered: Gathered, request: Request, signer: Signer | None,
                   report: Report) -> None:
    finished = [job for job in gathered.jobs if job.head.id is not None]
    if not finished:
        raise NotFoundError("this job still runs: its record is made when it ends", "wait for its end")
    if len(finished) < len(gathered.jobs):
        report.warnings.append(f"{len(gathered.jobs) - len(finished)} of the jobs still run, and are left out")
    if request.redact:
        _refuse_secrets(finished)
    sessions, jobs = exporting.records(client, [job.head for job in finished])
    raw = bundle.build(f"{target.kind}:{target.id.hex()}", gathered.truncated, sessions, jobs)
    content = bundle.content(raw)  # what others would refuse is not handed on
    if signer is not None:
        raw = raw._replace(envelope=signer.envelope(bundle.PAYLOAD_TYPE, raw.header).text())
    report.jobs = len(finished)
    report.files = len({entry.hash for job in content.jobs for entry in job.entries if entry.hash is not None})
    report.warnings.append("it holds the whole records: environment, paths, names of users and machines")
    report.suggestion = f"roar import {shlex.quote(str(request.output)) if request.output else 'FILE'}   (on the other machine)"
    writing.write_file(request.output, lambda file: bundle.write(raw, file), binary=True)


def _refuse_secrets(jobs: list[Job]) -> None:
    """The rules may have learned since a job was recorded, and a record cannot be changed."""
    privacy = Privacy(relative=False)
    for job in jobs:
        clean = privacy.applied(job)
        what = [name for name, before, after in (
            ("its command line", job.head.argv, clean.head.argv), ("its programs", job.steps, clean.steps),
            *((f"its {key}", job.context[key], clean.context.get(key)) for key in job.context)) if before != after]
        if what:
            identity = job.head.id.hex()[:12] if job.head.id else ""
            raise DeniedError(f"job {identity} holds what looks like a secret, in {what[0]}, and its record cannot be changed",
                              "export it in another format, or with --no-redact if it is none")


def _pretty(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _write_all(file: BinaryIO, data: bytes) -> None:
    file.write(data)
