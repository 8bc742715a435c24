"""The commands that look at the record, as programs: documents, references, errors, help."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from blake3 import blake3
from harness import BIN
from samples import SESSION, entry, job, pipeline
from stepped import piped

from lineage import wire
from lineage.errors import AmbiguousError, NotFoundError
from lineage.v1 import lineage_pb2, observe_pb2, records_pb2
from roarctl.commands import SECTIONS

COMMANDS = {name for names in SECTIONS.values() for name in names}

JOB = job()
FOUND_JOB = lineage_pb2.ResolveResponse(kind="job", id=JOB.head.id)


@pytest.fixture
def session(daemon, roar):
    """A daemon that has one session with one job, which left one file."""
    kept = roar.project / "out.txt"
    kept.write_text("kept")
    daemon.entries = [
        wire.entry_to(entry("output", os.fsencode(kept), blake3(b"kept").digest(), size=4)),
        wire.entry_to(entry("output", os.fsencode(roar.project / "lost.txt")))]
    head = wire.head_to(job(counts={"output": 2, "output/shown": 2}).head)
    daemon.answers.update({
        "Lineage/GetSession": wire.session_to(SESSION), "Lineage/Log": lineage_pb2.LogResponse(jobs=[head]),
        "Lineage/Resolve": FOUND_JOB, "Lineage/GetJob": wire.job_to(JOB), "Lineage/SessionDag": pipeline(),
        "Lineage/Ancestors": pipeline(), "Lineage/Descendants": pipeline(),
        "Observe/Begin": wire.session_to(SESSION),
        "Observe/Reset": observe_pb2.ResetResponse(ended=True, session=wire.session_to(SESSION))})
    return daemon


@pytest.mark.parametrize(("line", "schema"), [
    (["init"], "roar.session/1"), (["log"], "roar.log/1"), (["show"], "roar.job/1"), (["dag"], "roar.dag/1"),
    (["dag", "--steps"], "roar.steps/1"), (["lineage", "@"], "roar.lineage/1"),
    (["status"], "roar.status/1"), (["reset"], "roar.reset/1")])
def test_one_document_with_a_schema(roar, session, line, schema):
    done = roar(*line, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["schema"] == schema
    people = roar(*line)
    assert (people.returncode, people.stderr) == (0, "")
    assert people.stdout
    assert "\x1b" not in people.stdout


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_help_has_examples(roar, command):
    done = roar(command, "--help")
    assert done.returncode == 0
    assert "Examples:" in done.stdout
    assert f"roar {command}" in done.stdout


def test_completion_is_offered(roar):
    assert "--install-completion" in roar("--help").stdout
    done = roar(env={**os.environ, "_ROAR_COMPLETE": "complete_bash", "COMP_WORDS": "roar li", "COMP_CWORD": "1"})
    assert done.stdout.split() == ["lineage"]


@pytest.mark.parametrize("reference", ["@", "@3", "@~2", "job:7f3a", "7F3A"])
def test_references_that_are_no_paths_go_to_the_daemon(roar, session, reference):
    roar("show", reference)
    asked = session.requests("Lineage/Resolve")[0]
    assert asked.reference == (reference if "@" in reference or ":" in reference else reference.lower())
    assert asked.project == os.fsencode(os.path.realpath(roar.project))
    assert not asked.path


def test_file_is_named_by_its_content_and_real_path(roar, session):
    (roar.project / "link").symlink_to("out.txt")
    roar("show", "link")
    asked = session.requests("Lineage/Resolve")[0]
    assert asked.path == os.fsencode(os.path.realpath(roar.project / "out.txt"))
    assert asked.hash == blake3(b"kept").digest()


def test_file_comes_before_a_prefix_of_its_name(roar, session):
    (roar.project / "beef").write_text("x")
    roar("show", "beef")
    assert session.requests("Lineage/Resolve")[0].hash == blake3(b"x").digest()


def test_path_that_is_gone_and_odd_names(roar, session):
    roar("show", "gone.txt")
    roar("show", b"\xff\xfe")
    gone, odd = session.requests("Lineage/Resolve")
    assert gone.path.endswith(b"/project/gone.txt")
    assert not gone.hash
    assert odd.path.endswith(b"/project/\xff\xfe")


def test_what_has_no_content(roar, session):
    os.mkfifo(roar.project / "fifo")
    for name, words in (("fifo", "not a regular file"), (".", "is a directory")):
        done = roar("lineage", name)
        assert done.returncode == 2
        assert words in done.stderr


def test_changed_content_is_said(roar, session):
    session.answers["Lineage/Resolve"] = lineage_pb2.ResolveResponse(
        kind="artifact", id=b"\xaa" * 32, path=b"/p/x", changed=True)
    session.answers["Lineage/GetArtifact"] = records_pb2.Artifact(hash=b"\xaa" * 32)
    assert "the present content of /p/x is not recorded" in roar("show", "out.txt").stdout
    assert json.loads(roar("show", "out.txt", "--json").stdout)["changed"] is True


def test_unknown_reference_is_an_error_document(roar, session):
    session.answers["Lineage/Resolve"] = NotFoundError("nothing is known as deadbeef", "`roar log`")
    done = roar("show", "deadbeef", "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert json.loads(done.stderr) == {
        "error": {"code": "not_found", "message": "nothing is known as deadbeef", "hint": "`roar log`"}}
    assert roar("show", "deadbeef").stderr == "roar: nothing is known as deadbeef\n  `roar log`\n"


def test_ambiguous_reference_lists_the_candidates(roar, session):
    session.answers["Lineage/Resolve"] = AmbiguousError(
        "7f could mean 2 things", "more digits", ("job:7f3a  x", "artifact:7f3b  y"))
    done = roar("show", "7f3a")
    assert done.stderr.splitlines() == [
        "roar: 7f could mean 2 things", "    job:7f3a  x", "    artifact:7f3b  y", "  more digits"]
    assert len(json.loads(roar("show", "7f3a", "--json").stderr)["error"]["candidates"]) == 2


def test_missing_daemon_is_an_error_document(roar, no_daemon):
    done = roar("log", "--json")
    assert done.returncode == 1
    assert json.loads(done.stderr)["error"]["code"] == "unavailable"
    assert "sudo roard serve" in roar("log").stderr


def test_mistakes_on_the_command_line(roar):
    done = roar("lgo")
    assert done.returncode == 2
    assert "Did you mean 'logout', 'log'" in done.stderr
    assert json.loads(roar("log", "--json", "--bogus").stderr)["error"]["code"] == "usage"
    assert "Usage:" in roar().stderr


def test_status_compares_with_the_disk(roar, session):
    outputs = json.loads(roar("status", "--json").stdout)["outputs"]
    states = {one["path"].rpartition("/")[2]: one["state"] for one in outputs}
    assert states == {"out.txt": "same", "lost.txt": "missing"}
    (roar.project / "out.txt").write_text("edit")
    assert "edited since" in roar("status").stdout


@pytest.mark.parametrize("command", ["status", "dag", "log"])
def test_project_without_a_session(roar, daemon, command):
    for method in ("GetSession", "SessionDag", "Log"):
        daemon.answers[f"Lineage/{method}"] = NotFoundError("no session", "")
    done = roar(command, "--json")
    assert done.returncode == 0
    assert "schema" in json.loads(done.stdout)
    assert roar(command).returncode == 0


def test_lineage_directions_and_depth(roar, session):
    roar("lineage", "@", "--down", "--depth", "2")
    asked = session.requests("Lineage/Descendants")[0]
    assert (asked.job, asked.depth, set(asked.roles)) == (JOB.head.id, 2, {"data", "source"})
    roar("lineage", "@", "--json")
    assert "system" in session.requests("Lineage/Ancestors")[0].roles


def test_output_into_a_closed_pipe(roar, session):
    """`roar log | head -0` says nothing about it."""
    reader, writer = os.pipe()
    os.close(reader)
    done = roar("log", "--json", capture_output=False, stdout=writer, stderr=-1)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_output_that_cannot_be_written(roar, session):
    with open("/dev/full", "w") as full:
        done = roar("log", capture_output=False, stdout=full, stderr=-1)
    assert (done.returncode, done.stderr) == (1, "roar: cannot write the answer: No space left on device\n")


def test_steps_of_a_job(roar, session):
    whole = piped()
    session.answers["Lineage/GetJob"] = wire.job_to(whole)
    session.entries = [wire.entry_to(each) for each in whole.entries]
    assert "│  pipe → [2]" in roar("dag", "--steps").stdout
    assert "libc.so.6" in roar("dag", "@3", "--steps", "--all").stdout
    assert [asked.reference for asked in session.requests("Lineage/Resolve")] == ["@", "@3"]
    edges = json.loads(roar("dag", "--steps", "--json").stdout)["edges"]
    assert [(edge["from"], edge["to"]) for edge in edges] == [(1, 2), (2, 3)]
    steps = json.loads(roar("show", "@", "--json").stdout)["steps"]
    assert steps[3]["outputs"] == [{"path": "/p/out.csv", "version": 1}]


@pytest.mark.parametrize(("line", "words"), [
    (["out.txt", "--steps"], "out.txt is not a job"), (["--steps", "--artifacts"], "give one of them"),
    (["--svg", "--html"], "give one of them")])
def test_what_cannot_be_drawn(roar, session, line, words):
    session.answers["Lineage/Resolve"] = lineage_pb2.ResolveResponse(kind="artifact", id=b"\xaa" * 32, path=b"/p/x")
    done = roar("dag", *line)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


def test_log_of_a_session_and_of_everything(roar, session):
    roar("log", "--all", "-n", "3")
    assert (session.requests("Lineage/Log")[0].project, session.requests("Lineage/Log")[0].limit) == (b"", 3)
    session.answers["Lineage/Resolve"] = lineage_pb2.ResolveResponse(kind="session", id=SESSION.id)
    roar("log", "--session", "0202")
    assert session.requests("Lineage/Log")[1].session == SESSION.id
    assert session.requests("Lineage/Resolve")[0].reference == "session:0202"


@pytest.mark.parametrize("program", ["roar", "roarctl"])
@pytest.mark.parametrize("words", ["l", "re", ""])
def test_shell_completion(program, words):
    environment = {**os.environ, f"_{program.upper()}_COMPLETE": "complete_bash", "COMP_WORDS": f"{program} {words}",
                   "COMP_CWORD": "1"}
    done = subprocess.run([BIN / program], env=environment, capture_output=True, text=True)
    assert set(done.stdout.split()) == {name for name in COMMANDS if name.startswith(words)} != set()
