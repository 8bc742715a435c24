"""What the services ask of a call, answered for calls that come over HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

import grpc


class HttpContext(grpc.ServicerContext):
    """``metadata``: the request's headers, lower-case.  Handlers raise their errors, so nothing is set or aborted here."""

    def __init__(self, metadata: Mapping[str, str], peer: str, seconds: float) -> None:
        self._metadata = tuple(metadata.items())
        self._peer = peer
        self._deadline = time.monotonic() + seconds
        self._over = threading.Event()
        self.account: str | None = None  # whose call it is, once that is known

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return self._metadata

    def peer(self) -> str:
        """The client's address, as gRPC says it of its own (ipv4:127.0.0.1:…)."""
        return self._peer

    def is_active(self) -> bool:
        return not self._over.is_set()

    def time_remaining(self) -> float:
        return max(0.0, self._deadline - time.monotonic())

    def cancel(self) -> bool:
        """The client went away, or waited long enough: long work may look at ``is_active``."""
        self._over.set()
        return True

    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        raise NotImplementedError(f"{code}: {details}: handlers raise errors")

    def abort_with_status(self, status: Any) -> NoReturn:  # noqa: ANN401 - as grpc's
        self.abort(status.code, status.details)

    def set_trailing_metadata(self, trailing_metadata: Any) -> None:  # noqa: ANN401 - as grpc's
        raise NotImplementedError

    # What grpc's contexts have besides, and no service here uses.
    def add_callback(self, callback: Callable[[], None]) -> bool:
        del callback
        return False

    def peer_identities(self) -> Iterable[bytes] | None:
        return None

    def peer_identity_key(self) -> str | None:
        return None

    def auth_context(self) -> Mapping[str, bytes]:
        return {}

    def send_initial_metadata(self, initial_metadata: Any) -> None:  # noqa: ANN401
        raise NotImplementedError

    def set_code(self, code: grpc.StatusCode) -> None:
        raise NotImplementedError

    def set_details(self, details: str) -> None:
        raise NotImplementedError
