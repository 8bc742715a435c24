"""Finding jobs and files again, with a real daemon: the log's filters, search, inputs; and who finds what."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from harness import Daemon, Project

NOBODY, DAEMON = 65534, 1


@pytest.fixture
def two_users(daemon: Daemon, place: Path) -> tuple[Project, Project]:
    if os.geteuid() != 0:
        pytest.skip("other users need root")
    mine, theirs = (Project(Path(tempfile.mkdtemp(dir=place)), daemon.socket, user) for user in (NOBODY, DAEMON))
    return mine, theirs


def numbers(project: Project, *options: str) -> list[int]:
    return [job["number"] for job in project.json("log", *options)["jobs"]]


def test_log_finds_what_is_asked_for(project: Project) -> None:
    project.sh("echo first > a")
    project.sh("exit 3", check=False)
    project.sh("kill -9 $$", check=False)
    project.run("cp", "a", "b")
    assert numbers(project) == [4, 3, 2, 1]
    assert numbers(project, "--ok") == [4, 1]
    assert numbers(project, "--failed") == [3, 2]
    assert numbers(project, "--exit", "3") == [2]
    assert numbers(project, "--exit", "137") == [3]
    assert numbers(project, "ECHO", "> a") == [1]
    assert numbers(project, "cp", "--since", "1h", "--until", "today") == [4]
    assert numbers(project, "--since", "2100-01-01") == numbers(project, "--until", "yesterday") == []
    assert numbers(project, "--all", "--user", "root", "--host", "*", "cp", "-n", "1") == [4]
    assert numbers(project, "--incomplete") == numbers(project, "--running") == numbers(project, "--user", "nobody") == []
    said = project.roar("log", "--failed").stdout.splitlines()
    assert ["killed by SIGKILL" in said[0], "failed with 3" in said[1]] == [True, True]


def test_log_has_nothing_of_others(two_users: tuple[Project, Project]) -> None:
    mine, theirs = two_users
    mine.sh("echo private-word > a")
    assert numbers(mine, "--all", "private-word") == [1]
    assert numbers(theirs, "--all", "private-word") == []


def found(project: Project, *options: str) -> list[str]:
    artifacts = project.json("search", *options)["artifacts"]
    return [path["path"].removeprefix(f"{project.path}/") for artifact in artifacts for path in artifact["paths"]]


def test_search_by_path_hash_and_words(project: Project) -> None:
    project.write("data/in.csv", "1,2\n")
    job = project.run("sh", "-c", "sort data/in.csv > data/out.csv; cp data/out.csv 'odd [name]'")
    assert set(found(project, "./data/*.csv")) == {"data/in.csv", "data/out.csv"}
    assert found(project, f"{project.path}/data/o*") == ["data/out.csv"]
    assert found(project, "./odd \\[name\\]") == ["odd [name]"]
    assert set(found(project, "data/", "-n", "1000")) >= {"data/in.csv", "data/out.csv"}
    digest = job.outputs["data/out.csv"]
    assert digest is not None
    hits = project.json("search", digest[:16])["artifacts"]
    assert [(hit["hash"], hit["made"], hit["job"]["id"]) for hit in hits] == [(digest, 1, job["id"])]
    assert [hit["id"] for hit in project.json("search", job["id"][:16])["jobs"]] == [job["id"]]
    assert next(hit["id"] for hit in project.json("search", "SORT", "--since", "1h")["jobs"]) == job["id"]
    said = project.roar("search", "./data/o*").stdout
    assert "made by @1" in said
    assert "next: roar lineage artifact:" in said
    assert project.roar("search", check=False).returncode == 2


def test_search_finds_nothing_of_others(two_users: tuple[Project, Project]) -> None:
    mine, theirs = two_users
    mine.sh("echo content-of-mine > very-private.txt")
    digest = mine.show("@").outputs["very-private.txt"]
    assert digest is not None
    for words in (["very-private.txt"], ["*/very-private.txt"], [digest[:20]], ["--command", "very-private"]):
        answer = mine.json("search", *words)
        assert answer["artifacts"] or answer["jobs"]
        answer = theirs.json("search", *words)
        assert (answer["artifacts"], answer["jobs"]) == ([], [])


def test_inputs_are_the_roots_and_where_they_are(project: Project) -> None:
    project.write("raw.csv", "2\n1\n")
    project.write("prep.sh", "sort raw.csv > clean.csv\n")
    project.run("sh", "prep.sh")
    project.run("cp", "clean.csv", "model")
    (project.path / "raw.csv").rename(project.path / "elsewhere.csv")
    project.run("cat", "elsewhere.csv")  # so it was seen there, too
    document = project.json("inputs", "model")
    assert [(Path(one["path"]).name, one["role"], one["state"]) for one in document["inputs"]] == [
        ("raw.csv", "data", "missing"), ("prep.sh", "source", "same")]
    assert document["inputs"][0]["found_at"]["path"].endswith("/elsewhere.csv")
    direct = project.json("inputs", "model", "--direct")["inputs"]
    assert [(Path(one["path"]).name, one["maker"]["number"]) for one in direct] == [("clean.csv", 1)]
    assert {one["role"] for one in project.json("inputs", "@2", "--direct", "--all")["inputs"]} >= {"data"}


def test_many_files_are_one(project: Project) -> None:
    project.sh("mkdir set; for n in $(seq -w 0 29); do echo $n > set/s-$n.txt; done; echo i > set/index")
    job = project.run("sh", "-c", "cat set/s-0*.txt set/s-1*.txt > sum")
    groups = job["groups"]
    assert [(Path(one["path"]).name, one["files"], one["whole"]) for one in groups] == [("s-{00..19}.txt", 20, True)]
    page = project.roar("show", "@").stdout
    assert f"set/s-{{00..19}}.txt  {groups[0]['tree'][:8]}" in page
    assert "20 files of the 31 there now" in page
    assert "20 files" in project.roar("lineage", "sum").stdout
    (project.path / "set").rename(project.path / "moved")
    whole = project.json("show", "moved")
    assert (whole["files"], whole["known"], whole["made"]) == (31, 31, 31)
    assert [(use["job"]["number"], use["kind"], use["path"]) for use in whole["uses"]] == [
        (1, "output", f"{project.path}/set/")]
    assert "just these files made by" in project.roar("show", "./moved").stdout
    for path in (project.path / "moved").glob("*"):
        if not path.name.startswith(("s-0", "s-1")):
            path.unlink()
    assert [(use["job"]["number"], use["kind"]) for use in project.json("show", "moved")["uses"]] == [(2, "input")]
    project.write("moved/s-00.txt", "changed")
    assert "no recorded job used or made just these files" in project.roar("show", "moved").stdout


def test_sets_of_others_are_not_found(two_users: tuple[Project, Project]) -> None:
    mine, theirs = two_users
    mine.sh("mkdir set; for n in $(seq -w 0 29); do echo mine $n > set/$n; done")
    theirs.roar("log")
    for n in range(30):
        theirs.write(f"set/{n:02}", f"mine {n:02}\n")
    assert mine.json("show", "set")["known"] == 30
    answer = theirs.json("show", "set")
    assert (answer["known"], answer["made"], answer["uses"]) == (0, 0, [])
