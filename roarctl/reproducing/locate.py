"""Where the content of an input can be found now: looked for by hash, believed by hash alone."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from blake3 import blake3

from lineage.errors import NotFoundError, RoarError
from lineage.records import PRIVATE_PATH
from lineage.reproduce.patches import file_patches
from lineage.reproduce.plan import Needed, Plan, Project, Step
from lineage.v1 import lineage_pb2, records_pb2
from roarctl.hashes import file_hash
from roarctl.reproducing import git

if TYPE_CHECKING:
    from roarctl.client import Client

#: here: at its own path; elsewhere: at ``path``; git: in the commit; patch: git says so after the patch, which is seen when it
#: is applied; remote: the commit is not here, so that is seen when it is cloned; changed: its path has another content, and no
#: other place is known; nowhere; unknown: no hash was recorded; private: the registry tells no more.
Where: TypeAlias = Literal["here", "elsewhere", "git", "patch", "remote", "changed", "nowhere", "unknown",
                         "private"]


@dataclass(frozen=True, slots=True)
class Found:
    needed: Needed
    where: Where
    path: bytes = b""

    @property
    def missing(self) -> bool:
        return self.where in {"changed", "nowhere", "private"}


class Hashes:
    """Of files, by path: each is read once while it does not change."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int, int, int], bytes] = {}

    def of(self, path: bytes) -> bytes | None:
        """None where there is no regular file that we may read."""
        try:
            found = os.stat(path)  # noqa: PTH116 - bytes
            if not stat.S_ISREG(found.st_mode):
                return None
            key = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
            if key not in self._known:
                self._known[key] = file_hash(path)
            return self._known[key]
        except OSError:
            return None

    def has(self, path: bytes, digest: bytes, size: int | None) -> bool:
        """Compares the size first."""
        try:
            if size is not None and os.stat(path).st_size != size:  # noqa: PTH116 - bytes
                return False
        except OSError:
            return False
        return self.of(path) == digest


class Finder:
    """``repositories``: by a project's recorded root, where its git work tree is looked for now (itself, or as it was told)."""

    def __init__(self, client: Client, plan: Plan, repositories: Mapping[bytes, bytes]) -> None:
        self.hashes = Hashes()
        self._client = client
        self._plan = plan
        self._repositories = repositories
        self._commits: dict[tuple[bytes, str], bool] = {}

    def all(self) -> list[Found]:
        """For each root of the plan. Sources are looked for in git first."""
        found: dict[tuple[bytes, bytes | None], Found] = {}
        for step in self._plan.steps:
            roots = [one for one in step.inputs if one.maker is None and (one.path, one.hash) not in found]
            found |= {(one.needed.path, one.needed.hash): one for one in self._in_git(step, roots)}
        return [found.get((one.path, one.hash)) or self.find(one) for one in self._plan.roots]

    def find(self, needed: Needed) -> Found:
        """Outside of git: at its own path, or wherever it was seen."""
        if needed.path == PRIVATE_PATH:
            return Found(needed, "private")
        if needed.hash is None:
            return Found(needed, "unknown")
        if self.hashes.has(needed.path, needed.hash, needed.size):
            return Found(needed, "here", needed.path)
        elsewhere = self.elsewhere(needed)
        if elsewhere:
            return Found(needed, "elsewhere", elsewhere)
        return Found(needed, "changed" if os.path.lexists(needed.path) else "nowhere")

    def elsewhere(self, needed: Needed) -> bytes | None:
        """Another path where roar saw the content, and where it still is."""
        if needed.hash is None:
            return None
        return next((path for path in self.seen(needed.hash) if path != needed.path
                     and self.hashes.has(path, needed.hash, needed.size)), None)

    def seen(self, digest: bytes) -> list[bytes]:
        try:
            request = lineage_pb2.GetArtifactRequest(hash=digest, limit=100)
            artifact = self._client.call("Lineage/GetArtifact", request, records_pb2.Artifact)
        except NotFoundError:
            return []
        return list(dict.fromkeys(one.entry.path for one in (*artifact.producers, *artifact.consumers)))

    def has_commit(self, project: Project, commit: str) -> bool:
        repository = self._repositories.get(project.root, project.root)
        key = repository, commit
        if key not in self._commits:
            self._commits[key] = git.has_commit(repository, commit)
        return self._commits[key]

    def _in_git(self, step: Step, roots: Iterable[Needed]) -> list[Found]:
        code, project = step.code, self._plan.projects[step.project]
        mine = {os.path.relpath(one.path, project.root): one for one in roots if one.project == step.project}
        if code is None or not mine:
            return []
        patched = {os.fsencode(patch.path) for patch in file_patches(code.patch) if not patch.problem}
        if not self.has_commit(project, code.commit):
            return [Found(one, "remote") for one in mine.values()
                    if one.role == "source" and project.remote and not self._is_here(one)]
        found = [Found(one, "patch") for path, one in mine.items() if path in patched]
        rest = [path for path in mine if path not in patched]
        try:
            for path, content in git.blobs(self._repositories.get(project.root, project.root), code.commit, rest):
                if content is not None and blake3(content).digest() == mine[path].hash:
                    found.append(Found(mine[path], "git"))
        except RoarError:
            pass  # it is looked for elsewhere
        return found

    def _is_here(self, needed: Needed) -> bool:
        return needed.hash is not None and self.hashes.has(needed.path, needed.hash, needed.size)
