"""The client against real sockets: what people are told where nobody answers, and how errors travel."""

from __future__ import annotations

import os
import pwd
import socket
import threading
import time

import pytest

from lineage.errors import DeniedError, InvalidError, NotFoundError, UnavailableError
from lineage.v1 import admin_pb2, lineage_pb2
from roarctl import client as clients


def explained(path) -> UnavailableError:
    with pytest.raises(UnavailableError) as raised:
        clients.identify(str(path))
    return raised.value


def test_missing_socket_says_how_to_start(tmp_path):
    error = explained(tmp_path / "roard.sock")
    assert "not running" in error.message
    assert "sudo roard serve" in error.hint
    assert "roard check" in error.hint


def test_stale_socket_says_that_the_daemon_is_gone(tmp_path, monkeypatch):
    monkeypatch.setattr(clients.channel, "_STARTING_SECONDS", 0.1)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "roard.sock.id"))
    assert "has stopped" in explained(tmp_path / "roard.sock").message


def test_daemon_that_is_just_starting_is_waited_for(tmp_path):
    path = str(tmp_path / "roard.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path + ".id")

        def start() -> None:
            time.sleep(0.2)
            listener.listen()
            connection, _ = listener.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b'{"token": "t", "expires_in": 60}\n')

        thread = threading.Thread(target=start)
        thread.start()
        assert clients.identify(path) == clients.Identity("t", "")
        thread.join()


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_socket_of_others_says_so(tmp_path):
    directory = tmp_path / "closed"
    directory.mkdir(mode=0o700)
    nobody = pwd.getpwnam("nobody").pw_uid
    os.seteuid(nobody)
    try:
        error = explained(directory / "roard.sock")
    finally:
        os.seteuid(0)
    assert "may not" in error.message


def test_another_program_at_the_socket(daemon):
    daemon.identity = {"hello": 1}
    assert "did not answer as roard" in explained(daemon.path).message


def test_refusal_of_the_daemon_is_passed_on(daemon):
    daemon.identity = {"error": {"code": "denied", "message": "not you", "hint": "ask"}}
    with pytest.raises(DeniedError, match="not you"):
        clients.identify(daemon.path)


def test_pidfd_travels_with_the_greeting(daemon):
    pidfd = os.pidfd_open(os.getpid())
    with clients.connect(pidfd) as client:
        assert client.process == "ticket"
    os.close(pidfd)
    assert daemon.shown == [os.getpid()]


def test_every_call_carries_the_token(daemon):
    with clients.connect() as client:
        health = client.call("Admin/Health", admin_pb2.HealthRequest(), admin_pb2.HealthResponse)
    assert health.capturing
    assert daemon.tokens == [("Admin/Health", "t0k3n")]


def test_errors_of_the_daemon_come_whole(daemon):
    daemon.answers["Lineage/Resolve"] = NotFoundError("no such job", "try another")
    with clients.connect() as client, pytest.raises(NotFoundError) as raised:
        client.call("Lineage/Resolve", lineage_pb2.ResolveRequest(reference="@9"), lineage_pb2.ResolveResponse)
    assert (raised.value.message, raised.value.hint) == ("no such job", "try another")


def test_daemon_that_went_away_in_between(daemon):
    with clients.connect() as client:
        daemon._server.stop(None).wait()
        with pytest.raises(UnavailableError, match="broke off"):
            client.call("Admin/Health", admin_pb2.HealthRequest(), admin_pb2.HealthResponse)


def test_unknown_error_codes_are_errors_still(daemon):
    daemon.identity = {"error": {"code": "invalid", "message": "old client"}}
    with pytest.raises(InvalidError, match="old client"):
        clients.identify(daemon.path)
