"""A PostgreSQL server of one test session: Debian's 15, in a directory of its own, on a unix socket alone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psycopg

PROGRAMS = Path("/usr/lib/postgresql/15/bin")


class PostgresServer:
    """It runs as user postgres where the tests run as root, because it refuses to run as root.  ``durable``: with fsync, which
    costs time and which nothing but a test of crashes of the machine needs."""

    def __init__(self, durable: bool = False, settings: tuple[str, ...] = ()) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="glaas-pg-"))
        self._user: dict[str, object] = {}
        if os.geteuid() == 0:
            self._user = {"user": "postgres", "group": "postgres", "extra_groups": []}
            shutil.chown(self.directory, "postgres", "postgres")
        self._settings = (f"fsync={'on' if durable else 'off'}", "listen_addresses=",
                          f"unix_socket_directories={self.directory}", "max_connections=200",
                          "shared_buffers=128MB", "deadlock_timeout=200ms", *settings)
        subprocess.run([PROGRAMS / "initdb", "-D", self.directory / "data", "-U", "postgres", "-A", "trust", "--no-sync",
                        "-E", "UTF8", "--locale=C"], check=True, stdout=subprocess.DEVNULL, cwd="/", **self._user)
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        options = [word for setting in self._settings for word in ("-c", setting)]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen([PROGRAMS / "postgres", "-D", self.directory / "data", *options],
                                             stdout=log, stderr=log, cwd="/", **self._user)
        self._watch(self._process.pid)
        until = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url()).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError((self.directory / "log").read_text()) from None
                time.sleep(0.02)
            else:
                return

    def url(self, schema: str = "", database: str = "postgres") -> str:
        return f"postgresql:///{database}?host={quote(str(self.directory), safe='')}&user=postgres" + in_schema(schema)

    def stop(self, how: int = signal.SIGINT) -> None:
        """SIGINT: it ends its connections.  SIGKILL: as a crash does."""
        if self._process is not None:
            if how == signal.SIGKILL:
                self._kill(self._process.pid)
            if self._watcher is not None:  # first: it must not meet another process of this number
                self._watcher.kill()
                self._watcher.communicate()
                self._watcher = None
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None

    def _watch(self, server: int) -> None:
        """Where the tests are killed, the end of a pipe from them ends the server too, and its directory goes."""
        after = f"cat; kill -INT {server}; while kill -0 {server}; do sleep 0.1; done; rm -r '{self.directory}'"
        self._watcher = subprocess.Popen(["sh", "-c", after], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL, start_new_session=True)

    def _kill(self, server: int) -> None:
        """Its children, while it cannot make others: one that lives has the memory that the next server would share."""
        os.kill(server, signal.SIGSTOP)
        children = [int(child) for child in Path(f"/proc/{server}/task/{server}/children").read_text().split()]
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        while any(_lives(child) for child in children):
            time.sleep(0.005)

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


def _lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def in_schema(schema: str) -> str:
    """What makes a connection's tables those of one schema: one a test."""
    return "&options=" + quote(f"-csearch_path={schema}", safe="") if schema else ""
