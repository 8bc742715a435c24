"""in-toto statements with SLSA provenance: one a job, about what it left behind.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md, https://slsa.dev/spec/v1.0/provenance. What the
parameters of our build type mean is in docs/export.md.
"""

from __future__ import annotations

from typing import Any

from lineage.document import time_text
from lineage.export.model import Lineage, Node
from lineage.export.names import (
    SLSA_BUILD_TYPE,
    builder_uri,
    command_line,
    file_uri,
    git_uri,
    job_uri,
    packages_uri_order,
    session_uri,
    text,
)

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"


def statements(lineage: Lineage) -> list[dict[str, Any]]:
    """Oldest job first. Jobs that left nothing whose content is known have none: a statement is about something."""
    return [statement(lineage, node) for node in lineage.nodes if _subjects(lineage, node)]


def statement(lineage: Lineage, node: Node) -> dict[str, Any]:
    head = node.job.head
    parameters: dict[str, Any] = {"command": command_line(head), "argv": [text(word) for word in head.argv],
                                  "cwd": text(head.cwd)}
    unhashed = [{"name": text(use.entry.path), "reason": use.entry.hash_reason}
                for use in node.outputs if use.entry.hash is None and use.entry.target is None]
    internal: dict[str, Any] = {
        "complete": head.complete,
        "incompleteReasons": [{"code": reason.code, "message": reason.message, "count": reason.count}
                              for reason in head.incomplete_reasons],
        "outputsWithoutDigest": unhashed,
        "inputsWithoutDigest": [{"name": text(use.entry.path), "reason": use.entry.hash_reason}
                                for use in node.inputs if use.entry.hash is None],
        "exitCode": head.exit_code, "signal": head.signal, "kernel": head.host.kernel, "machine": head.host.machine,
        "session": session_uri(head.session), "runs": [f"urn:roar:run:{head.run.hex()}"],
    }
    python = node.context.get("python")
    if python:
        internal["python"] = f"{python.get('implementation', '')} {python.get('version', '')}".strip()
    if lineage.agents:
        internal["user"], internal["host"] = head.user.name, head.host.name
    if lineage.truncated:
        internal["lineageTruncated"] = lineage.truncated
    metadata = {"invocationId": job_uri(head), "startedOn": time_text(head.started_at)}
    if head.ended_at is not None:
        metadata["finishedOn"] = time_text(head.ended_at)
    return {
        "_type": STATEMENT_TYPE, "subject": _subjects(lineage, node), "predicateType": PREDICATE_TYPE,
        "predicate": {
            "buildDefinition": {
                "buildType": SLSA_BUILD_TYPE, "externalParameters": parameters, "internalParameters": internal,
                "resolvedDependencies": _dependencies(lineage, node)},
            "runDetails": {"builder": {"id": builder_uri(head)}, "metadata": metadata},
        },
    }


def _subjects(lineage: Lineage, node: Node) -> list[dict[str, Any]]:
    return [{"name": text(use.entry.path), "digest": lineage.digests(lineage.files[use.file])}
            for use in node.outputs if use.entry.hash is not None]


def _dependencies(lineage: Lineage, node: Node) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for use in node.inputs:
        file = lineage.files[use.file]
        if file.hash is None:
            continue
        annotations: dict[str, Any] = {"role": use.entry.role}
        if file.maker is not None and file.maker >= 0:
            annotations["madeBy"] = job_uri(lineage.nodes[file.maker].job.head)
        found.append({"name": text(use.entry.path), "uri": file_uri(use.entry.path), "digest": lineage.digests(file),
                      "annotations": annotations})
    commit = node.git.get("commit")
    if commit:
        source: dict[str, Any] = {"name": "git", "digest": {"gitCommit": commit},
                                  "annotations": {"uncommittedChanges": bool(node.git.get("dirty"))}}
        if node.git.get("remote"):
            source["uri"] = git_uri(str(node.git["remote"]), commit)
        found.append(source)
    found += [{"name": str(package["name"]), "uri": uri} for uri, package in packages_uri_order(node.packages)]
    return found
