"""`roar run` as a whole: with a daemon, without one, and with one that fails in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
import zlib

import pytest
from samples import entry, job

from lineage import wire
from lineage.errors import RoarError, UnavailableError
from lineage.v1 import observe_pb2
from roarctl import running
from roarctl.launch import interpreter


@pytest.mark.parametrize(("line", "options", "command"), [
    (["true"], {}, ["true"]),
    (["-q", "--", "-x", "-q"], {"quiet": True, "literal": True}, ["-x", "-q"]),
    (["--require-capture", "--quiet", "a", "--json"], {"quiet": True, "require_capture": True}, ["a", "--json"]),
    (["a", "--", "b"], {}, ["a", "--", "b"]),
    (["--json", "a"], {"as_json": True}, ["a"]),
    (["--no-stderr", "--name", "n", "-l", "k=v", "a"], {"stderr": False, "labels": {"name": "n", "k": "v"}}, ["a"]),
])
def test_plain_lines_are_parsed_without_typer(line, options, command):
    assert running.parse(line) == (running.Options(**options), command)


@pytest.mark.parametrize("line", [[], ["--"], ["-q"], ["--help"], ["--bogus", "a"], ["-qx", "a"]])
def test_other_lines_are_left_to_typer(line):
    assert running.parse(line) is None


def test_quick_way_and_typer_agree():
    """The quick way knows every option that typer knows."""
    import typer.main

    from roarctl.main import application

    command = typer.main.get_command(application()).commands["run"]
    options = {name for parameter in command.params if parameter.name != "help" for name in parameter.opts
               if name.startswith("-")}
    assert options == {*running.QUIET, *running.REQUIRE_CAPTURE, *running.JSON, *running.NAME, *running.LABEL,
                       *running.NO_STDERR}


def test_plain_run_does_not_import_typer_or_grpc(roar, no_daemon):
    """They are most of the time that a short command would wait."""
    program = ("import sys; from roarctl.main import run; run(['run', '-q', 'true']);"
               "print({'typer', 'grpc', 'google.protobuf', 'blake3'} & set(sys.modules))")
    output = subprocess.run([roar.program[0], "-c", program], capture_output=True, text=True, check=True).stdout
    assert output == "set()\n"


@pytest.mark.parametrize(("arguments", "code"), [
    (["--json", "true"], "unavailable"), (["--json", "--require-capture", "true"], "unavailable"),
    (["--json", "no-such-command"], "cannot_run"), (["--json", "--bogus", "true"], "usage"),
])
def test_with_json_every_complaint_is_json(roar, no_daemon, arguments, code):
    done = roar("run", *arguments)
    assert [json.loads(line)["error"]["code"] for line in done.stderr.splitlines()][-1:] == [code]
    assert roar("run", "true", "--json").stderr.startswith("roar: no record of this run")


def test_without_daemon_the_command_runs(roar, no_daemon):
    done = roar("run", "--", "sh", "-c", "echo out; exit 3")
    assert (done.returncode, done.stdout) == (3, "out\n")
    assert "no record of this run: roard is not running" in done.stderr
    assert "sudo roard serve" in done.stderr


def test_without_daemon_quiet_is_silent(roar, no_daemon):
    done = roar("run", "-q", "true")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_required_capture_is_required(roar, no_daemon):
    done = roar("run", "--require-capture", "touch", "made")
    assert done.returncode == 125
    assert "not running" in done.stderr
    assert not (roar.project / "made").exists()


@pytest.mark.parametrize("quiet", [[], ["-q"]])
def test_missing_and_unfit_commands(roar, daemon, quiet):
    (roar.project / "data.csv").write_text("1,2\n")
    missing, unfit = roar("run", *quiet, "./none"), roar("run", *quiet, "./data.csv")
    assert (missing.returncode, unfit.returncode) == (127, 126)
    assert bool(missing.stderr) == bool(unfit.stderr) == (not quiet)
    assert not daemon.asked


def test_own_mistakes_are_125(roar, no_daemon):
    assert roar("run", "--bogus", "true").returncode == 125
    assert roar("run").returncode == 125


def test_job_is_registered_described_and_finished(roar, daemon, monkeypatch):
    for name in ("GRPC_VERBOSITY", "GRPC_ENABLE_FORK_SUPPORT"):
        monkeypatch.delenv(name, raising=False)  # of clients in this very process
    whole = job([entry("output", os.fsencode(roar.project / "out.txt"))], number=1)
    daemon.answers["Observe/Finish"] = observe_pb2.FinishResponse(
        final=True, job=wire.job_to(whole), entries=[wire.entry_to(each) for each in whole.entries])
    subprocess.run(["git", "init", "-q", roar.project], check=True)
    (roar.project / "code.py").touch()
    subprocess.run(["git", "-C", roar.project, "add", "code.py"], check=True)

    done = roar("run", "sh", "-c", "echo $$; exit 4", "--password=hunter2", env={**os.environ, "TMPDIR": "/scratch"})

    assert [method for method, _ in daemon.asked] == [
        "Observe/Register", "Observe/Describe", "Observe/Inputs", "Observe/Finish"]
    register, describe, _, finish = (request for _, request in daemon.asked)
    assert register.process == "ticket"
    assert daemon.shown == [int(done.stdout)]  # the pidfd was of the very process that ran the command
    assert register.argv[:3] == [b"sh", b"-c", b"echo $$; exit 4"]
    assert b"hunter2" not in b"".join(register.argv)
    assert register.project == register.cwd == os.fsencode(os.path.realpath(roar.project))
    assert zlib.decompress(register.tracked) == register.cwd + b"/code.py"
    assert {"git", "environment"} <= set(register.context)
    assert not {"GRPC_VERBOSITY", "GRPC_ENABLE_FORK_SUPPORT"} & set(register.context["environment"])
    assert "cores" in describe.context["hardware"]
    assert (finish.exit_code, finish.HasField("signal")) == (4, False)
    assert not finish.interrupted
    assert not finish.never_ran
    assert finish.resources["wall_seconds"] > 0
    assert done.returncode == 4
    assert done.stderr.splitlines()[0].startswith("roar: job @1 7f3a9c1")
    assert "out.txt" in done.stderr


def test_command_begins_after_its_registration(roar, daemon):
    def register(_request):
        time.sleep(0.3)
        assert not (roar.project / "made").exists()
        return observe_pb2.RegisterResponse(run=b"r" * 16, number=1)

    daemon.answers["Observe/Register"] = register
    roar("run", "-q", "touch", "made")
    assert (roar.project / "made").exists()
    assert daemon.requests("Observe/Finish")


@pytest.mark.parametrize("error", [UnavailableError("probes are not loaded", "roard check"), RoarError("odd")])
def test_daemon_that_cannot_capture(roar, daemon, error):
    daemon.answers["Observe/Register"] = error
    done = roar("run", "sh", "-c", "echo once >> log")
    assert (done.returncode, (roar.project / "log").read_text()) == (0, "once\n")
    assert error.message in done.stderr
    assert roar("run", "--require-capture", "touch", "made").returncode == 125
    assert not (roar.project / "made").exists()


def test_token_of_the_beginning_need_not_last(roar, daemon):
    """A job may run for days, and the daemon may be restarted meanwhile."""
    def register(_request):
        daemon.identity = {**daemon.identity, "token": "fresh"}
        return observe_pb2.RegisterResponse(run=b"r" * 16, number=1)

    daemon.answers["Observe/Register"] = register
    roar("run", "-q", "true")
    assert [token for method, token in daemon.tokens if method == "Observe/Finish"] == ["fresh"]


@pytest.mark.parametrize("quiet", [[], ["-q"]])
def test_daemon_that_stops_in_the_middle(roar, daemon, quiet):
    """Gone for good: told in one line, after a wait for its restart."""
    with subprocess.Popen([*roar.program, "run", *quiet, "sh", "-c", "echo ready; read x; exit 5"], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == "ready\n"
        daemon.stop()
        words = process.communicate("\n")[1]
        assert process.returncode == 5
    assert len(words.splitlines()) == (0 if quiet else 1)


@pytest.mark.parametrize("quiet", [[], ["-q"]])
def test_daemon_that_vanishes_in_the_middle(roar, daemon, quiet):
    """The exit code stays, the command is not run again, and a word is said."""
    daemon.answers["Observe/Finish"] = UnavailableError("gone", "")
    done = roar("run", *quiet, "sh", "-c", "echo once >> log; exit 5")
    assert (done.returncode, (roar.project / "log").read_text()) == (5, "once\n")
    assert ("the record is not confirmed: gone" in done.stderr) == (not quiet)


def test_failed_exec_forgets_the_job(roar, daemon):
    script = roar.project / "broken"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    assert roar("run", "-q", "./broken").returncode == 127
    assert [request.never_ran for request in daemon.requests("Observe/Finish")] == [True]


@pytest.mark.parametrize(("number", "interrupted"), [(signal.SIGTERM, True), (signal.SIGINT, True), (None, False)])
def test_interruption_is_remembered(roar, daemon, number, interrupted):
    """By a signal to roar; a command that a signal ends otherwise was not interrupted by a person."""
    script = "echo ready; exec sleep 60" if number else "echo ready; kill -TERM $$"
    command = [*roar.program, "run", "-q", "sh", "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout.readline() == "ready\n"
        if number:
            process.send_signal(number)
        assert process.wait(10) == 128 + (number or signal.SIGTERM)
    finish = daemon.requests("Observe/Finish")[0]
    assert (finish.signal, finish.interrupted) == (number or signal.SIGTERM, interrupted)


def test_interrupt_while_the_record_is_completed(roar, daemon):
    """Ctrl-C answers at once, and the exit code stays the command's."""
    asked, answered = [], threading.Event()

    def finish(_request):
        asked.append(True)
        answered.wait(60)
        return observe_pb2.FinishResponse()

    daemon.answers["Observe/Finish"] = finish
    with subprocess.Popen([*roar.program, "run", "sh", "-c", "exit 9"], stderr=subprocess.PIPE, text=True) as process:
        while not asked:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(30) == 9
        finally:
            answered.set()
        assert "still completing the record" in process.stderr.read()


def test_interrupt_while_registering(roar, daemon):
    """The command has not begun, and does not."""
    asked = []

    def register(_request):
        asked.append(True)
        time.sleep(2)
        return observe_pb2.RegisterResponse()

    daemon.answers["Observe/Register"] = register
    with subprocess.Popen([*roar.program, "run", "touch", str(roar.project / "made")]) as process:
        while not asked:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
    assert not (roar.project / "made").exists()


def test_closed_standard_streams(roar, daemon):
    """A cron-like start without descriptors 0 to 2 must not confuse anyone."""
    made = roar.project / "made"
    line = f"exec \"$@\" run sh -c 'echo x > {made}' <&- >&- 2>&-"
    assert subprocess.run(["sh", "-c", line, "sh", *roar.program], check=False).returncode == 0
    assert made.read_text() == "x\n"


def test_interpreter_of_a_script(tmp_path):
    environment = {b"PATH": b"/usr/bin:/bin"}
    for first, expected in (("#!/bin/sh -e\n", b"/bin/sh"), ("#!/usr/bin/env -S sh -e\n", b"/usr/bin/sh"),
                            ("#!/no/such\n", None), ("no script", None)):
        script = tmp_path / "script"
        script.write_text(first)
        assert interpreter(os.fsencode(script), environment) == (expected or os.fsencode(script))
