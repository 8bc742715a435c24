"""The error tree of roar. Each class carries a code for programs, a message and a hint for people.

RoarError
├── NotFoundError          a reference that names nothing
├── AmbiguousError         a prefix that names several things
├── InvalidError           a request or reference that makes no sense
├── CorruptError           bytes that do not have the id or checksum they claim
├── DeniedError            not yours
├── UnavailableError       no daemon, or a daemon that cannot do this now
└── UnsupportedError       this machine lacks something that roar needs
"""

from __future__ import annotations


class RoarError(Exception):
    """Base of all errors that people are shown; ``hint`` says what to do or type next."""

    code = "error"
    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NotFoundError(RoarError):
    code = "not_found"


class AmbiguousError(RoarError):
    """``candidates`` lists what the prefix could mean, as ``kind:hex`` strings."""

    code = "ambiguous"

    def __init__(self, message: str, hint: str = "", candidates: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint)
        self.candidates = candidates


class InvalidError(RoarError):
    code = "invalid"
    exit_code = 2


class CorruptError(RoarError):
    code = "corrupt"


class DeniedError(RoarError):
    code = "denied"


class UnavailableError(RoarError):
    code = "unavailable"


class UnsupportedError(RoarError):
    code = "unsupported"
