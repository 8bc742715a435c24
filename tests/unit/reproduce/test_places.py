"""Paths that move, and patches that are applied."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lineage.redact import redact_text
from lineage.reproduce.patches import file_patches
from lineage.reproduce.places import Places

PLACES = Places([(b"/home/ada/p", b"/new place/p"), (b"/home/ada/p/.venv", b"/new place/venv"), (b"/srv/q/", b"/new/q")])


@pytest.mark.parametrize(("path", "expected"), [
    (b"/home/ada/p/x", b"/new place/p/x"), (b"/home/ada/p", b"/new place/p"), (b"/home/ada/p2/x", None),
    (b"/home/ada/p/.venv/bin/python", b"/new place/venv/bin/python"), (b"/home/ada/p/.venv2", b"/new place/p/.venv2"),
    (b"/srv/q/a", b"/new/q/a"), (b"/", None)])
def test_paths(path: bytes, expected: bytes | None) -> None:
    assert PLACES.path(path) == expected


@pytest.mark.parametrize(("word", "expected"), [
    (b"/home/ada/p/x", b"/new place/p/x"), (b"--in=/home/ada/p/x", b"--in=/new place/p/x"),
    (b"cat '/home/ada/p'; ls /home/ada/p>y", b"cat '/new place/p'; ls /new place/p>y"),
    (b"/old/home/ada/p/x", b"/old/home/ada/p/x"), (b"/home/ada/p2", b"/home/ada/p2"),
    (b"/home/ada/p-old/x", b"/home/ada/p-old/x"), (b"-I/srv/q", b"-I/new/q"), (b"cc -L/srv/q/l", b"cc -L/new/q/l"),
    (b"/lib:/home/ada/p/lib:/home/ada/p/.venv/lib", b"/lib:/new place/p/lib:/new place/venv/lib"),
    (b"file:///srv/q/x", b"file:///new/q/x"), (b"\xff/srv/q", b"\xff/new/q")])
def test_words(word: bytes, expected: bytes) -> None:
    assert PLACES.text(word) == expected


def test_a_diff_by_files_and_what_of_it_cannot_be_applied(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        return subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=tmp_path, check=True,
                              capture_output=True, text=True).stdout

    git("init", "-q")
    (tmp_path / "with space.py").write_text("a\nb\n")
    (tmp_path / "secret.py").write_text("x = 1\n")
    (tmp_path / "data.bin").write_bytes(b"\0\1\2")
    (tmp_path / "gone.py").write_text("bye\n")
    git("add", ".")
    git("commit", "-qm", "one")
    (tmp_path / "with space.py").write_text("a\nc\n")
    (tmp_path / "secret.py").write_text("password = 'hunter2hunter2'\n")
    (tmp_path / "data.bin").write_bytes(b"\0\1\3")
    (tmp_path / "gone.py").unlink()
    (tmp_path / "new.py").write_text("new\n")
    git("add", "new.py")
    diff = redact_text(git("diff", "--no-renames", "HEAD", "--"))
    patches = {patch.path: patch.problem for patch in file_patches(diff)}
    assert patches == {"data.bin": "a binary file, whose content is not in the record", "gone.py": "", "new.py": "",
                       "secret.py": "a secret in it was not recorded", "with space.py": ""}
    good = "".join(patch.text for patch in file_patches(diff) if not patch.problem)
    git("reset", "-q", "--hard")
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=good, text=True, check=True)
    assert (tmp_path / "with space.py").read_text() == "a\nc\n"
    assert ((tmp_path / "new.py").exists(), (tmp_path / "gone.py").exists()) == (True, False)
    assert file_patches(diff, truncated=True)[-1].problem == "the diff was too long to be recorded whole"
    assert file_patches("") == []
