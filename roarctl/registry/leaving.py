"""What leaves the machine with a registration, in words that one can look through: what a dry run shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lineage.document import entry_text
from lineage.records import SHOWN_ROLES, Job
from lineage.v1.annotations_pb2 import Annotated

#: Addresses in commands and context: of a scheme, or as git writes those of SSH.
_ADDRESS = re.compile(r"\b(?:[a-z][a-z0-9+.-]{1,20}://[^\s'\"<>\\,;)\]}]+|[\w.-]+@[\w-]+(?:\.[\w-]+)+:[^\s'\"<>\\,;)\]}]+)")


@dataclass(slots=True)
class Leaving:
    """Names, each once. ``paths``: by whether people are usually shown files of their role."""

    jobs: int = 0
    paths: dict[bytes, bool] = field(default_factory=dict)
    users: set[str] = field(default_factory=set)
    hosts: set[str] = field(default_factory=set)
    environment: set[str] = field(default_factory=set)
    remotes: set[str] = field(default_factory=set)
    contacted: set[str] = field(default_factory=set)
    diffs: int = 0  # jobs whose record has the text of uncommitted changes
    said: list[Annotated] = field(default_factory=list)
    stderr: int = 0  # jobs whose record has what they wrote when they failed

    def add(self, job: Job) -> None:
        self.jobs += 1
        self.users.add(job.head.user.name or str(job.head.user.uid))
        self.hosts.add(job.head.host.name)
        for entry in job.entries:
            self.paths[entry.path] = self.paths.get(entry.path, False) or entry.role in SHOWN_ROLES
        self.environment.update(job.context.get("environment") or {})
        for one in job.context.get("network") or ():
            if one.get("family") != "unix":
                self.contacted.add(str(one.get("name") or one.get("address")))
        git = job.context.get("git") or {}
        self.diffs += bool(git.get("diff"))
        if git.get("remote"):
            self.remotes.add(str(git["remote"]))
        self.stderr += bool(job.context.get("stderr"))
        texts = [word.decode("utf-8", "replace") for word in job.head.argv]
        for text in (*texts, *_texts({key: value for key, value in job.context.items() if key != "network"})):
            self.remotes.update(_ADDRESS.findall(text))

    def document(self) -> dict[str, Any]:
        return {"jobs": self.jobs, "paths": [entry_text("path", path) for path in sorted(self.paths)],
                "users": sorted(self.users), "hosts": sorted(self.hosts), "environment": sorted(self.environment),
                "remotes": sorted(self.remotes), "contacted": sorted(self.contacted), "diffs": self.diffs,
                "stderr": self.stderr, "said": [
                    {"kind": one.subject.kind, "id": one.subject.id.hex(), "what": item.what, "key": item.key,
                     "values": list(item.values), "author": item.author.name} for one in self.said for item in one.items]}

    @property
    def shown_paths(self) -> list[bytes]:
        return sorted(path for path, shown in self.paths.items() if shown)


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
