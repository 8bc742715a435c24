"""A real registry and real daemons: what one machine registers, another one finds."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import schemas
from harness import ROOT, Daemon, Project, blake

sys.path.insert(0, str(ROOT / "tests/glaas"))

import contextlib

from served import Served


@pytest.fixture(scope="module")
def registry(place: Path) -> Iterator[Served]:
    directory = place / "registry"
    directory.mkdir()
    with Served(directory) as running:
        yield running


@pytest.fixture(scope="module")
def token(registry: Served) -> Callable[[str], str]:
    known: dict[str, str] = {}

    def of(name: str) -> str:
        if name not in known:
            known[name] = registry.glaas("user", "add", name).stdout.split()[-1]
        return known[name]

    return of


@pytest.fixture
def mine(project: Project, registry: Served, token: Callable[[str], str]) -> Project:
    """Three files in git and two jobs, of somebody with an account: raw → clean → model."""
    return pipeline(project, registry, token("ada"))


@pytest.fixture(scope="module")
def elsewhere(place: Path) -> Iterator[Daemon]:
    directory = place / "second-box"
    directory.mkdir()
    with Daemon(directory) as running:
        yield running


@pytest.fixture
def other(place: Path, elsewhere: Daemon, registry: Served, token: Callable[[str], str]) -> Project:
    """Another machine, of the same person."""
    box = Project(Path(tempfile.mkdtemp(prefix="other-", dir=place)), elsewhere.socket)
    connected(box, registry.url, token("ada"))
    return box


def connected(project: Project, url: str, token: str) -> None:
    project.environment |= {"GLAAS_URL": url, "GLAAS_TOKEN": token}


def git(project: Project, *arguments: str | Path) -> str:
    return subprocess.run(["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *arguments], cwd=project.path,
                          check=True, capture_output=True, text=True).stdout


def pipeline(project: Project, registry: Served, token: str) -> Project:
    connected(project, registry.url, token)
    project.write("raw.csv", f"3\n1\n2\n{project.path}\n")  # contents that no other test knows
    project.write("prep.sh", "sort raw.csv > clean.csv\n")
    project.write("train.sh", "(cat clean.csv clean.csv; echo $1) > model.pkl\n")
    git(project, "init", "-q", "-b", "main")
    git(project, "add", ".")
    git(project, "commit", "-qm", "pipeline")
    project.run("sh", "prep.sh")
    project.run("sh", "train.sh", "7")
    return project


def document(project: Project, *arguments: str | Path, **options: Any) -> dict[str, Any]:
    found = json.loads(project.roar(*arguments, "--json", **options).stdout)
    assert schemas.problems(found) == []
    return found


def registered(project: Project, *arguments: str | Path) -> dict[str, Any]:
    return document(project, "register", *arguments)["registrations"][0]


def test_what_is_registered_is_found_and_made_again_on_another_machine(mine: Project, other: Project, place: Path) -> None:
    """The second machine has the model and nothing else; the first one's files are gone."""
    remote = place / "remote.git"
    git(mine, "init", "-q", "--bare", remote)
    git(mine, "remote", "add", "origin", remote)
    mine.run("sh", "train.sh", "7")  # with the remote in the record
    done = mine.roar("register", "model.pkl", "--push")
    commit = git(mine, "rev-parse", "HEAD").strip()
    assert "2 jobs registered, for your eyes only · 1 bundle" in done.stderr
    assert f"pushed roar/{commit[:7]} to origin" in done.stderr
    assert subprocess.run(["git", "-C", remote, "rev-parse", f"roar/{commit[:7]}^{{commit}}"], capture_output=True, text=True,
                          check=True).stdout.strip() == commit
    model = (mine.path / "model.pkl").read_bytes()
    expected = mine.show("@")
    shutil.rmtree(mine.path)
    other.write("from-a-friend.bin", model)

    shown = other.roar("show", "from-a-friend.bin")
    assert f"from the registry {other.environment['GLAAS_URL']}" in shown.stderr
    assert "sh train.sh 7" in shown.stdout
    lineage = document(other, "lineage", "from-a-friend.bin")
    assert [one["argv"] for one in lineage["jobs"]] == [["sh", "train.sh", "7"], ["sh", "prep.sh"]]
    assert lineage["jobs"][0]["imported"]["registry"] == other.environment["GLAAS_URL"]
    job = document(other, "show", f"job:{expected['id']}")
    assert {**job, "imported": None} == expected.document
    assert f"{expected['host']['name']}:@3" in other.roar("lineage", blake(model)[:12]).stdout
    assert len(document(other, "inputs", "from-a-friend.bin")["inputs"]) == 3
    assert "sh prep.sh" in other.roar("dag", "from-a-friend.bin").stdout
    assert "Made by" in other.roar("card", "from-a-friend.bin").stdout
    assert other.roar("diff", f"job:{expected['id']}", f"artifact:{blake(model)}", check=False).returncode == 2
    other.roar("export", "from-a-friend.bin", "--format", "bundle", "--output", "it.roar")
    assert "2 jobs" in other.roar("import", "it.roar", "--dry-run").stdout
    assert "model.pkl" in other.roar("search", "--registry", str(mine.path / "model.pkl")).stdout

    assert "look at what would be run" in other.roar("reproduce", "from-a-friend.bin").stdout
    again = other.path / "again"
    result = document(other, "reproduce", "from-a-friend.bin", "--run", "--yes", "--dir", again)["result"]
    assert (result["exit_code"], len(result["steps"])) == (0, 2)
    assert [path.read_bytes() for path in again.rglob("model.pkl")] == [model]


def test_a_dry_run_shows_all_that_would_leave_and_sends_nothing(mine: Project, registry: Served) -> None:
    mine.roar("label", "@1", "name=prep")
    shown = mine.roar("register", "model.pkl", "--dry-run")
    assert "would send 2 jobs in 1 bundle" in shown.stdout
    for name in ("raw.csv", "prep.sh", "PATH", "@1", "@2", "sh train.sh 7", "label name prep"):
        assert name in shown.stdout
    found = registered(mine, "model.pkl", "--dry-run")
    assert [job["known"] for job in found["jobs"]] == [False, False]
    assert {str(mine.path / name) for name in ("raw.csv", "clean.csv", "model.pkl", "prep.sh", "train.sh")} <= {
        path["path"] for path in found["leaving"]["paths"]}
    assert "PATH" in found["leaving"]["environment"]
    assert found["bundles"][0]["jobs"] == [job["id"] for job in found["jobs"]]
    assert "0 jobs" in registry.glaas("user", "list").stdout or registered(mine, "model.pkl", "--dry-run") == found
    assert git(mine, "tag") == ""
    sent = registered(mine, "model.pkl")
    assert [one["id"] for one in sent["bundles"]] == [one["id"] for one in found["bundles"]], "the same jobs, the same bundle"
    assert (sent["new"], sent["known"]) == (2, 0)
    unreachable = {"GLAAS_URL": "http://127.0.0.1:1"}
    offline = mine.roar("register", "model.pkl", "--dry-run", environment=unreachable)
    assert "the registry was not asked" in offline.stderr and "would send 2 jobs" in offline.stdout
    refused = mine.roar("register", "model.pkl", environment=unreachable, check=False)
    assert (refused.returncode, "no registry is running" in refused.stderr) == (1, True)


def test_registering_again_sends_what_is_new_alone(mine: Project) -> None:
    first = registered(mine, "model.pkl")
    assert [tag["state"] for tag in first["tags"]] == ["made"]
    again = registered(mine, "model.pkl")
    assert (again["new"], again["known"], again["bundles"]) == (0, 2, [])
    assert "nothing new: all 2 jobs are registered already" in mine.roar("register", "model.pkl").stderr
    mine.run("sh", "-c", "cat model.pkl > copy")
    more = registered(mine, "copy")
    assert (more["new"], more["known"], len(more["bundles"])) == (1, 2, 1)
    assert [tag["state"] for tag in more["tags"]] == ["there"], "no tag is made twice, or moved"
    session = mine.show("@")["session"]
    mine.run("true")
    assert registered(mine, f"session:{session}")["new"] == 1
    receipts = Path(first["receipts"])
    assert {path.stem for path in receipts.glob("*.json")} >= {job["id"] for job in (*first["jobs"], *more["jobs"])}


def test_who_may_see_it_is_said_when_it_is_registered_and_later(mine: Project, token: Callable[[str], str]) -> None:
    stranger = {"GLAAS_TOKEN": token("bob"), "ROARD_SOCKET": "/nonexistent"}
    model = f"artifact:{blake((mine.path / 'model.pkl').read_bytes())}"
    mine.roar("register", "model.pkl")
    unknown = mine.roar("show", model, environment=stranger, check=False)
    assert (unknown.returncode, "does not know it" in unknown.stderr) == (1, True)
    assert document(mine, "scope", "model.pkl")["jobs"][0]["scopes"] == ["private"]
    assert mine.roar("scope", "model.pkl", "public", "--dry-run").stdout.startswith("1 job would become public")
    changed = document(mine, "scope", "model.pkl", "public")
    assert [(job["scopes"], job["changed"]) for job in changed["jobs"]] == [(["public"], True)]
    graph = json.loads(mine.roar("lineage", model, "--json", environment=stranger).stdout)
    assert [job["argv"] for job in graph["jobs"]] == [["sh", "train.sh", "7"]]
    assert str(mine.path / "clean.csv") not in json.dumps(graph), "what is private is not told"
    assert "of which the registry does not tell you more: 1" in mine.roar("inputs", model, environment=stranger).stdout
    plan = document(mine, "reproduce", model, environment=stranger)
    assert [one["where"] for one in plan["plan"]["inputs"]].count("private") == 1
    assert "PRIVATE: who registered it" in mine.roar("reproduce", model, environment=stranger).stdout
    assert len(document(mine, "scope", "model.pkl", "public", "--closure")["jobs"]) == 2
    graph = json.loads(mine.roar("lineage", model, "--json", environment=stranger).stdout)
    assert len(graph["jobs"]) == 2
    assert registered(mine, "model.pkl")["new"] == 0, "it stays as it is where nothing else is said"
    assert mine.roar("scope").stdout.startswith("this project's jobs are registered as private")
    mine.roar("scope", "public")
    asked = mine.roar("register", "model.pkl", check=False)
    assert (asked.returncode, "makes it public" in asked.stderr) == (1, True), "a cloned file cannot decide that alone"
    assert document(mine, "register", "model.pkl", "--yes")["scope"] == "public"
    assert mine.roar("register", "model.pkl", "--scope", "org:nobody", check=False).returncode == 1


def test_what_was_registered_can_be_taken_back(mine: Project, other: Project) -> None:
    mine.roar("register", "model.pkl")
    other.write("m", (mine.path / "model.pkl").read_bytes())
    assert len(document(mine, "unregister", "model.pkl", "--closure", "--dry-run")["jobs"]) == 2
    refused = mine.roar("unregister", "model.pkl", check=False)
    assert (refused.returncode, "nobody said yes" in refused.stderr) == (1, True)
    assert other.roar("lineage", "m").returncode == 0
    assert [job["forgotten"] for job in document(mine, "unregister", "model.pkl", "--closure", "--yes")["jobs"]] == [True, True]
    gone = other.roar("lineage", "m", check=False)
    assert (gone.returncode, "does not know it either" in gone.stderr) == (1, True)
    assert "nothing of it is registered" in mine.roar("unregister", "model.pkl").stdout
    assert mine.roar("lineage", "model.pkl", "--local").returncode == 0, "here it is as it was"
    assert registered(mine, "model.pkl")["new"] == 2


def test_what_looks_like_a_secret_stays_here(mine: Project) -> None:
    """The rules may learn after a job was recorded; here the record is made by somebody who told them nothing."""
    script = ("import json, sys; from lineage.redact import redact_argv; import roarctl.recording as recording\n"
              "import lineage.redact; lineage.redact.redact_argv = tuple\n"
              "from roarctl.main import run; sys.exit(run(['run', '-q', 'sh', '-c', 'cat clean.csv > leak', "
              "'--password=hunter2-hunter2']))")
    subprocess.run([ROOT / ".venv/bin/python", "-c", script], cwd=mine.path, check=True,
                   env={**mine.environment, "PYTHONPATH": str(ROOT)})
    job = mine.show("@")["id"]
    assert "hunter2" in json.dumps(mine.show("@")["argv"])
    refused = mine.roar("register", "leak", check=False)
    assert (refused.returncode, "hunter2" in refused.stderr) == (1, False)
    assert f"job {job[:12]}: its command line: sh -c 'cat" in refused.stderr or "its command line" in refused.stderr
    assert "nothing was sent" in refused.stderr
    assert registered(mine, "leak", "--dry-run")["suspects"][0]["job"] == job
    assert registered(mine, "leak", "--no-redact", job[:12])["new"] == 2


def test_what_people_say_goes_along(mine: Project, other: Project) -> None:
    mine.roar("label", "@1", "stage=first")
    mine.roar("note", "model.pkl", "for the paper")
    mine.roar("register", "model.pkl")
    other.write("m", (mine.path / "model.pkl").read_bytes())
    assert "for the paper" in other.roar("show", "m").stdout
    job = document(other, "show", f"job:{mine.show('@1')['id']}")
    assert job["annotations"]["labels"] == {"stage": "first"}
    mine.roar("label", "@1", "stage=second")
    mine.roar("note", "model.pkl", "and for the talk")
    assert "nothing new but what people say: all 2 jobs are registered already" in mine.roar("register", "model.pkl").stderr
    assert document(other, "show", f"job:{mine.show('@1')['id']}")["annotations"]["labels"] == {"stage": "second"}
    assert "and for the talk" in other.roar("show", "m").stdout
    assert registered(mine, "model.pkl")["bundles"] == []


def test_a_signed_registration_says_who(mine: Project) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", mine.path / "key"], check=True)
    done = mine.roar("register", "model.pkl", "--sign", "key", "--no-tag")
    assert "signed by SHA256:" in done.stderr
    assert git(mine, "tag") == ""


def test_a_registry_that_is_killed_in_the_middle_loses_nothing(mine: Project, place: Path, registry: Served) -> None:
    """Through a wire that lets some bundles pass, then no more: what is left is sent by the same command."""
    sessions = 4
    for number in range(sessions):
        mine.roar("reset")
        before = f"m{number - 1}" if number else "model.pkl"
        mine.run("sh", "-c", f"(cat {before}; echo {number}) > m{number}")
    directory = place / "killed"
    directory.mkdir()
    own = Served(directory).start()
    token = own.glaas("user", "add", "ada").stdout.split()[-1]
    try:
        with Wire(own.url, after=2, broken=lambda: own.stop(signal.SIGKILL)) as wire:
            connected(mine, wire.url, token)
            stopped = mine.roar("register", "m3", check=False)
            assert stopped.returncode == 1
            assert "the same command goes on" in stopped.stderr
        own.start()
        connected(mine, own.url, token)
        before = registered(mine, "m3", "--dry-run")
        assert before["known"] >= 1 and before["new"] >= 1
        done = registered(mine, "m3")
        assert done["new"] == before["new"]
        assert registered(mine, "m3", "--dry-run")["new"] == 0
        assert len(document(mine, "lineage", "m3")["jobs"]) == 2 + sessions
    finally:
        if own.process is not None:
            own.stop()


def test_ctrl_c_in_the_middle_is_quick_and_says_how_to_go_on(mine: Project, registry: Served) -> None:
    release = threading.Event()
    with Wire(registry.url, after=0, broken=lambda: release.wait(60)) as wire:
        connected(mine, wire.url, mine.environment["GLAAS_TOKEN"])
        process = mine.popen("register", "model.pkl", stderr=subprocess.PIPE, text=True)
        wire.reached.wait(30)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        release.set()
    assert (process.returncode, "the same command goes on with the rest" in said) == (130, True)
    connected(mine, registry.url, mine.environment["GLAAS_TOKEN"])
    assert registered(mine, "model.pkl")["new"] == 2


def test_without_a_daemon_the_registry_alone_answers(mine: Project) -> None:
    mine.roar("register", "model.pkl")
    alone = {"ROARD_SOCKET": "/nonexistent/roard.sock"}
    assert "sh prep.sh" in mine.roar("lineage", "model.pkl", environment=alone).stdout
    for line, words in ((["show", "@"], "roard is not running"), (["lineage", "model.pkl", "--local"], "roard is not running"),
                        (["show", "beefbeef"], "does not know it, and roard is not running")):
        done = mine.roar(*line, environment=alone, check=False)
        assert (done.returncode, words in done.stderr) == (1, True), done.stderr


def test_a_registry_that_does_not_answer_is_a_line_beside_the_local_answer(mine: Project) -> None:
    silent = socket.create_server(("127.0.0.1", 0))  # accepts and says nothing
    away = {"GLAAS_URL": f"http://127.0.0.1:{silent.getsockname()[1]}"}
    with silent:
        done = mine.roar("lineage", "model.pkl", environment=away)
        assert done.stderr == "", "what is known here is not asked elsewhere"
        unknown = mine.roar("show", "beefbeef", environment={"GLAAS_URL": "http://127.0.0.1:1"}, check=False)
        assert "the registry was not asked: no registry is running" in unknown.stderr
        assert "nothing is known as beefbeef" in unknown.stderr
        began = time.monotonic()
        unknown = mine.roar("show", "beefbeef", environment=away, check=False)
        assert "did not answer in time" in unknown.stderr
        assert time.monotonic() - began < 60
    del mine.environment["GLAAS_URL"], mine.environment["GLAAS_TOKEN"]
    mine.roar("config", "registry.url", "https://registry.example.org")
    assert mine.roar("lineage", "model.pkl").stderr == ""
    unknown = mine.roar("show", "beefbeef", check=False)
    assert "the registry was not asked: this project's registry is https://registry.example.org" in unknown.stderr
    mine.roar("config", "registry.lookup", "false")
    unknown = mine.roar("show", "beefbeef", environment={"GLAAS_URL": "http://127.0.0.1:1"}, check=False)
    assert "registry" not in unknown.stderr


def test_who_one_is(mine: Project, registry: Served) -> None:
    shown = document(mine, "whoami")
    assert (shown["account"], shown["registry"], shown["said_by"]) == ("ada", registry.url, "environment")
    assert mine.roar("whoami").stdout.startswith(f"ada at {registry.url}\n")
    assert document(mine, "whoami")["scopes"] == ["read", "register"]
    del mine.environment["GLAAS_TOKEN"]
    assert document(mine, "whoami")["account"] is None
    refused = mine.roar("register", "model.pkl", check=False)
    assert (refused.returncode, "roar login" in refused.stderr) == (1, True)
    del mine.environment["GLAAS_URL"]
    assert "no registry is known here" in mine.roar("whoami", check=False).stderr


class Wire:
    """A proxy in front of a registry. The request after ``after`` bundles does not get through: ``broken`` is called, and the
    connection closed. ``reached``: that has come."""

    def __init__(self, url: str, after: int, broken: Callable[[], object]) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self._upstream = (host, int(port))
        self._left = after
        self._broken = broken
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self.reached = threading.Event()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Wire:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, socket.create_connection(self._upstream) as upstream:
                threading.Thread(target=_copy, args=(upstream, connection), daemon=True).start()
                while data := connection.recv(1 << 16):
                    if b"Registry/RegisterBundle" in data:
                        if self._left == 0:
                            first = not self.reached.is_set()
                            self.reached.set()
                            if first:
                                self._broken()
                            return
                        self._left -= 1
                    upstream.sendall(data)
        except OSError:
            pass


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
    except OSError:
        pass
    for one in (source, target):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


