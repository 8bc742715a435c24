"""What a reproduction does on disk, piece by piece."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest
from made_records import PYTHON, job

from lineage.records import Job
from lineage.reproduce.environments import Environment, Package
from lineage.reproduce.places import Places
from lineage.reproduce.plan import Code, Project, make_plan
from roarctl.reproducing import git, interpreters
from roarctl.reproducing.errors import DirectoryError, PackagesError, PythonError, RepositoryError, of_os
from roarctl.reproducing.sources import Sources
from roarctl.reproducing.state import State, plan_key
from roarctl.reproducing.variables import is_ours, variables
from roarctl.reproducing.virtual import Virtual


def commit(directory: Path, **files: str) -> str:
    for name, text in files.items():
        (directory / name).write_text(text)
    for words in (("add", "."), ("commit", "-qm", "one")):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=directory, check=True)
    return told(directory, "rev-parse", "HEAD").strip()


def diff(directory: Path) -> str:
    return told(directory, "diff", "--no-renames", "HEAD")


def told(directory: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=directory, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    directory = tmp_path / "work"
    directory.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=directory, check=True)
    return directory


def sources(repository: Path, copy: Path, *, remote: str | None = None, given: str | None = None) -> Sources:
    return Sources(Project(os.fsencode(repository), "work", remote, submodules=False), os.fsencode(copy), given, {})


def test_code_goes_from_state_to_state_and_results_stay(repository: Path, tmp_path: Path) -> None:
    first = commit(repository, code="1", result="old")
    second = commit(repository, code="2")
    (repository / "code").write_text("2 and more")
    (repository / "added").write_text("new")
    subprocess.run(["git", "add", "added"], cwd=repository, check=True)
    patch = diff(repository)
    copy = tmp_path / "copy"
    work = sources(repository, copy)
    work.clone([first, second])
    assert work.enter(Code(second, patch, truncated=False), [], tmp_path / "aside") == []
    assert ((copy / "code").read_text(), (copy / "added").read_text()) == ("2 and more", "new")
    (copy / "result").write_text("made by a step")
    assert work.enter(Code(first, "", truncated=False), [os.fsencode(copy / "result")], tmp_path / "aside") == []
    assert ((copy / "code").read_text(), (copy / "added").exists()) == ("1", False)
    assert (copy / "result").read_text() == "made by a step"
    assert (repository / "code").read_text() == "2 and more"


def test_what_cannot_be_patched_is_said_and_the_rest_is(repository: Path, tmp_path: Path) -> None:
    state = commit(repository, code="1\n", other="1\n")
    for name in ("code", "other"):
        (repository / name).write_text("2\n")
    patch = diff(repository).replace("-1\n+2", "-7\n+2", 1)
    work = sources(repository, tmp_path / "copy")
    work.clone([state])
    assert work.enter(Code(state, patch, truncated=False), [], tmp_path / "aside") == ["code: its patch does not apply"]
    assert (tmp_path / "copy/other").read_text() == "2\n"


def test_hooks_do_not_run(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    template = tmp_path / "template" / "hooks"
    template.mkdir(parents=True)
    (template / "post-checkout").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (template / "post-checkout").chmod(0o755)
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(template.parent))
    state = commit(repository, code="1")
    work = sources(repository, tmp_path / "copy")
    work.clone([state])
    work.enter(Code(state, "", truncated=False), [], tmp_path / "aside")
    assert not (tmp_path / "ran").exists()


def test_repositories_that_cannot_be_had_say_what_was_tried(repository: Path, tmp_path: Path) -> None:
    commit(repository, code="1")
    with pytest.raises(RepositoryError) as error:
        sources(repository, tmp_path / "copy", remote=str(tmp_path / "no.git")).clone(["f" * 40])
    tried = "\n".join(error.value.details)
    assert f"{repository}: not a repository with commit ffffffffffff" in tried
    assert f"{tmp_path}/no.git: " in tried
    for words, where in (("has a secret, which was not recorded", {"remote": "https://[redacted]@example.org/x.git"}),
                         ("is not in it", {"given": str(repository)})):
        with pytest.raises(RepositoryError) as error:
            sources(tmp_path / "gone", tmp_path / "copy", **where).clone(["f" * 40])
        assert words in "\n".join((error.value.message, *error.value.details))
    assert not (tmp_path / "copy").exists()


def test_blobs_of_a_commit(repository: Path) -> None:
    state = commit(repository, **{"a b": "one", "c": ""})
    (repository / "dir").mkdir()
    (repository / "dir/x").write_text("x")
    state = commit(repository)
    found = dict(git.blobs(os.fsencode(repository), state, [b"a b", b"nothing", b"dir", b"c", b"new\nline", b"dir/x"]))
    assert found == {b"a b": b"one", b"nothing": None, b"dir": None, b"c": b"", b"dir/x": b"x"}


def test_a_directory_is_fresh_or_of_the_same_reproduction(tmp_path: Path) -> None:
    key, other = plan_key(make_plan([job(1, "a")])), plan_key(make_plan([job(2, "b")]))
    directory = tmp_path / "new" / "deep"
    state, again = State.open(directory, key)
    assert not again
    state.steps["x"] = {"done": True}
    state.save()
    reopened, again = State.open(directory, key)
    assert (reopened.steps, again) == ({"x": {"done": True}}, True)
    with pytest.raises(DirectoryError, match="of something else"):
        State.open(directory, other)
    (directory / ".reproduce/state.json").write_text("{")
    with pytest.raises(DirectoryError, match="cannot be understood"):
        State.open(directory, key)
    (tmp_path / "file").touch()
    with pytest.raises(DirectoryError, match="is not empty"):
        State.open(tmp_path / "file", key)


def test_the_environment_of_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environb", {b"HOME": b"/home/me", b"PATH": b"/usr/bin", b"EXTRA": b"here", b"TOKEN": b"mine",
                                         b"SEED": b"7", b"PIP_INDEX_URL": b"x"})
    recorded = {"HOME": "/home/ada", "PATH": "/home/ada/p/bin:/usr/bin", "SEED": "1", "TOKEN": "[redacted]",
                "KEY": "[redacted]", "PYTHONPATH": "/home/ada/p/src", "PYTHONHOME": "/x"}
    found = variables(recorded, Places([(b"/home/ada/p", b"/new/p")]), b"/new/p", "/new/venv")
    assert found.values == {
        b"HOME": b"/home/me", b"PATH": b"/new/venv/bin:/new/p/bin:/usr/bin", b"SEED": b"1", b"TOKEN": b"mine",
        b"PYTHONPATH": b"/new/p/src", b"PIP_INDEX_URL": b"x", b"VIRTUAL_ENV": b"/new/venv", b"PWD": b"/new/p"}
    assert found.missing == ["KEY"]
    assert variables({}, Places([]), b"/p", None).values[b"EXTRA"] == b"here"
    assert all(map(is_ours, ("HOME", "SSH_AUTH_SOCK", "http_proxy")))
    assert not any(map(is_ours, ("HOMEBREW", "EPOCHS", "CUDA_VISIBLE_DEVICES")))


def environment(version: str, *packages: Package) -> Environment:
    return Environment("CPython", version, "", "", "", packages)


def test_the_python_that_is_nearest() -> None:
    asked = interpreters.version_of("/usr/bin/python3")
    assert asked is not None
    version = asked[1]
    minor = ".".join(version.split(".")[:2])
    assert interpreters.find(environment(version), "", None).note == ""
    assert interpreters.find(environment(minor), "", None).note == ""
    near = interpreters.find(environment(f"{minor}.99"), "", None)
    assert near.note == f"Python {near.version} instead of {minor}.99, which is not installed here"
    with pytest.raises(PythonError) as error:
        interpreters.find(environment("2.5.1"), "", None)
    assert (error.value.message, "or uv" in error.value.hint) == ("Python 2.5.1 is not installed here", True)
    assert interpreters.find(environment("2.5.1"), "/usr/bin/python3", None).note.endswith("as you said")
    with pytest.raises(PythonError, match="no Python that runs"):
        interpreters.find(environment("3"), "/bin/false", None)


def test_a_package_that_no_index_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setattr(interpreters, "uv_program", lambda: None)
    said: list[str] = []
    version = interpreters.version_of("/usr/bin/python3")
    assert version is not None
    wanted = environment(version[1], Package("roar-has-no-such-package", "1.0"))
    for choice in ("exact", "near"):
        virtual = Virtual(wanted, tmp_path / "venv", with_pip=False, packages=choice, say=said.append, note=said.append)
        with pytest.raises(PackagesError) as error:
            virtual.make({})
        assert error.value.message == "1 of 1 packages cannot be had"
        assert error.value.details[0].startswith("roar-has-no-such-package==1.0: ")
    virtual = Virtual(wanted, tmp_path / "venv", with_pip=False, packages="none", say=said.append, note=said.append)
    state: dict[str, object] = {}
    virtual.make(state)
    assert state["packages"] == {}


def test_a_full_disk_has_an_answer() -> None:
    error = of_os(OSError(errno.ENOSPC, "No space left on device", "/scratch/x"), "/scratch")
    assert (error.message, error.exit_code) == ("/scratch/x: no space left on device", 3)
    assert error.hint == "make room for /scratch, then type the same again: it goes on from there"
    assert "make room" not in of_os(OSError(errno.EACCES, "Permission denied"), "/scratch").hint


def test_python_context_is_what_the_record_has() -> None:
    assert make_plan([job(1, "python x", python=PYTHON)]).environments[0].base == "/usr"


def test_what_was_installed_from_elsewhere() -> None:
    """An editable install is somebody's work; one of a repository is had again from there."""
    rows = [{"name": "numpy", "version": "2.0"}, {"name": "mine", "version": "0.1", "editable": "/src/mine"},
            {"name": "theirs", "version": "1.0", "vcs": "git", "url": "https://example.org/theirs", "commit": "c" * 40}]
    recorded = job(1, "python x", python=PYTHON)
    plan = make_plan([Job(recorded.head, recorded.steps, recorded.entries, {**recorded.context, "packages": rows})])
    assert [one.requirement for one in plan.environments[0].packages] == [
        "numpy==2.0", f"theirs @ git+https://example.org/theirs@{'c' * 40}"]
    assert [warning for warning in plan.warnings if "/src/mine" in warning]
