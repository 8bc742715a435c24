"""The daemon's interface as another program sees it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from harness import Daemon, Project

from lineage import ids
from lineage.status import ERROR_KEY, TOKEN_KEY
from lineage.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    annotations_pb2,
    annotations_pb2_grpc,
    lineage_pb2,
    lineage_pb2_grpc,
    observe_pb2,
    observe_pb2_grpc,
)


def token(daemon: Daemon) -> str:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(f"{daemon.socket}.id")
        connection.sendall(b"{}\n")
        return json.loads(connection.recv(4096))["token"]


@pytest.fixture
def channel(daemon: Daemon) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"unix:{daemon.socket}") as opened:
        yield opened


def code(failure: pytest.ExceptionInfo[grpc.RpcError]) -> grpc.StatusCode:
    return failure.value.code()


def test_reflection_names_every_service(channel: grpc.Channel) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    answer = next(iter(stub.ServerReflectionInfo(iter([request]), timeout=10)))
    names = {service.name for service in answer.list_services_response.service}
    assert {"lineage.v1.Lineage", "lineage.v1.Observe", "lineage.v1.Admin"} <= names


@pytest.mark.parametrize("given", [None, "", "00", "zz", "ab" * 60])
def test_no_call_without_a_good_token(channel: grpc.Channel, daemon: Daemon, given: str | None) -> None:
    """Of the whole interface: none, empty, malformed, forged."""
    metadata = () if given is None else ((TOKEN_KEY, given),)
    calls: list[tuple[Any, Any]] = []
    for module, stub in ((lineage_pb2, lineage_pb2_grpc.LineageStub(channel)),
                         (observe_pb2, observe_pb2_grpc.ObserveStub(channel)),
                         (admin_pb2, admin_pb2_grpc.AdminStub(channel)),
                         (annotations_pb2, annotations_pb2_grpc.AnnotationsStub(channel))):
        for service in module.DESCRIPTOR.services_by_name.values():
            calls += [(getattr(stub, method.name), method.input_type._concrete_class) for method in service.methods]
    assert len(calls) >= 18
    for call, request in calls:
        with pytest.raises(grpc.RpcError) as failure:
            answer = call(request(), timeout=10, metadata=metadata)
            if isinstance(answer, Iterator):
                next(answer)
        assert code(failure) == grpc.StatusCode.PERMISSION_DENIED


def test_token_is_bound_to_its_bytes(channel: grpc.Channel, daemon: Daemon) -> None:
    """One changed digit anywhere, the uid's too, and it is no token."""
    good = token(daemon)
    stub = admin_pb2_grpc.AdminStub(channel)
    stub.Health(admin_pb2.HealthRequest(), timeout=10, metadata=((TOKEN_KEY, good),))
    for at in range(0, len(good), 7):
        changed = good[:at] + ("0" if good[at] != "0" else "1") + good[at + 1:]
        with pytest.raises(grpc.RpcError) as failure:
            stub.Health(admin_pb2.HealthRequest(), timeout=10, metadata=((TOKEN_KEY, changed),))
        assert code(failure) == grpc.StatusCode.PERMISSION_DENIED


def test_status_codes_and_errors_travel(channel: grpc.Channel, daemon: Daemon, project: Project) -> None:
    """A status code for programs, the whole error in the trailing metadata."""
    project.run("true")
    stub = lineage_pb2_grpc.LineageStub(channel)
    metadata = ((TOKEN_KEY, token(daemon)),)
    cases = [
        (stub.GetJob, lineage_pb2.GetJobRequest(id=b"\0" * 32), grpc.StatusCode.NOT_FOUND),
        (stub.GetJob, lineage_pb2.GetJobRequest(id=b"short"), grpc.StatusCode.INVALID_ARGUMENT),
        (stub.Resolve, lineage_pb2.ResolveRequest(reference="@x", project=b"/"), grpc.StatusCode.INVALID_ARGUMENT),
        (observe_pb2_grpc.ObserveStub(channel).Register, observe_pb2.RegisterRequest(argv=[b"x"]),
         grpc.StatusCode.INVALID_ARGUMENT),
        (observe_pb2_grpc.ObserveStub(channel).Finish, observe_pb2.FinishRequest(run=b"x" * 16), grpc.StatusCode.NOT_FOUND),
    ]
    for call, request, expected in cases:
        with pytest.raises(grpc.RpcError) as failure:
            call(request, timeout=10, metadata=metadata)
        assert code(failure) == expected
        error = next(json.loads(value) for key, value in failure.value.trailing_metadata() if key == ERROR_KEY)
        assert error["message"] == failure.value.details()


@pytest.fixture
def waiting(project: Project) -> Iterator[tuple[bytes, subprocess.Popen[bytes]]]:
    """A job's run and its process: it has written ``a``, and writes ``b`` when there is a file ``go``."""
    script = "echo a > a; while ! [ -e go ]; do sleep 0.05; done; echo b > b"
    with project.popen("run", "-q", "--", "sh", "-c", script) as process:
        deadline = time.monotonic() + 20
        while not (project.path / "a").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        try:
            yield bytes.fromhex(project.show("@")["run"]), process
        finally:
            project.write("go", "")


def test_deadline_is_kept(channel: grpc.Channel, daemon: Daemon, waiting: tuple[bytes, subprocess.Popen[bytes]]) -> None:
    """The daemon lets go of a call when its caller's time is over, and the job goes on."""
    run, process = waiting
    stub = observe_pb2_grpc.ObserveStub(channel)
    with pytest.raises(grpc.RpcError) as failure:
        list(stub.Watch(observe_pb2.WatchRequest(run=run, interval_ms=60_000), timeout=0.5,
                        metadata=((TOKEN_KEY, token(daemon)),)))
    assert code(failure) == grpc.StatusCode.DEADLINE_EXCEEDED
    assert process.poll() is None


def test_watch_follows_a_job_to_its_end(channel: grpc.Channel, daemon: Daemon, project: Project,
                                        waiting: tuple[bytes, subprocess.Popen[bytes]]) -> None:
    run, process = waiting
    stub = observe_pb2_grpc.ObserveStub(channel)
    metadata = ((TOKEN_KEY, token(daemon)),)
    seen = []
    for progress in stub.Watch(observe_pb2.WatchRequest(run=run, interval_ms=100), timeout=30, metadata=metadata):
        seen.append(progress)
        if progress.files_written:
            project.write("go", "")
    assert process.wait(30) == 0
    assert [seen[0].processes > 0, seen[0].head.HasField("id")] == [True, False]
    assert (seen[-1].processes, seen[-1].files_written, seen[-1].head.exit_code) == (0, 2, 0)
    assert seen[-1].head.id
    assert list(stub.Watch(observe_pb2.WatchRequest(run=run), timeout=30, metadata=metadata)) == seen[-1:]


def test_anyone_can_recompute_the_id(channel: grpc.Channel, daemon: Daemon, project: Project) -> None:
    """The stored bytes, hashed here: they have the ids that they are known by."""
    project.write("in", "x")
    job = project.sh("cat in > out")
    stub = lineage_pb2_grpc.LineageStub(channel)
    parts = list(stub.GetRecord(lineage_pb2.GetRecordRequest(id=bytes.fromhex(job["id"])), timeout=10,
                                metadata=((TOKEN_KEY, token(daemon)),)))
    assert all(ids.content_id(part.data) == part.id for part in parts)
    assert parts[0].id.hex() == job["id"]
    chunks = {part.id: part.data for part in parts}
    assert ids.decode_job(parts[0].data, chunks.__getitem__).head.id == parts[0].id
    assert all(ids.encode(ids.decode(part.data)) == part.data for part in parts)


def test_statistics_are_for_root(channel: grpc.Channel, daemon: Daemon) -> None:
    stub = admin_pb2_grpc.AdminStub(channel)
    values = stub.Statistics(admin_pb2.StatisticsRequest(), timeout=10, metadata=((TOKEN_KEY, token(daemon)),)).values
    assert values["max_rss_bytes"] > 0
    assert os.geteuid() == 0
