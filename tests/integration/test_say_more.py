"""What people say of recorded things: labels, notes, names; and who hears it."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from harness import BIN, Daemon, Project

NOBODY, DAEMON = 65534, 1


@pytest.fixture
def two_users(daemon: Daemon, place: Path) -> tuple[Project, Project]:
    if os.geteuid() != 0:
        pytest.skip("other users need root")
    mine, theirs = (Project(Path(tempfile.mkdtemp(dir=place)), daemon.socket, user) for user in (NOBODY, DAEMON))
    return mine, theirs


def labels(project: Project, reference: str) -> dict[str, str]:
    return dict(project.json("label", reference)["labels"])


def test_labels_of_everything_and_their_history(project: Project) -> None:
    project.sh("echo x > a; cat a > b")
    before = project.show("@")["id"]
    project.roar("label", "@", "team=vision", "stage=draft")
    project.roar("label", "@1", "stage=final", "--unset", "team")
    project.roar("label", "a", "quality=good")
    project.roar("label", "@1/1", "name=copy")
    session = project.show("@")["session"]
    project.roar("label", f"session:{session}", "paper=neurips")
    assert labels(project, "@1") == {"stage": "final"}
    assert labels(project, "a") == labels(project, "b") == {"quality": "good"}  # one content
    assert labels(project, "@1/1") == {"name": "copy"}
    assert labels(project, f"session:{session}") == {"paper": "neurips"}
    history = project.json("label", "@", "--history")["history"]
    assert [(one["key"], one["old"], one["new"], one["author"]["name"]) for one in history] == [
        ("team", [], ["vision"], "root"), ("stage", [], ["draft"], "root"), ("stage", ["draft"], ["final"], "root"),
        ("team", ["vision"], [], "root")]
    assert "stage: draft → final" in project.roar("label", "@", "--history").stdout
    shown = project.show("@")
    assert shown["id"] == before  # no part of the record
    assert shown["annotations"]["labels"] == {"stage": "final"}
    assert [(one["step"], one["labels"]) for one in shown["step_annotations"]] == [(1, {"name": "copy"})]
    page = project.roar("show", "@").stdout
    assert "  labels   stage=final" in page
    assert "(copy)" in page
    assert "stage=final" in project.roar("log").stdout
    assert "quality=good" in project.roar("show", "a").stdout
    assert "quality=good" in project.roar("lineage", "b").stdout
    for line in (["@7", "a=b"], ["@1/9", "a=b"], ["@1", "no-value"], ["@1", "=x"], ["@1", "--unset", "none"]):
        assert project.roar("label", *line, check=False).returncode in {1, 2}, line


def test_names_are_references(project: Project) -> None:
    project.roar("run", "-q", "--name", "prep", "--label", "team=vision", "true")
    project.roar("run", "-q", "--name=prep", "-l", "try=2", "--", "true")
    project.roar("run", "-q", "--label", "team=audio", "sh", "-c", "echo > out")
    assert project.show("name:prep")["number"] == 2
    assert labels(project, "@1") == {"name": "prep", "team": "vision"}
    assert [job["number"] for job in project.json("log", "--label", "team")["jobs"]] == [3, 1]
    assert [job["number"] for job in project.json("log", "--label", "team=vision", "--label", "name=prep")["jobs"]] == [1]
    assert project.json("log")["jobs"][1]["labels"] == {"name": "prep", "try": "2"}
    project.roar("label", "out", "name=result", f"mark={project.path.name}")
    assert project.json("show", "name:result")["kind"] == "artifact"
    found = project.json("search", "--label", f"mark={project.path.name}")
    assert [len(found["artifacts"]), len(found["jobs"])] == [1, 0]
    assert project.json("search", "--label", "team=audio")["jobs"][0]["number"] == 3
    missing = project.roar("show", "name:nothing", check=False)
    assert (missing.returncode, "nothing has the name 'nothing'" in missing.stderr) == (1, True)
    assert project.roar("run", "--label", "novalue", "true", check=False).returncode == 125


def test_notes(project: Project) -> None:
    project.run("true")
    project.roar("note", "@", "first\nwith two lines")
    with project.write("text", "from a file, token=ghp_abcdefghijklmnop1234\n").open() as text:
        project.roar("note", "@1", stdin=text)
    said = project.roar("note", "@", "--list").stdout
    assert "[1] root, " in said
    assert "  with two lines\n" in said
    assert "ghp_" not in said
    page = project.roar("show", "@").stdout
    assert "  note     first with two lines (root, " in page
    project.roar("note", "@", "--remove", "1")
    notes = [item for item in project.json("note", "@", "--list")["items"] if item["what"] == "note"]
    assert [note["key"] for note in notes] == ["2"]
    project.roar("note", "@", "third")  # a number is not given twice while later notes stand
    assert [one["key"] for one in project.json("note", "@", "--list")["items"]] == ["2", "3"]
    assert project.roar("note", "@", "--remove", "1", check=False).returncode == 1
    assert project.roar("note", "@", check=False).returncode == 2  # empty input


def test_editor_for_a_note(project: Project) -> None:
    project.run("true")
    line = f"script -qec '{BIN}/roar note @' /dev/null"
    editor = project.write("editor", '#!/bin/sh\necho "written in an editor" > "$1"\n')
    editor.chmod(0o755)
    environment = {**project.environment, "EDITOR": str(editor), "VISUAL": ""}
    done = subprocess.run(["sh", "-c", line], cwd=project.path, env=environment, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=60)
    assert done.returncode == 0, done
    assert "written in an editor" in project.roar("show", "@").stdout


def test_what_others_say_and_may_not(two_users: tuple[Project, Project], daemon: Daemon) -> None:
    mine, theirs = two_users
    for project in two_users:
        project.write("shared", "one content for both")
        project.sh("cat shared > copy")
    job = mine.show("@")["id"]
    mine.roar("label", "shared", "quality=mine")
    theirs.roar("label", "shared", "quality=theirs")
    mine.roar("label", "@", "secret=plan")
    assert labels(mine, "shared") == {"quality": "mine"}
    assert labels(theirs, "shared") == {"quality": "theirs"}
    for words in (["label", f"job:{job}"], ["label", f"job:{job}", "a=b"], ["note", f"job:{job}", "x"]):
        done = theirs.roar(*words, check=False)
        assert (done.returncode, "nothing is known as" in done.stderr) == (1, True)
    assert theirs.json("search", "--label", "secret=plan")["jobs"] == []
    assert theirs.json("search", "--label", "quality=mine")["artifacts"] == []
    root = Project(mine.path, daemon.socket)
    both = {item["author"]["uid"]: item["values"] for item in root.json("label", "shared")["items"]}
    assert both == {NOBODY: ["mine"], DAEMON: ["theirs"]}
    root.roar("label", f"job:{job}", "checked=yes")  # root may, and the owner reads who did
    items = {item["key"]: item["author"]["uid"] for item in mine.json("label", "@")["items"]}
    assert items == {"secret": NOBODY, "checked": 0}
    assert json.loads(theirs.roar("log", "--label", "secret", "--json").stdout)["jobs"] == []


def test_tags_travel_down_until_they_are_blocked(project: Project) -> None:
    project.write("people.csv", "ada 1\nbob 2\n")
    project.write("weather.csv", "sun\n")
    project.sh("cut -d' ' -f2 people.csv > numbers.csv")
    project.sh("cat numbers.csv weather.csv > all.csv")
    project.run("cp", "all.csv", "model")
    project.roar("tag", "people.csv", "license=cc-by-nc", "pii=names", "pii=ids")
    project.roar("tag", "@2", "license=mit")
    assert project.json("tags", "model")["values"] == {"license": ["cc-by-nc", "mit"], "pii": ["ids", "names"]}
    assert project.json("tag", "weather.csv")["values"] == {}
    before = project.show("@1")["id"]
    project.roar("tag", "--block", "@1", "pii", "--reason", "names are cut away")
    document = project.json("tags", "model")
    assert document["values"] == {"license": ["cc-by-nc", "mit"]}
    assert [(one["key"], one["values"], one["reason"], one["job"]["number"]) for one in document["stopped"]] == [
        ("pii", ["ids", "names"], "names are cut away", 1)]
    why = next(one["why"] for one in document["held"] if one["values"] == ["cc-by-nc"])
    assert [(hop.get("number"), Path(hop.get("path", "")).name) for hop in why] == [
        (None, "people.csv"), (1, ""), (None, "numbers.csv"), (2, ""), (None, "all.csv"), (3, ""), (None, "model")]
    said = project.roar("tags", "model", "--why").stdout
    assert "license=cc-by-nc  from people.csv" in said
    assert "stopped: pii=ids, names at @1" in said
    assert "blocks   pii: names are cut away (root, " in project.roar("show", "@1").stdout
    assert project.show("@1")["id"] == before
    project.roar("tag", "--unblock", "@1", "pii")
    project.roar("tag", "people.csv", "--unset", "license")
    assert project.json("tags", "model")["values"] == {"license": ["mit"], "pii": ["ids", "names"]}
    for line in (["--block", "model", "pii", "--reason", "x"], ["--block", "@1", "pii"], ["@1", "pii"],
                 ["--block", "@1", "--reason", "x"]):
        assert project.roar("tag", *line, check=False).returncode == 2, line


def test_tags_of_others_are_not_seen(two_users: tuple[Project, Project]) -> None:
    mine, theirs = two_users
    for project in two_users:
        project.write("data", "the same data of both\n")
        project.sh("sort data > sorted")
    mine.roar("tag", "data", "license=mine")
    assert mine.json("tags", "sorted")["values"] == {"license": ["mine"]}
    assert theirs.json("tags", "sorted")["values"] == {}


def test_settings_of_a_project(project: Project) -> None:
    project.roar("config", "hygiene.require", "name")
    project.roar("config", "labels.team", "vision")
    project.roar("config", "filters.hide", "*.log")
    refused = project.roar("run", "touch", "made", check=False)
    assert (refused.returncode, (project.path / "made").exists()) == (125, False)
    project.roar("run", "-q", "--name", "make", "sh", "-c", "touch made; echo > x.log")
    assert project.show("@1")["annotations"]["labels"] == {"name": "make", "team": "vision"}
    assert set(project.show("@1").outputs) == {"made", "x.log"}
    assert "\n  x.log" not in project.roar("show", "@1").stdout
