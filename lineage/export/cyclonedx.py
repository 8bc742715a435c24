"""CycloneDX 1.6 as an ML-BOM (https://cyclonedx.org/docs/1.6/json/): what went into a model, and the jobs that made it.

A file is called a model where its name ends as models' names do (``MODEL_SUFFIXES``), and the component says that this is
all that is known of it. A model card has facts of the record alone: which data the job took that made it.
"""

from __future__ import annotations

import uuid
from typing import Any

from lineage.document import time_text
from lineage.export.model import ELSEWHERE, File, Lineage, Node, packages_of
from lineage.export.names import base_name, command_line, job_uri, text
from lineage.ids import content_id, encode

MODEL_SUFFIXES = (b".pkl", b".pickle", b".joblib", b".pt", b".pth", b".ckpt", b".safetensors", b".onnx", b".h5", b".hdf5",
                  b".keras", b".gguf", b".ggml", b".tflite", b".pb", b".mlmodel", b".cbm", b".ubj", b".skops", b".model")
_ALGORITHMS = {"sha256": "SHA-256", "blake3": "BLAKE3"}


def document(lineage: Lineage) -> dict[str, Any]:
    components = [_file(lineage, at, file) for at, file in enumerate(lineage.files)]
    libraries = [{"type": "library", "bom-ref": uri, "name": str(package["name"]),
                  **({"version": str(package["version"])} if package.get("version") else {}), "purl": uri}
                 for uri, package in packages_of(lineage.nodes)]
    main, others = _main(lineage, components)
    ended = max((node.job.head.ended_at or node.job.head.started_at for node in lineage.nodes), default=0)
    properties = [{"name": "roar:about", "value": f"{lineage.kind}:{lineage.id.hex()}"}]
    if lineage.truncated:
        properties.append({"name": "roar:truncated", "value": lineage.truncated})
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "bomFormat": "CycloneDX", "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{_serial(lineage)}", "version": 1,
        "metadata": {"timestamp": _seconds(ended), "tools": {"components": [{"type": "application", "name": "roar"}]},
                     "component": main, "properties": properties},
        "components": [*others, *libraries],
        "dependencies": _dependencies(lineage, main),
        "formulation": [{"bom-ref": "formulation", "workflows": [_workflow(lineage)]}],
    }


def is_model(path: bytes) -> bool:
    return path.lower().endswith(MODEL_SUFFIXES)


def _reference(at: int) -> str:
    return f"file-{at}"


def _main(lineage: Lineage, components: list[dict[str, Any]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the BOM is about, and the rest."""
    target = next((file for file in lineage.target_files() if file.maker is not None), None)
    target = target or next(iter(lineage.target_files()), None)
    if target is not None:
        at = lineage.files.index(target)
        return components[at], components[:at] + components[at + 1:]
    name = command_line(lineage.nodes[0].job.head) if lineage.kind == "job" and len(lineage.nodes) == 1 else ""
    name = name or f"{lineage.kind} {lineage.id.hex()[:12]}"
    return {"type": "application", "bom-ref": "subject", "name": name}, components


def _file(lineage: Lineage, at: int, file: File) -> dict[str, Any]:
    model = is_model(file.path) and file.maker is not None
    kind = "machine-learning-model" if model else "file" if file.role in {"source", "config"} else "data"
    properties = [{"name": "roar:path", "value": text(file.path)}, {"name": "roar:role", "value": file.role}]
    if file.size is not None:
        properties.append({"name": "roar:size", "value": str(file.size)})
    if model:
        properties.append({"name": "roar:calledModelBecause", "value": "of its file name"})
    if file.hash is None:
        properties.append({"name": "roar:noDigestBecause", "value": file.hash_reason or "it was not hashed"})
    component: dict[str, Any] = {"type": kind, "bom-ref": _reference(at), "name": base_name(file.path),
                                 "properties": properties}
    if file.hash is not None:
        component["version"] = file.hash.hex()[:12]
        component["hashes"] = [{"alg": _ALGORITHMS[name], "content": value} for name, value in lineage.digests(file).items()]
    if kind == "data":
        component["data"] = [{"type": "dataset", "name": base_name(file.path)}]
    if model:
        component["modelCard"] = _card(lineage, file)
    return component


def _card(lineage: Lineage, file: File) -> dict[str, Any]:
    card: dict[str, Any] = {}
    if file.maker is not None and file.maker != ELSEWHERE:
        node = lineage.nodes[file.maker]
        taken = dict.fromkeys(use.file for use in node.inputs)
        data = [_reference(at) for at in taken if lineage.files[at].role == "data" and not is_model(lineage.files[at].path)]
        if data:
            card["modelParameters"] = {"datasets": [{"ref": reference} for reference in data]}
        card["properties"] = [{"name": "roar:madeBy", "value": job_uri(node.job.head)},
                              {"name": "roar:command", "value": command_line(node.job.head)}]
    return card


def _dependencies(lineage: Lineage, main: dict[str, Any]) -> list[dict[str, Any]]:
    """What a job made depends on what it took, and on the packages that it used."""
    from lineage.export.names import packages_uri_order

    needs: dict[str, dict[str, None]] = {}
    for node in lineage.nodes:
        taken = [_reference(use.file) for use in node.inputs] + [uri for uri, _ in packages_uri_order(node.packages)]
        for use in node.outputs:
            own = _reference(use.file)
            needs.setdefault(own, {}).update(dict.fromkeys(each for each in taken if each != own))
    if main["bom-ref"] == "subject":
        needs["subject"] = dict.fromkeys(_reference(use.file) for node in lineage.nodes for use in node.outputs)
    return [{"ref": reference, **({"dependsOn": list(taken)} if taken else {})} for reference, taken in sorted(needs.items())]


def _workflow(lineage: Lineage) -> dict[str, Any]:
    tasks = [_task(lineage, at, node) for at, node in enumerate(lineage.nodes)]
    workflow: dict[str, Any] = {"bom-ref": "workflow", "uid": f"urn:roar:{lineage.kind}:{lineage.id.hex()}",
                                "name": "the recorded jobs", "taskTypes": ["other"]}
    if tasks:
        workflow["tasks"] = tasks
    needs = []
    for at, node in enumerate(lineage.nodes):
        makers = sorted({maker for use in node.inputs
                         if (maker := lineage.files[use.file].maker) is not None and maker not in {ELSEWHERE, at}})
        if makers:
            needs.append({"ref": f"job-{at}", "dependsOn": [f"job-{maker}" for maker in makers]})
    if needs:
        workflow["taskDependencies"] = needs
    return workflow


def _task(lineage: Lineage, at: int, node: Node) -> dict[str, Any]:
    head = node.job.head
    properties = [{"name": "roar:complete", "value": str(head.complete).lower()}]
    properties += [{"name": "roar:incompleteBecause", "value": reason.message} for reason in head.incomplete_reasons]
    if head.exit_code is not None:
        properties.append({"name": "roar:exitCode", "value": str(head.exit_code)})
    if node.git.get("commit"):
        properties.append({"name": "roar:gitCommit", "value": str(node.git["commit"])})
        properties.append({"name": "roar:uncommittedChanges", "value": str(bool(node.git.get("dirty"))).lower()})
    if lineage.agents:
        properties.append({"name": "roar:by", "value": f"{head.user.name}@{head.host.name}"})
    task: dict[str, Any] = {
        "bom-ref": f"job-{at}", "uid": job_uri(head), "name": command_line(head) or "job", "taskTypes": ["other"],
        "steps": [{"name": "command", "commands": [{"executed": command_line(head)}]}],
        "timeStart": _seconds(head.started_at), "properties": properties}
    if head.ended_at is not None:
        task["timeEnd"] = _seconds(head.ended_at)
    for key, uses, extra in (("inputs", node.inputs, {}), ("outputs", node.outputs, {"type": "artifact"})):
        rows = [{**extra, "resource": {"ref": _reference(use)}} for use in dict.fromkeys(use.file for use in uses)]
        if rows:
            task[key] = rows
    return task


def _serial(lineage: Lineage) -> uuid.UUID:
    """The same for the same jobs: version 8 (RFC 9562), from a hash of their ids."""
    jobs = sorted(node.job.head.id or node.job.head.run for node in lineage.nodes)
    number = int.from_bytes(content_id(encode([lineage.kind, lineage.id, jobs]))[:16], "big")
    return uuid.UUID(int=number & ~(0xF << 76 | 0x3 << 62) | 8 << 76 | 2 << 62)


def _seconds(nanoseconds: int) -> str:
    return (time_text(nanoseconds) or "")[:19] + "Z"
