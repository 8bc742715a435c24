"""`roar reproduce`: a small pipeline made again, with all that can go wrong."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from harness import BIN, Daemon, Project, blake

pytestmark = pytest.mark.root

PYTHON = "/usr/bin/python3"
PREPARE = """
import csv, sys
rows = list(csv.reader(open(sys.argv[1])))
with open("../out/clean.csv", "w") as file:
    csv.writer(file).writerows(row for row in rows if all(row))
"""
TRAIN = """
import argparse, csv, json
options = argparse.ArgumentParser()
options.add_argument("--epochs", type=int)
options = options.parse_args()
rows = list(csv.DictReader(open("out/clean.csv")))
mean = sum(float(row["x"]) for row in rows) / len(rows)
json.dump({"mean": mean, "epochs": options.epochs}, open("out/model.json", "w"))
"""
EVALUATE = """
import json, time
model = json.load(open("out/model.json"))
json.dump({"mean": model["mean"], "at": time.time_ns()}, open("out/metrics.json", "w"))
"""


@pytest.fixture
def pipeline(project: Project) -> Project:
    """Sources in git; what is in out/ and raw/ is not."""
    for name, text in (("src/prepare.py", PREPARE), ("src/train.py", TRAIN), ("src/evaluate.py", EVALUATE),
                       (".gitignore", "out/\nraw/\n"), ("raw/raw.csv", raw(project))):
        project.write(name, text)
    (project.path / "out").mkdir()
    git(project, "init", "-q")
    commit(project)
    return project


def raw(project: Project) -> str:
    """Of this test alone: the daemon knows what others have, and where it is."""
    return f"x,y\n1,2\n3,{project.path.name}\n,5\n"


def git(project: Project, *arguments: str) -> str:
    return subprocess.run(["git", "-c", "user.name=ada", "-c", "user.email=ada@example.org", *arguments], cwd=project.path,
                          check=True, capture_output=True, text=True).stdout


def commit(project: Project) -> None:
    git(project, "add", ".")
    git(project, "commit", "-q", "-m", "a state")


def state(project: Project) -> dict[Path, tuple[int, int, int]]:
    found = {path: path.stat() for top in ("src", "raw", "out", ".git") for path in (project.path / top).rglob("*")}
    return {path: (seen.st_ino, seen.st_size, seen.st_mtime_ns) for path, seen in found.items()}


def prepare(project: Project) -> None:
    project.roar("run", "-q", PYTHON, "prepare.py", "../raw/raw.csv", cwd=project.path / "src")


def train(project: Project, *arguments: str) -> None:
    project.roar("run", "-q", PYTHON, "src/train.py", *(arguments or ("--epochs", "3")))


class Again:
    """One reproduction: its exit code, its document, and where it was done."""

    def __init__(self, project: Project, *arguments: str, directory: Path | None = None,
                 environment: dict[str, str] | None = None) -> None:
        self.directory = directory or project.path.with_name(project.path.name + "-again")
        done = project.roar("reproduce", *arguments, "--run", "--yes", "--json", "--dir", self.directory, check=False,
                            environment=environment)
        self.code, self.stderr = done.returncode, done.stderr
        self.document: dict[str, Any] = json.loads(done.stdout) if done.stdout else {}
        self.error = json.loads(done.stderr.splitlines()[-1])["error"] if not done.stdout else {}

    @property
    def steps(self) -> list[dict[str, Any]]:
        assert self.document, self.stderr
        return list(self.document["result"]["steps"])

    @property
    def verdicts(self) -> dict[str, str]:
        return {Path(one["path"]).name: one["verdict"] for step in self.steps for one in step["outputs"]}


def test_a_pipeline_is_made_again_and_compared(pipeline: Project) -> None:
    """Uncommitted changes, a step in a subdirectory, an input that is not in git, an output that is never the same."""
    pipeline.write("src/train.py", TRAIN.replace('"mean": mean', '"mean": mean, "note": "changed"'))
    prepare(pipeline)
    train(pipeline)
    pipeline.roar("run", "-q", PYTHON, "src/evaluate.py")
    before = state(pipeline)
    plan = pipeline.roar("reproduce", "out/metrics.json").stdout
    assert "3 steps" in plan
    assert "with uncommitted changes to src/train.py" in plan
    assert "raw/raw.csv" in plan
    again = Again(pipeline, "out/metrics.json")
    assert again.code == 1, again.stderr
    assert again.verdicts == {"clean.csv": "identical", "model.json": "identical", "metrics.json": "differs"}
    differences = again.steps[2]["outputs"][0]["differences"]
    assert len(differences) == 1
    assert differences[0].startswith("at: ")
    assert [step["notes"] for step in again.steps] == [[], [], []]
    copy = again.directory / pipeline.path.name
    assert json.loads((copy / "out/model.json").read_text()) == {"mean": 2.0, "note": "changed", "epochs": 3}
    there = Project(copy, Path(pipeline.environment["ROARD_SOCKET"]))
    record = there.show("@1")
    assert record["cwd"] == str(copy / "src")
    assert record["reproduces"] == pipeline.show("@1")["id"]
    assert there.show("@2").inputs["out/clean.csv"] == pipeline.show("@2").inputs["out/clean.csv"]
    assert state(pipeline) == before, "the original is not touched"


def test_identical_is_exit_code_0_and_said(pipeline: Project) -> None:
    prepare(pipeline)
    train(pipeline)
    directory = pipeline.path.with_name(pipeline.path.name + "-again")
    done = pipeline.roar("reproduce", "out/model.json", "--run", "--yes", "--dir", directory)
    lines = done.stdout.splitlines()
    assert lines[-2:] == ["outputs: 2 identical", f"  in {directory}"]
    assert f"  identical  out/model.json  {blake((pipeline.path / 'out/model.json').read_bytes())[:8]}" in lines


def test_nothing_runs_unless_someone_says_yes(pipeline: Project) -> None:
    prepare(pipeline)
    directory = pipeline.path.with_name(pipeline.path.name + "-again")
    done = pipeline.roar("reproduce", "@1", "--run", "--dir", directory, check=False)
    assert (done.returncode, directory.exists()) == (3, False)
    assert "say it with --yes" in done.stderr


def test_an_input_that_is_gone_is_named_before_anything_runs(pipeline: Project) -> None:
    prepare(pipeline)
    train(pipeline)
    (pipeline.path / "raw/raw.csv").unlink()
    assert "NOWHERE: it is not there any more" in pipeline.roar("reproduce", "out/model.json").stdout
    again = Again(pipeline, "out/model.json")
    assert (again.code, again.error["code"]) == (3, "no_input")
    assert f"step 1 reads {pipeline.path}/raw/raw.csv" in again.error["message"]
    assert "--keep-going" in again.error["hint"]
    pipeline.write("elsewhere/copy.csv", raw(pipeline))
    pipeline.roar("run", "-q", "cat", "elsewhere/copy.csv")
    again = Again(pipeline, "out/model.json")  # the content is known, wherever it is
    assert (again.code, again.verdicts) == (0, {"clean.csv": "identical", "model.json": "identical"}), again.stderr


def test_it_goes_on_after_a_step_that_failed(pipeline: Project) -> None:
    flag = pipeline.path.with_name(pipeline.path.name + ".flag")
    flag.touch()
    prepare(pipeline)
    script = f"import os, shutil; os.stat({str(flag)!r}); shutil.copyfile('out/clean.csv', 'out/copy.csv')"
    pipeline.roar("run", "-q", PYTHON, "-c", script)
    flag.unlink()
    first = Again(pipeline, "@2")
    assert first.code == 2
    assert first.verdicts == {"clean.csv": "identical", "copy.csv": "not made"}
    assert first.steps[1]["problem"] == "ended with 1"
    assert "FileNotFoundError" in Path(first.steps[1]["log"]).read_text()
    flag.touch()
    second = Again(pipeline, "@2")
    assert (second.code, second.verdicts) == (0, {"clean.csv": "identical", "copy.csv": "identical"}), second.stderr
    assert [step["done_before"] for step in second.steps] == [True, False]
    copy = second.directory / pipeline.path.name
    (copy / "out/clean.csv").write_text("spoilt\n")
    third = Again(pipeline, "@2")
    assert (third.code, [step["done_before"] for step in third.steps]) == (0, [False, True])


def test_chosen_steps_alone(pipeline: Project) -> None:
    prepare(pipeline)
    train(pipeline)
    train(pipeline, "--epochs", "4")
    again = Again(pipeline, "@3", "--only", "@3")
    assert (again.code, list(again.verdicts), again.steps[0]["number"]) == (0, ["model.json"], 2), again.stderr
    wrong = pipeline.roar("reproduce", "@3", "--from", "7", check=False)
    assert "no step 7" in wrong.stderr or "step 7 comes after" in wrong.stderr
    assert "is none of the plan's steps" in pipeline.roar("reproduce", "@3", "--only", "@2", check=False).stderr
    session = Again(pipeline, f"session:{pipeline.show()['session']}", directory=pipeline.path.with_name("whole-session"))
    # The second training overwrote the first one's model, so there is nothing to compare that with: its hash still tells.
    assert (session.code, [len(step["outputs"]) for step in session.steps]) == (0, [1, 1, 1]), session.stderr


def test_each_step_has_the_code_that_it_had(pipeline: Project) -> None:
    prepare(pipeline)
    pipeline.write("src/train.py", TRAIN + "# another version\n")
    pipeline.write("notes.txt", "tracked\n")
    commit(pipeline)
    train(pipeline)
    pipeline.write("src/prepare.py", "raise SystemExit('a later version')\n")
    commit(pipeline)
    git(pipeline, "checkout", "-q", "--orphan", "other")  # no branch has the commits of the steps any more
    git(pipeline, "branch", "-q", "-D", "master")
    again = Again(pipeline, "out/model.json")
    assert (again.code, again.verdicts) == (0, {"clean.csv": "identical", "model.json": "identical"}), again.stderr


def test_directories_and_repositories_that_cannot_be(pipeline: Project) -> None:
    prepare(pipeline)
    train(pipeline)
    full = pipeline.path.with_name(pipeline.path.name + "-full")
    full.mkdir()
    (full / "something").touch()
    again = Again(pipeline, "@2", directory=full)
    assert (again.code, again.error["message"]) == (3, f"{full} is not empty")
    assert Again(pipeline, "@1").code == 0
    other = Again(pipeline, "@2")
    assert "holds the reproduction of something else" in other.error["message"]
    assert "has the project itself in it" in Again(pipeline, "@2", directory=pipeline.path.parent).error["message"]
    repository = pipeline.path / ".git"
    moved = pipeline.path.with_name(pipeline.path.name + "-moved.git")
    repository.rename(moved)
    fresh = pipeline.path.with_name(pipeline.path.name + "-fresh")
    gone = Again(pipeline, "out/model.json", directory=fresh)
    assert (gone.code, gone.error["code"]) == (3, "no_repository")
    assert "no remote was recorded" in gone.error["message"]
    assert "--repository" in gone.error["hint"]
    empty = pipeline.path.with_name(pipeline.path.name + "-empty.git")
    subprocess.run(["git", "init", "-q", "--bare", empty], check=True)
    wrong = Again(pipeline, "out/model.json", "--repository", str(empty), directory=fresh)
    assert "is not in it" in wrong.error["message"]
    right = Again(pipeline, "out/model.json", "--repository", str(moved), directory=fresh)
    assert right.code == 0, right.stderr


def test_a_repository_that_is_only_remote_still(pipeline: Project) -> None:
    remote = pipeline.path.with_name(pipeline.path.name + "-remote.git")
    subprocess.run(["git", "clone", "-q", "--bare", pipeline.path, remote], check=True)
    git(pipeline, "remote", "add", "origin", str(remote))
    prepare(pipeline)
    shutil.rmtree(pipeline.path / ".git")
    shutil.rmtree(pipeline.path / "src")
    again = Again(pipeline, "out/clean.csv")
    assert (again.code, again.verdicts) == (0, {"clean.csv": "identical"}), again.stderr


def test_what_is_outside_is_not_written_without_consent(pipeline: Project) -> None:
    outside = pipeline.path.with_name(pipeline.path.name + "-outside.txt")
    pipeline.sh(f"cat raw/raw.csv > {outside}")
    assert "outside of the project" in pipeline.roar("reproduce", "@1").stdout
    outside.write_text("mine\n")
    again = Again(pipeline, "@1")
    assert (again.code, again.error["code"]) == (3, "not_confirmed")
    assert (str(outside) in again.error["message"], outside.read_text()) == (True, "mine\n")
    assert Again(pipeline, "@1", "--outside").code == 0
    assert outside.read_text() == raw(pipeline)


def test_paths_of_the_project_are_redirected_where_that_can_be(pipeline: Project) -> None:
    """In arguments and variables; a program that has the path in itself is not run without consent."""
    script = "import os, sys; open(os.environ['WHERE'] + '/out/n.txt', 'w').write(str(len(open(sys.argv[1]).read())))"
    pipeline.roar("run", "-q", PYTHON, "-c", script, pipeline.path / "raw/raw.csv",
                  environment={"WHERE": str(pipeline.path)})
    (pipeline.path / "out/n.txt").write_text("mine\n")
    again = Again(pipeline, "@1")
    assert (again.code, again.verdicts) == (0, {"n.txt": "identical"}), again.stderr
    assert (pipeline.path / "out/n.txt").read_text() == "mine\n"
    pipeline.write("src/fixed.py", f"open('{pipeline.path}/out/fixed.txt', 'w').write('new')\n")
    pipeline.roar("run", "-q", PYTHON, "src/fixed.py")
    refused = Again(pipeline, "@2", directory=pipeline.path.with_name("fixed-again"))
    assert (refused.code, refused.error["code"]) == (3, "not_confirmed")
    assert "src/fixed.py" in refused.error["message"]
    told = Again(pipeline, "@2", "--outside", directory=pipeline.path.with_name("fixed-again"))
    assert told.code == 2
    assert any("a path that the program itself has" in note for note in told.steps[0]["notes"])


def test_secrets_are_not_run_as_they_were_recorded(pipeline: Project) -> None:
    pipeline.roar("run", "-q", PYTHON, "-c", "open('out/x.txt', 'w')", "--token", "hf_abcdefghijklmnopqrstuvwx")
    again = Again(pipeline, "@1")
    assert (again.code, again.error["code"]) == (3, "secret")
    assert "step 1: --token" in again.error["message"]
    script = pipeline.roar("reproduce", "@1", "--script").stdout
    assert "SECRET_1_4_1 must hold the secret" in script
    assert '--token "${SECRET_1_4_1:?}"' in script


def test_build_steps_come_first(pipeline: Project) -> None:
    prepare(pipeline)
    pipeline.roar("build", "-q", "sh", "-c", "echo 'print(7)' > out/built.py")
    pipeline.roar("run", "-q", "sh", "-c", f"{PYTHON} out/built.py > out/seven.txt")
    pipeline.roar("run", "-q", PYTHON, "src/train.py", "--epochs", "1")
    again = Again(pipeline, "out/model.json")
    assert len(again.steps) == 3
    assert [step["job"]["number"] for step in again.document["plan"]["steps"]] == [2, 1, 4]
    assert (again.code, again.verdicts["built.py"]) == (0, "identical"), again.stderr


def test_the_script_makes_it_too(pipeline: Project) -> None:
    prepare(pipeline)
    train(pipeline)
    script = pipeline.path.with_name("again.sh")
    script.write_text(pipeline.roar("reproduce", "out/model.json", "--script").stdout)
    target = pipeline.path.with_name("by script")
    subprocess.run(["bash", script, target], check=True, env=pipeline.environment)
    made = target / pipeline.path.name / "out/model.json"
    assert made.read_bytes() == (pipeline.path / "out/model.json").read_bytes()


def wheel(directory: Path, version: str) -> None:
    directory.mkdir(exist_ok=True)
    info = f"roartoy-{version}.dist-info"
    with zipfile.ZipFile(directory / f"roartoy-{version}-py3-none-any.whl", "w") as file:
        file.writestr("roartoy/__init__.py", f"VERSION = {version!r}\n")
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: roartoy\nVersion: {version}\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", f"roartoy/__init__.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")


@pytest.mark.parametrize("with_uv", [False, True])
def test_recorded_packages_are_installed(pipeline: Project, with_uv: bool) -> None:
    """From the index that pip is configured for: a directory of wheels."""
    wheels = pipeline.path.with_name(pipeline.path.name + "-wheels")
    wheel(wheels, "1.5")
    wheel(wheels, "1.4")
    venv = pipeline.path.with_name(pipeline.path.name + "-venv")
    tools = pipeline.path.with_name(pipeline.path.name + "-tools")
    tools.mkdir()
    if with_uv:
        (tools / "uv").symlink_to(BIN / "uv")
    index = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "UV_CACHE_DIR": str(tools / "cache")}
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", venv], check=True)
    site = next(venv.glob("lib/python3*/site-packages"))
    with zipfile.ZipFile(wheels / "roartoy-1.4-py3-none-any.whl") as file:
        file.extractall(site)  # what pip does
    path = {**index, "PATH": f"{tools}:{venv}/bin:/usr/bin:/bin"}
    pipeline.roar("run", "-q", "python", "-c", "import roartoy; open('out/v.txt', 'w').write(roartoy.VERSION)",
                  environment=path)
    assert "roartoy 1.4" in pipeline.roar("reproduce", "@1").stdout
    shutil.rmtree(venv)
    here = {**index, "PATH": f"{tools}:/usr/bin:/bin"}
    again = Again(pipeline, "@1", environment=here)
    assert (again.code, again.verdicts) == (0, {"v.txt": "identical"}), again.stderr
    installed = again.directory / ".reproduce/environments/1/lib"
    assert len(list(installed.rglob("roartoy-1.4.dist-info"))) == 1
    (wheels / "roartoy-1.4-py3-none-any.whl").unlink()
    shutil.rmtree(tools / "cache", ignore_errors=True)
    shutil.rmtree(again.directory)
    gone = Again(pipeline, "@1", environment=here)
    assert (gone.code, gone.error["code"]) == (3, "no_package")
    assert "roartoy==1.4" in gone.error["message"]
    assert "--packages near" in gone.error["hint"]
    near = Again(pipeline, "@1", "--packages", "near", environment=here)
    assert (near.code, near.verdicts) == (1, {"v.txt": "differs"}), near.stderr
    assert "roartoy 1.5 instead of 1.4, which cannot be had" in near.document["result"]["notes"]
    assert near.steps[0]["outputs"][0]["differences"] == ["first in line 1, byte 3 of 3: '1.4' → '1.5'"]


def test_without_a_record_there_is_nothing_to_make_again(pipeline: Project, daemon: Daemon) -> None:
    assert daemon.process is not None
    prepare(pipeline)
    done = pipeline.roar("reproduce", "raw/raw.csv", check=False)
    assert done.returncode == 1
    assert "no recorded job made this" in done.stderr
    assert "exclude each other" in pipeline.roar("reproduce", "@1", "--run", "--script", check=False).stderr
