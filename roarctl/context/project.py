"""Which directory a command belongs to."""

from __future__ import annotations

import os

from lineage.errors import InvalidError


def working_directory() -> bytes:
    """The current directory; InvalidError where it has been removed."""
    try:
        return os.getcwdb()  # noqa: PTH109 - bytes
    except FileNotFoundError as error:
        raise InvalidError("the current directory is not there any more", "cd to one that is") from error


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
