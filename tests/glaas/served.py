"""`glaas serve` as a process, for tests that want the real thing."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from harness import BIN, PATIENCE, ROOT

from lineage import bundle

BINARY = {"Content-Type": "application/octet-stream"}
READY_SECONDS = 60 * PATIENCE


class Served:
    """A registry with its state below a directory, on free ports of loopback."""

    def __init__(self, directory: Path, *options: str, environment: Mapping[str, str] | None = None) -> None:
        self.state = directory / "state"
        self.log = directory / "glaas.log"
        self.options = options
        self.environment = {**os.environ, "NO_COLOR": "1", **(environment or {})}
        self.url = ""
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Served:
        with self.log.open("ab") as log:
            at = log.tell()
            self.process = subprocess.Popen(
                [BIN / "glaas", "serve", "--state-dir", self.state, "--listen", "127.0.0.1:0", *self.options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment, cwd=ROOT)
        deadline = time.monotonic() + READY_SECONDS
        while not (ready := re.search(rb"READY, open (\S+)/\n", self.log.read_bytes()[at:])):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)
        self.url = ready[1].decode()
        return self

    def stop(self, how: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(how)
        code = self.process.wait(60 * PATIENCE)
        self.process = None
        return code

    def glaas(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Another `glaas` command on the same state directory."""
        done = subprocess.run([BIN / "glaas", *arguments, "--state-dir", self.state], capture_output=True, text=True,
                              timeout=100 * PATIENCE, env=self.environment, cwd=ROOT, stdin=subprocess.DEVNULL)
        assert not check or done.returncode == 0, (arguments, done.returncode, done.stdout, done.stderr)
        return done

    def token(self, name: str, *options: str) -> str:
        """Of a new account."""
        return self.glaas("user", "add", name, *options).stdout.strip()

    def grpc_address(self) -> str:
        return str(httpx.get(f"{self.url}/.well-known/glaas").json()["grpc"])

    def client(self, token: str = "") -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=30 * PATIENCE,
                            headers={"Authorization": f"Bearer {token}"} if token else {})

    def register(self, token: str, raw: bundle.Raw | bytes, space: str = "private", **more: Any) -> httpx.Response:
        """By POST /api/v1/bundles."""
        data = raw if isinstance(raw, bytes) else file_of(raw)
        with self.client(token) as client:
            return client.post("/api/v1/bundles", params={"space": space, **more}, content=data, headers=BINARY)

    def __enter__(self) -> Served:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.stop()


def file_of(raw: bundle.Raw) -> bytes:
    """As `roar export --format bundle` writes it."""
    file = io.BytesIO()
    bundle.write(raw, file)
    return file.getvalue()
