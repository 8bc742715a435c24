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
    ["init"], ["log"], ["log", "--all"], ["show", "@1"], ["show", "@1/0"],
    ["show", "model.pkl"], ["show", "raw.csv"], ["lineage", "model.pkl"],
    ["lineage", "raw.csv", "--down"], ["lineage", "@2"], ["dag"], ["dag", "model.pkl"], ["dag", "--steps", "@1"], ["status"],
    ["watch", "@1"], ["show", "."], ["inputs", "model.pkl"], ["inputs", "@2", "--direct"], ["inputs", "model.pkl", "--all"],
    ["outbox"], ["search", "*.csv"], ["search", "clean"],
    ["search", "nothing-of-the-kind"], ["config"], ["env"], ["env", "PATH"]]
ELSEWHERE = {"run", "build", "attach", "detach", "reset", "pop", "label", "note", "tag", "tags", "diff", "reproduce", "export",
             "verify", "import",  # below
             "register", "unregister", "scope", "whoami", "login", "logout", "auth"}  # test_registry_*.py


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
        for text in [pipeline.roar(*line, "--json").stdout] if line[0] != "watch" else (
                pipeline.roar(*line, "--json").stdout.splitlines()):
            assert schemas.problems(json.loads(text)) == [], line
    session = pipeline.show("@")["session"]
    assert looked_at(pipeline.roar("show", f"session:{session}", "--json").stdout, "session")["jobs"]
    pipeline.write("raw.csv", "changed")
    (pipeline.path / "model.pkl").unlink()
    status = looked_at(pipeline.roar("status", "--json").stdout, "status")
    assert {cause["code"] for one in status["again"] for cause in one["causes"]} >= {"edited", "upstream"}
    looked_at(pipeline.roar("show", "raw.csv", "--json").stdout, "artifact")


def test_what_people_say_follows_the_schemas(pipeline: Project) -> None:
    def said(*line: str) -> dict[str, Any]:
        return looked_at(pipeline.roar(*line, "--json").stdout, "annotations")

    assert said("label", "@1", "name=prep")["labels"] == {"name": "prep"}
    assert said("label", "@1/0", "stage=first")["step"] == 0
    assert said("label", "session:" + pipeline.show("@")["session"], "goal=x")["kind"] == "session"
    said("label", "@1", "--unset", "name")
    assert len(said("label", "@1", "--history")["history"]) == 2
    said("note", "@1", "a note")
    said("note", "model.pkl", "another")
    assert said("note", "@1", "--list")["items"]
    said("tag", "raw.csv", "license=by-nc", "consent=research")
    said("tag", "--block", "@1", "consent", "--reason", "names are removed")
    tags = looked_at(pipeline.roar("tags", "model.pkl", "--json").stdout, "tags")
    assert ([one["key"] for one in tags["held"]], [one["key"] for one in tags["stopped"]]) == (["license"], ["consent"])
    assert looked_at(pipeline.roar("tag", "@2", "--json").stdout, "tags")["values"] == {"license": ["by-nc"]}
    job = looked_at(pipeline.roar("show", "@1", "--json").stdout, "job")
    assert job["annotations"]["items"] and job["step_annotations"]
    assert looked_at(pipeline.roar("show", "model.pkl", "--json").stdout, "artifact")["annotations"]["items"]
    looked_at(pipeline.roar("show", "session:" + job["session"], "--json").stdout, "session")
    pipeline.roar("label", "@1", "team=vision")
    log = looked_at(pipeline.roar("log", "--json").stdout, "log")
    assert [one["labels"] for one in log["jobs"]] == [{}, {"team": "vision"}]
    for line in (["labels.team", "vision"], ["hygiene.require", "name"], ["--unset", "hygiene.require"], []):
        assert looked_at(pipeline.roar("config", *line, "--json").stdout, "config")["file"]


def test_comparisons_follow_the_schemas(pipeline: Project) -> None:
    """Of jobs, steps, files with values and code in git, and sessions."""
    def compared(a: str, b: str) -> dict[str, Any]:
        return looked_at(pipeline.roar("diff", a, b, "--json", check=False).stdout, "diff")

    def commit(script: str) -> None:
        pipeline.write("fit.sh", script)
        subprocess.run(["git", "add", "fit.sh"], cwd=pipeline.path, check=True)
        subprocess.run(["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-qm", "fit"],
                       cwd=pipeline.path, check=True)

    commit('echo "{\\"loss\\": 1, \\"lr\\": $1}" > one.json; cat clean.csv > /dev/null')
    pipeline.run("sh", "fit.sh", "1")
    commit('echo "{\\"loss\\": NaN, \\"lr\\": $1}" > two.json; cat clean.csv > /dev/null')
    pipeline.run("sh", "fit.sh", "2")
    jobs = compared("@3", "@4")
    assert jobs["commits"]["only_b"] and jobs["cause"]
    assert all(jobs["differences"][name] for name in ("code", "parameters", "outputs"))
    assert compared("@3/0", "@4/0")["a"]["step"]["index"] == 0
    files = compared("one.json", "two.json")
    assert [(one["name"], one["b"]) for one in files["values"]] == [("loss", "nan"), ("lr", 2)]
    assert compared("@3", "@3")["same"]
    compared("raw.csv", "clean.csv")
    session = pipeline.show("@")["session"]
    pipeline.roar("reset")
    pipeline.run("sh", "fit.sh", "3")
    assert compared(f"session:{session}", f"session:{pipeline.show('@')['session']}")["jobs"]


def test_making_again_follows_the_schemas(pipeline: Project, tmp_path: Path) -> None:
    looked_at(pipeline.roar("build", "--json", "sh", "-c", "echo x > made").stderr.splitlines()[-1], "job")
    again = looked_at(pipeline.roar("run", "--json", "@1").stderr.splitlines()[-1], "job")
    assert again["again_of"] == pipeline.show("@1")["id"]
    plan = looked_at(pipeline.roar("reproduce", "@4", "--json").stdout, "reproduce")
    assert (plan["result"], {one["build"] for one in plan["plan"]["steps"]}) == (None, {True, False})
    done = pipeline.roar("reproduce", "@4", "--run", "--yes", "--dir", tmp_path / "again", "--json", check=False)
    result = looked_at(done.stdout, "reproduce")["result"]
    assert result["exit_code"] == done.returncode == 0
    assert {verdict["verdict"] for step in result["steps"] for verdict in step["outputs"]} == {"identical"}
    repeated = pipeline.roar("reproduce", "@4", "--run", "--yes", "--dir", tmp_path / "again", "--json")
    assert all(step["done_before"] for step in looked_at(repeated.stdout, "reproduce")["result"]["steps"])


def test_handing_on_follows_the_schemas(pipeline: Project) -> None:
    for form, name in (("json", "whole.json"), ("slsa", "model.jsonl"), ("bundle", "model.roar")):
        line = ["export", "model.pkl", "--format", form, "--output", name, "--json"]
        assert looked_at(pipeline.roar(*line).stdout, "exported")["format"] == form
    assert len(looked_at((pipeline.path / "whole.json").read_text(), "export")["jobs"]) == 2
    for line in (["--anonymous", "--relative-paths"], ["--exclude", "env,packages,paths,argv,git,diff,network,hardware,steps"],
                 ["--direct"], ["--all"]):
        looked_at(pipeline.roar("export", "model.pkl", "--format", "json", *line).stdout, "export")
    assert looked_at(pipeline.roar("verify", "model.jsonl", "model.pkl", "--json").stdout, "verify")["verdict"] == "holds"
    failed = pipeline.roar("verify", "model.jsonl", "raw.csv", "--json", check=False)
    assert looked_at(failed.stdout, "verify")["verdict"] == "fails"
    assert looked_at(pipeline.roar("verify", "model.roar", "--json").stdout, "verify")["kind"] == "bundle"
    assert looked_at(pipeline.roar("import", "model.roar", "--dry-run", "--json").stdout, "import")["imported"] is None
    assert len(looked_at(pipeline.roar("import", "model.roar", "--json").stdout, "import")["known"]) == 2


def test_imported_jobs_follow_the_schemas(pipeline: Project, place: Path) -> None:
    pipeline.roar("export", "model.pkl", "--format", "bundle", "--output", "model.roar")
    directory = place / "importing"
    directory.mkdir()
    with Daemon(directory) as daemon:
        other = Project(directory / "project", daemon.socket)
        document = looked_at(other.roar("import", pipeline.path / "model.roar", "--json").stdout, "import")
        assert len(document["imported"]) == 2
        job = looked_at(other.roar("show", f"job:{document['imported'][0]}", "--json").stdout, "job")
        assert job["imported"]["bundle"] == document["bundle"]


def test_forgetting_follows_the_schemas(pipeline: Project) -> None:
    assert looked_at(pipeline.roar("pop", "--dry-run", "--delete-outputs", "--json").stdout, "pop")["deleted"]
    pipeline.write("model.pkl", "edited")
    popped = looked_at(pipeline.roar("pop", "--yes", "--delete-outputs", "--json").stdout, "pop")
    assert [one["path"] for one in popped["kept"]] == [f"{pipeline.path}/model.pkl"]
    assert looked_at(pipeline.roar("pop", "--yes", "--json").stdout, "pop")["session"]["job_count"] == 0


def test_runs_and_odd_jobs_follow_the_schemas(project: Project) -> None:
    script = ("import os, socket; open(b'\\xff', 'wb').write(b'x'); os.symlink(b'\\xfe', 'link');"
              " listener = socket.create_server(('127.0.0.1', 0)); socket.create_connection(listener.getsockname());"
              " open('/dev/null', 'w').write('x');"
              " os.system('seq 3 | sort > sorted; rm sorted')")
    for at in range(12):
        project.write(f"shards/{at:02}.bin", f"{project.path} {at}")
    failed = project.roar("run", "--json", "sh", "-c", "cat shards/* >&2; echo >&2; exit 3", check=False)
    job = looked_at(failed.stderr.splitlines()[-1], "job")
    assert job["groups"] and job["stderr"]
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
