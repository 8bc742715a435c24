"""Jobs that go on to a registry by themselves: a real roard, a real registry, and everything between them that can break."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import schemas
from harness import PATIENCE, ROOT, Daemon, Project

from lineage.v1 import admin_pb2, registry_pb2
from roarctl.client.channel import DaemonClient, identify

sys.path.insert(0, str(ROOT / "tests/glaas"))

from served import Served

WAIT_SECONDS = 60 * PATIENCE
ASKS = "[registry]\nforward = true\n"


@pytest.fixture(scope="module")
def registry(place: Path) -> Iterator[Served]:
    directory = place / "forwarded-to"
    directory.mkdir()
    with Served(directory) as running:
        yield running


@pytest.fixture(scope="module")
def shared(place: Path, registry: Served) -> Iterator[Box]:
    with Gate(registry) as gate, Box(place, registry, gate, scopes=["org:*"]) as box:
        yield box


@pytest.fixture
def box(shared: Box) -> Iterator[Box]:
    """One machine for all tests that do not hurt its daemon, each with users of its own; and the wire to its registry."""
    shared.gate.reset()
    yield shared
    shared.gate.rule = passing
    shared.settled(waiting=0)


class Box:
    """A machine that forwards: its daemon, its token, its account with the registry."""

    users = 2000  # that have no account: uids, given once each

    def __init__(self, place: Path, registry: Served, gate: Gate, **settings: Any) -> None:
        self.gate = gate
        self.place = Path(tempfile.mkdtemp(prefix="box-", dir=place))
        self.place.chmod(0o755)
        self.registry = registry
        self.account = self.place.name.replace("_", "0").lower()
        self.token = registry.glaas("user", "add", self.account).stdout.strip()
        self.token_file = self.place / "token"
        self.put_token(registry.glaas("token", "add", self.account, "--scope", "register").stdout.strip())  # no more is needed
        self.config = self.place / "roard.toml"
        self.configure(**settings)
        (self.place / "d").mkdir()
        self.daemon = Daemon(self.place / "d", "--config", str(self.config))
        self.projects = 0

    def put_token(self, token: str, mode: int = 0o600) -> None:
        self.token_file.write_text(f"{token}\n")
        self.token_file.chmod(mode)

    def configure(self, **settings: Any) -> None:
        values = {"url": self.gate.url, "token_file": str(self.token_file), "user": "nobody", **settings}
        lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
        self.config.write_text("\n".join(["[registry]", *lines]) + "\n")

    def project(self, settings: str = ASKS, user: int = 0) -> Project:
        """Of a new user, or of one who has others."""
        self.projects += 1
        Box.users += 1
        user = user or Box.users
        project = Project(self.place / f"p{self.projects}", self.daemon.socket, user)
        if settings:
            project.write(".roar.toml", settings)
        return project

    def known(self, *jobs: str, space: str = "private") -> set[str]:
        """Which of these the registry has of this machine's."""
        request = registry_pb2.KnownRequest(space=space, jobs=[bytes.fromhex(job) for job in jobs])
        with self.registry.client(self.token) as client:
            answer = client.post("/lineage.v1.Registry/Known", content=request.SerializeToString(),
                                 headers={"Content-Type": "application/proto"})
        assert answer.status_code == 200, answer.text
        return {job.hex() for job in registry_pb2.KnownResponse.FromString(answer.content).jobs}

    def settled(self, **wanted: Any) -> None:
        """Waits until the machine's outbox, of all users, says this."""
        with DaemonClient(str(self.daemon.socket), identify(str(self.daemon.socket))) as client:
            def look() -> bool:
                found = client.call("Admin/Outbox", admin_pb2.OutboxRequest(), admin_pb2.OutboxResponse)
                self.last = {name: getattr(found, name) for name in wanted}
                return self.last == wanted

            until(look, lambda: self.last)

    def forwarder(self) -> int:
        """The pid of the program that speaks to the registry, once there is one."""
        return until(self.forwarder_now)

    def forwarder_now(self) -> int:
        assert self.daemon.process is not None
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                parent = int(stat.read_text().rpartition(")")[2].split()[1])
                if parent == self.daemon.process.pid and b"roarctl.forwarding" in (stat.parent / "cmdline").read_bytes():
                    return int(stat.parent.name)
        return 0

    def __enter__(self) -> Box:
        self.daemon.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.daemon.process is not None:
            self.daemon.stop()


def until(look: Callable[[], Any], otherwise: Callable[[], Any] = lambda: None) -> Any:
    """What ``look`` gives, as soon as that is something."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.05)
    return found


def outbox(project: Project, *arguments: str) -> dict[str, Any]:
    found = json.loads(project.roar("outbox", *arguments, "--json").stdout)
    assert schemas.problems(found) == []
    return found


def passing(_: int) -> None:
    return None


class Gate:
    """A wire to the registry. ``rule`` is asked what to do with each bundle (counted from 0): None lets it pass, a number is
    the status to answer with, "lose" lets it pass and never answers, "cut" neither."""

    def __init__(self, registry: Served) -> None:
        gate = self
        self.registry = registry
        self.passed, self.closing = threading.Event(), threading.Event()
        self.reset()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                what: int | str | None = None
                if self.path.endswith("RegisterBundle"):
                    gate.times.append(time.monotonic())
                    what = gate.rule(len(gate.times) - 1)
                if isinstance(what, int):
                    self.answer(what, gate.headers, b"not now")
                    return
                if what == "cut":
                    self.close_connection = True
                    return
                host = gate.registry.url.removeprefix("http://")
                there = HTTPConnection(host, timeout=60)
                try:
                    there.request("POST", self.path, body, {name: value for name, value in self.headers.items()
                                                            if name.lower() not in {"host", "connection"}} | {"Host": host})
                    got = there.getresponse()
                    answer = got.read()
                except OSError:
                    self.close_connection = True
                    return
                finally:
                    there.close()
                if what == "lose":
                    gate.passed.set()
                    gate.closing.wait(WAIT_SECONDS)
                    self.close_connection = True
                    return
                self.answer(got.status, {"Content-Type": got.headers["content-type"]}, answer)

            def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name.replace("_", "-"), value)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})

    def reset(self, rule: Callable[[int], int | str | None] | None = None, **headers: str) -> None:
        self.rule, self.headers = rule or passing, headers
        self.times: list[float] = []
        self.closing.set()  # what still waits ends
        self.passed, self.closing = threading.Event(), threading.Event()  # passed: a bundle whose answer is lost

    def __enter__(self) -> Gate:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def test_what_projects_ask_for_is_forwarded_and_nothing_else(box: Box) -> None:
    ada, bob = box.project(), box.project()
    silent = box.project("", ada.user)
    elsewhere = box.project(f'{ASKS}url = "https://registry.example.org"\n', ada.user)
    sent = [ada.sh("echo 1 > a")["id"], bob.sh("echo 2 > b")["id"]]
    ada.roar("run", "-q", "--label", "stage=third", "sh", "-c", "exit 3", check=False)
    failed = ada.show("@")
    ada.roar("run", "-q", "no-such-program", check=False)
    kept = [silent.sh("echo 3 > c")["id"], elsewhere.sh("echo 4 > d")["id"]]
    until(lambda: box.known(*sent, failed["id"]) == {*sent, failed["id"]})
    box.settled(waiting=0)
    mine = outbox(ada)
    assert (mine["forwarded"], mine["waiting"], mine["refused"], mine["trouble"], mine["asked"]) == (2, 0, 0, None, True)
    assert (outbox(bob)["forwarded"], outbox(silent)["asked"]) == (1, False)
    assert box.known(*kept) == set()
    assert f"  forward 2 jobs sent to {box.gate.url}" in ada.roar("status").stdout.splitlines()
    assert schemas.problems(ada.json("status")) == []
    assert "means https://registry.example.org" in elsewhere.roar("status").stdout
    with box.registry.client(box.token) as client:
        assert "third" in client.get(f"/api/v1/jobs/{failed['id']}").text, "what was said of it goes along"
    connected = {"GLAAS_URL": box.registry.url, "GLAAS_TOKEN": box.token}
    again = json.loads(ada.roar("register", "a", "--json", environment=connected).stdout)["registrations"][0]
    assert (again["new"], again["known"]) == (0, 1), "by hand, it is there already"
    ada.roar("pop", "--yes")
    assert outbox(ada)["forwarded"] == 1


def test_who_speaks_to_the_registry_has_no_rights_and_its_token_is_nowhere(box: Box) -> None:
    project = box.project()
    first = project.sh("echo 1 > a")["id"]
    until(lambda: box.known(first))
    pid = box.forwarder()
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
    assert status["Uid"].split() == ["65534"] * 4
    assert status["Gid"].split() == ["65534"] * 4
    assert status["Groups"].split() == []
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0000000000000000"}
    assert status["NoNewPrivs"] == "1"
    assert Path(f"/proc/{pid}/environ").stat().st_uid == 0, "not dumpable: others of its account cannot look into it"
    read = subprocess.run(["cat", f"/proc/{pid}/environ"], user=65534, group=65534, extra_groups=[], capture_output=True)
    assert read.returncode != 0
    secret = box.token_file.read_bytes().strip()
    for each in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            with contextlib.suppress(OSError):
                assert secret not in (each / name).read_bytes(), each
    links = [os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir() if fd.is_symlink()]
    assert not [name for name in links if str(box.daemon.state) in name or "bpf" in name], links
    assert secret not in box.daemon.log.read_bytes()
    second = project.sh("echo 2 > b")["id"]
    until(lambda: box.known(second))
    assert box.forwarder() == pid, "one, for as long as there is something to do"


@pytest.mark.parametrize("killed", ["forwarder", "registry"])
def test_whatever_is_killed_in_the_middle_every_job_arrives(box: Box, killed: str) -> None:
    """The registry has taken the bundle, and nobody here knows it."""
    project = box.project()
    jobs = in_the_middle(box, project)
    if killed == "forwarder":
        os.kill(box.forwarder(), signal.SIGKILL)
    else:
        box.registry.stop(signal.SIGKILL)
        box.registry.start()
        box.gate.closing.set()
    until(lambda: box.known(*jobs) == {*jobs})
    box.settled(waiting=0)
    assert (outbox(project)["forwarded"], len(box.gate.times) >= 2) == (4, True)
    assert "Traceback" not in box.daemon.log.read_text()


def in_the_middle(box: Box, project: Project) -> list[str]:
    """Jobs of which the registry has the first; its answer does not come."""
    box.gate.reset(lambda count: "lose" if count == 0 else None)
    jobs = [project.sh("echo 1 > a")["id"]]
    assert box.gate.passed.wait(WAIT_SECONDS)
    jobs += [project.sh(f"echo {number} > b")["id"] for number in range(3)]
    assert box.known(*jobs) == {jobs[0]}
    box.settled(waiting=4)
    return jobs


def test_a_daemon_that_is_killed_in_the_middle_loses_nothing(place: Path, registry: Served) -> None:
    """What was being sent is sent again; what ran goes too, as incomplete as it is."""
    with Gate(registry) as gate, Box(place, registry, gate) as box:
        project = box.project()
        with project.popen("run", "-q", "sh", "-c", "echo go; read line", stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE) as process:
            assert process.stdout.readline() == b"go\n"
            jobs = in_the_middle(box, project)
            pid = box.forwarder()
            box.daemon.stop(signal.SIGKILL)
            until(lambda: not Path(f"/proc/{pid}").exists())
            box.daemon.start()
            process.communicate(b"\n", 60)
        box.settled(forwarded=5, waiting=0, refused=0)
        record = project.show("@1")
        assert not record["complete"]
        assert box.known(record["id"], *jobs) == {record["id"], *jobs}
        pid = box.forwarder()
        assert box.daemon.stop() == 0
        assert not Path(f"/proc/{pid}").exists(), "it ends with roard"


@pytest.mark.parametrize(("said", "headers", "least"), [
    (["cut", 503, 502], {}, [0.8, 1.6, 3.2]), ([429], {"Retry_After": "3"}, [3])], ids=["down", "busy"])
def test_a_registry_that_cannot_now_is_asked_less_and_less_often(box: Box, said: list[int | str], headers: dict[str, str],
                                                                 least: list[float]) -> None:
    if pid := box.forwarder_now():
        os.kill(pid, signal.SIGKILL)  # on a connection that was kept, a cut would be tried again at once
    box.gate.reset(lambda count: said[count] if count < len(said) else None, **headers)
    project = box.project()
    jobs = [project.sh("echo 1 > a")["id"]]
    waiting = until(lambda: (found := outbox(project))["jobs"] and found["jobs"][0]["trouble"] and found)
    [job] = waiting["jobs"]
    assert (waiting["waiting"], job["trouble"]["code"], job["state"]) == (1, "unavailable", "waiting")
    jobs.append(project.sh("echo 2 > b")["id"])
    box.settled(waiting=0, trouble=admin_pb2.Trouble())
    assert box.known(*jobs) == {*jobs}
    times = box.gate.times
    pauses = [after - before for before, after in pairwise(times)]
    assert len(pauses) == len(least), "new jobs are no reason to ask again at once, and both go together then"
    assert all(pause >= wanted * 0.95 for pause, wanted in zip(pauses, least, strict=True)), pauses


def test_a_token_that_is_refused_is_said_and_a_mended_one_is_noticed(box: Box) -> None:
    project = box.project()
    secret = box.token_file.read_text().strip()
    box.put_token("glaas_wrong")
    jobs = [project.sh("echo 1 > a")["id"]]
    said = until(lambda: (found := outbox(project))["trouble"] and found)
    assert (said["waiting"], said["trouble"]["code"]) == (1, "denied")
    assert "does not take this machine's token" in said["trouble"]["message"]
    assert "roard notices by itself" in said["trouble"]["hint"]
    assert "roard notices by itself" in project.roar("status").stdout
    assert "glaas_wrong" not in json.dumps(said)
    jobs.append(project.sh("echo 2 > b")["id"])
    time.sleep(3)
    assert len(box.gate.times) == 1, "it is not asked again and again"
    box.put_token(secret, 0o644)
    until(lambda: "others than root may read" in outbox(project)["trouble"]["message"])
    assert "chmod 600" in outbox(project)["trouble"]["hint"]
    assert len(box.gate.times) == 1, "what others may know is not sent"
    box.put_token(secret)
    box.settled(waiting=0, trouble=admin_pb2.Trouble())
    assert box.known(*jobs) == {*jobs}


def test_one_job_that_is_refused_does_not_keep_the_others(box: Box) -> None:
    """A record that holds what looks like a secret, between two others; a scope that the machine does not allow; one that the
    registry does not."""
    project = box.project()
    before = project.sh("echo 1 > a")["id"]
    script = ("import sys, lineage.redact; import roarctl.recording; lineage.redact.redact_argv = tuple\n"
              "from roarctl.main import run; sys.exit(run(['run', '-q', 'true', '--password=hunter2-hunter2']))")
    subprocess.run([sys.executable, "-c", script], cwd=project.path, check=True, user=project.user, group=project.user,
                   env={**project.environment, "PYTHONPATH": str(ROOT)})
    leak = project.show("@")["id"]
    after = project.sh("echo 2 > b")["id"]
    box.settled(waiting=0)
    said = outbox(project)
    [refused] = said["jobs"]
    assert (refused["id"], refused["state"], refused["trouble"]["code"]) == (leak, "refused", "denied")
    assert "hunter2" not in json.dumps(said)
    assert f"--no-redact {leak[:12]}" in refused["trouble"]["hint"]
    assert "@2 refused: it holds what looks like a secret" in project.roar("status").stdout
    assert box.known(before, leak, after) == {before, after}
    assert "hunter2" not in box.daemon.log.read_text()

    public = box.project(f'{ASKS}scope = "public"\n')
    public.sh("echo 3 > c")
    lab, owner = f"{box.account}-lab", f"{box.account}-owner"
    box.registry.glaas("user", "add", owner)
    box.registry.glaas("org", "add", lab, "--owner", owner)
    theirs = box.project(f'{ASKS}scope = "org:{lab}"\n')
    shared = theirs.sh("echo 4 > d")["id"]
    box.settled(waiting=0)
    assert "does not forward with scope public" in outbox(public)["jobs"][0]["trouble"]["message"]
    assert "may not register in" in outbox(theirs)["jobs"][0]["trouble"]["message"]
    last = project.sh("echo 5 > e")["id"]
    until(lambda: box.known(last))
    box.registry.glaas("org", "member", "add", lab, box.account)
    assert outbox(theirs, "--retry", shared[:12])["retried"] == 1
    until(lambda: box.known(shared, space=f"org:{lab}") == {shared})
    assert outbox(public, "--retry")["retried"] == 1
    box.settled(waiting=0)
    assert (outbox(public)["refused"], outbox(theirs)["refused"]) == (1, 0)


def test_a_machine_may_forward_everything_or_nothing(place: Path, registry: Served) -> None:
    with Gate(registry) as gate, Box(place, registry, gate, forward="all", scope="public") as box:
        job = box.project("").sh("echo 1 > a")["id"]
        mine = box.project('[registry]\nforward = true\nscope = "private"\n').sh("echo 2 > b")["id"]
        box.settled(forwarded=2, forward="all")
        assert box.known(mine) == {mine}
        assert box.known(job, space="public") == {job}
        box.configure(forward="never")
        box.daemon.stop()
        box.daemon.start()
        asking = box.project()
        asking.sh("echo 3 > c")
        box.settled(forward="never", waiting=0)
        assert ".roar.toml asks for forwarding" in asking.roar("status").stdout


def test_what_forwards_is_never_root(place: Path, registry: Served) -> None:
    box = Box(place, registry, Gate(registry), user="root")
    with pytest.raises(AssertionError, match="never root"):
        box.daemon.start()
    box.daemon.process = None
    box.gate.server.server_close()
    command = [sys.executable, "-m", "roarctl.forwarding"]
    started = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)})
    assert (started.returncode, "never run as root" in started.stderr) == (2, True)
    asked = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)},
                           user=65534, group=65534, extra_groups=[])
    assert (asked.returncode, "roard starts this" in asked.stderr) == (2, True)
