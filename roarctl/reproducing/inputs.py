"""Inputs into the workspace: copied or linked, and believed by their hash alone."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import NamedTuple

from lineage.reproduce.plan import Needed
from roarctl.reproducing.locate import Finder


class Missing(NamedTuple):
    needed: Needed
    why: str


class Inputs:
    """``link``: symbolic links instead of copies."""

    def __init__(self, finder: Finder, *, link: bool) -> None:
        self._finder = finder
        self._link = link

    def place(self, needed: Needed, path: bytes) -> Missing | None:
        """Has the content at ``path``, inside the workspace, or says why not."""
        hashes, digest = self._finder.hashes, needed.hash
        if digest is None:
            if os.path.lexists(path):
                return None
            return Missing(needed, "no hash of it was recorded, so that nothing can be taken for it")
        if hashes.has(path, digest, needed.size):
            return None
        found = self._finder.find(needed)
        if not found.path:
            there = "has another content now" if found.where == "changed" else "is not there any more"
            return Missing(needed, f"{os.fsdecode(needed.path)} {there}, and roar knows no other place that has it")
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103 - bytes
        if os.path.lexists(path):
            os.unlink(path)  # noqa: PTH108 - bytes
        if self._link:
            os.symlink(found.path, path)  # noqa: PTH211 - bytes
        else:
            copy(found.path, path)
        if hashes.has(path, digest, needed.size):
            return None
        return Missing(needed, f"{os.fsdecode(found.path)} changed while it was copied")

    def check_outside(self, needed: Needed) -> Missing | None:
        """What lies outside of the workspace is used where it is, so it must be there."""
        found = self._finder.find(needed)
        if found.where == "private":
            return Missing(needed, "one is private: who registered the job can say which file it was")
        if found.where in {"here", "unknown"}:
            return None
        there = "has another content now" if os.path.lexists(needed.path) else "is not there any more"
        known = f"; the recorded content is at {os.fsdecode(found.path)}" if found.path else ""
        return Missing(needed, f"{os.fsdecode(needed.path)} {there}{known}")


def copy(source: bytes, target: bytes) -> None:
    """Shares the blocks where the file system can; keeps the mode, as programs among inputs need."""
    command: list[str | bytes] = ["cp", "--reflink=auto", "--preserve=mode,timestamps", "--", source, target]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        shutil.copy2(source, target)  # says why, as an OSError
