"""`glaas serve`: how it starts, what it refuses, how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from harness import BIN, ROOT
from served import Served


def refused(*options: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BIN / "glaas", "serve", *options], capture_output=True, text=True, timeout=60, cwd=ROOT,
                          env={**os.environ, "NO_COLOR": "1"}, stdin=subprocess.DEVNULL)


def test_its_state_is_its_own(tmp_path: Path) -> None:
    """The directory is made for its owner alone; a second server on it is told so; the first one goes on."""
    with Served(tmp_path) as first:
        assert 0o700 == first.state.stat().st_mode & 0o777
        second = refused("--state-dir", first.state, "--listen", "127.0.0.1:0")
        assert 1 == second.returncode
        assert "another glaas serves from" in second.stderr
        assert "hint:" in second.stderr
        with first.client() as client:
            assert 200 == client.get("/healthz").status_code
    with Served(tmp_path):  # it is free again
        pass


def test_an_address_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = refused("--state-dir", tmp_path / "state", "--listen", f"127.0.0.1:{port}")
    assert 1 == done.returncode
    assert f"cannot listen at 127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("text", ["nonsense:port", "127.0.0.1:99999", "http://127.0.0.1:80/x", ""])
def test_what_is_no_address(tmp_path: Path, text: str) -> None:
    done = refused("--state-dir", tmp_path / "state", "--listen", text)
    assert 2 == done.returncode
    assert "is no address" in done.stderr


def test_a_certificate_without_its_key(tmp_path: Path) -> None:
    done = refused("--state-dir", tmp_path / "state", "--listen", "127.0.0.1:0", "--tls-cert", "cert.pem")
    assert 2 == done.returncode
    assert "--tls-key" in done.stderr


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_order(tmp_path: Path, how: int) -> None:
    """Idle connections do not keep it."""
    served = Served(tmp_path).start()
    with served.client() as client:
        client.get("/healthz")  # and stays connected
        began = time.monotonic()
        assert 0 == served.stop(how)
        assert time.monotonic() - began < 15  # far below the grace that requests in work have


def test_systemd_is_told(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(60)
        served = Served(tmp_path, environment={"NOTIFY_SOCKET": str(tmp_path / "notify")}).start()
        assert b"READY=1" in listener.recv(1000)
        served.stop()
        assert b"STOPPING=1" in listener.recv(1000)


def pair() -> socket.socket:
    """Listens at a port before which there is a free one."""
    while True:
        taken = socket.create_server(("127.0.0.1", 0))
        try:
            socket.create_server(("127.0.0.1", taken.getsockname()[1] - 1)).close()
        except OSError:
            taken.close()
        else:
            return taken


def test_grpc_where_there_is_room(tmp_path: Path) -> None:
    """The next port; any other one where that is taken, without a word; and none where none is wanted."""
    with pair() as taken:
        port = taken.getsockname()[1]
        with Served(tmp_path, "--listen", f"127.0.0.1:{port - 1}") as served:
            assert served.url.endswith(f":{port - 1}")
            host, _, number = served.grpc_address().rpartition(":")
            assert ("127.0.0.1", True) == (host, int(number) != port)
            assert "in use" not in served.log.read_text()
    with Served(tmp_path, "--grpc-listen", "none") as served, served.client() as client:
        assert client.get("/.well-known/glaas").json()["grpc"] is None


def test_who_has_no_account_yet_is_told_what_to_type(tmp_path: Path) -> None:
    with Served(tmp_path) as served:
        said = served.log.read_text()
        assert f"next: glaas user add NAME --state-dir {served.state}" in said
        served.token("ada")
        served.stop()
        served.start()
        assert "next:" not in served.log.read_text().removeprefix(said)


def test_ctrl_c_of_a_terminal_is_for_the_server_alone(tmp_path: Path) -> None:
    """The processes that verify bundles get it too, also while they start: without a word."""
    for delay in (0.0, 0.3):
        process = subprocess.Popen([BIN / "glaas", "serve", "--state-dir", tmp_path / "state", "--listen", "127.0.0.1:0"],
                                   stderr=subprocess.PIPE, text=True, start_new_session=True, cwd=ROOT)
        assert process.stderr is not None
        assert "READY" in process.stderr.readline()
        time.sleep(delay)
        os.killpg(process.pid, signal.SIGINT)
        said = process.stderr.read()
        process.stderr.close()
        assert (0, False) == (process.wait(60), "Traceback" in said), said
