"""Which directory a command belongs to."""

from __future__ import annotations

import os


def project_root(cwd: bytes) -> bytes:
    """The root of the git work tree that ``cwd`` lies in, else ``cwd``; without symbolic links. git is not run."""
    directory = os.path.realpath(cwd)
    return git_root(directory) or directory


def git_root(directory: bytes) -> bytes | None:
    """The nearest directory, going up from the real path ``directory``, that has a ``.git`` (a file in a worktree)."""
    while True:
        if os.path.lexists(os.path.join(directory, b".git")):
            return directory
        parent = os.path.dirname(directory)
        if parent == directory:
            return None
        directory = parent
