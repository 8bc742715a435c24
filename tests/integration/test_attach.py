"""`roar attach` and `roar detach`: jobs that begin in the middle of what runs, and may end before it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from harness import BIN, Daemon, Project, Record, blake
from test_life import DAEMON, NOBODY, finished, own, two_users, wait_for  # noqa: F401 - fixtures
from test_rpc import token

from lineage.status import TOKEN_KEY
from lineage.v1 import observe_pb2, observe_pb2_grpc

PYTHON = "/usr/bin/python3"


@pytest.fixture
def start(project: Project) -> Iterator[Callable[..., subprocess.Popen[Any]]]:
    """Programs that nobody watches yet."""
    started: list[subprocess.Popen[Any]] = []

    def begin(*command: str | Path, user: int | None = None, **options: Any) -> subprocess.Popen[Any]:
        started.append(subprocess.Popen(command, cwd=options.pop("cwd", project.path), user=user, group=user,
                                        start_new_session=True, **options))
        return started[-1]

    yield begin
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def attach(project: Project, *arguments: str | Path | int) -> dict[str, Any]:
    return dict(json.loads(project.roar("attach", "--json", *map(str, arguments)).stdout))


def ended(project: Project, number: int) -> Record:
    wait_for(lambda: finished(project, number))
    return project.show(f"@{number}")


def reasons(job: Record) -> list[str]:
    return [reason["code"] for reason in job["incomplete_reasons"]]


def refused(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    error = json.loads(done.stderr)["error"]
    assert error["message"]
    return dict(error)


def go(project: Project) -> None:
    project.write("go", "")


WAIT = "while ! [ -e go ]; do sleep 0.05; done"


def test_a_pipeline_that_sleeps_and_then_writes(project: Project, start: Callable[..., Any]) -> None:
    """From the attaching on: what the shell and its children read and write, as steps of their own programs."""
    project.write("in.txt", "b\na\n")
    shell = start("sh", "-c", f"(sh -c '{WAIT}; cat in.txt' | sort > out.txt); echo done > last.txt; exit 3")
    wait_for((project.path / "out.txt").exists)
    done = project.roar("attach", str(shell.pid))
    assert done.stdout.startswith(f"roar: attached to PID {shell.pid} as @1 (")
    running = project.show("@1")
    assert (running["state"], running["complete"], reasons(running)) == ("running", False, ["attached"])
    go(project)
    assert shell.wait(30) == 3
    job = ended(project, 1)
    assert job.inputs == {"in.txt": blake(b"b\na\n")}
    assert job.outputs == {"out.txt": blake(b"a\nb\n"), "last.txt": blake(b"done\n")}
    assert (job["exit_code"], reasons(job)) == (3, ["attached"])
    assert job["argv"][:2] == ["sh", "-c"]
    steps = {step["argv"][0]: step for step in job["steps"]}
    assert {"sh", "sort", "cat"} <= set(steps)
    assert steps["sort"]["executable"].endswith("/sort")
    assert [output["path"].rpartition("/")[2] for output in steps["sort"]["outputs"]] == ["out.txt"]
    parents = {step["index"]: step["parent"] for step in job["steps"]}
    assert parents[steps["sort"]["index"]] is not None
    assert job["resources"]["processes"] >= 4


def test_what_is_open_is_where_it_begins(project: Project, start: Callable[..., Any]) -> None:
    """A reader in the middle of a large file, mapped memory, an appending writer, a file that is open and was not read."""
    large, mapped = os.urandom(3_000_000), os.urandom(20_000)
    project.write("large.bin", large)
    project.write("mapped.bin", mapped)
    project.write("memory.bin", b"\0" * 8192)
    project.write("untouched.txt", "x")
    project.write("log.txt", "before\n")
    script = """
import mmap, os, time
large = open("large.bin", "rb", buffering=0); large.read(1000)
with open("mapped.bin", "rb") as file:
    mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
with open("memory.bin", "r+b") as file:
    memory = mmap.mmap(file.fileno(), 0)
untouched, written = open("untouched.txt"), open("unwritten.txt", "w")
log = open("log.txt", "a", buffering=1); log.write("unseen\\n")
result = open("result.bin", "wb", buffering=0); result.write(b"1")
open("ready", "w").close()
while not os.path.exists("go"):
    time.sleep(0.02)
while large.read(100_000):
    pass
log.write("seen\\n")
result.write(b"2")
memory[0] = 1
os.rename("result.bin", "renamed.bin")
"""
    program = start(PYTHON, "-c", script)
    wait_for((project.path / "ready").exists)
    attach(project, program.pid)
    go(project)
    assert program.wait(30) == 0
    job = ended(project, 1)
    assert job.inputs == {"large.bin": blake(large), "mapped.bin": blake(mapped), "log.txt": blake(b"before\nunseen\n")}
    assert job.outputs == {"log.txt": blake(b"before\nunseen\nseen\n"), "renamed.bin": blake(b"12"),
                           "memory.bin": blake(b"\1" + b"\0" * 8191)}
    assert job.entries("inputs")["mapped.bin"]["access"] == ["map"]
    assert job.entries("inputs")["large.bin"]["access"] == ["read"]
    program_file = next(entry for entry in job["inputs"] if entry["path"] == os.path.realpath(PYTHON))
    assert "execute" in program_file["access"]
    assert program_file["hash"] == blake(Path(PYTHON).read_bytes())
    assert len({entry["path"] for entry in job["inputs"]}) == len(job["inputs"]), "one file, one entry"
    assert reasons(job) == ["attached"]


def test_a_reader_that_goes_no_further(project: Project, start: Callable[..., Any]) -> None:
    """What it has read of a file shows in its position; nothing else does."""
    project.write("read.txt", "content")
    project.write("open.txt", "content")
    shell = start("sh", "-c", f"exec 3< read.txt 4< open.txt; read line <&3; : > ready; {WAIT}")
    wait_for((project.path / "ready").exists)
    attach(project, shell.pid)
    go(project)
    assert ended(project, 1).inputs == {"read.txt": blake(b"content")}


def test_processes_that_fork_while_they_are_taken_in(project: Project, start: Callable[..., Any]) -> None:
    """A storm: each process forks two more, all the time. Who was there is taken in, who comes later is a child of those."""
    script = """
import os, sys, time
def wait():
    while not os.path.exists("go"):
        time.sleep(0.005)
def work(depth, name):
    for n in range(3):
        time.sleep(0.004)
        if depth and not os.fork():
            work(depth - 1, f"{name}{n}")
    wait()
    with open(f"out-{name}", "w") as file:
        file.write(name)
    while True:
        try:
            os.wait()
        except ChildProcessError:
            os._exit(0)
work(4, "x")
"""
    program = start(PYTHON, "-c", script)
    answer = attach(project, program.pid)
    assert answer["processes"] > 0
    time.sleep(0.3)
    go(project)
    program.wait(60)
    job = ended(project, 1)
    written = sorted(path.name for path in project.path.glob("out-*"))
    assert len(written) == 121
    assert sorted(job.outputs) == written
    assert reasons(job) == ["attached"]
    assert job["resources"]["processes"] == 121


def test_wait_says_what_run_says(project: Project, start: Callable[..., Any]) -> None:
    shell = start("sh", "-c", f"{WAIT}; echo x > out.txt")
    waiting = project.popen("attach", "--wait", str(shell.pid), stdout=subprocess.PIPE, text=True)
    assert waiting.stdout is not None
    assert "as @1" in waiting.stdout.readline()
    go(project)
    rest, _ = waiting.communicate(timeout=60)
    assert waiting.returncode == 0
    assert "1 output" in rest
    assert "incomplete: it was already running when roar attached" in rest
    assert "next: roar lineage out.txt" in rest
    shell.wait(10)
    again = start("sleep", "2")
    whole = json.loads(project.roar("attach", "--wait", "--json", str(again.pid)).stdout)
    assert (whole["schema"], whole["number"], whole["job"]["exit_code"]) == ("roar.attach/1", 2, 0)
    quiet = start("sleep", "60")
    assert project.roar("attach", "-q", str(quiet.pid)).stdout == ""


def test_detach_ends_the_watching(project: Project, start: Callable[..., Any]) -> None:
    """The record has what was done until then, and says so; what comes after is nobody's."""
    shell = start("sh", "-c", "echo 1 > one; while ! [ -e first ]; do sleep 0.05; done; echo 2 > two; : > ready;"
                              f"{WAIT}; echo 3 > three; cat three > four")
    wait_for((project.path / "one").exists)
    attach(project, shell.pid)
    project.write("first", "")
    wait_for((project.path / "ready").exists)
    done = project.roar("detach")
    assert "@1" in done.stdout and "detached" in done.stdout
    job = project.show("@1")
    assert (job["state"], job["exit_code"], job["signal"]) == ("finished", None, None)
    assert reasons(job) == ["attached", "detached"]
    go(project)
    assert shell.wait(30) == 0
    assert set(project.show("@1").outputs) == {"two", "ready"}
    assert refused(project.roar("detach", "--json", check=False))["code"] == "not_found"
    assert refused(project.roar("detach", "@1", "--json", check=False))["code"] == "conflict"
    again = start("sleep", "100")
    assert attach(project, again.pid)["number"] == 2
    answer = json.loads(project.roar("detach", "@2", "--json").stdout)
    assert (answer["schema"], answer["final"], answer["job"]["exit_code"]) == ("roar.detach/1", True, None)
    third = attach(project, again.pid)
    assert third["number"] == 3, "it can be attached to again"
    again.kill()
    assert ended(project, 3)["signal"] == signal.SIGKILL


def test_detach_of_what_run_left_behind(project: Project) -> None:
    """Any running job can be let go: such as one whose command left a server behind."""
    project.roar("run", "-q", "--", "sh", "-c", "echo x > x.txt; sleep 60 > /dev/null 2>&1 &")
    assert project.show("@1")["state"] == "running"
    project.roar("detach", "@1")
    job = project.show("@1")
    assert (job["state"], reasons(job), job["exit_code"]) == ("finished", ["detached"], 0)
    assert job.outputs == {"x.txt": blake(b"x\n")}


def test_already_watched(project: Project, start: Callable[..., Any]) -> None:
    """Neither twice, nor out of the job that has it; a job below it stays a job of its own."""
    shell = start("sh", "-c", f"{WAIT}; echo x > x.txt")
    attach(project, shell.pid)
    error = refused(project.roar("attach", "--json", str(shell.pid), check=False))
    assert error["code"] == "conflict"
    assert "already watched as @1" in error["message"]
    outer = start("sh", "-c", f"{BIN}/roar run -q -- sh -c 'echo i > inner.txt; {WAIT}'; echo o > outer.txt",
                  env=project.environment)
    wait_for((project.path / "inner.txt").exists)
    assert attach(project, outer.pid)["number"] == 3
    go(project)
    outer.wait(60)
    job = ended(project, 3)
    assert set(job.outputs) == {"outer.txt"}
    assert reasons(job) == ["attached", "nested"]
    assert set(ended(project, 2).outputs) == {"inner.txt"}


def test_what_cannot_be_attached_to(project: Project) -> None:
    """One sentence each, and no job."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert refused(project.roar("attach", "--json", str(gone.pid), check=False))["code"] == "not_found"
    assert "thread of the kernel" in refused(project.roar("attach", "--json", "2", check=False))["message"]
    assert refused(project.roar("attach", "--json", check=False))["code"] == "invalid"
    assert refused(project.roar("attach", "--json", "--cgroup", "no/such", check=False))["code"] == "not_found"
    zombie = subprocess.Popen(["true"])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    assert refused(project.roar("attach", "--json", str(zombie.pid), check=False))["code"] == "not_found"
    zombie.wait()
    assert project.json("log")["jobs"] == []


def test_a_tree_that_ends_at_once(project: Project, start: Callable[..., Any]) -> None:
    """Attached to at any moment of a short life: refused, or a job that ends."""
    for delay in range(12):
        process = start("sh", "-c", f"sleep 0.{delay:02}5; true | true")
        project.roar("attach", str(process.pid), check=False)
        process.wait(10)
    wait_for(lambda: all(job["state"] == "finished" for job in project.json("log")["jobs"]))


def test_another_users_process(two_users: tuple[Project, Project], daemon: Daemon,  # noqa: F811
                               start: Callable[..., Any]) -> None:
    """Refused; root may; and below one's own, what belongs to others is left out and said."""
    mine, theirs = two_users
    other = start("sh", "-c", WAIT, user=DAEMON, cwd=theirs.path)
    error = refused(mine.roar("attach", "--json", str(other.pid), check=False))
    assert error["code"] == "denied"
    assert "sudo" in error["hint"]
    own_one = start("sh", "-c", f": > up; {WAIT}; echo x > out.txt", user=NOBODY, cwd=mine.path)
    wait_for((mine.path / "up").exists)
    assert attach(mine, own_one.pid)["others"] == 0
    root = Project(mine.path, daemon.socket)
    error = refused(root.roar("attach", "--json", str(own_one.pid), check=False))
    assert (error["code"], "another user" in error["message"]) == ("conflict", True)
    assert refused(theirs.roar("detach", "job:" + mine.show("@1")["run"], "--json", check=False))["code"] == "not_found"
    mine.write("go", "")
    own_one.wait(30)
    assert ended(mine, 1).outputs == {"out.txt": blake(b"x\n")}
    assert attach(root, other.pid)["processes"] >= 1
    root.roar("detach")


def test_processes_of_others_below(two_users: tuple[Project, Project],  # noqa: F811
                                   start: Callable[..., Any]) -> None:
    mine, _ = two_users
    script = f"""
import os, subprocess, time
child = subprocess.Popen(["sh", "-c", "{WAIT}; cat in.txt > /dev/null"], user={DAEMON}, group={DAEMON})
os.setresgid({NOBODY}, {NOBODY}, {NOBODY}); os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
os.execvp("sh", ["sh", "-c", ": > up; {WAIT}; echo x > out.txt; wait"])
"""
    mine.write("in.txt", "theirs")
    parent = start(PYTHON, "-c", script, cwd=mine.path)
    wait_for((mine.path / "up").exists)
    answer = attach(mine, parent.pid)
    assert (answer["others"] >= 1, answer["processes"] >= 1) == (True, True)
    mine.write("go", "")
    job = ended(mine, 1)
    assert (job.inputs, job.outputs) == ({}, {"out.txt": blake(b"x\n")})
    assert reasons(job) == ["attached", "other_users"]


def test_a_process_that_does_not_let_itself_be_looked_at(two_users: tuple[Project, Project],  # noqa: F811
                                                         start: Callable[..., Any]) -> None:
    """What it does is seen, what it had open is not: that is said."""
    mine, _ = two_users
    program = start(PYTHON, "-c", """
import ctypes, os, time
ctypes.CDLL(None).prctl(4, 0)  # PR_SET_DUMPABLE
open("up", "w").close()
while not os.path.exists("go"):
    time.sleep(0.02)
open("out.txt", "w").write("x")
""", user=NOBODY, cwd=mine.path)
    wait_for((mine.path / "up").exists)
    attach(mine, program.pid)
    mine.write("go", "")
    job = ended(mine, 1)
    assert job.outputs == {"out.txt": blake(b"x")}
    assert reasons(job) == ["attached", "hidden_files"]


def test_another_mount_namespace(project: Project, start: Callable[..., Any]) -> None:
    """What it has open and what it does with it then: one file, by the path that it has here."""
    project.write("real/data.txt", "one\ntwo\n")
    (project.path / "seen").mkdir()
    shell = start("unshare", "-m", "sh", "-c", f"mount --bind real seen; exec 3< seen/data.txt; read line <&3; : > up; {WAIT}; "
                                               "read line <&3; echo $line > seen/out.txt")
    wait_for((project.path / "up").exists)
    attach(project, shell.pid)
    go(project)
    job = ended(project, 1)
    assert job.inputs == {"real/data.txt": blake(b"one\ntwo\n")}
    assert job.outputs == {"real/out.txt": blake(b"two\n")}


def test_daemon_dies_in_between(own: Callable[..., Daemon], place: Path, start: Callable[..., Any]) -> None:  # noqa: F811
    daemon = own()
    project = Project(Path(tempfile.mkdtemp(dir=place)), daemon.socket)
    process = start("sleep", "100")
    attach(project, process.pid)
    daemon.stop(signal.SIGKILL)
    daemon.start()
    job = project.show("@1")
    assert (job["state"], job["complete"], reasons(job)) == ("finished", False, ["attached", "gap"])
    assert process.poll() is None


def test_identity_takes_processes_and_cgroups_alone(daemon: Daemon, tmp_path: Path) -> None:
    """Whatever else is sent gets no ticket."""
    for what in (os.open(tmp_path, os.O_PATH | os.O_DIRECTORY), os.open("/dev/null", os.O_RDONLY), *os.pipe()):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(f"{daemon.socket}.id")
            socket.send_fds(connection, [b"{}\n"], [what])
            answer = json.loads(connection.recv(4096))
        os.close(what)
        assert answer["error"]["code"] == "invalid"


def test_interface(project: Project, daemon: Daemon) -> None:
    """No ticket, no job."""
    metadata = ((TOKEN_KEY, token(daemon)),)
    with grpc.insecure_channel(f"unix:{daemon.socket}") as channel:
        stub = observe_pb2_grpc.ObserveStub(channel)
        cases = [
            (stub.Attach, observe_pb2.AttachRequest(), grpc.StatusCode.INVALID_ARGUMENT),
            (stub.Attach, observe_pb2.AttachRequest(process="x", argv=[b"x"]), grpc.StatusCode.INVALID_ARGUMENT),
            (stub.Detach, observe_pb2.DetachRequest(run=b"x" * 16), grpc.StatusCode.NOT_FOUND),
            (stub.Detach, observe_pb2.DetachRequest(), grpc.StatusCode.NOT_FOUND),
        ]
        for call, request, expected in cases:
            with pytest.raises(grpc.RpcError) as failure:
                call(request, timeout=10, metadata=metadata)
            assert failure.value.code() == expected


# ---- cgroups ----


@pytest.fixture
def cgroup() -> Iterator[Path]:
    roots = [root for root in (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup")) if (root / "cgroup.procs").exists()]
    if os.geteuid() != 0 or not roots:
        pytest.skip("needs root, and cgroups v2 at /sys/fs/cgroup")
    path = Path(tempfile.mkdtemp(prefix="roar-test-", dir=roots[0]))
    path.chmod(0o755)
    yield path
    if path.exists():
        wait_for(lambda: "populated 0" in (path / "cgroup.events").read_text(), what="an empty cgroup")
    for each in sorted(path.glob("**/"), reverse=True):
        each.rmdir()


def into(cgroup: Path) -> Callable[[], None]:
    def move() -> None:
        with (cgroup / "cgroup.procs").open("w") as file:
            file.write("0")

    return move


def test_a_cgroup(project: Project, start: Callable[..., Any], cgroup: Path) -> None:
    """Who is in it and below it, who is moved there, who is born there, their children; not who is outside. It is over when
    the cgroup has been empty for a while."""
    below = cgroup / "below"
    below.mkdir()
    inside = start("sh", "-c", f": > up; {WAIT}; echo inside > inside.txt", preexec_fn=into(below))
    outside = start("sh", "-c", f"{WAIT}; echo outside > outside.txt")
    mover = start("sh", "-c", f"while ! [ -e move ]; do sleep 0.05; done; echo $$ > {cgroup}/cgroup.procs; : > moved; "
                              f"{WAIT}; sh -c 'cat moved > child.txt'")
    wait_for((project.path / "up").exists)
    answer = attach(project, "--cgroup", cgroup)
    assert answer["processes"] >= 1
    project.write("move", "")
    wait_for((project.path / "moved").exists)
    born = start(PYTHON, "-c", CLONE_INTO, below)
    assert born.wait(30) == 0
    go(project)
    for process in (inside, outside, mover):
        assert process.wait(30) == 0
    job = ended(project, 1)
    assert set(job.outputs) == {"moved", "inside.txt", "child.txt", "born.txt"}
    assert job.inputs == {}
    assert job["argv"] == ["cgroup", f"/{cgroup.name}"]
    assert (job["exit_code"], reasons(job)) == (None, ["attached"])
    assert {"sh", "cat", PYTHON} <= {step["argv"][0] for step in job["steps"]}


#: struct clone_args, CLONE_INTO_CGROUP: include/uapi/linux/sched.h
CLONE_INTO = """
import ctypes, os, struct, sys
group = os.open(sys.argv[1], os.O_PATH | os.O_DIRECTORY)
arguments = ctypes.create_string_buffer(struct.pack("=11Q", 0x200000000, 0, 0, 0, 17, 0, 0, 0, 0, 0, group))
pid = ctypes.CDLL(None).syscall(435, arguments, 88)
if pid < 0:
    os._exit(1)
if pid:
    os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
with open("born.txt", "w") as file:
    file.write("born")
os._exit(0)
"""


def test_detach_of_a_cgroup(project: Project, start: Callable[..., Any], cgroup: Path) -> None:
    """Nobody who comes later is in the record; the cgroup can be attached to again."""
    attach(project, "--cgroup", cgroup.name)
    error = refused(project.roar("attach", "--json", "--cgroup", str(cgroup), check=False))
    assert error["code"] == "conflict"
    first = start("sh", "-c", f"echo 1 > one; {WAIT}; echo 2 > two", preexec_fn=into(cgroup))
    wait_for((project.path / "one").exists)
    project.roar("detach")
    job = project.show("@1")
    assert (set(job.outputs), reasons(job)) == ({"one"}, ["attached", "detached"])
    assert attach(project, "--cgroup", str(first.pid))["processes"] >= 1
    go(project)
    first.wait(30)
    cgroup.rmdir()
    assert set(ended(project, 2).outputs) == {"two"}


def test_a_cgroup_that_nobody_came_to(project: Project, cgroup: Path) -> None:
    answer = attach(project, "--cgroup", cgroup)
    assert answer["processes"] == 0
    assert "no record" in project.roar("detach").stdout
    assert project.json("log")["jobs"] == []


def test_the_cgroup_of_a_user(two_users: tuple[Project, Project], cgroup: Path,  # noqa: F811
                              start: Callable[..., Any]) -> None:
    """The owner of its directory may; of the processes in it only their own are watched, from the moment they are."""
    mine, theirs = two_users
    assert refused(mine.roar("attach", "--json", "--cgroup", str(cgroup), check=False))["code"] == "denied"
    os.chown(cgroup, NOBODY, NOBODY)
    assert refused(theirs.roar("attach", "--json", "--cgroup", str(cgroup), check=False))["code"] == "denied"
    attach(mine, "--cgroup", cgroup)
    foreign = start("sh", "-c", f"{WAIT}; echo x > foreign.txt", cwd=theirs.path, user=DAEMON, preexec_fn=None)
    (cgroup / "cgroup.procs").write_text(str(foreign.pid))
    drops = start(PYTHON, "-c", f"""
import os
open("{cgroup}/cgroup.procs", "w").write("0")
os.setresgid({NOBODY}, {NOBODY}, {NOBODY}); os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
os.execvp("sh", ["sh", "-c", "echo x > out.txt"])
""", cwd=mine.path)
    assert drops.wait(30) == 0
    theirs.write("go", "")
    foreign.wait(30)
    job = ended(mine, 1)
    assert job.outputs == {"out.txt": blake(b"x\n")}
    assert reasons(job) == ["attached", "other_users"]


def test_the_root_cgroup_is_refused(project: Project, cgroup: Path) -> None:
    error = refused(project.roar("attach", "--json", "--cgroup", "/", check=False))
    assert (error["code"], "whole machine" in error["message"]) == ("invalid", True)
