"""Where the content of a recorded file is found again, and what git says of commits."""

from __future__ import annotations

import os
import subprocess

import pytest
from blake3 import blake3
from compared import Project, entry

from roarctl.contents import Contents
from roarctl.repository import Repositories, Repository


@pytest.fixture
def repository(tmp_path):
    root = tmp_path / "work"
    root.mkdir()

    def git(*words: str) -> str:
        return subprocess.run(["git", "-c", "user.name=Ada", "-c", "user.email=a@b", *words], cwd=root, check=True,
                              capture_output=True, text=True).stdout

    def commit(content: str, subject: str) -> str:
        (root / "m.json").write_text(content)
        git("add", ".")
        git("commit", "-qm", subject)
        return git("rev-parse", "HEAD").strip()

    git("init", "-q")
    return root, git, commit


def found(root, commit, content: bytes, *, diff: str = "", places=(), size=None, name="m.json"):
    job = Project(str(root)).run("x", git={"root": str(root), "commit": commit, "diff": diff}).job
    wanted = entry(path=os.fsencode(root / name), digest=blake3(content).digest(), size=len(content) if size is None else size)
    return Contents(Repositories(os.fsencode(root)), lambda _: [os.fsencode(place) for place in places]).of(job, wanted)


def test_on_disk_in_the_commit_in_the_recorded_diff_and_later(repository, tmp_path):
    root, git, commit = repository
    first = commit("one\n", "First")
    (root / "m.json").write_text("two\n")
    diff = git("diff", "HEAD")
    assert found(root, first, b"two\n").data == b"two\n"  # as it is on disk
    (root / "m.json").write_text("three\n")
    assert found(root, first, b"one\n").data == b"one\n"  # as it was committed
    assert found(root, first, b"two\n", diff=diff).data == b"two\n"  # and changed
    commit("four\n", "Second")
    commit("five\n", "Third")
    assert found(root, first, b"four\n").data == b"four\n"  # committed after the job
    (tmp_path / "copy").write_text("six\n")
    assert found(root, first, b"six\n", places=[tmp_path / "copy"]).data == b"six\n"
    (root / "m-1.json").write_text("eight\n")
    assert found(root, first, b"eight\n").data == b"eight\n"  # a copy that nobody recorded
    gone = found(root, first, b"seven\n", diff=diff)
    assert gone == (None, "its content is gone: the file was changed since, and git does not have it")
    os.unlink(root / "m.json")
    assert "was removed" in found(root, first, b"seven\n").absent


def test_what_is_not_looked_for(repository, tmp_path):
    root, _, commit = repository
    first = commit("one\n", "First")
    assert "too large" in found(root, first, b"one\n", size=1 << 30).absent
    (root / "link").symlink_to("m.json")
    os.mkfifo(root / "pipe")
    assert found(root, first, b"one\n", name="link").data is None
    assert found(root, first, b"one\n", name="pipe").data is None
    job = Project(str(root)).run("x").job
    unhashed = entry(digest=None, hash_reason="it changed")
    assert Contents(Repositories(b""), lambda _: []).of(job, unhashed).absent == "it has no hash: it changed"


def test_commits_between(repository):
    root, git, commit = repository
    first = commit("one\n", "First")
    second = commit("two\n", 'Second: "two"\n\nbody')
    git("checkout", "-qb", "side", first)
    (root / "other").write_text("x")
    third = commit("one\n", "Third")
    asked = Repository(os.fsencode(root))
    ahead = asked.between(first, second)
    assert ([one.subject for one in ahead.only_b], ahead.only_a, ahead.files) == (['Second: "two"'], (), (b"m.json",))
    apart = asked.between(second, third)
    assert [[one.hash for one in side] for side in (apart.only_a, apart.only_b)] == [[second], [third]]
    assert asked.commits(first, third, b"m.json") == ([], False)
    assert "does not have commit 0000000" in asked.between(first, "0" * 40).absent
    repositories = Repositories(os.fsencode(root))
    assert repositories.of(b"/nowhere", first).root == os.fsencode(root)  # it was moved
    assert repositories.of(os.fsencode(root), "--output=x") is None
    assert repositories.of(os.fsencode(root), "0" * 40) is None

