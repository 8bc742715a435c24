"""Tags of registered commits, in real repositories."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from lineage.errors import RoarError
from roarctl.registry import commits

URL, JOB = "https://registry.example.org", b"\x11" * 32


def git(place: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *arguments], cwd=place, check=True,
                          capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))  # nobody has said their name to git
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    place = tmp_path / "p"
    place.mkdir()
    git(place, "init", "-q", "-b", "main")
    for number in range(2):
        git(place, "commit", "-q", "--allow-empty", "-m", str(number))
    return place


def tagged(place: Path, commit: str) -> commits.Tag:
    return commits.tag(os.fsencode(place), commit, URL, JOB)


def test_a_commit_is_tagged_once_with_what_it_was_for(repository: Path) -> None:
    old = git(repository, "rev-parse", "HEAD~1")
    made = tagged(repository, old)
    assert (made.name, made.state, made.problem, made.remote) == (f"roar/{old[:7]}", "made", "", "")
    assert git(repository, "cat-file", "-t", made.name) == "tag", "annotated"
    assert git(repository, "rev-parse", f"{made.name}^{{commit}}") == old
    words = git(repository, "tag", "-l", "--format=%(contents)", made.name)
    assert URL in words and JOB.hex() in words
    before = git(repository, "rev-parse", made.name)
    assert tagged(repository, old).state == "there"
    assert git(repository, "rev-parse", made.name) == before


def test_no_tag_is_moved(repository: Path) -> None:
    commit = git(repository, "rev-parse", "HEAD")
    git(repository, "tag", f"roar/{commit[:7]}", "HEAD~1")
    made = tagged(repository, commit)
    assert (made.name, made.state) == (f"roar/{commit[:12]}", "made")
    assert git(repository, "rev-parse", f"roar/{commit[:7]}") == git(repository, "rev-parse", "HEAD~1")


def test_only_repositories_that_have_the_commit(repository: Path, tmp_path: Path) -> None:
    assert tagged(repository, "0" * 40).state == "elsewhere"
    assert tagged(tmp_path / "gone", "0" * 40).state == "elsewhere"
    below = repository / "below"
    below.mkdir()
    assert tagged(below, git(repository, "rev-parse", "HEAD")).state == "elsewhere", "it is not the root that was recorded"


def test_hooks_and_signing_are_left_out(repository: Path) -> None:
    hook = repository / ".git/hooks/reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch ran\nexit 1\n")
    hook.chmod(0o755)
    git(repository, "config", "tag.gpgSign", "true")
    assert tagged(repository, git(repository, "rev-parse", "HEAD")).state == "made"
    assert not (repository / "ran").exists()


def test_pushing_says_what_git_says(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", str(tmp_path / "remote"))
    git(repository, "remote", "add", "upstream", str(tmp_path / "remote"))
    made = tagged(repository, git(repository, "rev-parse", "HEAD"))
    assert made.remote == "upstream", "the only one there is"
    commits.push(made.root, made.remote, [made.name])
    assert git(tmp_path / "remote", "rev-parse", f"{made.name}^{{commit}}") == made.commit
    with pytest.raises(RoarError, match="git could not push"):
        commits.push(made.root, "nowhere", [made.name])
