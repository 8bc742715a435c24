"""launch.py with real processes: the command gets exactly what roarctl was given, and ends as it ends."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from roarctl import launch

ENVIRONMENT = {b"PATH": os.fsencode(os.environ["PATH"]), b"ODD\xff": b"\xfe"}

#: What a process can know of how it was started, for comparing with and without roar.
REPORT = """
import os, sys
lines = open("/proc/self/status").read().splitlines()
print([line for line in lines if line.startswith(("SigIgn", "SigBlk", "Threads"))])
paths = [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd") if int(fd) > 2]
print(sorted((path, os.readlink(path)) for path in paths if os.path.lexists(path)))
print(sorted(item for item in open("/proc/self/environ", "rb").read().split(b"\\0")))
print(open("/proc/self/cmdline", "rb").read(), os.getcwdb(), os.getpgrp(), os.getsid(0))
"""


def held(*argv: str | bytes, environment=ENVIRONMENT) -> launch.Held:
    return launch.Held(launch.resolve([os.fsencode(argument) for argument in argv], environment), environment)


def run(*argv: str | bytes) -> launch.Ended:
    child = held(*argv)
    try:
        assert child.release()
        return child.wait()
    finally:
        child.close()


@pytest.mark.parametrize(("script", "status"), [
    ("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill -15 $$", 143), ("kill -PIPE $$", 141)])
def test_status_is_the_commands(script, status):
    assert run("sh", "-c", script).status == status


def test_end_is_told_apart():
    assert (run("sh", "-c", "exit 3").exit_code, run("sh", "-c", "exit 3").signal) == (3, None)
    killed = run("sh", "-c", "kill -9 $$")
    assert (killed.exit_code, killed.signal) == (None, 9)
    assert run("sleep", "0.1").wall_seconds >= 0.1


def test_command_starts_as_without_roar(roar, no_daemon):
    """argv, environment, directory, descriptors, signal state, process group: all as they would be."""
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    command = [sys.executable, "-c", REPORT, os.fsdecode(b"arg\xff\n")]
    environment = {**os.environb, b"LANG": b"C", b"BYTES": b"\xff\xfe"}
    environment.pop(b"LC_ALL", None)
    options = {"cwd": roar.project, "env": environment, "stdout": subprocess.PIPE, "close_fds": False}
    try:
        plain = subprocess.run(command, check=True, timeout=60, **options)
        recorded = subprocess.run([*roar.program, "run", "-q", "--", *command], check=True, timeout=60, **options)
    finally:
        os.close(reader)
        os.close(writer)
    assert plain.stdout.splitlines() == recorded.stdout.splitlines()
    assert b"pipe:" in plain.stdout  # the descriptor that was meant for the command is there


def test_ignored_signals_stay_ignored(roar, no_daemon):
    """As nohup(1) and background jobs of sh need it."""
    script = f"trap '' HUP INT; exec {sys.executable} -c \"{roar.program[2]}\" run -q grep SigIgn /proc/self/status"
    output = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert int(output.split()[1], 16) & 0b11 == 0b11  # SIGHUP is 1, SIGINT 2


def test_pipe_signal_is_the_default():
    """Python ignores SIGPIPE; `yes | head` must still end."""
    child = held("sh", "-c", "kill -PIPE $$; exit 9")
    child.release()
    assert child.wait().signal == signal.SIGPIPE
    child.close()


@pytest.mark.parametrize(("make", "code"), [
    (None, 127), ("data", 126), ("directory", 126)])
def test_what_cannot_run(tmp_path, make, code):
    path = tmp_path / "thing"
    if make == "data":
        path.write_text("1,2\n")
    elif make == "directory":
        path.mkdir()
    with pytest.raises(launch.CannotRunError) as raised:
        launch.resolve([os.fsencode(path)], ENVIRONMENT)
    assert raised.value.exit_code == code


def test_search_goes_on_after_what_is_not_executable(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    for directory in (first, second):
        directory.mkdir()
        (directory / "tool").write_text("#!/bin/sh\n")
    path = {b"PATH": os.fsencode(f"{first}:{second}")}
    with pytest.raises(launch.CannotRunError) as raised:
        launch.resolve([b"tool"], path)
    assert raised.value.exit_code == 126
    (second / "tool").chmod(0o755)
    assert launch.resolve([b"tool"], path).path == os.fsencode(second / "tool")


def test_empty_name_is_not_found():
    with pytest.raises(launch.CannotRunError) as raised:
        launch.resolve([b""], ENVIRONMENT)
    assert raised.value.exit_code == 127


def test_script_without_interpreter_line_runs_as_execvp_does(tmp_path, capfd):
    script = tmp_path / "plain script"
    script.write_text('echo "$0 $1"; exit 5\n')
    script.chmod(0o755)
    assert run(str(script), "one").status == 5
    assert capfd.readouterr().out == f"{script} one\n"


def test_exec_failure_is_told(tmp_path):
    """Executable by its mode, but the kernel refuses: the interpreter is missing."""
    script = tmp_path / "broken"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    child = held(str(script))
    with pytest.raises(launch.CannotRunError) as raised:
        child.release()
    assert raised.value.exit_code == 127
    child.close()


def test_nothing_runs_before_the_release(tmp_path):
    child = held("touch", str(tmp_path / "made"))
    time.sleep(0.1)
    assert not (tmp_path / "made").exists()
    child.abandon()
    assert not (tmp_path / "made").exists()
    child.close()


def test_child_that_died_before_its_exec():
    child = held("true")
    os.kill(child.pid, signal.SIGINT)
    time.sleep(0.05)
    assert not child.release()
    assert child.wait().signal == signal.SIGINT
    child.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signal_that_another_thread_takes_is_passed_on_at_once(number):
    """Also where it does not interrupt the waiting: the main thread may not have been in it yet."""
    child = held("sleep", "20")
    with launch.Signals(child) as signals:
        signals.running = True
        assert child.release()
        sender = threading.Thread(target=lambda: (time.sleep(0.2), signal.pthread_kill(threading.get_ident(), number)))
        sender.start()
        assert child.wait().signal == number
        assert signals.asked == [number]
    sender.join()
    child.close()


def test_child_of_a_killed_roarctl_does_not_run(tmp_path):
    """kill -9 while the command is being registered: it must not start by itself."""
    script = (f"import os\nfrom roarctl import launch\n"
              f"launch.Held(launch.Command(b'/usr/bin/touch', (b'touch', {os.fsencode(tmp_path / 'made')!r})), {{}})\n"
              f"os.kill(os.getpid(), 9)")
    subprocess.run([sys.executable, "-c", script], check=False, timeout=30)
    time.sleep(0.2)
    assert not (tmp_path / "made").exists()


TRAP = "trap 'echo INT; n=$((n+1))' INT; trap 'echo TERM; exit 4' TERM; echo ready; while :; do sleep 0.05; done"


def started(roar, script: str, **options) -> subprocess.Popen:
    command = [*roar.program, "run", "-q", "sh", "-c", script]
    options.setdefault("start_new_session", True)  # away from the terminal that the tests may have
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)
    assert process.stdout.readline() == "ready\n"
    return process


def test_signals_for_roar_reach_the_command(roar, no_daemon):
    """Away from a terminal each signal was sent to roar alone; the exit code is the command's."""
    with started(roar, TRAP) as process:
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "INT\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "TERM\n"
        assert process.wait(10) == 4


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_command_ended_by_a_forwarded_signal(roar, no_daemon, number):
    with started(roar, "echo ready; exec sleep 60") as process:
        process.send_signal(number)
        assert process.wait(10) == 128 + number


def on_terminal(arguments: list[str]) -> tuple[int, int]:
    """(pid, its terminal) of a program that is the foreground group of a terminal of its own."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(arguments[0], arguments)
    return pid, terminal


def read_until(terminal: int, text: bytes) -> bytes:
    seen = b""
    while text not in seen:
        seen += os.read(terminal, 1000)
    return seen


def test_keyboard_interrupt_reaches_the_command_once(roar, no_daemon):
    """The terminal sends Ctrl-C to the whole group; passing it on would make it two."""
    script = TRAP.replace("sleep 0.05", "read -t 0.05 x")  # sleep would be ended by the Ctrl-C too
    pid, terminal = on_terminal([*roar.program, "run", "-q", "bash", "-c", script])
    read_until(terminal, b"ready")
    os.write(terminal, b"\x03")
    read_until(terminal, b"INT")
    time.sleep(0.3)
    os.kill(pid, signal.SIGTERM)
    assert b"INT" not in read_until(terminal, b"TERM").replace(b"\r\n", b" ").split(b"TERM")[0]
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 4
    os.close(terminal)


def test_stopped_command_stops_roar_with_it(roar, no_daemon, tmp_path):
    """So that the shell gets its terminal back; SIGCONT to the group goes on."""
    python, _, program = roar.program
    script = tmp_path / "shell"
    script.write_text(f"""set -m
        {python} -c "{program}" run -q sh -c 'kill -STOP $$; exit 6'
        echo stopped $?
        fg
        echo ended $?
        """)
    pid, terminal = on_terminal(["/bin/bash", str(script)])
    output = b""
    with contextlib.suppress(OSError):  # the end of a terminal
        while True:
            output += os.read(terminal, 1000)
    assert f"stopped {128 + signal.SIGSTOP}".encode() in output
    assert b"ended 6" in output
    os.waitpid(pid, 0)
    os.close(terminal)


def test_inherited_environment_is_that_of_the_start(monkeypatch):
    """Not what Python or roar did to os.environ since."""
    monkeypatch.setenv("SET_LATER", "1")
    assert b"SET_LATER" not in launch.inherited_environment()
    assert launch.inherited_environment()[b"PATH"]
    assert Path("/proc/self/environ").exists()
