"""`roar run @3 --epochs=10`, `roar build`, `roar pop`."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

import pytest
from harness import BIN, Daemon, Project, blake

from lineage.errors import NotFoundError
from lineage.v1 import observe_pb2
from roarctl.client import DaemonClient, identify

pytestmark = pytest.mark.root

TRAIN = """
import argparse
options = argparse.ArgumentParser()
options.add_argument("--epochs", type=int, default=1)
options.add_argument("--out", default="model.txt")
options.add_argument("--token")
options = options.parse_args()
open(options.out, "w").write(f"{options.epochs}\\n")
"""


@pytest.fixture
def training(project: Project) -> Project:
    (project.path / "src").mkdir()
    project.write("src/train.py", TRAIN)
    subprocess.run(["git", "init", "-q"], cwd=project.path, check=True)
    return project


def python() -> str:
    return "/usr/bin/python3"


def test_a_job_runs_again_with_a_change_in_its_directory(training: Project) -> None:
    source = training.path / "src"
    training.roar("run", python(), "train.py", "--epochs", "3", cwd=source)
    first = training.show("@1")
    done = training.roar("run", "@1", "--epochs=10", "--out=other.txt")
    assert done.stderr.splitlines()[0] == "roar: again @1: /usr/bin/python3 train.py --epochs 10 --out=other.txt"
    second = training.show("@2")
    assert second["argv"] == [python(), "train.py", "--epochs", "10", "--out=other.txt"]
    assert second["cwd"] == str(source)
    assert second["again_of"] == first["id"]
    assert second.outputs == {"src/other.txt": blake(b"10\n")}
    assert f"again    job {first['id'][:7]}" in training.roar("show", "@2").stdout


def test_by_id_from_elsewhere_in_the_project_and_quietly(training: Project) -> None:
    training.roar("run", "-q", python(), "src/train.py")
    done = training.roar("run", "-q", f"job:{training.show()['id'][:12]}", "--epochs", "2", cwd=training.path / "src")
    assert (done.stdout, done.stderr) == ("", "")
    assert training.show("@2").outputs == {"model.txt": blake(b"2\n")}


def test_a_program_of_that_name_is_the_program(training: Project) -> None:
    training.roar("run", "-q", "true")
    program = training.write("bin/@1", "#!/bin/sh\necho the program $*\n")
    program.chmod(0o755)
    path = {"PATH": f"{program.parent}:{os.environ['PATH']}"}
    assert training.roar("run", "-q", "@1", "x", environment=path).stdout == "the program x\n"
    assert training.roar("run", "-q", "--", "@1", environment=path).stdout == "the program\n"
    assert training.roar("run", "--", "@1", check=False).returncode == 127


def test_mistakes_have_answers(training: Project) -> None:
    def error(*words: str) -> str:
        done = training.roar("run", *words, check=False)
        assert done.returncode == 125
        return done.stderr

    assert "this project has no session yet" in error("@")
    training.roar("run", "-q", python(), "src/train.py", "--token", "hf_abcdefghijklmnopqrstuvwx")
    assert "this session has no job @7" in error("@7")
    assert "--token was not recorded, because it is a secret\n  give it anew: roar run @1 --token=…" in error("@1")
    assert "belongs to no option" in error("@1", "word", "--token=x")
    assert training.roar("run", "-q", "@1", "--token=hf_zyxwvutsrqponmlkjihgfedc").returncode == 0
    gone = training.path / "gone"
    gone.mkdir()
    training.roar("run", "-q", "true", cwd=gone)
    gone.rmdir()
    assert "no such file or directory" in error("@3")


def test_build_steps_are_marked(training: Project) -> None:
    training.roar("build", "-q", "sh", "-c", "echo built > built.txt")
    training.roar("run", "-q", "true")
    record = training.show("@1")
    assert (record["job_kind"], training.show("@2")["job_kind"]) == ("build", None)
    assert "[build] sh -c" in training.roar("log").stdout
    assert "kind     build" in training.roar("show", "@1").stdout
    assert training.json("log")["jobs"][1]["job_kind"] == "build"
    training.roar("run", "-q", "@1")
    assert training.show("@3")["job_kind"] == "build"
    done = training.roar("build", check=False)
    assert done.returncode == 125
    assert "Missing argument" in done.stderr or "missing argument" in done.stderr


def test_pop_forgets_the_newest_and_touches_no_file(training: Project) -> None:
    training.roar("run", "-q", python(), "src/train.py", "--out=a.txt")
    before = training.json("show", f"session:{training.show()['session']}")
    training.roar("run", "-q", python(), "src/train.py", "--out=b.txt", "--epochs=4711")  # no other test makes that content
    refused = training.roar("pop", check=False)
    assert refused.returncode == 1
    assert "say it with --yes" in refused.stderr
    assert training.roar("pop", "--dry-run", "--yes").stdout.startswith("would forget: @2 ")
    assert training.show("@")["number"] == 2
    done = training.roar("pop", "--yes")
    assert done.stdout.splitlines()[-1] == "forgotten; no file was touched: the next job is @2"
    assert (training.path / "b.txt").exists()
    after = training.json("show", f"session:{before['id']}")
    assert after == before
    assert "no recorded job" in training.roar("lineage", "b.txt", check=False).stderr


def test_pop_deletes_only_what_the_job_made_and_left_so(training: Project) -> None:
    training.write("old.txt", "before\n")
    training.sh("echo new > old.txt; echo 1 > made.txt; echo 2 > edited.txt; echo 3 > gone.txt; ln -s made.txt link")
    training.write("edited.txt", "mine\n")
    (training.path / "gone.txt").unlink()
    document = training.json("pop", "--delete-outputs", "--yes")
    assert {Path(one["path"]).name for one in document["deleted"]} == {"made.txt", "link"}
    assert {Path(one["path"]).name: one["reason"] for one in document["kept"]} == {
        "old.txt": "was there before the job", "edited.txt": "changed since", "gone.txt": "not there any more"}
    assert sorted(path.name for path in training.path.iterdir() if path.is_file()) == ["edited.txt", "old.txt"]
    assert (training.path / "old.txt").read_text() == "new\n"


def test_pop_asks_on_a_terminal(training: Project) -> None:
    training.roar("run", "-q", "true")
    for answer, code in ((b"n\n", 1), (b"y\n", 0)):
        master, terminal = pty.openpty()
        with subprocess.Popen([BIN / "roar", "pop"], cwd=training.path, env=training.environment, stdin=terminal,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as asked:
            os.close(terminal)
            os.write(master, answer)
            _, words = asked.communicate(timeout=30)
        os.close(master)
        assert b"forget @1? [y/N]" in words
        assert asked.returncode == code


def test_a_job_that_runs_is_not_forgotten(training: Project) -> None:
    with training.popen("run", "-q", "sleep", "60", stderr=subprocess.DEVNULL) as running:
        while not training.json("log").get("jobs"):
            pass
        refused = training.roar("pop", "--yes", check=False)
        assert "@1 still runs" in refused.stderr
        running.terminate()
        running.wait(30)


def test_only_the_owner_forgets(daemon: Daemon, project: Project) -> None:
    os.chown(project.path, 4242, 4242)
    project.user = 4242
    project.roar("run", "-q", "true")
    theirs = bytes.fromhex(project.show()["id"])
    path = str(daemon.socket)
    with DaemonClient(path, identify(path)) as root, pytest.raises(NotFoundError, match="you have no job"):
        root.call("Observe/Forget", observe_pb2.ForgetRequest(id=theirs), observe_pb2.ForgetResponse)
    assert project.show()["id"] == theirs.hex()
