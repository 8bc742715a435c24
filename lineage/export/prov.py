"""W3C PROV-JSON (https://www.w3.org/submissions/prov-json/): jobs are activities, files entities, users and roard agents.

Only what is known is said: that a job took one file and made another does not tell that the one went into the other, so
use and generation stand alone; a file is derived from another where it has its content.
"""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Any

from lineage.document import time_text
from lineage.export.model import ELSEWHERE, File, Lineage, Node
from lineage.export.names import VOCABULARY, base_name, command_line, text
from lineage.ids import content_id, encode
from lineage.records import Job, Step
from lineage.steps import job_versions, uses_by_step

Section = dict[str, dict[str, Any]]
_NOT_NAME = re.compile(r"[^A-Za-z0-9_.-]")


def document(lineage: Lineage, *, steps: bool = False) -> dict[str, Any]:
    """``steps``: the programs inside a job are activities too, started by it, with what each used and made."""
    return _Document(lineage, steps).made()


class _Document:
    def __init__(self, lineage: Lineage, steps: bool) -> None:
        self._lineage = lineage
        self._with_steps = steps
        self._sections: dict[str, Section] = {}
        self._relations = 0
        self._files = [_file_name(lineage, file) for file in lineage.files]

    def made(self) -> dict[str, Any]:
        lineage = self._lineage
        for at, file in enumerate(lineage.files):
            self._entity(self._files[at], file)
        for node in lineage.nodes:
            self._job(node)
        document: dict[str, Any] = {"prefix": {"roar": VOCABULARY, "urn": "urn:"}, **self._sections}
        if lineage.truncated:
            for node in lineage.nodes[:1]:
                self._sections["activity"][_name(node.job)]["roar:lineageTruncated"] = lineage.truncated
        return document

    def _add(self, section: str, name: str, values: dict[str, Any]) -> None:
        self._sections.setdefault(section, {})[name] = {key: value for key, value in values.items() if value is not None}

    def _relate(self, section: str, **values: object) -> None:
        self._relations += 1
        self._add(section, f"_:r{self._relations}", {f"prov:{key}" if not key.startswith("roar:") else key: value
                                                     for key, value in values.items()})

    def _entity(self, name: str, file: File) -> None:
        digests = self._lineage.digests(file)
        self._add("entity", name, {
            "prov:label": base_name(file.path), "prov:location": text(file.path), "roar:role": file.role,
            "roar:path_b64": None if _is_text(file.path) else b64encode(file.path).decode(),
            "roar:blake3": digests.get("blake3"), "roar:sha256": digests.get("sha256"),
            "roar:size": _whole(file.size) if file.size is not None else None,
            "roar:noDigestBecause": file.hash_reason or None, "roar:linkTarget": text(file.target) if file.target else None,
            "roar:madeByAnotherJob": True if file.maker == ELSEWHERE else None})

    def _job(self, node: Node) -> None:
        head = node.job.head
        name = _name(node.job)
        self._add("activity", name, {
            "prov:startTime": _time(head.started_at), "prov:endTime": _time(head.ended_at), "prov:label": command_line(head),
            "prov:type": {"$": "roar:Job", "type": "prov:QUALIFIED_NAME"}, "roar:directory": text(head.cwd),
            "roar:exitCode": _whole(head.exit_code) if head.exit_code is not None else None,
            "roar:signal": _whole(head.signal) if head.signal is not None else None,
            "roar:complete": head.complete, "roar:gitCommit": node.git.get("commit"),
            "roar:uncommittedChanges": bool(node.git.get("dirty")) if node.git.get("commit") else None,
            "roar:incompleteBecause": [reason.message for reason in head.incomplete_reasons] or None,
            "roar:running": True if head.id is None else None})
        if self._lineage.agents:
            user = f"roar:user-{head.user.uid}-" + _NOT_NAME.sub("_", head.host.name or "host")
            self._add("agent", user, {"prov:type": {"$": "prov:Person", "type": "prov:QUALIFIED_NAME"},
                                      "prov:label": head.user.name, "roar:host": head.host.name})
            self._relate("wasAssociatedWith", activity=name, agent=user)
        self._add("agent", "roar:roard", {"prov:type": {"$": "prov:SoftwareAgent", "type": "prov:QUALIFIED_NAME"},
                                          "prov:label": "roard, which recorded this"})
        for use in node.inputs:
            self._relate("used", activity=name, entity=self._files[use.file])
        for use in node.outputs:
            self._relate("wasGeneratedBy", entity=self._files[use.file], activity=name)
        self._derivations(node)
        if self._with_steps:
            self._steps(node, name)

    def _derivations(self, node: Node) -> None:
        """Known by the content alone: a copy is derived from what it is a copy of."""
        for made in node.outputs:
            for taken in node.inputs:
                if made.entry.hash is not None and made.entry.hash == taken.entry.hash:
                    self._relate("wasDerivedFrom", generatedEntity=self._files[made.file],
                                 usedEntity=self._files[taken.file], activity=_name(node.job))

    def _steps(self, node: Node, job_name: str) -> None:
        known_inputs = {(use.entry.path, "input"): use.file for use in node.inputs}
        known_outputs = {(use.entry.path, "output"): use.file for use in node.outputs}
        versions = job_versions(node.job)
        uses = uses_by_step(versions)
        for step in node.job.steps:
            name = f"{job_name}-step-{step.index}"
            self._add("activity", name, {
                "prov:startTime": _time(step.started_at), "prov:endTime": _time(step.ended_at), "prov:label": _label(step),
                "prov:type": {"$": "roar:Step", "type": "prov:QUALIFIED_NAME"},
                "roar:exitCode": _whole(step.exit_code) if step.exit_code is not None else None})
            starter = job_name if step.parent is None else f"{job_name}-step-{step.parent}"
            self._relate("wasStartedBy", activity=name, starter=starter)
            read, wrote = uses.get(step.index, ((), ()))
            for at in dict.fromkeys(read):
                version = versions[at]
                entity = (known_inputs.get((version.path, "input")) if version.number == 0
                          else known_outputs.get((version.path, version.kind)))
                if entity is not None:
                    self._relate("used", activity=name, entity=self._files[entity])
            for at in dict.fromkeys(wrote):
                entity = known_outputs.get((versions[at].path, versions[at].kind))
                if entity is not None and len(versions[at].writers) == 1:
                    self._relate("wasInfluencedBy", influencee=self._files[entity], influencer=name)


def _name(job: Job) -> str:
    head = job.head
    return f"roar:job-{head.id.hex()}" if head.id is not None else f"roar:run-{head.run.hex()}"


def _file_name(lineage: Lineage, file: File) -> str:
    """The same in every export of the same thing, so that documents can be put together."""
    maker = lineage.nodes[file.maker].job.head if file.maker is not None and file.maker != ELSEWHERE else None
    value = [file.hash, file.path, maker.run if maker else None] if file.hash or maker else [lineage.id, file.path]
    return f"roar:file-{content_id(encode(value))[:12].hex()}"


def _label(step: Step) -> str:
    return " ".join(text(word) for word in step.argv) or text(step.executable)


def _time(nanoseconds: int | None) -> str | None:
    """xsd:dateTime to the microsecond, which is what readers keep."""
    exact = time_text(nanoseconds)
    return None if exact is None else exact[:-4] + "Z"


def _whole(number: int) -> dict[str, str]:
    return {"$": str(number), "type": "xsd:long"}


def _is_text(path: bytes) -> bool:
    try:
        path.decode()
    except UnicodeDecodeError:
        return False
    return True
