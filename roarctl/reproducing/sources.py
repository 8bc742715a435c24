"""The copy of a project's git repository, taken from one recorded state to the next."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from blake3 import blake3

from lineage.errors import RoarError
from lineage.redact import REDACTED
from lineage.reproduce.patches import FilePatch, file_patches
from lineage.reproduce.plan import Code, Project
from roarctl.reproducing import git
from roarctl.reproducing.errors import RepositoryError


class Sources:
    """``directory``: of the copy; ``given``: where the person says that the repository is; ``state``: what was done."""

    def __init__(self, project: Project, directory: bytes, given: str | None, state: dict[str, Any]) -> None:
        self._project = project
        self._directory = directory
        self._given = given
        self._state = state

    def clone(self, commits: Sequence[str]) -> None:
        """With all of ``commits``. RepositoryError says what was tried."""
        if self._state.get("cloned"):
            return
        tried: list[str] = []
        for place in self._places(commits, tried):
            shutil.rmtree(self._directory, ignore_errors=True)  # of an earlier, failed try
            try:
                git.run(["clone", "-q", "--no-checkout", "--", place, self._directory])
            except RoarError as error:
                tried.append(f"{os.fsdecode(place)}: {error.message}")
                continue
            missing = next((commit for commit in commits if not self._fetched(commit)), None)
            if missing is None:
                self._state["cloned"] = os.fsdecode(place)
                return
            tried.append(f"{os.fsdecode(place)}: commit {missing[:12]} is not in it")
        shutil.rmtree(self._directory, ignore_errors=True)
        gone = "a commit was rebased away, or never pushed? " if any("is not in it" in one for one in tried) else ""
        raise RepositoryError(f"the repository of {self._project.name} cannot be had", f"{gone}say where it is by --repository "
                              "PATH_OR_ADDRESS", tuple(tried))

    def enter(self, code: Code, keep: Iterable[bytes], aside: Path) -> list[str]:
        """The work tree as it was recorded; what steps made (``keep``, paths in it) stays as they left it. What of the
        patch cannot be applied is said."""
        key = {"commit": code.commit, "patch": blake3(code.patch.encode()).hexdigest()}
        if self._state.get("code") == key:
            return []
        self._state.pop("code", None)
        kept = _put_aside(keep, aside)
        for path in self._state.pop("added", []):
            Path(os.fsdecode(self._directory), path).unlink(missing_ok=True)
        git.run(["checkout", "-q", "--force", "--detach", code.commit], self._directory)
        notes = self._submodules() if self._project.submodules else []
        patches = file_patches(code.patch, truncated=code.truncated)
        self._state["added"] = [patch.path for patch in patches if "\nnew file mode " in patch.text]
        notes += self._apply(patches)
        for path, copy in kept:
            os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103 - bytes
            shutil.move(copy, os.fsdecode(path))
        self._state["code"] = key
        return notes

    def _places(self, commits: Sequence[str], tried: list[str]) -> list[str | bytes]:
        if self._given is not None:
            return [self._given]
        places: list[str | bytes] = []
        root = self._project.root
        if not os.path.lexists(root):
            tried.append(f"{os.fsdecode(root)}: not there any more")
        elif all(git.has_commit(root, commit) for commit in commits):
            return [root]
        else:
            tried.append(f"{os.fsdecode(root)}: not a repository with commit {commits[0][:12]}")
        remote = self._project.remote
        if remote is None:
            tried.append("no remote was recorded")
        elif REDACTED in remote:
            tried.append(f"{remote}: its address has a secret, which was not recorded")
        else:
            places.append(remote)
        return places

    def _fetched(self, commit: str) -> bool:
        if git.has_commit(self._directory, commit):
            return True
        try:
            git.run(["fetch", "-q", "origin", commit], self._directory)
        except RoarError:
            return False
        return git.has_commit(self._directory, commit)

    def _submodules(self) -> list[str]:
        try:
            git.run(["-c", "protocol.file.allow=always", "submodule", "-q", "update", "--init", "--recursive", "--force"],
                    self._directory)
        except RoarError as error:
            return [f"submodules of {self._project.name}: {error.message}"]
        return []

    def _apply(self, patches: Sequence[FilePatch]) -> list[str]:
        notes = [f"{patch.path}: not patched: {patch.problem}" for patch in patches if patch.problem]
        good = [patch for patch in patches if not patch.problem]
        if good and not self._applied(good):
            notes += [f"{patch.path}: its patch does not apply" for patch in good if not self._applied([patch])]
        return notes

    def _applied(self, patches: Sequence[FilePatch]) -> bool:
        text = "".join(patch.text for patch in patches).encode("utf-8", "surrogateescape")
        try:
            git.run(["apply", "--whitespace=nowarn", "-"], self._directory, stdin=text)
        except RoarError:
            return False
        return True


def _put_aside(paths: Iterable[bytes], aside: Path) -> list[tuple[bytes, str]]:
    kept = []
    for at, path in enumerate(paths):
        if os.path.lexists(path):
            aside.mkdir(exist_ok=True)
            copy = str(aside / str(at))
            shutil.move(os.fsdecode(path), copy)
            kept.append((path, copy))
    return kept
