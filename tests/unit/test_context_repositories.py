"""Other repositories that a job's inputs lie in, and what git-lfs keeps, of real repositories."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from roarctl.context import repositories
from roarctl.context.repositories import large_files, within


@pytest.fixture(autouse=True)
def _no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("HOME", str(tmp_path))


def run(directory: Path, *args: str) -> str:
    words = ["git", "-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "protocol.file.allow=always", *args]
    return subprocess.run(words, cwd=directory, check=True, capture_output=True, text=True).stdout.strip()


def repository(path: Path, **files: str) -> Path:
    path.mkdir(parents=True)
    run(path, "init", "-q", "-b", "trunk")
    for name, content in files.items():
        (path / name.replace("_", ".")).write_text(content)
    run(path, "add", ".")
    run(path, "commit", "-qm", "first")
    return path


def test_other_repositories_and_submodules(tmp_path: Path) -> None:
    library = repository(tmp_path / "library", a_py="1", b_py="1")
    project = repository(tmp_path / "project", train_py="1")
    run(project, "submodule", "--quiet", "add", str(library), "lib")
    (project / "lib/a.py").write_text("changed")
    paths = [os.fsencode(path) for path in (project / "train.py", library / "a.py", library / "b.py", project / "lib/a.py",
                                           tmp_path / "loose.csv")]
    found = repositories.repositories(paths, os.fsencode(project), within(30))
    assert [(row["root"], row["dirty"], row["submodule"], row["files"]) for row in found] == [
        (str(library), False, False, 2), (str(project / "lib"), True, True, 1)]
    assert all(row["commit"] == run(library, "rev-parse", "HEAD") for row in found)
    assert "+changed" in str(found[1]["diff"])
    assert "untracked" not in found[0]


def test_a_slow_git_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = repository(tmp_path / "library", a_py="1")
    slow = tmp_path / "bin/git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 100\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")
    found = repositories.repositories([os.fsencode(library / "a.py")], None, within(0.2))
    assert found[0]["error"] == "git took too long"


def test_pointers_of_large_files(tmp_path: Path) -> None:
    """As the index has them: what lies there is the content, and git-lfs itself need not be installed."""
    oid = "ab" * 32
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 12345\n"
    project = repository(tmp_path / "project", model_bin=pointer, other_bin="no pointer", plain_txt="1")
    paths = [os.fsencode(project / name) for name in ("model.bin", "other.bin", "plain.txt", "untracked.bin")]
    assert large_files(paths, os.fsencode(project), within(30)) == []
    (project / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    assert large_files(paths, os.fsencode(project), within(30)) == [{"path": "model.bin", "oid": oid, "size": 12345}]
