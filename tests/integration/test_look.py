"""Finding jobs and files again, with a real daemon: the log's filters, search, inputs; and who finds what."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from harness import Daemon, Project

NOBODY, DAEMON = 65534, 1


@pytest.fixture
def two_users(daemon: Daemon, place: Path) -> tuple[Project, Project]:
    if os.geteuid() != 0:
        pytest.skip("other users need root")
    mine, theirs = (Project(Path(tempfile.mkdtemp(dir=place)), daemon.socket, user) for user in (NOBODY, DAEMON))
    return mine, theirs


def numbers(project: Project, *options: str) -> list[int]:
    return [job["number"] for job in project.json("log", *options)["jobs"]]


def test_log_finds_what_is_asked_for(project: Project) -> None:
    project.sh("echo first > a")
    project.sh("exit 3", check=False)
    project.sh("kill -9 $$", check=False)
    project.run("cp", "a", "b")
    assert numbers(project) == [4, 3, 2, 1]
    assert numbers(project, "--ok") == [4, 1]
    assert numbers(project, "--failed") == [3, 2]
    assert numbers(project, "--exit", "3") == [2]
    assert numbers(project, "--exit", "137") == [3]
    assert numbers(project, "ECHO", "> a") == [1]
    assert numbers(project, "cp", "--since", "1h", "--until", "today") == [4]
    assert numbers(project, "--since", "2100-01-01") == numbers(project, "--until", "yesterday") == []
    assert numbers(project, "--all", "--user", "root", "--host", "*", "cp", "-n", "1") == [4]
    assert numbers(project, "--incomplete") == numbers(project, "--running") == numbers(project, "--user", "nobody") == []
    said = project.roar("log", "--failed").stdout.splitlines()
    assert ["killed by SIGKILL" in said[0], "failed with 3" in said[1]] == [True, True]


def test_log_has_nothing_of_others(two_users: tuple[Project, Project]) -> None:
    mine, theirs = two_users
    mine.sh("echo private-word > a")
    assert numbers(mine, "--all", "private-word") == [1]
    assert numbers(theirs, "--all", "private-word") == []
