"""A real daemon with real probes, and projects to run commands in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from blake3 import blake3

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(os.environ.get("ROAR_TEST_BIN", ROOT / ".venv/bin"))
#: How many times longer than usual things may take: software emulation is slow (tests/vm).
PATIENCE = float(os.environ.get("ROAR_TEST_PATIENCE", "1"))
READY_SECONDS = 60 * PATIENCE
SHOWN = ("data", "source")


def blake(data: bytes) -> str:
    return blake3(data).hexdigest()


class Daemon:
    """`roard serve` in the foreground, with its state and sockets below a directory."""

    def __init__(self, directory: Path, *options: str, environment: Mapping[str, str] | None = None) -> None:
        self.directory = directory
        self.socket = directory / "roard.sock"
        self.state = directory / "state"
        self.log = directory / "roard.log"
        self.options = options
        self.environment = dict(environment or {})
        self.cwd = ROOT
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Daemon:
        with self.log.open("ab") as log:
            at = log.tell()
            self.process = subprocess.Popen(
                [BIN / "roard", "serve", "--state-dir", self.state, "--socket", self.socket, *self.options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **self.environment}, cwd=self.cwd)
        deadline = time.monotonic() + READY_SECONDS
        while b"READY" not in self.log.read_bytes()[at:]:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)
        return self

    def stop(self, how: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(how)
        code = self.process.wait(30 * PATIENCE)
        self.process = None
        return code

    def __enter__(self) -> Daemon:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.stop()


class Project:
    """A directory in which commands are run as a user would."""

    def __init__(self, path: Path, socket: Path, user: int | None = None) -> None:
        path.mkdir(parents=True, exist_ok=True)
        if user is not None:
            os.chown(path, user, user)
        self.path = path
        self.user = user
        self.environment = {**os.environ, "ROARD_SOCKET": str(socket), "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1",
                            "HOME": str(path)}

    def roar(self, *arguments: str | Path, check: bool = True, text: bool = True, stdin: Any = subprocess.DEVNULL,
             environment: Mapping[str, str] | None = None, cwd: Path | None = None) -> subprocess.CompletedProcess[Any]:
        done = subprocess.run([BIN / "roar", *arguments], cwd=cwd or self.path, stdin=stdin, capture_output=True, text=text,
                              timeout=100 * PATIENCE, user=self.user, group=self.user,
                              env={**self.environment, **(environment or {})})
        assert not check or done.returncode == 0, (arguments, done.returncode, done.stdout, done.stderr)
        return done

    def popen(self, *arguments: str | Path, **options: Any) -> subprocess.Popen[Any]:
        return subprocess.Popen([BIN / "roar", *arguments], cwd=self.path, env=self.environment, user=self.user,
                                group=self.user, **options)

    def run(self, *command: str | Path, check: bool = True, **options: Any) -> Record:
        """Records a command and reads back its job."""
        self.roar("run", "-q", "--", *command, check=check, **options)
        return self.show()

    def sh(self, script: str, **options: Any) -> Record:
        return self.run("sh", "-c", script, **options)

    def show(self, reference: str = "@") -> Record:
        return Record(self.path, json.loads(self.roar("show", reference, "--json").stdout))

    def json(self, *arguments: str) -> dict[str, Any]:
        return dict(json.loads(self.roar(*arguments, "--json").stdout))

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        if self.user is not None:
            os.chown(path, self.user, self.user)
        return path


class Record:
    """A job's JSON document, with its paths relative to the project."""

    def __init__(self, project: Path, document: dict[str, Any]) -> None:
        self.document = document
        self._project = f"{project}/"

    def __getitem__(self, key: str) -> Any:
        return self.document[key]

    def entries(self, kind: str, roles: Sequence[str] = SHOWN) -> dict[str, dict[str, Any]]:
        return {entry["path"].removeprefix(self._project): entry for entry in self.document[kind] if entry["role"] in roles}

    def hashes(self, kind: str, roles: Sequence[str] = SHOWN) -> dict[str, str | None]:
        return {path: entry["hash"] for path, entry in self.entries(kind, roles).items()}

    @property
    def inputs(self) -> dict[str, str | None]:
        return self.hashes("inputs")

    @property
    def outputs(self) -> dict[str, str | None]:
        return self.hashes("outputs")

    @property
    def programs(self) -> list[str]:
        return [step["executable"].rpartition("/")[2] for step in self.document["steps"]]

    def assert_complete(self) -> None:
        assert self.document["complete"], self.document["incomplete_reasons"]
