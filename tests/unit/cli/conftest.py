"""A small daemon for the command line's tests: a real identity socket and real gRPC, with answers the test sets."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from concurrent import futures
from pathlib import Path

import grpc
import pytest

from lineage.errors import RoarError
from lineage.status import TOKEN_KEY, status_of
from lineage.v1 import admin_pb2, annotations_pb2, lineage_pb2, observe_pb2, records_pb2

RUN = b"r" * 16
METHODS = {
    "Observe/Register": (observe_pb2.RegisterRequest, observe_pb2.RegisterResponse(run=RUN, number=1)),
    "Observe/Describe": (observe_pb2.DescribeRequest, observe_pb2.DescribeResponse()),
    "Observe/Inputs": (observe_pb2.InputsRequest, observe_pb2.InputsResponse()),
    "Observe/Finish": (observe_pb2.FinishRequest, observe_pb2.FinishResponse()),
    "Observe/Begin": (observe_pb2.BeginRequest, records_pb2.Session()),
    "Observe/Reset": (observe_pb2.ResetRequest, observe_pb2.ResetResponse()),
    "Admin/Outbox": (admin_pb2.OutboxRequest, admin_pb2.OutboxResponse(forward="never")),
    "Admin/Health": (admin_pb2.HealthRequest, admin_pb2.HealthResponse(version="0", capturing=True)),
    "Lineage/Resolve": (lineage_pb2.ResolveRequest, lineage_pb2.ResolveResponse()),
    "Lineage/GetJob": (lineage_pb2.GetJobRequest, records_pb2.Job()),
    "Lineage/GetArtifact": (lineage_pb2.GetArtifactRequest, records_pb2.Artifact()),
    "Lineage/GetSession": (lineage_pb2.GetSessionRequest, records_pb2.Session()),
    "Lineage/Log": (lineage_pb2.LogRequest, lineage_pb2.LogResponse()),
    "Annotations/Annotate": (annotations_pb2.AnnotateRequest, lambda request: annotations_pb2.Annotated(
        subject=request.subject, items=[annotations_pb2.Annotation(
            what=edit.what, key=edit.key or "1", values=edit.values, at=1) for edit in request.edits])),
    "Annotations/ListAnnotations": (annotations_pb2.ListAnnotationsRequest, annotations_pb2.ListAnnotationsResponse()),
    "Lineage/FindTree": (lineage_pb2.FindTreeRequest, lineage_pb2.FindTreeResponse()),
    "Lineage/Search": (lineage_pb2.SearchRequest, lineage_pb2.SearchResponse()),
    "Lineage/SessionDag": (lineage_pb2.SessionDagRequest, lineage_pb2.Graph()),
    "Lineage/Ancestors": (lineage_pb2.GraphRequest, lineage_pb2.Graph()),
    "Lineage/Descendants": (lineage_pb2.GraphRequest, lineage_pb2.Graph()),
}


class SmallDaemon:
    """``answers``: a message, a RoarError to raise, or a function of the request, by method. ``asked``: what came."""

    def __init__(self, directory: Path) -> None:
        self.path = str(directory / "roard.sock")
        self.answers: dict[str, object] = {method: answer for method, (_, answer) in METHODS.items()}
        self.entries: list[records_pb2.Entry] = []
        self.asked: list[tuple[str, object]] = []
        self.tokens: list[tuple[str, str]] = []
        self.shown: list[int] = []  # pids whose pidfd was shown at the identity socket
        self.identity: dict[str, object] = {"token": "t0k3n", "expires_in": 60, "process": "ticket"}
        self._server = grpc.server(futures.ThreadPoolExecutor(4))
        self._server.add_generic_rpc_handlers((_Handler(self),))
        self._server.add_insecure_port(f"unix:{self.path}")
        self._server.start()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path + ".id")
        self._listener.listen()
        self._thread = threading.Thread(target=self._identify)
        self._thread.start()

    def requests(self, method: str) -> list:
        return [request for name, request in self.asked if name == method]

    def stop(self) -> None:
        if not self._thread.is_alive():
            return
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self._server.stop(None).wait()

    def _identify(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                line, descriptors, _, _ = socket.recv_fds(connection, 100, 4)
                assert json.loads(line) == {"roar": 1}
                for descriptor in descriptors:
                    info = Path(f"/proc/self/fdinfo/{descriptor}").read_text()
                    self.shown.append(int(info.split("Pid:")[1].split()[0]))
                    os.close(descriptor)
                connection.sendall(json.dumps(self.identity).encode() + b"\n")


class _Handler(grpc.GenericRpcHandler):
    def __init__(self, daemon: SmallDaemon) -> None:
        self._daemon = daemon

    def service(self, details):
        method = details.method.removeprefix("/lineage.v1.")
        if method == "Lineage/ListEntries":
            return grpc.unary_stream_rpc_method_handler(
                lambda *_: iter([lineage_pb2.EntryPage(entries=self._daemon.entries)]),
                lineage_pb2.ListEntriesRequest.FromString, lineage_pb2.EntryPage.SerializeToString)

        def answer(request, context):
            self._daemon.tokens.append((method, dict(context.invocation_metadata())[TOKEN_KEY]))
            self._daemon.asked.append((method, request))
            value = self._daemon.answers[method]
            if callable(value):
                value = value(request)
            if isinstance(value, RoarError):
                code, words, trailing = status_of(value)
                context.set_trailing_metadata(trailing)
                context.abort(code, words)
            return value

        return grpc.unary_unary_rpc_method_handler(
            answer, METHODS[method][0].FromString, lambda message: message.SerializeToString())


@pytest.fixture
def daemon(tmp_path, monkeypatch):
    small = SmallDaemon(tmp_path)
    monkeypatch.setenv("ROARD_SOCKET", small.path)
    yield small
    small.stop()


@pytest.fixture
def no_daemon(tmp_path, monkeypatch):
    path = str(tmp_path / "none.sock")
    monkeypatch.setenv("ROARD_SOCKET", path)
    return path


PROGRAM = [sys.executable, "-c", "import sys; sys.argv[0] = 'roar'; from roarctl.main import main; main()"]


@pytest.fixture
def roar(tmp_path):
    """The real program in a process of its own."""
    project = tmp_path / "project"
    project.mkdir()

    def call(*arguments: str | bytes, **options) -> subprocess.CompletedProcess[str]:
        options = {"cwd": project, "capture_output": True, "text": True, "timeout": 60, **options}
        return subprocess.run([*PROGRAM, *arguments], check=False, **options)

    call.project = project
    call.program = PROGRAM
    return call
