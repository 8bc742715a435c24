"""The error tree of roar. Each class carries a code for programs, a message and a hint for people.

RoarError
├── NotFoundError          a reference that names nothing
├── AmbiguousError         a prefix that names several things
├── InvalidError           a request or reference that makes no sense
├── ConflictError          it is so already
├── CorruptError           bytes that do not have the id or checksum they claim
├── DeniedError            not yours
├── UnavailableError       no daemon, or a daemon that cannot do this now
└── UnsupportedError       this machine lacks something that roar needs
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class RoarError(Exception):
    """Base of all errors that people are shown; ``hint`` says what to do or type next, ``details`` are further lines."""

    code = "error"
    exit_code = 1
    details: tuple[str, ...] = ()

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def document(self) -> dict[str, Any]:
        """For programs; ``of_document`` makes the error again."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


class NotFoundError(RoarError):
    code = "not_found"


class AmbiguousError(RoarError):
    """``candidates`` lists what the prefix could mean, as ``kind:hex`` strings."""

    code = "ambiguous"

    def __init__(self, message: str, hint: str = "", candidates: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint)
        self.candidates = candidates

    def document(self) -> dict[str, Any]:
        return {**super().document(), "candidates": list(self.candidates)}


class InvalidError(RoarError):
    code = "invalid"
    exit_code = 2


class ConflictError(RoarError):
    code = "conflict"


class CorruptError(RoarError):
    code = "corrupt"


class DeniedError(RoarError):
    code = "denied"


class UnavailableError(RoarError):
    code = "unavailable"


class UnsupportedError(RoarError):
    code = "unsupported"


_CLASSES: dict[str, type[RoarError]] = {kind.code: kind for kind in (
    NotFoundError, InvalidError, ConflictError, CorruptError, DeniedError, UnavailableError, UnsupportedError)}


def of_document(document: Mapping[str, Any]) -> RoarError:
    """KeyError or TypeError for what is no error's document."""
    message, hint = str(document["message"]), str(document.get("hint", ""))
    if document["code"] == AmbiguousError.code:
        return AmbiguousError(message, hint, tuple(document.get("candidates", ())))
    return _CLASSES.get(document["code"], RoarError)(message, hint)
