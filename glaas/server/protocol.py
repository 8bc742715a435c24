"""HTTP/1.1 as uvicorn speaks it, with what it has no limit for: the size of a request's headers, and how long they take."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEADERS = 64 << 10  # bytes, the request line among them
_SECONDS = 20.0


class LimitedProtocol(HttpToolsProtocol):
    _heading = 0  # bytes since the last request, or the connection, began
    _in_headers = True
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - as uvicorn's
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_headers:
            self._heading += len(data)
        super().data_received(data)
        if self._in_headers and self._heading > MAX_HEADERS and not self.transport.is_closing():
            self.send_400_response(f"The headers of a request have at most {MAX_HEADERS} bytes here.")

    def on_message_begin(self) -> None:
        self._in_headers = True
        self._wait()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        self._in_headers, self._heading = False, 0
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > MAX_HEADERS:
            raise ValueError("headers too large")  # the parser makes a 400 of it
        super().on_headers_complete()

    def _wait(self) -> None:
        self._stop_waiting()
        self._patience = self.loop.call_later(_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()
