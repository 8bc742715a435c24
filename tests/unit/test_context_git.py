"""What GitProbe says of real repositories, and what it must not do to them."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from lineage.redact import REDACTED
from roarctl.context import git
from roarctl.context.git import GitProbe


@pytest.fixture(autouse=True)
def _no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.setenv("HOME", str(tmp_path))


def run(repository: Path, *args: str) -> str:
    done = subprocess.run(["git", "-c", "user.name=Test", "-c", "user.email=test@example.org", "-c",
    "protocol.file.allow=always", *args],
                          cwd=repository, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def ask(directory: Path) -> dict[str, Any]:
    section = GitProbe(os.fsencode(directory)).result()
    assert section is not None
    return section


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    directory = tmp_path / "repository"
    directory.mkdir()
    run(directory, "init", "-q", "-b", "trunk")
    return directory


@pytest.fixture
def repository(empty: Path) -> Path:
    (empty / "train.py").write_text("print(1)\n")
    (empty / "sub").mkdir()
    (empty / "sub/data.txt").write_text("1\n")
    run(empty, "add", ".")
    run(empty, "commit", "-qm", "first")
    return empty


def test_a_clean_repository(repository: Path) -> None:
    probe = GitProbe(os.fsencode(repository))
    assert probe.result() == {
        "root": str(repository), "branch": "trunk", "commit": run(repository, "rev-parse", "HEAD"), "dirty": False,
        "untracked": [],
        "untracked_truncated": False, "diff": "", "diff_truncated": False, "remote": None, "error": "",
    }
    assert probe.tracked.split(b"\0") == [os.fsencode(repository / "sub/data.txt"),
        os.fsencode(repository / "train.py")]
    assert probe.result() is probe.result()


def test_changes_are_seen_from_a_subdirectory(repository: Path) -> None:
    (repository / "train.py").write_text("password = 'hunter2'\n")
    (repository / "new.csv").write_text("x")
    (repository / "results").mkdir()
    (repository / "results/a.csv").write_text("x")
    section = ask(repository / "sub")
    assert (section["root"], section["dirty"], section["untracked"]) == (str(repository), True, ["new.csv", "results/"])
    assert section["diff"].startswith("diff --git a/train.py b/train.py\n")
    assert f"+password = '{REDACTED}'" in section["diff"]
    assert "hunter2" not in str(section)


def test_staged_changes_and_settings_of_the_user(repository: Path) -> None:
    settings = {"color.ui": "always", "diff.noprefix": "true", "diff.mnemonicPrefix": "true", "diff.relative": "true",
                "status.showUntrackedFiles": "no", "status.branch": "false"}
    for name, value in settings.items():
        run(repository, "config", name, value)
    (repository / "sub/data.txt").write_text("2\n")
    run(repository, "add", ".")
    (repository / "é \xa0.csv").write_text("x")
    section = ask(repository)
    assert section["diff"].startswith("diff --git a/sub/data.txt b/sub/data.txt\n")
    assert section["untracked"] == ["é \xa0.csv"]


def test_before_the_first_commit(empty: Path) -> None:
    section = ask(empty)
    assert (section["branch"], section["commit"], section["dirty"], section["diff"], section["error"]) == ("trunk",
        None, False, "", "")
    (empty / "a.py").write_text("x = 1\n")
    run(empty, "add", ".")
    section = ask(empty)
    assert (section["commit"], section["dirty"], section["error"]) == (None, True, "")
    assert "+x = 1" in section["diff"]


def test_a_detached_head(repository: Path) -> None:
    run(repository, "checkout", "-q", "--detach")
    section = ask(repository)
    assert (section["branch"], section["commit"]) == (None, run(repository, "rev-parse", "HEAD"))


def test_a_worktree(repository: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    run(repository, "worktree", "add", "-q", "-b", "side", str(other))
    section = ask(other / "sub")
    assert (section["root"], section["branch"], section["error"]) == (str(other), "side", "")


def test_submodules(repository: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    run(library, "init", "-q")
    (library / "x.py").write_text("")
    run(library, "add", ".")
    run(library, "commit", "-qm", "first")
    run(repository, "submodule", "--quiet", "add", str(library), "lib")
    assert ask(repository)["submodules"] == {"lib": run(library, "rev-parse", "HEAD")}


@pytest.mark.parametrize(("address", "shown"), [
    ("https://me:hunter2@example.org/a.git", f"https://me:{REDACTED}@example.org/a.git"),
    ("git@example.org:a/b.git", "git@example.org:a/b.git"),
])
def test_the_remote(repository: Path, address: str, shown: str) -> None:
    run(repository, "remote", "add", "another", "https://example.org/other.git")
    assert ask(repository)["remote"] == "https://example.org/other.git"
    run(repository, "remote", "add", "origin", address)
    assert ask(repository)["remote"] == shown


def test_outside_of_git(tmp_path: Path) -> None:
    probe = GitProbe(os.fsencode(tmp_path))
    assert probe.result() is None
    assert probe.tracked == b""
    probe.stop()


def test_a_directory_that_only_looks_like_a_repository(repository: Path) -> None:
    (repository / "sub/.git").mkdir()
    probe = GitProbe(os.fsencode(repository / "sub"))
    assert probe.result() is None
    assert probe.tracked == b""


def test_without_git(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert ask(repository) == {"root": str(repository), "error": "git cannot be run: No such file or directory"}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a repository away")
def test_a_repository_of_someone_else(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (repository, repository / ".git"):
        os.chown(path, 12345, 12345)
    monkeypatch.delenv("SUDO_UID", raising=False)
    probe = GitProbe(os.fsencode(repository))
    section = probe.result()
    assert section is not None
    assert set(section) == {"root", "error"}
    assert "safe.directory" in str(section["error"])
    assert probe.tracked == b""


def test_large_diffs_and_many_files_are_cut(repository: Path) -> None:
    (repository / "train.py").write_text("".join(f"line {number}\n" for number in range(200_000)))
    for number in range(git.MAX_UNTRACKED + 5):
        (repository / f"file{number:05}").touch()
    section = ask(repository)
    assert section["diff_truncated"]
    assert git.MAX_DIFF - 100 < len(section["diff"]) <= git.MAX_DIFF
    assert section["diff"].endswith("\n")
    assert (len(section["untracked"]), section["untracked_truncated"]) == (git.MAX_UNTRACKED, True)
    assert section["error"] == ""


def test_nothing_of_the_user_runs_and_the_index_stays(repository: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\necho $0 $* >> {tmp_path}/sprung\ncat $1 2>/dev/null\nexit 0\n")
    trap.chmod(0o755)
    for hook in ("post-index-change", "fsmonitor-watchman", "pre-commit"):
        (repository / ".git/hooks").mkdir(exist_ok=True)
        (repository / ".git/hooks" / hook).symlink_to(trap)
    (repository / ".git/info").mkdir(exist_ok=True)
    (repository / ".git/info/attributes").write_text("*.py diff=trap\n*.txt diff=trap2\n")
    for name in ("core.fsmonitor", "core.pager", "diff.external", "diff.trap.textconv", "diff.trap2.command",
    "core.askPass"):
        run(repository, "config", name, str(trap))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(trap))
    monkeypatch.setenv("GIT_PAGER", str(trap))
    (tmp_path / "sprung").unlink(missing_ok=True)
    (repository / "train.py").write_text("print(2)\n")
    os.utime(repository / "sub/data.txt")  # would make git rewrite the index
    before = (repository / ".git/index").stat()
    section = ask(repository)
    assert "+print(2)" in section["diff"]
    assert not (tmp_path / "sprung").exists()
    after = (repository / ".git/index").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_variables_that_a_hook_sets_do_not_mislead(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    assert ask(repository)["error"] == ""


def test_a_git_that_hangs(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = tmp_path / "bin/git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nsleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(git, "TIMEOUT", 0.3)
    start = time.monotonic()
    section = ask(repository)
    assert time.monotonic() - start < 30, "not as long as it sleeps"
    assert "took too long" in section["error"]
    assert (section["commit"], section["dirty"], section["untracked"], section["diff"]) == (None, None, None, None)


def test_starting_does_not_wait(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A git that goes on when the test has come back from starting it."""
    real, go = shutil.which("git"), tmp_path / "go"
    program = tmp_path / "bin/git"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nwhile ! [ -e {go} ]; do sleep 0.01; done\nexec {real} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    probe = GitProbe(os.fsencode(repository))
    go.touch()
    section = probe.result()
    assert section is not None
    assert section["error"] == ""


def test_names_that_are_not_text(repository: Path) -> None:
    Path(os.fsdecode(os.fsencode(repository) + b"/\xff.csv")).touch()
    assert ask(repository)["untracked"] == ["\\xff.csv"]
