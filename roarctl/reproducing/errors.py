"""What keeps a reproduction from being carried out; all exit with 3, since 1 and 2 are verdicts."""

from __future__ import annotations

import errno
import os
from typing import Any

from lineage.errors import RoarError

CANNOT = 3


class CannotReproduceError(RoarError):
    """Base of them; ``details`` has a line for each thing that is missing."""

    code = "cannot_reproduce"
    exit_code = CANNOT

    def __init__(self, message: str, hint: str = "", details: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint)
        self.details = details

    def document(self) -> dict[str, Any]:
        return {**super().document(), "message": "\n".join([self.message, *self.details])}


class RepositoryError(CannotReproduceError):
    code = "no_repository"


class InputsError(CannotReproduceError):
    code = "no_input"


class PackagesError(CannotReproduceError):
    code = "no_package"


class PythonError(CannotReproduceError):
    code = "no_python"


class DirectoryError(CannotReproduceError):
    code = "directory"


class ConsentError(CannotReproduceError):
    code = "not_confirmed"


class SecretError(CannotReproduceError):
    code = "secret"


def of_os(error: OSError, directory: str) -> CannotReproduceError:
    """A full disk above all; whatever else the system refused in words."""
    what = f"{os.fsdecode(error.filename)}: " if error.filename else ""
    words = (error.strerror or str(error)).lower()
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DirectoryError(f"{what}{words}", f"make room for {directory}, then type the same again: it goes on from there")
    return DirectoryError(f"{what}{words}", "then type the same again: it goes on from there")
