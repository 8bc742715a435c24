"""Process Run Crate (https://w3id.org/ro/wfrun/process/0.5) on RO-Crate 1.1: a CreateAction a job, files by reference.

One entity stands for one content, whatever its paths; contents that travel in the crate have their place in it as id.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from lineage.document import time_text
from lineage.export.model import File, Lineage, Node
from lineage.export.names import VOCABULARY, artifact_uri, base_name, command_line, file_uri, job_uri, purl, text
from lineage.records import SHOWN_ROLES, JobHead

METADATA = "ro-crate-metadata.json"
FILES = "files"  # the directory of contents in the crate
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
_CRATE = "https://w3id.org/ro/crate/1.1"
_TERMS = {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256", "blake3": f"{VOCABULARY}blake3",
          "incompleteBecause": f"{VOCABULARY}incompleteBecause"}
_UNSAFE = re.compile(r"[\x00-\x1f\\:*?\"<>|]")


def places(lineage: Lineage, included: Mapping[bytes, bytes]) -> dict[bytes, str]:
    """By content, where it lies in the crate; for the data and source in ``included`` (content → where it can be read)."""
    found: dict[bytes, str] = {}
    taken: set[str] = set()
    for file in lineage.files:
        if file.hash is None or file.hash not in included or file.hash in found:
            continue
        if file.role not in SHOWN_ROLES:  # settings files are where passwords are kept
            continue
        parts = [_UNSAFE.sub("_", part) for part in text(file.path).split("/") if part not in {"", ".", ".."}]
        place = "/".join([FILES, *parts])
        if place in taken:
            place = "/".join([FILES, file.hash.hex()[:12], *parts[-1:]])
        taken.add(place)
        found[file.hash] = place
    return found


def document(lineage: Lineage, inside: Mapping[bytes, str] | None = None) -> dict[str, Any]:
    """The metadata file. ``inside``: contents that are in the crate, by hash."""
    inside = inside or {}
    names = {at: _identity(lineage, at, file, inside) for at, file in enumerate(lineage.files)}
    graph: list[dict[str, Any]] = []
    files: dict[str, dict[str, Any]] = {}
    for at, file in enumerate(lineage.files):
        _merge(files, names[at], lineage, file)
    people: dict[str, dict[str, Any]] = {}
    programs: dict[str, dict[str, Any]] = {}
    actions = [_action(lineage, node, names, people, programs) for node in lineage.nodes]
    packages = _packages(lineage)
    ended = max((node.job.head.ended_at or node.job.head.started_at for node in lineage.nodes), default=0)
    limits = f" Not all of it: the limit of {lineage.truncated} was reached." if lineage.truncated else ""
    graph.append({"@id": METADATA, "@type": "CreativeWork", "about": {"@id": "./"}, "conformsTo": {"@id": _CRATE}})
    graph.append({
        "@id": "./", "@type": "Dataset", "conformsTo": {"@id": PROFILE}, "datePublished": _time(ended),
        "name": f"Lineage of {base_name(lineage.path) if lineage.path else f'{lineage.kind} {lineage.id.hex()[:12]}'}",
        "description": f"What {len(actions)} recorded job{'s' * (len(actions) != 1)} took and made, observed by roar.{limits}",
        "license": {"@id": "#license"},
        "hasPart": [{"@id": name} for name in files], "mentions": [{"@id": action["@id"]} for action in actions]})
    graph.append({"@id": "#license", "@type": "CreativeWork", "name": "not stated",
                  "description": "Whoever hands this on has not said under which licence."})
    graph.append({"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"})
    graph += [*actions, *programs.values(), *people.values(), *files.values(), *packages]
    return {"@context": [f"{_CRATE}/context", _TERMS], "@graph": [_compact(entity) for entity in graph]}


def _compact(entity: dict[str, Any]) -> dict[str, Any]:
    """As RO-Crate's JSON-LD is written: one value is no list, and no value is left out."""
    return {key: value[0] if isinstance(value, list) and len(value) == 1 else value
            for key, value in entity.items() if value != []}


def _time(nanoseconds: int) -> str:
    """ISO 8601 as the profile's examples and validators have it: milliseconds, and an offset in digits."""
    return (time_text(nanoseconds) or "")[:23] + "+00:00"


def _identity(lineage: Lineage, at: int, file: File, inside: Mapping[bytes, str]) -> str:
    if file.hash is None:
        return file_uri(file.path) if file.path.startswith(b"/") else f"urn:roar:file:{lineage.id.hex()[:16]}:{at}"
    place = inside.get(file.hash)
    return quote(place) if place is not None else artifact_uri(file.hash)


def _merge(files: dict[str, dict[str, Any]], name: str, lineage: Lineage, file: File) -> None:
    path = text(file.path)
    known = files.get(name)
    if known is not None:
        if path != known.get("alternateName") and path not in known.get("alternateName", ()):
            earlier = known["alternateName"]
            known["alternateName"] = [*(earlier if isinstance(earlier, list) else [earlier]), path]
        return
    entity: dict[str, Any] = {"@id": name, "@type": "File", "name": base_name(file.path), "alternateName": path,
                              **lineage.digests(file)}
    if file.size is not None:
        entity["contentSize"] = str(file.size)
    if file.hash is None:
        entity["description"] = f"its content is not known: {file.hash_reason or 'it was not hashed'}"
    files[name] = entity


def _action(lineage: Lineage, node: Node, names: Mapping[int, str], people: dict[str, dict[str, Any]],
            programs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    head = node.job.head
    action: dict[str, Any] = {
        "@id": job_uri(head), "@type": "CreateAction", "name": command_line(head) or job_uri(head),
        "instrument": {"@id": _program(node, programs)}, "startTime": _time(head.started_at),
        "object": [{"@id": name} for name in dict.fromkeys(names[use.file] for use in node.inputs)],
        "result": [{"@id": name} for name in dict.fromkeys(names[use.file] for use in node.outputs)]}
    if head.ended_at is not None:
        action["endTime"] = _time(head.ended_at)
        failed = head.exit_code != 0
        action["actionStatus"] = f"http://schema.org/{'Failed' if failed else 'Completed'}ActionStatus"
        if failed:
            action["error"] = (f"killed by signal {head.signal}" if head.signal is not None
                               else f"exit code {head.exit_code}" if head.exit_code is not None else "its end was not seen")
    if head.incomplete_reasons:
        action["incompleteBecause"] = [reason.message for reason in head.incomplete_reasons]
    commit = node.git.get("commit")
    action["description"] = (f"Recorded in {text(head.cwd)}" + (f", code at git {commit}" if commit else "")
                             + (" with uncommitted changes" if node.git.get("dirty") else "") + ".")
    if lineage.agents:
        person = f"#user-{head.user.uid}-{quote(head.host.name)}"
        people[person] = {"@id": person, "@type": "Person", "name": head.user.name or f"user {head.user.uid}"}
        action["agent"] = {"@id": person}
    return action


def _program(node: Node, programs: dict[str, dict[str, Any]]) -> str:
    head = node.job.head
    name = _program_name(head)
    python = node.context.get("python") or {}
    identity = f"urn:roar:program:{quote(name, safe='')}"
    software: dict[str, Any] = {"@id": identity, "@type": "SoftwareApplication", "name": name}
    if name.startswith("python") and python.get("version"):
        identity = software["@id"] = f"{identity}@{quote(str(python['version']))}"
        software["softwareVersion"] = str(python["version"])
    uris = {purl(package) for package in node.packages if package.get("name")}
    known = programs.setdefault(identity, software)
    uris |= {each["@id"] for each in known.get("softwareRequirements", ())}
    if uris:
        known["softwareRequirements"] = [{"@id": uri} for uri in sorted(uris)]
    return identity


def _program_name(head: JobHead) -> str:
    return base_name(head.argv[0]) if head.argv else "program"


def _packages(lineage: Lineage) -> list[dict[str, Any]]:
    from lineage.export.model import packages_of

    return [{"@id": uri, "@type": "SoftwareApplication", "name": str(package["name"]),
             "softwareVersion": str(package.get("version") or ""), "identifier": uri}
            for uri, package in packages_of(lineage.nodes)]
