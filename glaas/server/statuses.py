"""Errors as HTTP has them: statuses, Connect's codes, and documents that hold the whole error.

Connect's codes and their HTTP statuses: https://connectrpc.com/docs/protocol#error-codes.
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from google.protobuf.struct_pb2 import Struct

from glaas.accounts.errors import NotSignedInError, SlowDownError
from lineage.errors import (
    AmbiguousError,
    ConflictError,
    CorruptError,
    DeniedError,
    InvalidError,
    NotFoundError,
    RoarError,
    UnavailableError,
    UnsupportedError,
)
from lineage.status import ERROR_KEY

#: The header (of streams: the metadata of their end) that holds the whole error: base64 of its JSON, as gRPC's trailer does.
ERROR_HEADER = "trailer-" + ERROR_KEY


class TooLargeError(InvalidError):
    """A request is larger than is taken."""


class SlowError(InvalidError):
    """A request whose body does not come."""


class BusyError(UnavailableError):
    """Too much at once: of all (503) or, with ``limited``, of one caller (429).  ``retry_after``: seconds."""

    def __init__(self, message: str, hint: str = "", *, retry_after: int = 1, limited: bool = False) -> None:
        super().__init__(message, hint)
        self.retry_after = retry_after
        self.limited = limited


_HTTP: tuple[tuple[type[RoarError], int, str], ...] = (
    (TooLargeError, 413, "resource_exhausted"),
    (SlowError, 408, "deadline_exceeded"),
    (NotSignedInError, 401, "unauthenticated"),
    (SlowDownError, 429, "resource_exhausted"),
    (NotFoundError, 404, "not_found"),
    (AmbiguousError, 409, "failed_precondition"),
    (InvalidError, 400, "invalid_argument"),
    (ConflictError, 409, "already_exists"),
    (CorruptError, 422, "data_loss"),
    (DeniedError, 403, "permission_denied"),
    (UnavailableError, 503, "unavailable"),
    (UnsupportedError, 501, "unimplemented"),
)
#: Connect prescribes the statuses of its codes.
_CONNECT_HTTP = {
    "canceled": 499, "unknown": 500, "invalid_argument": 400, "deadline_exceeded": 504, "not_found": 404,
    "already_exists": 409, "permission_denied": 403, "resource_exhausted": 429, "failed_precondition": 400, "aborted": 409,
    "out_of_range": 400, "unimplemented": 501, "internal": 500, "unavailable": 503, "data_loss": 500, "unauthenticated": 401,
}


def http_status(error: RoarError) -> int:
    if isinstance(error, BusyError) and error.limited:
        return 429
    return next((status for kind, status, _ in _HTTP if isinstance(error, kind)), 500)


def http_headers(error: RoarError) -> dict[str, str]:
    if isinstance(error, BusyError | SlowDownError):
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, NotSignedInError):
        return {"WWW-Authenticate": "Bearer"}
    return {}


def error_document(error: RoarError) -> dict[str, Any]:
    """`roar.error/1`: what `--json` prints of an error too."""
    return {"error": error.document()}


def connect_code(error: RoarError) -> str:
    if isinstance(error, BusyError) and error.limited:
        return "resource_exhausted"
    return next((code for kind, _, code in _HTTP if isinstance(error, kind)), "unknown")


def connect_status(code: str) -> int:
    return _CONNECT_HTTP[code]


def connect_error(error: RoarError) -> dict[str, Any]:
    """A Connect error whose one detail is the whole error: a google.protobuf.Struct, and as JSON in ``debug``."""
    document = error.document()
    detail = Struct()
    detail.update(document)
    value = b64encode(detail.SerializeToString()).decode().rstrip("=")
    return {"code": connect_code(error), "message": error.message,
            "details": [{"type": "google.protobuf.Struct", "value": value, "debug": document}]}


def error_header(error: RoarError) -> str:
    return b64encode(json.dumps(error.document()).encode()).decode()


def internal() -> RoarError:
    """For a defect of ours: the caller learns nothing of the server's inside."""
    return RoarError("the registry failed at this; its log says why", "try again; tell its operator if it stays")
