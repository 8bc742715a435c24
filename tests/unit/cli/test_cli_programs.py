"""The client for programs, without a daemon of roar's: what is asked, when it connects anew, what help says."""

from __future__ import annotations

import asyncio
import inspect
import os
import subprocess
import sys
import time

import pytest
from harness import ROOT
from samples import SESSION, job

import roarctl.client
from lineage import wire
from lineage.errors import DeniedError, InvalidError, NotFoundError, UnavailableError, UnsupportedError
from lineage.v1 import lineage_pb2, records_pb2
from roarctl.client import AsyncRoar, Roar, operations

JOB = job()
METHODS = ["artifact", "dag", "entries", "job", "lineage", "log", "session", "watch"]

TYPED = """
from collections.abc import AsyncIterator, Iterator
from typing import assert_type
from lineage.records import Entry, Job
from roarctl.client import AsyncRoar, Graph, Progress, Roar

async def program(roar: Roar, other: AsyncRoar) -> None:
    assert_type(roar.job("@3"), Job)
    assert_type(await other.entries(kinds=["output"]), list[Entry])
    assert_type(await other.lineage("model.pt", down=True), Graph)
    assert_type(roar.watch(), Iterator[Progress])
    assert_type(other.watch("@", interval=2), AsyncIterator[Progress])
    roar.lineage("model.pt", dwon=True)  # type: ignore[call-arg]
    other.entries(kinds=["outputs"])  # type: ignore[list-item, unused-coroutine]
"""


@pytest.fixture
def one_job(daemon):
    daemon.answers.update({
        "Lineage/Log": lineage_pb2.LogResponse(jobs=[wire.head_to(JOB.head)], truncated=True),
        "Lineage/Resolve": lineage_pb2.ResolveResponse(kind="job", id=JOB.head.id), "Lineage/GetJob": wire.job_to(JOB),
        "Lineage/GetSession": wire.session_to(SESSION)})
    return daemon


def test_importing_the_client_takes_no_grpc():
    """`roar run` imports it before it knows whether there is a daemon."""
    program = "import sys, roarctl.client; print({name.split('.')[0] for name in sys.modules} & {'grpc', 'google', 'asyncio'})"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_every_public_name_is_there():
    for name in roarctl.client.__all__:
        assert getattr(roarctl.client, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        roarctl.client.nonsense  # noqa: B018 - it is asked for


def test_types_are_those_of_the_answers(tmp_path):
    """As a program's author has them; a parameter that is not there is noticed before it runs."""
    program = tmp_path / "program.py"
    program.write_text(TYPED)
    done = subprocess.run([sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--config-file=",
                           f"--cache-dir={tmp_path}", program], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "Success: no issues found in 1 source file\n")


@pytest.mark.parametrize("name", METHODS)
def test_both_clients_have_the_same_methods(name):
    one, other = (inspect.signature(getattr(kind, name)) for kind in (Roar, AsyncRoar))
    assert one.parameters == other.parameters
    assert getattr(Roar, name).__doc__ == getattr(AsyncRoar, name).__doc__ == getattr(operations, name).__doc__
    assert "Operation" not in str(one)
    assert inspect.iscoroutinefunction(getattr(AsyncRoar, name)) == (name != "watch")


def test_no_operation_is_left_out():
    public = {name for name, one in vars(operations).items()
              if inspect.isgeneratorfunction(one) and one.__module__ == operations.__name__ and not name.startswith("_")}
    assert public == set(METHODS)


def test_project_is_that_of_the_working_directory_or_the_given_one(one_job, tmp_path, monkeypatch):
    (tmp_path / "a/.git").mkdir(parents=True)
    (tmp_path / "a/b").mkdir()
    monkeypatch.chdir(tmp_path / "a/b")
    with Roar() as roar, Roar(tmp_path) as other:
        roar.log(limit=7)
        other.log()
        other.log(everywhere=True)
    asked = [(request.project, request.limit) for request in one_job.requests("Lineage/Log")]
    root = os.fsencode(os.path.realpath(tmp_path))
    assert asked == [(root + b"/a", 7), (root, 50), (b"", 50)]


def test_log_is_a_sequence(one_job, tmp_path):
    with Roar(tmp_path) as roar:
        log = roar.log()
    assert (list(log), len(log), log[0], log[:1], log.truncated) == ([JOB.head], 1, JOB.head, (JOB.head,), True)


def test_environment_of_the_program_is_left_alone(one_job, tmp_path, monkeypatch):
    monkeypatch.delenv("GRPC_VERBOSITY", raising=False)
    monkeypatch.delenv("GRPC_ENABLE_FORK_SUPPORT", raising=False)
    before = dict(os.environ)
    with Roar(tmp_path) as roar:
        roar.job()
    assert dict(os.environ) == before


def test_token_that_is_over_is_had_anew(one_job, tmp_path):
    good = iter([False, True])

    def answer(_request):
        return lineage_pb2.LogResponse() if next(good) else DeniedError("the token is not valid (any more)")

    async def log():
        async with AsyncRoar(tmp_path) as roar:
            one_job.identity["token"] = "second"
            await roar.log()

    one_job.answers["Lineage/Log"] = answer
    with Roar(tmp_path) as roar:
        one_job.identity["token"] = "other"
        roar.log()
    assert [token for _, token in one_job.tokens] == ["t0k3n", "other"]
    one_job.tokens.clear()
    good = iter([False, True])
    asyncio.run(log())
    assert [token for _, token in one_job.tokens] == ["other", "second"]


def test_what_is_denied_stays_denied(one_job, tmp_path):
    one_job.answers["Lineage/GetJob"] = DeniedError("not yours", "ask")
    with Roar(tmp_path) as roar, pytest.raises(DeniedError, match="not yours"):
        roar.job()
    assert len(one_job.requests("Lineage/GetJob")) == 2

    async def ask():
        async with AsyncRoar(tmp_path) as roar:
            await roar.job()

    with pytest.raises(DeniedError, match="not yours"):
        asyncio.run(ask())


def test_errors_have_their_words_in_both(one_job, tmp_path):
    one_job.answers["Lineage/Resolve"] = NotFoundError("no such job", "try another")

    async def ask():
        async with AsyncRoar(tmp_path) as roar:
            await roar.job("@9")

    with Roar(tmp_path) as roar, pytest.raises(NotFoundError) as one:
        roar.job("@9")
    with pytest.raises(NotFoundError) as other:
        asyncio.run(ask())
    assert one.value.document() == other.value.document() == {
        "code": "not_found", "message": "no such job", "hint": "try another"}


def test_what_is_no_job_is_said(one_job, tmp_path):
    one_job.answers["Lineage/Resolve"] = lineage_pb2.ResolveResponse(kind="session", id=b"s" * 32)
    with Roar(tmp_path) as roar, pytest.raises(InvalidError, match="session:ab is a session") as raised:
        roar.job("session:ab")
    assert raised.value.hint == "name a job"


def test_without_a_daemon(no_daemon, tmp_path):
    with pytest.raises(UnavailableError, match="not running"):
        Roar(tmp_path)

    async def connect():
        async with AsyncRoar(tmp_path):
            pass

    with pytest.raises(UnavailableError, match="not running"):
        asyncio.run(connect())


def test_loop_goes_on_while_a_file_is_hashed(one_job, tmp_path, monkeypatch):
    """A large file takes seconds."""
    file = tmp_path / "large.bin"
    file.write_text("x")
    beats = []

    def slowly(_path):
        time.sleep(0.3)
        return b"h" * 32

    async def both():
        async def beat():
            while True:
                beats.append(1)
                await asyncio.sleep(0.01)

        async with AsyncRoar(tmp_path) as roar:
            beating = asyncio.create_task(beat())
            artifact = await roar.artifact(file, limit=3)
            beating.cancel()
            return artifact

    monkeypatch.setattr("roarctl.references.content_hash", slowly)
    one_job.answers["Lineage/Resolve"] = lineage_pb2.ResolveResponse(kind="artifact", id=b"h" * 32, changed=True)
    one_job.answers["Lineage/GetArtifact"] = records_pb2.Artifact(hash=b"h" * 32, truncated=True)
    artifact = asyncio.run(both())
    assert len(beats) > 3
    assert (artifact.path, artifact.size, artifact.changed, artifact.truncated) == (os.fsencode(file), None, True, True)
    assert one_job.requests("Lineage/GetArtifact")[0].limit == 3


@pytest.mark.parametrize(("call", "package"), [("to_networkx", "networkx"), ("to_pandas", "pandas")])
def test_library_that_is_missing_is_named(one_job, tmp_path, monkeypatch, call, package):
    monkeypatch.setitem(sys.modules, package, None)
    with Roar(tmp_path) as roar, pytest.raises(UnsupportedError, match=package) as raised:
        getattr(roar.dag(), call)()
    assert f"pip install {package}" in raised.value.hint
