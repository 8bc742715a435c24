"""roar for programs: the examples of docs/programs.md, the client, and every command's --json, against a real daemon."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import schemas
from harness import BIN, ROOT, Daemon, Project

from lineage.errors import InvalidError, NotFoundError, UnavailableError
from roarctl.client import AsyncRoar, Roar
from roarctl.commands import SECTIONS

PAGE = (ROOT / "docs/programs.md").read_text()
PYTHON = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
SHELL = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def pipeline(project: Project) -> Project:
    """Two jobs: raw.csv and prep.sh → clean.csv, and that → model.pkl."""
    subprocess.run(["git", "init", "-q", project.path], check=True)
    project.write("raw.csv", f"1\n2\n{project.path}\n")  # a content that no other test knows
    project.write("prep.sh", "sort -r raw.csv | uniq > clean.csv\n")
    project.run("sh", "prep.sh")
    project.run("sh", "-c", "(echo model; cat clean.csv) > model.pkl")
    return project


@pytest.mark.parametrize("example", PYTHON, ids=lambda text: text.strip().splitlines()[-1].strip())
def test_python_examples_of_the_page_run(pipeline: Project, example: str) -> None:
    (pipeline.path / "docs").symlink_to(ROOT / "docs")
    environment = {**pipeline.environment, "PATH": f"{BIN}:{pipeline.environment['PATH']}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([BIN / "python", "-W", "error", "-c", example], cwd=pipeline.path, env=environment,
                          capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")


def test_grpcurl_examples_of_the_page_run(pipeline: Project) -> None:
    """Through a stand-in that knows the server by reflection alone."""
    [example] = SHELL
    tool = pipeline.write("bin/grpcurl", f'#!/bin/sh\nexec {BIN}/python {ROOT}/tests/grpcurl.py "$@"\n')
    tool.chmod(0o755)
    environment = {**pipeline.environment, "PATH": f"{tool.parent}:{pipeline.environment['PATH']}"}
    done = subprocess.run(["sh", "-ec", example], cwd=pipeline.path, env=environment, capture_output=True, text=True,
                          timeout=100)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert {"lineage.v1.Admin", "lineage.v1.Lineage", "lineage.v1.Observe"} <= set(lines)
    assert '"capturing": true' in done.stdout.replace("  ", "")
    assert "(echo model; cat clean.csv) > model.pkl" in lines
    assert {f"{pipeline.path}/{name}" for name in ("raw.csv", "prep.sh", "clean.csv")} <= set(lines[-6:])


def test_client_answers_what_the_commands_show(pipeline: Project, daemon: Daemon) -> None:
    with Roar(pipeline.path, str(daemon.socket)) as roar:
        job = roar.job("@")
        assert job.head.id is not None
        assert job.head.id.hex() == pipeline.show("@")["id"]
        assert len(job.entries) == sum(job.head.counts[kind] for kind in job.head.counts if "/" not in kind)
        assert [entry.path for entry in roar.entries("@", kinds=["output"])] == [bytes(pipeline.path / "model.pkl")]
        assert [head.number for head in roar.log()] == [2, 1]
        assert [head.number for head in roar.log(limit=1)] == [2]
        assert roar.log(limit=1).truncated
        assert roar.log(session=roar.session().id.hex()) == roar.log()
        assert roar.session(f"session:{job.head.session.hex()}").jobs == 2
        model = roar.artifact(pipeline.path / "model.pkl")
        assert ([one.job.number for one in model.producers], model.consumers, model.changed) == ([2], (), False)
        graph = roar.lineage(pipeline.path / "model.pkl")
        assert graph.start == f"artifact:{model.hash.hex()}"
        roots = {Path(artifact.path.decode()).name for artifact in graph.artifacts if not artifact.produced}
        assert roots >= {"raw.csv", "prep.sh"}
        assert [head.number for head in roar.lineage(pipeline.path / "raw.csv", down=True, depth=1).jobs] == [1]
        assert {head.number for head in roar.dag().jobs} == {1, 2}
        pipeline.write("model.pkl", "other")
        assert roar.artifact(pipeline.path / "model.pkl").changed
        assert roar.lineage(pipeline.path / "model.pkl").changed
        with pytest.raises(NotFoundError, match="@9"):
            roar.job("@9")
        with pytest.raises(InvalidError, match="is a file or its content"):
            roar.job(pipeline.path / "raw.csv")


def test_client_watches_until_the_end(project: Project, daemon: Daemon) -> None:
    with project.popen("run", "-q", "sh", "-c", "echo x > out; echo go; read line", stdin=subprocess.PIPE,
                       stdout=subprocess.PIPE) as process, Roar(project.path, str(daemon.socket)) as roar:
        assert process.stdout.readline() == b"go\n"
        looks = []
        for look in roar.watch("@", interval=0.1):
            if not looks:
                process.stdin.write(b"\n")
                process.stdin.flush()
            looks.append(look)
        assert process.wait(30) == 0
        assert (looks[0].job.id, looks[0].processes) == (None, 1)
        assert looks[0].bytes_written is not None
        assert (looks[-1].files_written, looks[-1].bytes_written) == (1, None)
        assert looks[-1].job == roar.job("@").head
        assert list(roar.watch("@")) == looks[-1:], "of one that is over, the record alone"


def test_async_client_answers_the_same(pipeline: Project, daemon: Daemon) -> None:
    model = pipeline.path / "model.pkl"

    async def answers() -> list[Any]:
        async with AsyncRoar(pipeline.path, str(daemon.socket)) as roar:
            together = await asyncio.gather(
                roar.job("@"), roar.entries("@1"), roar.log(), roar.session(), roar.artifact(model), roar.lineage(model),
                roar.dag())
            watched = [look async for look in roar.watch("@")]
            with pytest.raises(NotFoundError, match="@9"):
                await roar.job("@9")
            return [*together, watched]

    with Roar(pipeline.path, str(daemon.socket)) as roar:
        assert asyncio.run(answers()) == [
            roar.job("@"), roar.entries("@1"), roar.log(), roar.session(), roar.artifact(model), roar.lineage(model),
            roar.dag(), list(roar.watch("@"))]


def test_async_watching_can_be_left(project: Project, daemon: Daemon) -> None:
    async def first() -> bytes:
        async with AsyncRoar(project.path, str(daemon.socket)) as roar:
            async for look in roar.watch("@", interval=60):
                return look.job.run
        raise AssertionError

    with project.popen("run", "-q", "sh", "-c", "echo go; read line", stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"go\n"
        run = asyncio.run(asyncio.wait_for(first(), 30))
        assert process.poll() is None
        process.stdin.close()
        assert process.wait(30) == 1
    assert project.show("@")["run"] == run.hex()


def test_client_outlives_its_daemon(place: Path) -> None:
    """The token was of one that is gone."""
    directory = place / "restarted"
    directory.mkdir()
    project = Project(directory / "project", directory / "roard.sock")
    with Daemon(directory) as daemon:
        project.run("true")
        with Roar(project.path, str(daemon.socket)) as roar:
            before = roar.job("@")
            daemon.stop()
            with pytest.raises(UnavailableError):
                roar.job("@")
            daemon.start()

            async def again() -> None:
                async with AsyncRoar(project.path, str(daemon.socket)) as other:
                    assert await other.job("@") == before
                    await asyncio.to_thread(daemon.stop)
                    await asyncio.to_thread(daemon.start)
                    assert await other.job("@") == before

            asyncio.run(again())
            assert roar.job("@") == before


#: Of a project with a pipeline in it, every command that has --json; each document of what it prints is looked at.
LINES = [
    ["init"], ["log"], ["log", "--all"], ["show", "@1"], ["show", "model.pkl"], ["show", "raw.csv"], ["show", "."],
    ["lineage", "model.pkl"],
    ["lineage", "raw.csv", "--down"], ["lineage", "@2"], ["dag"], ["dag", "model.pkl"], ["dag", "--steps", "@1"], ["status"],
    ["watch", "@1"], ["search", "*.csv"], ["inputs", "model.pkl"], ["inputs", "@2", "--direct"], ["label", "@1", "stage=prep"],
    ["label", "@1", "--history"], ["tags", "model.pkl"], ["config"], ["env"], ["reproduce", "model.pkl"],
    ["diff", "@1", "@2"], ["diff", "raw.csv", "model.pkl"], ["note", "@1", "as agreed"], ["tag", "raw.csv", "licence=mit"],
    ["tags", "model.pkl"], ["export", "model.pkl", "--format", "slsa", "--output", "model.jsonl"], ["verify", "model.jsonl"],
    ["export", "model.pkl", "--format", "bundle", "--output", "model.roar"], ["import", "model.roar", "--dry-run"],
    ["import", "model.roar"], ["show", "@1"], ["show", "model.pkl"], ["build", "true"], ["pop", "--dry-run"]]
ELSEWHERE = {"run", "attach", "detach", "reset"}  # below


def test_every_command_with_json_is_looked_at() -> None:
    """Of a command that is new, add a line to LINES, or a test."""
    with_json = {name for names in SECTIONS.values() for name in names
                 if "--json" in subprocess.run([BIN / "roar", name, "--help"], capture_output=True, text=True,
                                               env={"PYTHONPATH": str(ROOT), "COLUMNS": "100"}).stdout}
    assert {"log", "run"} <= with_json
    assert with_json == {line[0] for line in LINES} | ELSEWHERE


def looked_at(text: str, name: str) -> dict[str, Any]:
    document = json.loads(text)
    assert schemas.problems(document) == []
    assert schemas.name_of(document) == f"roar.{name}.1.json"
    return document


def test_what_commands_print_follows_the_schemas(pipeline: Project) -> None:
    for line in LINES:
        option = 1 if line[0] == "build" else len(line)  # before the command that it runs
        done = pipeline.roar(*line[:option], "--json", *line[option:], check=line[0] not in {"diff", "verify"})
        text = done.stderr if line[0] == "build" else done.stdout
        for document in text.splitlines() if line[0] == "watch" else [text]:
            assert schemas.problems(json.loads(document)) == [], line
    exported = json.loads(pipeline.roar("export", "model.pkl", "--format", "json").stdout)
    assert schemas.problems(exported) == []
    session = pipeline.show("@")["session"]
    assert looked_at(pipeline.roar("show", f"session:{session}", "--json").stdout, "session")["jobs"]
    pipeline.write("raw.csv", "changed")
    (pipeline.path / "model.pkl").unlink()
    status = looked_at(pipeline.roar("status", "--json").stdout, "status")
    assert {cause["code"] for one in status["again"] for cause in one["causes"]} >= {"edited", "upstream"}
    looked_at(pipeline.roar("show", "raw.csv", "--json").stdout, "artifact")


def test_runs_and_odd_jobs_follow_the_schemas(project: Project) -> None:
    script = ("import os, socket; open(b'\\xff', 'wb').write(b'x'); os.symlink(b'\\xfe', 'link');"
              " listener = socket.create_server(('127.0.0.1', 0)); socket.create_connection(listener.getsockname());"
              " open('/dev/null', 'w').write('x');"
              " os.system('seq 3 | sort > sorted; rm sorted')")
    done = project.roar("run", "--json", BIN / "python", "-c", script)
    job = looked_at(done.stderr.splitlines()[-1], "job")
    assert job["network"] and job["devices"] and job["pipes"] and job["scratch"]
    assert any("path_b64" in entry for entry in job["outputs"])
    for line in (["dag", "--json"], ["dag", "--steps", "--json"], ["show", "--json"]):
        assert schemas.problems(json.loads(project.roar(*line).stdout)) == []
    looked_at(project.roar("reset", "--json").stdout, "reset")
    looked_at(project.roar("reset", "--json").stdout, "reset")
    assert looked_at(project.roar("status", "--json").stdout, "status")["session"] is None
    looked_at(project.roar("dag", "--json").stdout, "dag")


def test_attaching_follows_the_schemas(project: Project) -> None:
    with subprocess.Popen(["sh", "-c", "read a; echo x > out; read b"], cwd=project.path, stdin=subprocess.PIPE) as process:
        attached = looked_at(project.roar("attach", str(process.pid), "--json").stdout, "attach")
        assert attached["job"] is None
        with project.popen("watch", f"@{attached['number']}", "-n", "0.1", "--json", stdout=subprocess.PIPE) as watch:
            assert looked_at(watch.stdout.readline(), "progress")["bytes_read"] is not None
            process.stdin.write(b"\n")
            process.stdin.flush()
            detached = looked_at(project.roar("detach", "--json").stdout, "detach")
            looked_at(watch.stdout.read().splitlines()[-1], "progress")
        assert detached["number"] == attached["number"]
        process.stdin.write(b"\n")
    with (subprocess.Popen([sys.executable, "-c", "input()"], cwd=project.path, stdin=subprocess.PIPE) as process,
          project.popen("attach", "--wait", str(process.pid), "--json", stdout=subprocess.PIPE) as attach):
        while project.json("log")["jobs"][0]["state"] != "running":
            pass
        process.stdin.write(b"\n")
        process.stdin.close()
        assert looked_at(attach.stdout.read(), "attach")["job"]["state"] == "finished"


def test_errors_follow_their_schema(pipeline: Project) -> None:
    for line, code in (
            (["show", "@9"], "not_found"), (["show", "prep"], "not_found"), (["dag", "--svg"], "invalid"),
            (["log", "--nonsense"], "usage"), (["detach", "@1"], "conflict"), (["attach", "999999999"], "not_found")):
        done = pipeline.roar(*line, "--json", check=False)
        assert done.returncode != 0
        assert looked_at(done.stderr, "error")["error"]["code"] == code
    done = pipeline.roar("log", "--json", check=False, environment={"ROARD_SOCKET": "/nowhere/roard.sock"})
    assert looked_at(done.stderr, "error")["error"]["code"] == "unavailable"
