"""`.roar.toml`: what it says, what it may not say and on which line, what it does to runs and to what people see."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from samples import entry, job

from lineage import wire
from lineage.errors import InvalidError
from lineage.v1 import lineage_pb2, observe_pb2
from roarctl.settings import Settings, changed, load, parse

WHOLE = """\
# ours
[filters]
hide = ["*.log", "tmp/**"]

[hygiene]
uncommitted = "warn"   # for now
require = ["name"]

[labels]
team = "vision"
year = 2026

[environment]
omit = ["*"]
record = ["SLURM_*"]
"""


def test_what_it_says_and_where() -> None:
    settings = parse(WHOLE.encode(), b"/p/.roar.toml")
    assert settings.words("filters.hide") == ("*.log", "tmp/**")
    assert settings.labels == {"team": "vision", "year": "2026"}
    assert (settings.word("hygiene.uncommitted"), settings.word("hygiene.missing_labels")) == ("warn", "refuse")
    assert settings.where("hygiene.require") == ".roar.toml line 7"
    assert settings.where("hygiene.missing_labels") == "default"
    assert [settings.hides(path) for path in (b"/p/x.log", b"/p/tmp/a/b", b"/p/x.logs")] == [True, True, False]


def test_no_file_is_no_settings(tmp_path) -> None:
    assert load(os.fsencode(tmp_path)) == Settings()


@pytest.mark.parametrize(("text", "line", "words"), [
    ('[hygiene]\n\nuncommitted = "yes"', 3, "is one of off, warn, refuse"),
    ("[hygiene]\nx = 1", 2, "there is no setting hygiene.x"),
    ("[hygine]\nuncommitted = 1", 2, "there is no setting hygine.uncommitted"), ("a = 1", 1, "outside of a section"),
    ('[filters]\nhide = "x"', 2, "is a list of words"), ('[filters]\nhide = ["x", 3]', 2, "is a list of words"),
    ('[labels]\n\n"a b" = "x"', 3, "cannot be the key"), ("[labels]\nx = true", 2, "is some text"),
    ("[labels]\nx = ''", 2, "is some text"), ("\n\n[hygiene\n", 3, "expected"), ("hygiene.uncommitted = 1", 1, "is one of"),
    ("[hygiene]\nuncommitted = \"warn\"\nuncommitted = \"warn\"", 3, "overwrite")])
def test_a_mistake_is_said_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse(text.encode())
    assert f"line {line}" in caught.value.message
    assert words in caught.value.message.lower()


def test_what_is_not_text() -> None:
    with pytest.raises(InvalidError, match="line 2: not UTF-8"):
        parse(b"# x\n\xff = 1")


def test_a_change_leaves_the_rest_as_it_stands() -> None:
    text = changed(WHOLE, "hygiene.uncommitted", ["refuse"])
    assert text == WHOLE.replace('uncommitted = "warn"   # for now', 'uncommitted = "refuse"')
    text = changed(text, "hygiene.untracked_source", ["warn"])
    assert "[hygiene]\nuntracked_source = \"warn\"\n" in text
    text = changed(changed(text, "filters.hide", ["a", "b"]), "labels.team", [])
    assert 'hide = ["a", "b"]' in text
    assert "team" not in text
    assert "# ours" in text
    assert changed("", "labels.x", ['quo"te']) == '[labels]\nx = "quo\\"te"\n'
    assert changed(WHOLE, "labels.none", []) == WHOLE


@pytest.mark.parametrize(("text", "key", "values"), [
    (WHOLE, "hygiene.none", ["x"]), (WHOLE, "hygiene.uncommitted", ["perhaps"]),
    (WHOLE, "hygiene.uncommitted", ["warn", "off"]),
    ('[filters]\nhide = [\n  "a",\n]\n', "filters.hide", ["b"]), ('labels = {a = "b"}\n', "labels.a", ["c"]),
    (WHOLE, "none", [])])
def test_what_cannot_be_changed_is_refused(text: str, key: str, values: list[str]) -> None:
    with pytest.raises(InvalidError):
        changed(text, key, values)


def test_config_shows_and_sets(roar) -> None:
    assert "these are the defaults" in roar("config").stdout
    assert roar("config", "hygiene.require", "name", "team").stdout == "hygiene.require  name, team  (.roar.toml line 2)\n"
    roar("config", "labels.team", "vision")
    rows = {row["key"]: row for row in json.loads(roar("config", "--json").stdout)["settings"]}
    assert (rows["labels.team"]["value"], rows["labels.team"]["origin"]) == ("vision", ".roar.toml line 5")
    assert rows["hygiene.uncommitted"]["origin"] == "default"
    roar("config", "--unset", "hygiene.require")
    assert (roar.project / ".roar.toml").read_text() == '[hygiene]\n\n[labels]\nteam = "vision"\n'
    for line in (["config", "none"], ["config", "hygiene.uncommitted", "x"]):
        assert roar(*line).returncode in {1, 2}
    (roar.project / ".roar.toml").write_text("[x")
    done = roar("config")
    assert (done.returncode, "(line 1)" in done.stderr) == (2, True)


def test_env_says_what_would_be_recorded(roar) -> None:
    environment = {**os.environ, "MY_SECRET_KEY": "hunter22", "SLURM_JOB": "7", "OTHER": "x"}
    (roar.project / ".roar.toml").write_text('[environment]\nomit = ["O*", "SLURM_*"]\nrecord = ["SLURM_JOB"]\n')
    rows = {row["name"]: row for row in json.loads(roar("env", "--json", env=environment).stdout)["variables"]}
    assert [(rows[name]["state"], rows[name]["value"]) for name in ("MY_SECRET_KEY", "SLURM_JOB", "OTHER")] == [
        ("redacted", "[redacted]"), ("recorded", "7"), ("omitted", None)]
    assert roar("env", "SLURM*", env=environment).stdout == "SLURM_JOB  recorded  7\n"


def git(directory, *words: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=directory, check=True, capture_output=True)


def test_rules_refuse_before_anything_runs(roar, daemon) -> None:
    settings = roar.project / ".roar.toml"
    settings.write_text('[hygiene]\nuncommitted = "refuse"\n')
    done = roar("run", "touch", "ran")
    assert (done.returncode, "not in git" in done.stderr, "line 2" in done.stderr) == (125, True, True)
    git(roar.project, "init")
    (roar.project / "train.py").write_text("1")
    git(roar.project, "add", ".")
    git(roar.project, "commit", "-m", "x")
    assert roar("run", "-q", "touch", "ran").returncode == 0
    (roar.project / "ran").unlink()
    (roar.project / "train.py").write_text("2")
    done = roar("run", "touch", "ran")
    assert (done.returncode, "not run: there are uncommitted changes" in done.stderr) == (125, True)
    assert not (roar.project / "ran").exists()
    assert len(daemon.requests("Observe/Register")) == 1
    error = json.loads(roar("run", "--json", "touch", "ran").stderr)["error"]
    assert (error["code"], "refuse" in error["message"]) == ("invalid", True)
    settings.write_text('[hygiene]\nuncommitted = "warn"\n')
    done = roar("run", "touch", "ran")
    assert (done.returncode, "uncommitted changes (hygiene.uncommitted is warn: .roar.toml line 2)" in done.stderr) == (0, True)


def test_source_that_git_does_not_know(roar, daemon) -> None:
    git(roar.project, "init")
    (roar.project / ".roar.toml").write_text('[hygiene]\nuntracked_source = "refuse"\n')
    (roar.project / "notes.csv").write_text("data is no source")
    assert roar("run", "-q", "true").returncode == 0
    (roar.project / "deep" / "er").mkdir(parents=True)
    (roar.project / "deep" / "er" / "model.py").write_text("")
    done = roar("run", "true")
    assert (done.returncode, "deep/er/model.py" in done.stderr) == (125, True)


def test_labels_that_are_wanted_and_given(roar, daemon) -> None:
    (roar.project / ".roar.toml").write_text('[hygiene]\nrequire = ["name", "team"]\n[labels]\nteam = "vision"\nyear = 2026\n')
    done = roar("run", "true")
    assert (done.returncode, "wants name of each run" in done.stderr, "--name …" in done.stderr) == (125, True, True)
    assert roar("run", "-q", "--name", "x", "--label", "team=audio", "true").returncode == 0
    assert dict(daemon.requests("Observe/Register")[0].labels) == {"name": "x", "team": "audio", "year": "2026"}


def test_a_mistake_in_the_file_stops_the_run(roar, daemon) -> None:
    (roar.project / ".roar.toml").write_text('[hygiene]\nuncommited = "refuse"\n')
    done = roar("run", "touch", "ran")
    assert (done.returncode, "line 2: there is no setting hygiene.uncommited" in done.stderr) == (125, True)
    assert not (roar.project / "ran").exists()


def test_what_is_left_out_of_the_environment(roar, daemon) -> None:
    (roar.project / ".roar.toml").write_text('[environment]\nomit = ["*"]\nrecord = ["SLURM_*"]\n')
    roar("run", "-q", "true", env={**os.environ, "SLURM_JOB": "7"})
    context = daemon.requests("Observe/Register")[0].context
    assert dict(context["environment"]) == {"SLURM_JOB": "7"}


def test_without_settings_no_more_is_imported(roar, no_daemon) -> None:
    program = ("import sys; from roarctl.main import run; run(['run', '-q', 'true']);"
               "print({'tomllib', 'roarctl.settings', 'roarctl.hygiene', 're2'} & set(sys.modules))")
    done = subprocess.run([roar.program[0], "-c", program], capture_output=True, text=True, check=True, cwd=roar.project)
    assert done.stdout == "set()\n"


def test_hidden_files_are_counted_and_there_with_all(roar, daemon) -> None:
    (roar.project / ".roar.toml").write_text('[filters]\nhide = ["*.log"]\n')
    entries = [entry("output", b"/p/model.pt"), entry("output", b"/p/x.log", b"\xbb" * 32)]
    whole = job(entries)
    daemon.entries = [wire.entry_to(one) for one in entries]
    daemon.answers["Lineage/Resolve"] = lineage_pb2.ResolveResponse(kind="job", id=whole.head.id)
    daemon.answers["Lineage/GetJob"] = wire.job_to(whole)
    said = roar("show").stdout
    assert ("x.log" in said, "(1 file hidden by filters.hide in .roar.toml: --all)" in said) == (False, True)
    assert "x.log" in roar("show", "--all").stdout
    assert len(json.loads(roar("show", "--json").stdout)["outputs"]) == 2
    daemon.answers["Observe/Finish"] = observe_pb2.FinishResponse(final=True, job=wire.job_to(whole), entries=daemon.entries)
    assert "x.log" not in roar("run", "true").stderr
    graph = lineage_pb2.Graph(jobs=[wire.head_to(whole.head)])
    for at, (name, output) in enumerate((("model.pt", True), ("x.log", False), ("in.csv", False))):
        graph.artifacts.add(hash=bytes([at + 1]) * 32, path=b"/p/" + name.encode(), role="data", produced=output)
        graph.edges.add(job=0, artifact=at, output=output)
    daemon.answers["Lineage/Ancestors"] = graph
    said = roar("lineage", "@").stdout
    assert ("x.log" in said, "in.csv" in said, "1 file hidden" in said) == (False, True, True)
    assert "x.log" in roar("lineage", "@", "--all").stdout
    said = roar("inputs", "@").stdout
    assert ("x.log" in said, "1 file hidden" in said) == (False, True)
