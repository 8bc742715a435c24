"""`roar diff` over a real pipeline: prepare.py → train.py → evaluate.py, changed in one place at a time."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest
from harness import Daemon, Project

PREPARE = """
import sys
rows = [float(line) for line in open("raw.csv")]
open("features.csv", "w").write("".join(f"{row * 2}\\n" for row in rows))
"""
TRAIN = """
import argparse, json
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--out", default="model.json")
arguments = parser.parse_args()
rows = [float(line) for line in open("features.csv")]
json.dump({"weight": sum(rows) * arguments.lr}, open(arguments.out, "w"))
"""
EVALUATE = """
import json, sys
model = json.load(open(sys.argv[1]))
json.dump({"score": model["weight"] + 1, "rows": 3}, open(sys.argv[2], "w"))
"""


@pytest.fixture
def pipeline(project: Project) -> Project:
    for name, text in (("prepare.py", PREPARE), ("train.py", TRAIN), ("evaluate.py", EVALUATE)):
        project.write(name, text)
    project.write("raw.csv", "1\n2\n3\n")
    project.write(".gitignore", "*.csv\n*.json\n")
    git(project, "init", "-q")
    commit(project, "A pipeline")
    return project


def git(project: Project, *arguments: str) -> str:
    return subprocess.run(["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *arguments], cwd=project.path,
                          check=True, capture_output=True, text=True).stdout.strip()


def commit(project: Project, subject: str) -> str:
    git(project, "add", ".")
    git(project, "commit", "-q", "-m", subject)
    return git(project, "rev-parse", "HEAD")


def all_steps(project: Project, *train: str, name: str = "metrics.json") -> tuple[str, str, str]:
    """References of the three jobs."""
    commands = (["prepare.py"], ["train.py", *train], ["evaluate.py", "model.json", name])
    first, second, third = (f"@{project.run('python3', *words)['number']}" for words in commands)
    return first, second, third


def diff(project: Project, *arguments: str, code: int = 1) -> dict:
    done = project.roar("diff", *arguments, "--json", check=False)
    assert done.returncode == code, (done.stdout, done.stderr)
    return json.loads(done.stdout)


def page(project: Project, *arguments: str) -> str:
    done = project.roar("diff", *arguments, check=False)
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout


def names(document: dict, category: str) -> list[str]:
    return [row.get("name") or row["path"] for row in document["differences"][category] if not row.get("incidental")]


def test_script_two_steps_up(pipeline):
    one = all_steps(pipeline, name="metrics-1.json")
    pipeline.write("prepare.py", PREPARE.replace("row * 2", "row * 3"))
    changed = commit(pipeline, "Scale by three")
    two = all_steps(pipeline, name="metrics-2.json")
    found = diff(pipeline, one[2], two[2])
    assert found["same"] is False
    assert names(found, "code") == []  # evaluate.py is as it was
    assert names(found, "inputs") == ["model.json"]
    (cause,) = found["cause"]
    assert (cause["category"], cause["strength"]) == ("code", "difference")
    assert [link["path"] for link in cause["chain"]] == ["model.json", "features.csv"]
    assert [f"@{link['a']['job']['number']}" for link in cause["chain"]] == [one[1], one[0]]
    (script,) = cause["changes"]
    assert script["path"] == "prepare.py"
    assert [each["hash"] for each in script["code"]["commits"]] == [changed]
    assert "+open(\"features.csv\", \"w\").write(\"\".join(f\"{row * 3}\\n\" for row in rows))" in script["code"]["diff"]
    assert [each["subject"] for each in found["commits"]["only_b"]] == ["Scale by three"]
    # The metrics of both runs are still on disk, under the names that they were given.
    (metrics,) = found["differences"]["outputs"]
    (score,) = metrics["values"]
    assert score == {"name": "score", "a": pytest.approx(2.2), "b": pytest.approx(2.8), "delta": pytest.approx(0.6)}
    text = page(pipeline, one[2], two[2])
    assert (f'metrics-1.json → metrics-2.json differs because model.json does ({one[1]} → {two[1]}), because features.csv does '
            f'({one[0]} → {two[0]}), because prepare.py changed in commit {changed[:7]} "Scale by three"') in text
    assert text.splitlines()[-1] == f"next: roar diff {one[0]} {two[0]}"
    assert "row * 3" not in page(pipeline, one[2], two[2], "--no-code")
    summary = page(pipeline, one[2], two[2], "--summary")
    assert "differs in: parameters (1), inputs (1), outputs (1)" in summary


def test_the_same_and_itself(pipeline):
    one, two = all_steps(pipeline), all_steps(pipeline)
    found = diff(pipeline, one[1], two[1], code=0)
    assert found["same"] is True
    assert [names(found, category) for category in found["differences"]] == [[]] * len(found["differences"])
    assert found["cause"] == []
    assert "the same: code" in page(pipeline, one[1], two[1])
    assert diff(pipeline, one[1], one[1], code=0)["same"] is True


def test_uncommitted_change(pipeline):
    salt = time.time_ns() % 10**6 + 2
    pipeline.write("raw.csv", f"1\n{salt}\n")  # no other test has the content that is gone here
    one = all_steps(pipeline)
    pipeline.write("train.py", TRAIN.replace("sum(rows)", "max(rows)"))
    two = all_steps(pipeline)
    pipeline.write("train.py", TRAIN)  # the content that ran is nowhere any more but in the recorded diff
    found = diff(pipeline, one[2], two[2])
    (cause,) = found["cause"]
    (script,) = cause["changes"]
    assert (script["path"], script["code"]["uncommitted"], script["code"]["commits"]) == ("train.py", ["b"], [])
    assert "max(rows)" in script["code"]["diff"]
    assert f"because train.py changed by uncommitted changes in {two[1]}" in page(pipeline, one[2], two[2])
    assert "its content is gone: the file was changed since" in page(pipeline, one[2], two[2])  # metrics.json of the first


def test_parameter(pipeline):
    one, two = all_steps(pipeline, "--lr", "0.1"), all_steps(pipeline, "--lr=0.2")
    found = diff(pipeline, one[1], two[1])
    assert found["differences"]["parameters"] == [
        {"name": "--lr", "change": "changed", "a": "0.1", "b": "0.2", "incidental": False}]
    (cause,) = diff(pipeline, one[2], two[2])["cause"]
    assert cause["category"] == "parameters"
    assert cause["sentence"] == (f"metrics.json differs because model.json does ({one[1]} → {two[1]}), "
                                 "because --lr is 0.1 → 0.2")


def test_raw_data_and_a_file_without_a_maker(pipeline):
    one = all_steps(pipeline)
    before = pipeline.write("before.csv", (pipeline.path / "raw.csv").read_bytes())
    pipeline.write("raw.csv", "1\n2\n4\n")
    two = all_steps(pipeline)
    (cause,) = diff(pipeline, one[2], two[2])["cause"]
    assert cause["category"] == "inputs"
    assert [change["path"] for change in cause["changes"]] == ["raw.csv"]
    assert cause["sentence"].endswith("because raw.csv changed (no recorded job made it)")
    found = diff(pipeline, before.name, "raw.csv")  # files are hashed and looked up
    assert found["kind"] == "artifact"
    assert [found[side]["maker"] for side in "ab"] == [None, None]
    assert found["values"] == [{"name": "1 (last row)", "a": 3, "b": 4, "delta": 1}]
    assert "its lineage begins there" in page(pipeline, before.name, "raw.csv")
    assert diff(pipeline, "raw.csv", "raw.csv", code=0)["same"] is True


def test_several_causes_are_ranked(pipeline):
    one = all_steps(pipeline)
    pipeline.write("raw.csv", "1\n2\n4\n")
    pipeline.write("prepare.py", PREPARE.replace("row * 2", "row * 3"))
    commit(pipeline, "Scale by three")
    two = all_steps(pipeline, "--lr=0.5")
    causes = diff(pipeline, one[2], two[2])["cause"]
    assert [(cause["category"], len(cause["chain"])) for cause in causes] == [("code", 2), ("parameters", 1), ("inputs", 2)]


def test_package_version(pipeline):
    site = "env/lib/python3.11/site-packages"
    pipeline.write("use.py", "import sys\nsys.path.insert(0, 'env/lib/python3.11/site-packages')\nimport stats\n"
                             "open('out.txt', 'w').write(str(stats.mean()))\n")

    def install(version: str, value: int) -> None:
        for old in (pipeline.path / site).glob("*.dist-info"):
            subprocess.run(["rm", "-r", old], check=True)
        pipeline.write(f"{site}/stats.py", f"def mean():\n    return {value}\n")
        info = f"{site}/stats-{version}.dist-info"
        pipeline.write(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: stats\nVersion: {version}\n")
        pipeline.write(f"{info}/RECORD", f"stats.py,,\nstats-{version}.dist-info/METADATA,,\n")

    install("1.0", 1)
    one = pipeline.run("python3", "use.py")["number"]
    install("2.0", 2)
    two = pipeline.run("python3", "use.py")["number"]
    found = diff(pipeline, f"@{one}", f"@{two}")
    assert found["differences"]["packages"] == [
        {"name": "stats", "change": "changed", "a": "1.0", "b": "2.0", "incidental": False}]
    (cause,) = found["cause"]
    assert cause["sentence"] == f"out.txt differs (@{one} → @{two}) because stats is 1.0 → 2.0"


def test_nondeterministic_step(pipeline):
    pipeline.write("roll.py", "import os\nopen('dice.txt', 'w').write(os.urandom(8).hex())\n")
    one, two = (pipeline.run("python3", "roll.py")["number"] for _ in range(2))
    (cause,) = diff(pipeline, f"@{one}", f"@{two}")["cause"]
    assert (cause["category"], cause["strength"], cause["changes"]) == ("nondeterminism", "possible", [])
    text = page(pipeline, f"@{one}", f"@{two}")
    assert "nothing that was recorded explains why dice.txt differs" in text
    assert "roll.py may be nondeterministic" in text
    assert "not compared: the clock" in text


def test_module_that_is_read_in_compiled_form(pipeline):
    pipeline.write("use.py", "import helper\nopen('out.txt', 'w').write(helper.word())\n")

    def run() -> str:
        return f"@{pipeline.run('python3', 'use.py', environment={'PYTHONDONTWRITEBYTECODE': ''})['number']}"

    def write(word: str) -> None:
        pipeline.write("helper.py", f"def word():\n    return {word!r}\n")

    write("one")
    one, again = run(), run()
    sources = [entry["path"].rpartition("/")[2] for entry in pipeline.show(again)["inputs"] if entry["role"] == "source"]
    assert sources == ["use.py"]  # helper.py itself was not read: its compiled form was
    assert names(diff(pipeline, one, again, code=0), "code") == []
    time.sleep(1.1)  # a compiled file is found to be old by whole seconds, and by size
    write("twofold")
    run()
    after = run()
    found = diff(pipeline, again, after)
    assert names(found, "code") == ["helper.py"]
    assert [cause["category"] for cause in found["cause"]] == ["code"]


def test_steps_of_one_run(pipeline):
    pipeline.write("in.txt", "b\na\n")
    one = pipeline.sh("sort in.txt > sorted.txt; head -n 1 sorted.txt > first.txt")["number"]
    two = pipeline.sh("sort -r in.txt > sorted.txt; head -n 1 sorted.txt > first.txt")["number"]
    steps = {step["argv"][0]: step["index"] for step in pipeline.show(f"@{two}")["steps"]}
    head = steps["head"]
    found = diff(pipeline, f"@{one}/{head}", f"@{two}[{head}]")
    assert found["kind"] == "step"
    (cause, *_) = found["cause"]
    assert (cause["category"], [change["name"] for change in cause["changes"]]) == ("parameters", ["-r"])
    assert [link["path"] for link in cause["chain"]] == ["sorted.txt"]
    missing = pipeline.roar("diff", f"@{one}/99", f"@{two}/0", check=False)
    assert (missing.returncode, "has no step 99" in missing.stderr) == (2, True)


def test_sessions_of_different_lengths(pipeline):
    all_steps(pipeline)
    first = pipeline.json("status")["session"]["id"]
    pipeline.roar("reset")
    pipeline.run("true")
    all_steps(pipeline, "--lr=0.3")
    second = pipeline.json("status")["session"]["id"]
    found = diff(pipeline, f"session:{first[:16]}", f"session:{second[:16]}")
    rows = [(row["a"] and row["a"]["number"], row["b"] and row["b"]["number"], row["differs"]) for row in found["jobs"]]
    assert rows == [(None, 1, None), (1, 2, []), (2, 3, ["parameters", "outputs"]), (3, 4, ["inputs", "outputs"])]
    assert [cause["category"] for cause in found["cause"]] == ["parameters"]
    text = page(pipeline, first, second)
    assert "1 job the same in both" in text
    assert diff(pipeline, f"session:{first}", f"session:{first}", code=0)["same"] is True


def test_projects_of_two_people(pipeline, place: Path, daemon: Daemon):
    other = Project(place / f"copy-{pipeline.path.name}", daemon.socket)
    git(pipeline, "clone", "-q", str(pipeline.path), str(other.path))
    other.write("raw.csv", "1\n2\n3\n")
    one, two = all_steps(pipeline), all_steps(other)
    ids = [project.show(jobs[2])["id"] for project, jobs in ((pipeline, one), (other, two))]
    assert diff(pipeline, f"job:{ids[0]}", f"job:{ids[1]}", code=0)["same"] is True
    other.write("raw.csv", "1\n2\n9\n")
    third = other.show(all_steps(other)[2])["id"]
    (cause,) = diff(pipeline, f"job:{ids[0]}", f"job:{third}")["cause"]
    assert [change["path"] for change in cause["changes"]] == ["raw.csv"]


def test_job_that_still_runs_and_kinds_that_do_not_match(pipeline):
    one = all_steps(pipeline)
    with pipeline.popen("run", "-q", "sh", "-c", "read line", stdin=subprocess.PIPE) as running:
        deadline = time.monotonic() + 30
        while pipeline.show()["state"] != "running":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        found = diff(pipeline, one[2], "@")
        assert found["same"] is False
        assert any("still runs" in note for note in found["notes"])
        assert diff(pipeline, "@", "@")["same"] is False
        running.stdin.close()
    for pair in ((one[0], "model.json"), (one[0], "@99"), ("nothing.bin", "model.json")):
        done = pipeline.roar("diff", *pair, "--json", check=False)
        assert (done.returncode, done.stdout) == (2, "")
        assert json.loads(done.stderr)["error"]["hint"]


def test_what_git_does_not_have_any_more(pipeline):
    pipeline.write("train.py", TRAIN + f"# {time.time_ns()}\n")  # no other test's file has this content
    one = all_steps(pipeline)
    pipeline.write("train.py", TRAIN.replace("sum(rows)", "max(rows)"))
    commit(pipeline, "The largest")
    two = all_steps(pipeline)
    subprocess.run(["rm", "-rf", pipeline.path / ".git"], check=True)
    found = diff(pipeline, one[1], two[1])
    assert "has both commits" in found["commits"]["absent"]
    (script,) = found["differences"]["code"]
    assert script["code"]["diff"] is None
    assert "its content is gone" in script["code"]["diff_absent"]
    assert [cause["category"] for cause in found["cause"]] == ["code"]
