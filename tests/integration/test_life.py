"""Jobs, daemons and users that do not behave: nothing lost, nothing run twice, nothing seen by others."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import BIN, PATIENCE, Daemon, Project, blake

PYTHON = "/usr/bin/python3"
NOBODY, DAEMON = 65534, 1


def wait_for(true: Callable[[], object], seconds: float = 30, what: str = "it") -> None:
    deadline = time.monotonic() + seconds * PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.02)


@pytest.fixture
def own(place: Path) -> Iterator[Callable[..., Daemon]]:
    """Daemons that a test may hurt."""
    if os.geteuid() != 0:
        pytest.skip("loading probes needs root")
    made: list[Daemon] = []

    def make(config: str = "", directory: Path | None = None) -> Daemon:
        directory = directory or Path(tempfile.mkdtemp(prefix="own-", dir=place))
        options: list[str] = []
        if config:
            (directory / "roard.toml").write_text(config)
            options = ["--config", str(directory / "roard.toml")]
        made.append(Daemon(directory, *options))
        return made[-1].start()

    yield make
    for daemon in made:
        if daemon.process is not None:
            daemon.stop(signal.SIGKILL)


def children(parent: int, command: str) -> list[int]:
    """Processes below another, by a part of their command line."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            above = int((each / "stat").read_text().rpartition(")")[2].split()[1])
            words = (each / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if above == parent and command in words:
            found.append(int(each.name))
    return found


def finished(project: Project, number: int) -> bool:
    done = project.roar("show", f"@{number}", "--json", check=False)
    return done.returncode == 0 and json.loads(done.stdout)["state"] == "finished"


def test_kill_of_roarctl_loses_nothing(project: Project) -> None:
    """kill -9 of `roar run`: the command goes on, once, and the daemon has its record."""
    process = project.popen("run", "-q", "--", "sh", "-c", "echo began >> log; sleep 1; echo ended >> log; exit 3")
    wait_for((project.path / "log").exists)
    process.kill()
    process.wait()
    wait_for(lambda: finished(project, 1))
    job = project.show("@1")
    job.assert_complete()
    assert (project.path / "log").read_text() == "began\nended\n"
    assert job.outputs == {"log": blake(b"began\nended\n")}
    assert job["exit_code"] == 3


def test_interrupt_is_recorded(project: Project) -> None:
    """Ctrl-C reaches the command; the job says that it was interrupted, and what it had done by then."""
    process = project.popen("run", "-q", "--", "sh", "-c", "echo part > part.txt; exec sleep 60", start_new_session=True)
    wait_for((project.path / "part.txt").exists)
    time.sleep(0.2)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(30) == 128 + signal.SIGINT
    job = project.show()
    assert (job["signal"], job["exit_code"], job["interrupted"]) == (signal.SIGINT, None, True)
    assert job.outputs == {"part.txt": blake(b"part\n")}


def test_terminate_is_passed_on(project: Project) -> None:
    """SIGTERM to `roar run` ends the command, and is recorded."""
    process = project.popen("run", "-q", "--", "sh", "-c", ": > up; exec sleep 60")
    wait_for((project.path / "up").exists)
    time.sleep(0.2)
    process.terminate()
    assert process.wait(30) == 128 + signal.SIGTERM
    assert (project.show()["signal"], project.show()["interrupted"]) == (signal.SIGTERM, True)


def test_running_job_is_visible(project: Project) -> None:
    """Before it ends: in the log, by @, by its run, and live by Watch."""
    process = project.popen("run", "-q", "--", "sh", "-c", "echo x > made; read line", stdin=subprocess.PIPE)
    wait_for((project.path / "made").exists)
    job = project.show("@1")
    assert (job["state"], job["id"], job["exit_code"]) == ("running", None, None)
    assert [each["state"] for each in project.json("log")["jobs"]] == ["running"]
    assert project.show("job:" + job["run"])["run"] == job["run"]
    process.communicate(b"go\n", timeout=30)
    assert process.returncode == 0
    assert project.show("@1")["state"] == "finished"


def test_what_is_left_behind_is_waited_for_by_the_daemon(project: Project) -> None:
    """A background process outlives the command: `run` returns, the record is final when it has ended."""
    script = "(while ! [ -e go ]; do sleep 0.05; done; echo late > late.txt) > /dev/null 2>&1 &"
    project.roar("run", "-q", "--", "sh", "-c", script)
    assert project.show("@1")["state"] == "running"
    project.write("go", "")
    wait_for(lambda: finished(project, 1))
    job = project.show("@1")
    job.assert_complete()
    assert job.outputs == {"late.txt": blake(b"late\n")}


def test_double_fork_and_setsid_stay_in_the_job(project: Project) -> None:
    """A daemon that the job left: still its own."""
    project.roar("run", "-q", "--", "setsid", "-f", "sh", "-c", "sleep 1; echo d > d.txt")
    wait_for(lambda: finished(project, 1))
    assert project.show("@1").outputs == {"d.txt": blake(b"d\n")}


def test_missing_and_unexecutable_commands_leave_no_job(project: Project) -> None:
    """127 and 126; nothing ran, so nothing is recorded, and the next job has the number."""
    project.write("plain.txt", "x")
    project.write("lost.sh", "#!/no/such/interpreter\n").chmod(0o755)
    assert project.roar("run", "--", "no-such-command", check=False).returncode == 127
    assert project.roar("run", "--", "./plain.txt", check=False).returncode == 126
    assert project.roar("run", "--", "./lost.sh", check=False).returncode == 127
    assert project.roar("run", "--", "./", check=False).returncode == 126
    assert project.run("true")["number"] == 1


def test_daemon_dies_in_mid_run(own: Callable[..., Daemon], place: Path) -> None:
    """The command runs once and keeps its exit code; its successor records the job as incomplete, with the reason."""
    daemon = own()
    project = Project(Path(tempfile.mkdtemp(dir=place)), daemon.socket)
    process = project.popen("run", "--", "sh", "-c", "echo once >> log; sleep 1; exit 5", stderr=subprocess.PIPE, text=True)
    wait_for((project.path / "log").exists)
    daemon.stop(signal.SIGKILL)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 5
    assert "roar" in errors
    assert (project.path / "log").read_text() == "once\n"
    daemon.start()
    job = project.show("@1")
    assert job["complete"] is False
    assert [reason["code"] for reason in job["incomplete_reasons"]] == ["gap"]
    project.run("true")
    assert project.show("@2")["complete"] is True


def test_no_daemon_and_stale_socket(place: Path) -> None:
    """Without a daemon the command runs all the same, and the warning says what to type."""
    directory = Path(tempfile.mkdtemp(dir=place))
    path = directory / "roard.sock"
    project = Project(directory / "p", path)
    done = project.roar("run", "--", "sh", "-c", "echo out; exit 4", check=False)
    assert (done.returncode, done.stdout) == (4, "out\n")
    assert "roard serve" in done.stderr
    for each in (path, Path(f"{path}.id")):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(each))
    done = project.roar("run", "--", "sh", "-c", "echo out; exit 4", check=False)
    assert (done.returncode, done.stdout) == (4, "out\n")
    assert "roard serve" in done.stderr
    assert project.roar("run", "-q", "--require-capture", "--", "touch", "ran", check=False).returncode == 125
    assert not (project.path / "ran").exists()


def test_stale_socket_is_replaced_and_a_live_one_is_not(own: Callable[..., Daemon]) -> None:
    """A daemon takes over what a dead one left, and refuses to take what a live one uses."""
    daemon = own()
    second = subprocess.run([BIN / "roard", "serve", "--state-dir", daemon.state, "--socket", daemon.socket],
                            capture_output=True, text=True, timeout=60)
    assert second.returncode != 0
    assert "another roard" in second.stderr
    daemon.stop(signal.SIGKILL)
    assert daemon.socket.exists()
    daemon.start()
    assert daemon.stop() == 0
    assert not daemon.socket.exists()


def reachable(user: int) -> bool:
    return subprocess.run([BIN / "roar", "--help"], user=user, group=user, capture_output=True, cwd="/").returncode == 0


@pytest.fixture
def two_users(daemon: Daemon, place: Path) -> tuple[Project, Project]:
    if not reachable(NOBODY):
        pytest.skip("this checkout is in a directory that other users cannot enter")
    return tuple(Project(Path(tempfile.mkdtemp(dir=place)), daemon.socket, user) for user in (NOBODY, DAEMON))  # type: ignore[return-value]


def test_two_users_see_only_their_own(two_users: tuple[Project, Project], daemon: Daemon) -> None:
    """Neither the other's jobs, nor artifacts that only the other's jobs touched; root sees all."""
    mine, theirs = two_users
    for project, text in ((mine, "mine"), (theirs, "theirs")):
        project.write("in.txt", text)
    both = [project.popen("run", "-q", "--", "sh", "-c", "sleep 0.3; cat in.txt > out.txt") for project in two_users]
    assert [process.wait(60) for process in both] == [0, 0]
    jobs = [project.show("@1") for project in two_users]
    for job, project, text in zip(jobs, two_users, ("mine", "theirs"), strict=True):
        job.assert_complete()
        assert job.inputs == {"in.txt": blake(text.encode())}
        assert job.outputs == {"out.txt": blake(text.encode())}
        assert job["user"]["uid"] == project.user
        assert len(project.json("log")["jobs"]) == 1
        every = project.json("log", "--all")["jobs"]
        assert job["id"] in {each["id"] for each in every}
        assert {each["user"]["uid"] for each in every} == {project.user}
    for reference in (jobs[1]["id"], "job:" + jobs[1]["id"][:12], "job:" + jobs[1]["run"], "artifact:" + blake(b"theirs"),
                      "session:" + jobs[1]["session"]):
        refused = mine.roar("show", reference, "--json", check=False)
        assert refused.returncode != 0
        assert json.loads(refused.stderr)["error"]["code"] == "not_found"
    root = Project(mine.path, daemon.socket)
    assert root.show(jobs[1]["id"])["id"] == jobs[1]["id"]


def test_hash_is_made_as_the_owner(two_users: tuple[Project, Project]) -> None:
    """What its owner may not open is not read by root in its place, though somebody handed over a descriptor."""
    mine, _ = two_users
    closed = mine.write("closed.bin", b"x" * 100_000)  # more than travels with a read
    closed.chmod(0)
    with closed.open("rb") as stdin:  # root opens it
        job = mine.run("sh", "-c", "cat > /dev/null", stdin=stdin)
    entry = job.entries("inputs")["closed.bin"]
    assert (entry["hash"], entry["hash_reason"]) == (None, "the job's owner may not read it")
    assert entry["access"] == ["read"]
    assert [reason["code"] for reason in job["incomplete_reasons"]] == ["unhashed_inputs"]


def test_output_that_its_owner_may_not_read(two_users: tuple[Project, Project]) -> None:
    """What can be told is, and nothing is made up: a size that nobody could see is not 0."""
    mine, _ = two_users
    job = mine.sh("umask 0; echo x > closed; mkdir d; echo y > d/hidden; chmod 0 closed d")
    assert {path: (entry["hash"], entry["size"]) for path, entry in job.entries("outputs").items()} == {
        "closed": (None, 2), "d/hidden": (None, None)}
    assert {entry["hash_reason"] for entry in job.entries("outputs").values()} == {"the job's owner may not read it"}
    assert job["complete"] is False
    (mine.path / "d").chmod(0o755)  # so that it can be removed


def test_worker_is_the_user_and_not_the_users(two_users: tuple[Project, Project], daemon: Daemon) -> None:
    """It has the user's rights, no more; the user can neither trace it nor read its memory."""
    project, _ = two_users
    project.write("large", "x" * 1_000_000)
    assert project.run("cat", "large").inputs == {"large": blake(b"x" * 1_000_000)}
    (zygote,) = children(daemon.process.pid, "roard serve")
    statuses = [(Path(f"/proc/{each}/status"), each) for each in children(zygote, "roard serve")]
    fields, pid = next((fields, pid) for path, pid in statuses
                       if (fields := dict(line.split(":\t", 1) for line in path.read_text().splitlines()))["Uid"].split()
                       == [str(project.user)] * 4)
    assert fields["Gid"].split() == [str(project.user)] * 4
    assert fields["CapEff"].strip("0") == ""
    assert fields["NoNewPrivs"] == "1"
    read = subprocess.run(["cat", f"/proc/{pid}/environ", f"/proc/{pid}/maps"], user=project.user, group=project.user,
                          cwd="/", capture_output=True)
    assert read.returncode != 0
    assert read.stdout == b""


def test_unreadable_file(two_users: tuple[Project, Project]) -> None:
    """What the command could not open is not in the record; its failure is."""
    mine, _ = two_users
    secret = mine.write("secret.txt", "s")
    os.chown(secret, 0, 0)
    secret.chmod(0o600)
    job = mine.run("cat", "secret.txt", check=False)
    job.assert_complete()
    assert job["exit_code"] == 1
    assert job.inputs == {}


def test_nobody_registers_the_process_of_another(two_users: tuple[Project, Project], daemon: Daemon) -> None:
    """A pidfd of a process that is not the caller's gets no ticket."""
    script = f"""
import json, os, socket
s = socket.socket(socket.AF_UNIX); s.connect({str(daemon.socket)!r} + '.id')
socket.send_fds(s, [b'{{"roar": 1}}\\n'], [os.pidfd_open(1)])
print(s.recv(4096).decode())
"""
    done = subprocess.run([PYTHON, "-c", script], user=NOBODY, group=NOBODY, capture_output=True, text=True, cwd="/")
    assert json.loads(done.stdout)["error"]["code"] == "denied"


def test_full_disk(own: Callable[..., Daemon], place: Path) -> None:
    """The command runs; the job is kept until there is room; nothing that was acknowledged is lost."""
    directory = Path(tempfile.mkdtemp(dir=place))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", directory], check=True)
    try:
        daemon = own(directory=directory)
        project = Project(Path(tempfile.mkdtemp(dir=place)), daemon.socket)
        project.run("true")
        filler = directory / "filler"
        with pytest.raises(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(b"\0" * 4096)
        done = project.roar("run", "--", "sh", "-c", "echo ran > ran.txt; exit 6", check=False)
        assert done.returncode == 6
        assert "full" in done.stderr
        assert (project.path / "ran.txt").read_text() == "ran\n"
        assert project.show("@1")["exit_code"] == 0
        filler.unlink()
        wait_for(lambda: project.roar("run", "-q", "--require-capture", "--", "true", check=False).returncode == 0)
        assert daemon.stop() == 0
        daemon.start()
        assert project.show("@1")["exit_code"] == 0
    finally:
        for each in (daemon,):
            if each.process is not None:
                each.stop(signal.SIGKILL)
        subprocess.run(["umount", "-l", directory], check=True)


def test_disk_fills_while_a_job_runs(own: Callable[..., Daemon], place: Path) -> None:
    """A job that ends on a full disk is stored when there is room again."""
    directory = Path(tempfile.mkdtemp(dir=place))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", directory], check=True)
    daemon = own(directory=directory)
    try:
        project = Project(Path(tempfile.mkdtemp(dir=place)), daemon.socket)
        project.run("true")
        process = project.popen("run", "--", "sh", "-c", ": > up; sleep 1; echo r > ran.txt", stderr=subprocess.PIPE, text=True)
        wait_for((project.path / "up").exists)
        filler = directory / "filler"
        with pytest.raises(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(b"\0" * 4096)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0
        assert "not stored yet" in errors or "full" in errors
        filler.unlink()
        wait_for(lambda: finished(project, 2), what="the record")
        assert project.show("@2").outputs == {"up": blake(b""), "ran.txt": blake(b"r\n")}
    finally:
        if daemon.process is not None:
            daemon.stop(signal.SIGKILL)
        subprocess.run(["umount", "-l", directory], check=True)


@contextlib.contextmanager
def paused_reader(daemon: Daemon) -> Iterator[None]:
    assert daemon.process is not None
    reader = children(daemon.process.pid, "probe.reader")[0]
    os.kill(reader, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(reader, signal.SIGCONT)


def test_lost_events_are_said(own: Callable[..., Daemon], place: Path) -> None:
    """A ring that is too small: the job is incomplete, and says why and how much."""
    daemon = own("[probes]\naccess_pages = 4\n")
    project = Project(Path(tempfile.mkdtemp(dir=place)), daemon.socket)
    with paused_reader(daemon):
        script = "[open(f'f{i}', 'w').write('x') for i in range(500)]; open('done', 'w')"
        process = project.popen("run", "--", PYTHON, "-c", script, stderr=subprocess.PIPE, text=True)
        wait_for((project.path / "done").exists)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "incomplete" in errors
    job = project.show()
    assert job["complete"] is False
    reason = next(reason for reason in job["incomplete_reasons"] if reason["code"] == "lost_accesses")
    assert reason["count"] > 100


def test_a_reader_that_was_paused_catches_up(own: Callable[..., Daemon], place: Path) -> None:
    """What fits into the rings is there when it goes on: nothing is missing, and nothing is said to be."""
    daemon = own()
    project = Project(Path(tempfile.mkdtemp(dir=place)), daemon.socket)
    with paused_reader(daemon):
        script = "[open(f'f{i}', 'w').write('x') for i in range(500)]; open('done', 'w')"
        process = project.popen("run", "-q", "--", PYTHON, "-c", script)
        wait_for((project.path / "done").exists)
    assert process.wait(60) == 0
    job = project.show()
    job.assert_complete()
    assert len(job.outputs) == 501


def test_a_full_table_of_what_was_seen_loses_nothing(own: Callable[..., Daemon], place: Path) -> None:
    """What is forgotten is sent again."""
    daemon = own("[probes]\nseen = 64\n")
    project = Project(Path(tempfile.mkdtemp(dir=place)), daemon.socket)
    for number in range(300):
        project.write(f"f{number}", f"{number}")
    job = project.run(PYTHON, "-c", "for _ in range(3): [open(f'f{i}').read() for i in range(300)]")
    job.assert_complete()
    assert job.inputs == {f"f{number}": blake(f"{number}".encode()) for number in range(300)}


def test_a_full_ring_of_processes_is_said(own: Callable[..., Daemon], place: Path) -> None:
    """The job still ends: the kernel's own table says who lives."""
    daemon = own("[probes]\nprocess_pages = 1\n")
    project = Project(Path(tempfile.mkdtemp(dir=place)), daemon.socket)
    with paused_reader(daemon):
        process = project.popen("run", "-q", "--", "sh", "-c", "for i in $(seq 60); do /bin/true; done; : > done")
        wait_for((project.path / "done").exists)
    assert process.wait(60) == 0
    wait_for(lambda: project.json("log")["jobs"][0]["state"] == "finished", what="the record")
    job = project.show()
    assert "lost_processes" in {reason["code"] for reason in job["incomplete_reasons"]}


def test_contents_do_not_crowd_out_accesses(own: Callable[..., Daemon], place: Path) -> None:
    """Many small files at once, more bytes than the ring of contents holds: those are hashed where they lie."""
    daemon = own("[probes]\ncontent_pages = 16\n")
    project = Project(Path(tempfile.mkdtemp(dir=place)), daemon.socket)
    contents = {f"f{number}": bytes([number % 256]) * 60_000 for number in range(300)}
    for name, content in contents.items():
        project.write(name, content)
    job = project.run(PYTHON, "-c", "[open(f'f{number}', 'rb').read() for number in range(300)]")
    job.assert_complete()
    assert job.inputs == {name: blake(content) for name, content in contents.items()}


def test_full_process_table_is_said(own: Callable[..., Daemon], place: Path) -> None:
    """More processes than the table holds: the job still ends, and says what it missed."""
    daemon = own("[probes]\nmembers = 4\n")
    project = Project(Path(tempfile.mkdtemp(dir=place)), daemon.socket)
    job = project.sh("for i in 1 2 3 4 5 6 7 8; do sleep 0.5 & done; wait")
    assert job["complete"] is False
    assert {"lost_processes"} <= {reason["code"] for reason in job["incomplete_reasons"]}


def test_reader_and_hash_worker_may_die(own: Callable[..., Daemon], place: Path) -> None:
    """Both are started again; a record that has what it needs stays complete."""
    daemon = own()
    project = Project(Path(tempfile.mkdtemp(dir=place)), daemon.socket)
    project.write("in.txt", "x" * 100_000)
    project.run("cat", "in.txt")
    process = project.popen("run", "-q", "--", "sh", "-c", "cat in.txt > a; : > up; sleep 1; cat in.txt > b")
    wait_for((project.path / "up").exists)
    for pid in children(daemon.process.pid, "probe.reader"):
        os.kill(pid, signal.SIGKILL)
    assert process.wait(60) == 0
    job = project.show()
    job.assert_complete()
    assert set(job.outputs) == {"a", "b", "up"}
    for zygote in children(daemon.process.pid, "roard serve"):
        for worker in children(zygote, "roard serve"):
            os.kill(worker, signal.SIGKILL)
    job = project.sh("cat in.txt > c")
    job.assert_complete()
    assert job.outputs == {"c": blake(b"x" * 100_000)}


def test_nothing_is_imported_from_where_the_daemon_is_started(place: Path) -> None:
    """`sudo roard serve` in a user's directory runs none of the user's code as root."""
    if os.geteuid() != 0:
        pytest.skip("loading probes needs root")
    directory = Path(tempfile.mkdtemp(prefix="cwd-", dir=place))
    for name in ("json", "socket", "select", "struct", "blake3", "bcc", "roard"):
        (directory / f"{name}.py").write_text("import pathlib; pathlib.Path(__file__).with_suffix('.ran').touch()")
    daemon = Daemon(directory)
    daemon.cwd = directory
    with daemon:
        project = Project(directory / "project", daemon.socket)
        project.sh("echo x > f").assert_complete()
    assert list(directory.rglob("*.ran")) == []


def attached(daemon: Daemon) -> int:
    directory = Path(f"/proc/{daemon.process.pid}/fd")
    links = []
    for each in directory.iterdir():
        try:
            links.append(str(each.readlink()))
        except FileNotFoundError:
            continue
    return sum("perf_event" in link or "bpf_link" in link for link in links)


def test_nothing_is_attached_while_no_job_is_registered(own: Callable[..., Daemon], place: Path) -> None:
    """Before the first job, and some seconds after the last."""
    daemon = own()
    project = Project(Path(tempfile.mkdtemp(dir=place)), daemon.socket)
    assert attached(daemon) == 0
    process = project.popen("run", "-q", "--", "sleep", "1")
    wait_for(lambda: attached(daemon) > 20)
    assert process.wait(30) == 0
    project.run("true")
    wait_for(lambda: attached(daemon) == 0, 40)
    project.sh("echo again > again.txt").assert_complete()
    assert project.show().outputs == {"again.txt": blake(b"again\n")}
    maps = Path(f"/proc/{daemon.process.pid}/maps").read_text()
    assert "LLVM" not in maps
    assert "libbcc" not in maps


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_dirty_tree_is_recorded_not_refused(project: Project) -> None:
    """The diff is in the record, a warning in the summary; tracked files are source."""
    def git(*words: str) -> None:
        subprocess.run(["git", "-c", "user.name=T", "-c", "user.email=t@example.org", *words], cwd=project.path, check=True,
                       capture_output=True)

    project.write("train.py", "print('one')\n")
    project.write("table.csv", "1\n")
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    clean = project.run(PYTHON, "train.py")
    assert clean["git"]["dirty"] is False
    project.write("train.py", "open('table.csv').read()\n")
    done = project.roar("run", "--", PYTHON, "train.py")
    assert "uncommitted" in done.stderr
    job = project.show()
    job.assert_complete()
    assert job["git"]["dirty"] is True
    assert "+open('table.csv').read()" in job["git"]["diff"]
    assert {entry["role"] for entry in job.entries("inputs").values()} == {"source"}


def test_ambiguous_reference_lists_its_candidates(project: Project) -> None:
    """A prefix that several things share is an error that names them."""
    first: dict[str, str] = {}
    number = 0
    while (prefix := blake(f"{number}\n".encode())[:4]) not in first:
        first[prefix] = str(number)
        number += 1
    job = project.sh(f"echo {first[prefix]} > a; echo {number} > b")
    for reference in (prefix, f"artifact:{prefix}"):
        done = project.roar("show", reference, "--json", check=False)
        assert done.returncode != 0
        error = json.loads(done.stderr)["error"]
        assert error["code"] == "ambiguous"
        assert all(f"artifact:{str(digest)[:12]}" in json.dumps(error) for digest in job.outputs.values())
    for reference, code in (("zz", "not_found"), ("@99", "not_found"), ("@x", "invalid"), ("job:12", "invalid")):
        done = project.roar("show", reference, "--json", check=False)
        assert done.returncode != 0
        assert json.loads(done.stderr)["error"]["code"] == code
        assert json.loads(done.stderr)["error"]["hint"]


def test_reset_begins_a_new_session(project: Project) -> None:
    """Numbers begin again; the old session is still there by its id."""
    first = project.run("true")
    project.roar("reset")
    second = project.run("true")
    assert (first["number"], second["number"]) == (1, 1)
    assert first["session"] != second["session"]
    assert project.json("show", "session:" + first["session"][:12])["id"] == first["session"]


def test_secrets_do_not_leave_the_process(project: Project, daemon: Daemon) -> None:
    """Neither in arguments nor in the environment, of the job or of its steps; and not in the store."""
    secret = "hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"
    job = project.run("sh", "-c", "true", f"--token={secret}", environment={"HF_TOKEN": secret, "PLAIN": "visible"})
    assert secret not in json.dumps(job.document)
    assert "visible" in json.dumps(job["environment"])
    for path in daemon.state.rglob("*"):
        if path.is_file():
            assert subprocess.run(["grep", "-qa", secret, path]).returncode == 1


def test_run_tells_programs_what_show_does(project: Project) -> None:
    """`run --json`: the record on the last line of stderr, which the command shares."""
    done = project.roar("run", "--json", "sh", "-c", "echo out; echo err >&2; echo x > made; exit 3", check=False)
    assert (done.returncode, done.stdout) == (3, "out\n")
    first, last = done.stderr.splitlines()
    assert first == "err"
    assert json.loads(last) == project.json("show", "@")


def test_short_jobs_have_their_whole_context(project: Project) -> None:
    """The record waits for what only the client knows, however quickly the command ends."""
    for _ in range(8):
        job = project.run("true")
        assert job["resources"]["wall_seconds"] > 0
        assert job["resources"]["cpu_ns"] > 0
        assert job["hardware"]["cores"] > 0
    job = project.run(PYTHON, "-c", "pass")
    assert job["python"]["version"]


def test_run_inside_of_run(project: Project) -> None:
    """Two jobs, each with its own; the outer one is final, says so, and took what the inner one made."""
    project.write("in", "x")
    project.roar("run", "-q", "sh", "-c", f"cat in > a; {BIN}/roar run -q cp a b; cat b > c")
    outer, inner = project.show("@1"), project.show("@2")
    assert (set(inner.inputs), set(inner.outputs), inner["complete"]) == ({"a"}, {"b"}, True)
    assert (outer["state"], set(outer.outputs)) == ("finished", {"a", "c"})
    assert {"in", "b"} <= set(outer.inputs)
    assert [reason["code"] for reason in outer["incomplete_reasons"]] == ["nested"]
    (outer_edge,) = [edge for edge in project.json("dag")["edges"] if edge["to"] == outer["id"]]
    assert outer_edge["from"] == inner["id"]


def test_the_directory_of_the_command_is_gone(project: Project) -> None:
    """It runs, without a record and with a reason."""
    gone = project.path / "gone"
    gone.mkdir()
    script = f"rmdir {gone}; {BIN}/roar run echo ran; {BIN}/roar log --json"
    done = subprocess.run(["sh", "-c", script], cwd=gone, env=project.environment, capture_output=True, text=True)
    assert done.stdout == "ran\n"
    assert "no record of this run: the current directory is not there any more" in done.stderr
    assert json.loads(done.stderr.splitlines()[-1])["error"]["code"] == "invalid"


def test_a_command_that_removes_its_directory(project: Project) -> None:
    """It was recorded, and the summary says so."""
    going = project.path / "going"
    going.mkdir()
    done = subprocess.run([BIN / "roar", "run", "sh", "-c", f"echo x > ../kept; cd /; rmdir {going}"], cwd=going,
                          env=project.environment, capture_output=True, text=True)
    assert done.returncode == 0
    assert "ok in" in done.stderr
    assert "kept" in done.stderr
