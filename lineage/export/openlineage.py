"""OpenLineage run events (https://openlineage.io/spec/2-0-2/OpenLineage.json): a START for each job, and how it ended.

A job's name is its command, its namespace the project on its machine; a dataset's namespace is the
machine it lies on, its name the path. Its version is the hash of its content.
"""

from __future__ import annotations

import uuid
from typing import Any

from lineage.document import time_text
from lineage.export.model import File, Lineage, Node
from lineage.export.names import DOCS, command_line, text
from lineage.records import JobHead

_SPEC = "https://openlineage.io/spec"
_EVENT = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_NAME_WIDTH = 200


def events(lineage: Lineage) -> list[dict[str, Any]]:
    """In the order of time."""
    found = []
    for node in lineage.nodes:
        head = node.job.head
        started = _event(lineage, node, "START", head.started_at)
        found.append(started)
        if head.ended_at is not None:
            state = "COMPLETE" if head.exit_code == 0 else "ABORT" if head.interrupted else "FAIL"
            if head.exit_code is None and head.signal is None:
                state = "OTHER"  # nobody saw how it ended
            found.append(_event(lineage, node, state, head.ended_at))
    return sorted(found, key=lambda event: str(event["eventTime"]))


def _event(lineage: Lineage, node: Node, state: str, at: int) -> dict[str, Any]:
    head = node.job.head
    over = state != "START"
    return {
        "eventType": state, "eventTime": time_text(at), "producer": DOCS, "schemaURL": _EVENT,
        "run": {"runId": str(_run_id(head)), "facets": _run_facets(node, over=over, failed=state in {"FAIL", "ABORT"})},
        "job": {"namespace": _namespace(lineage, head), "name": (command_line(head) or "job")[:_NAME_WIDTH],
                "facets": _job_facets(node)},
        "inputs": [_dataset(lineage, node, lineage.files[at], output=False)
                   for at in dict.fromkeys(use.file for use in node.inputs)],
        "outputs": [_dataset(lineage, node, lineage.files[at], output=True)
                    for at in dict.fromkeys(use.file for use in node.outputs)] if over else [],
    }


def _run_id(head: JobHead) -> uuid.UUID:
    """A run has 16 random bytes, a UUID has 6 fixed bits: it is version 8 (RFC 9562), with those bits set."""
    number = int.from_bytes(head.run, "big")
    number = number & ~(0xF << 76) | 8 << 76
    number = number & ~(0x3 << 62) | 2 << 62
    return uuid.UUID(int=number)


def _namespace(lineage: Lineage, head: JobHead) -> str:
    project = text(head.project)
    return f"roar://{head.host.name}/{project.lstrip('/')}" if lineage.agents else f"roar:{project}"


def _run_facets(node: Node, *, over: bool, failed: bool) -> dict[str, Any]:
    head = node.job.head
    facets: dict[str, Any] = {
        "processing_engine": _facet("1-1-1", "ProcessingEngineRunFacet", name="roar", version="1"),
        "roar_job": _own("RoarJobRunFacet", job=head.id.hex() if head.id is not None else None, exitCode=head.exit_code,
                         signal=head.signal, complete=head.complete, session=head.session.hex(),
                         incompleteReasons=[reason.message for reason in head.incomplete_reasons],
                         packages=[f"{package.get('name')}=={package.get('version')}" for package in node.packages],
                         machine=head.host.machine, kernel=head.host.kernel),
    }
    error = node.context.get("stderr") or node.context.get("error")
    if over and failed:
        words = f"killed by signal {head.signal}" if head.signal is not None else f"exit code {head.exit_code}"
        told = error.get("text") if isinstance(error, dict) else error
        facets["errorMessage"] = _facet("1-0-1", "ErrorMessageRunFacet", message=str(told or words),
                                        programmingLanguage=_language(node))
    return facets


def _job_facets(node: Node) -> dict[str, Any]:
    facets: dict[str, Any] = {
        "jobType": _facet("2-0-4", "JobTypeJobFacet", processingType="BATCH", integration="ROAR", jobType="COMMAND"),
        "sourceCode": _facet("1-0-1", "SourceCodeJobFacet", language="shell", sourceCode=command_line(node.job.head)),
    }
    commit, remote = node.git.get("commit"), node.git.get("remote")
    if commit and remote:
        facets["sourceCodeLocation"] = _facet(
            "1-1-0", "SourceCodeLocationJobFacet", type="git", url=str(remote), repoUrl=str(remote), version=str(commit),
            **({"branch": str(node.git["branch"])} if node.git.get("branch") else {}))
    elif commit:
        facets["roar_git"] = _own("RoarGitJobFacet", commit=commit, uncommittedChanges=bool(node.git.get("dirty")))
    return facets


def _dataset(lineage: Lineage, node: Node, file: File, *, output: bool) -> dict[str, Any]:
    host = node.job.head.host.name if lineage.agents else ""
    facets: dict[str, Any] = {"roar_file": _own("RoarFileDatasetFacet", role=file.role, digests=lineage.digests(file),
                                                noDigestBecause=file.hash_reason or None, size=file.size)}
    if file.hash is not None:
        facets["version"] = _facet("1-0-1", "DatasetVersionDatasetFacet", datasetVersion=file.hash.hex())
    dataset: dict[str, Any] = {"namespace": f"file://{host}" if host else "file", "name": text(file.path), "facets": facets}
    if output and file.size is not None:
        dataset["outputFacets"] = {"outputStatistics": _facet(
            "1-0-2", "OutputStatisticsOutputDatasetFacet", size=file.size)}
    return dataset


def _language(node: Node) -> str:
    return "PYTHON" if node.context.get("python") else "UNKNOWN"


def _facet(release: str, kind: str, /, **values: object) -> dict[str, Any]:
    return {"_producer": DOCS, "_schemaURL": f"{_SPEC}/facets/{release}/{kind}.json#/$defs/{kind}", **values}


def _own(kind: str, /, **values: object) -> dict[str, Any]:
    """A facet that is ours: docs/export.md has its fields."""
    return {"_producer": DOCS, "_schemaURL": f"{DOCS}#{kind}", **values}
