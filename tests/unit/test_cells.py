"""The extension that notebooks load: what it tells, and that it is never in the way."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from blake3 import blake3

import roar
from roard.rpc import cells

ROOT = Path(__file__).resolve().parents[2]


class Shell:
    """As much of IPython as the extension touches."""

    def __init__(self) -> None:
        self.callbacks: list[tuple[str, object]] = []
        self.events = SimpleNamespace(register=lambda *pair: self.callbacks.append(pair),
                                      unregister=lambda *pair: self.callbacks.remove(pair))


class Observer:
    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def job_of_process(self, pid: int, uid: int) -> int:
        return 7

    def begin_cell(self, pid: int, uid: int, digest: bytes) -> int:
        self.told.append(("begin", pid, uid, digest))
        return 7

    def end_cell(self, pid: int, uid: int, number: int, *, failed: bool) -> int:
        self.told.append(("end", number, failed))
        return 7


@pytest.fixture
def observer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A real identity socket, with an observer that writes down."""
    from roard.rpc.identity import Identity, IdentitySocket

    monkeypatch.setenv("ROARD_SOCKET", str(tmp_path / "sock"))
    told = Observer()
    listening = IdentitySocket(tmp_path / "sock.id", Identity(), told)
    yield told
    listening.close()


def test_cells_are_told_with_the_hash_of_their_source(observer: Observer, capsys: pytest.CaptureFixture[str]) -> None:
    shell = Shell()
    roar.load_ipython_extension(shell)
    roar.load_ipython_extension(shell)
    assert "job @7" in capsys.readouterr().out
    (before, begin), (after, end) = shell.callbacks
    assert (before, after) == ("pre_run_cell", "post_run_cell")
    for source in ("x = 1", "é" * 100_000):
        begin(SimpleNamespace(raw_cell=source, silent=False))
        end(SimpleNamespace(success=False, execution_count=3))
        assert observer.told == [("begin", os.getpid(), os.getuid(), blake3(source.encode()).digest()), ("end", 3, True)]
        observer.told.clear()
    begin(SimpleNamespace(raw_cell="quiet", silent=True))
    end(SimpleNamespace(success=True, execution_count=4))
    assert observer.told == [], "what is silent is no cell"
    roar.unload_ipython_extension(shell)
    assert shell.callbacks == []


def test_without_roard_the_notebook_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                            capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ROARD_SOCKET", str(tmp_path / "none"))
    shell = Shell()
    roar.load_ipython_extension(shell)
    assert "not recorded" in capsys.readouterr().out
    assert shell.callbacks == []
    told = roar.Cells()
    told.begin(SimpleNamespace(raw_cell="x"))
    told.end(SimpleNamespace(success=True, execution_count=1))


@pytest.mark.parametrize("request_", [
    {"cell": "begin", "length": -1}, {"cell": "begin", "length": cells.MAX_SOURCE + 1}, {"cell": "begin"},
    {"cell": "begin", "length": "1"},
    {"cell": "end", "number": -1}, {"cell": "end", "number": None}, {"cell": []}, {"cell": None}, {"cell": "x" * 100},
])
def test_requests_are_not_believed(observer: Observer, request_: dict[str, object]) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.environ["ROARD_SOCKET"] + ".id")
        connection.sendall(json.dumps(request_).encode() + b"\n")
        assert "error" in json.loads(connection.recv(4096))
    assert observer.told == []


def test_a_source_that_ends_early(observer: Observer) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.environ["ROARD_SOCKET"] + ".id")
        connection.sendall(b'{"cell": "begin", "length": 10}\nabc')
        connection.shutdown(socket.SHUT_WR)
        assert "early" in json.loads(connection.recv(4096))["error"]["message"]


def test_it_brings_nothing_into_the_process() -> None:
    """What a notebook loads must not come to be among its packages."""
    script = (f"import sys; sys.path.insert(0, {str(ROOT)!r}); before = set(sys.modules); import roar;"
              "print(*{name.partition('.')[0] for name in set(sys.modules) - before})")
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    found = set(done.stdout.split())
    assert "roar" in found
    assert found - {"roar"} <= sys.stdlib_module_names
