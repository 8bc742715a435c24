"""Errors across gRPC: each error class has its status code, and travels whole in the trailing metadata."""

from __future__ import annotations

import json
from typing import Any

import grpc

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
    of_document,
)

TOKEN_KEY = "roar-token"  # noqa: S105 - the name of a metadata key
ERROR_KEY = "roar-error-bin"

_CODES: dict[type[RoarError], grpc.StatusCode] = {
    NotFoundError: grpc.StatusCode.NOT_FOUND,
    AmbiguousError: grpc.StatusCode.FAILED_PRECONDITION,
    InvalidError: grpc.StatusCode.INVALID_ARGUMENT,
    ConflictError: grpc.StatusCode.ALREADY_EXISTS,
    CorruptError: grpc.StatusCode.DATA_LOSS,
    DeniedError: grpc.StatusCode.PERMISSION_DENIED,
    UnavailableError: grpc.StatusCode.UNAVAILABLE,
    UnsupportedError: grpc.StatusCode.UNIMPLEMENTED,
}


def status_of(error: RoarError) -> tuple[grpc.StatusCode, str, tuple[tuple[str, bytes], ...]]:
    """(status code, details, trailing metadata) of an error."""
    whole = json.dumps(error.document()).encode()
    code = next((_CODES[kind] for kind in type(error).__mro__ if kind in _CODES), grpc.StatusCode.UNKNOWN)
    return code, error.message, ((ERROR_KEY, whole),)


def error_of(failure: grpc.RpcError) -> RoarError:
    """The error that the server raised, or the nearest word for what the transport says."""
    metadata: Any = failure.trailing_metadata() or ()
    for key, value in metadata:
        if key == ERROR_KEY:
            return of_document(json.loads(value))
    code, details = failure.code(), failure.details()
    if code == grpc.StatusCode.DEADLINE_EXCEEDED:
        return UnavailableError("roard did not answer in time", "is the machine very busy? try again, or `roard check`")
    if code == grpc.StatusCode.UNAVAILABLE:
        return UnavailableError("the connection to roard broke off", "is it running? see `journalctl -u roard`")
    return RoarError(f"roard: {details or code.name}")
