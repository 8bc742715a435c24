"""A way to a PostgreSQL server that can be cut at the worst moment: when COMMIT is on its way, or when its answer is."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from pgserver import PostgresServer


class Cutting:
    """Passes everything on, but cuts one connection when it sends COMMIT: before the server has it, or after, and then
    the client does not get the answer.  Others, before and after, are left alone."""

    def __init__(self, server: PostgresServer, place: Path, when: Literal["before", "after"]) -> None:
        self._server = str(server.directory / ".s.PGSQL.5432")
        self._place = place
        self._when = when
        self.armed = False
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(place / ".s.PGSQL.5432"))
        self._listener.listen()
        self._ends = [self._listener]
        self._threads: list[threading.Thread] = []
        self._begin(self._accept)

    def _begin(self, what: Callable[..., None], *arguments: object) -> None:
        self._threads.append(threading.Thread(target=what, args=arguments, daemon=True))
        self._threads[-1].start()

    def url(self, schema_options: str) -> str:
        return f"postgresql:///postgres?host={quote(str(self._place), safe='')}&user=postgres&{schema_options}"

    def close(self) -> None:
        for end in self._ends:
            with suppress(OSError):  # it is over already
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for end in self._ends:
            end.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._server)
            silent = threading.Event()
            self._ends += [client, server]
            self._begin(self._forward, client, server, silent)
            self._begin(self._answer, server, client, silent)

    def _forward(self, client: socket.socket, server: socket.socket, silent: threading.Event) -> None:
        with suppress(OSError):  # either end may be gone
            while data := client.recv(1 << 16):
                if self.armed and b"commit\0" in data:
                    self.armed = False
                    silent.set()
                    if self._when == "after":
                        server.sendall(data)
                        server.shutdown(socket.SHUT_WR)  # the server ends when it is done with what it has
                        return
                    break
                server.sendall(data)
            server.shutdown(socket.SHUT_RDWR)

    def _answer(self, server: socket.socket, client: socket.socket, silent: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(1 << 16):
                if not silent.is_set():
                    client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)
