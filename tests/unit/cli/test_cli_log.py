"""`roar log`: its filters as the daemon gets them, and the pager on a terminal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import pytest
from samples import job

from lineage import wire
from lineage.errors import NotFoundError
from lineage.v1 import lineage_pb2


@pytest.fixture
def jobs(daemon):
    daemon.answers["Lineage/Log"] = lineage_pb2.LogResponse(
        jobs=[wire.head_to(job(number=number).head) for number in range(200, 0, -1)])
    return daemon


def test_filters_travel(roar, jobs):
    done = roar("log", "train", "--failed", "--host", "gpu*", "--user", "ada", "--since", "2026-11-01T00:00+00:00", "--until",
                "2026-11-02T00:00+00:00", "--incomplete", "--exit", "3", "--running", "--all", "-n", "7")
    assert done.returncode == 0, done.stderr
    request = jobs.requests("Lineage/Log")[0]
    assert request == lineage_pb2.LogRequest(limit=7, filter=lineage_pb2.JobFilter(
        since=1_793_491_200 * 10**9, until=1_793_577_600 * 10**9, words=["train"], outcome="failed", exit_code=3, host="gpu*",
        user="ada", incomplete=True, running=True))


@pytest.mark.parametrize(("line", "words"), [
    (["--failed", "--ok"], "both failed and ended well"), (["--since", "soon"], "'soon' is not a time"),
    (["--exit", "300"], "less than or equal to 255")])
def test_what_makes_no_sense(roar, jobs, line, words):
    done = roar("log", *line)
    assert done.returncode == 2
    assert words in done.stderr


def test_nothing_found_is_said_as_what_it_is(roar, jobs):
    jobs.answers["Lineage/Log"] = lineage_pb2.LogResponse()
    assert "no jobs in this project's session yet" in roar("log").stdout
    assert roar("log", "--failed").stdout.startswith("no such job in this project's session\n")
    assert roar("log", "--failed", "--all").stdout == "no such job\n"
    jobs.answers["Lineage/Log"] = NotFoundError("this project has no session yet")
    assert "no such job" in roar("log", "x").stdout


def test_a_search_that_was_cut_says_so(roar, jobs):
    jobs.answers["Lineage/Log"] = lineage_pb2.LogResponse(stopped="time", reached=10**18)
    done = roar("log", "x")
    assert done.stdout.startswith("  ! jobs from before 2001-09-")
    assert json.loads(roar("log", "x", "--json").stdout)["stopped"] == "time"


def on_terminal(roar, *arguments, **environment) -> str:
    """What a terminal of 80x24 gets."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([*roar.program, *arguments], cwd=roar.project, stdin=theirs, stdout=theirs, stderr=theirs,
                               env={**os.environ, "TERM": "xterm", **environment})
    os.close(theirs)
    text = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        text += part
    os.close(ours)
    assert process.wait(30) == 0, text
    return text.decode()


def test_pager_on_a_terminal(roar, jobs):
    pager = f"{sys.executable} -c \"import os, sys; print('PAGED', os.environ['LESS'], len(sys.stdin.readlines()))\""
    assert "PAGED FRX 200" in on_terminal(roar, "log", ROAR_PAGER=pager, PAGER="false")
    assert "PAGED" in on_terminal(roar, "log", PAGER=pager)
    for line, environment in ((["--no-pager"], {"ROAR_PAGER": pager}), ([], {"ROAR_PAGER": ""}), ([], {"PAGER": "cat"}),
                              ([], {"ROAR_PAGER": "/no/such/pager"}), (["--json"], {"ROAR_PAGER": pager})):
        text = on_terminal(roar, "log", *line, **environment)
        assert "PAGED" not in text
        assert "@199" in text or '"number": 199' in text


def test_pager_that_is_left_early_is_no_failure(roar, jobs):
    assert "PAGED" in on_terminal(roar, "log", ROAR_PAGER="echo PAGED; exec <&-")


def test_no_pager_where_there_is_no_terminal(roar, jobs):
    done = roar("log", env={**os.environ, "ROAR_PAGER": "echo PAGED"})
    assert "PAGED" not in done.stdout
    assert len(done.stdout.splitlines()) == 200
