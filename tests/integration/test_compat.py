"""32-bit calls of 64-bit programs, for users of whom the daemon does not know yet that they make some."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from harness import ROOT, Daemon, Project, blake

IN = b"what is in the file\n"
INT80 = ROOT / "tests/conformance/stimuli/int80.c"


@pytest.fixture
def fresh(place: Path, tmp_path: Path) -> Project:
    project = Project(tmp_path / "project", place / "fresh" / "roard.sock")
    options = INT80.read_text().partition("gcc: ")[2].partition("\n")[0].split()
    subprocess.run(["gcc", *options, "-o", project.path / "prog", INT80], check=True)
    project.write("in", IN)
    if subprocess.run(["./prog"], cwd=project.path, capture_output=True).returncode == 77:
        pytest.skip("this kernel has no 32-bit calls")
    (project.path / "out").unlink()
    return project


def test_announced_learnt_and_remembered(place: Path, fresh: Project) -> None:
    """The command itself is looked into before it begins, and tells nothing of other jobs; a program below it is found when
    it has begun, which the record says; then the user's jobs are watched from their start."""
    directory = place / "fresh"
    directory.mkdir()
    with Daemon(directory):
        job = fresh.run("./prog")
        job.assert_complete()
        assert (job.inputs["in"], job.outputs["out"]) == (blake(IN), blake(IN))
        (fresh.path / "out").unlink()
        job = fresh.sh("./prog; ./prog")
        assert [(reason["code"], reason["count"]) for reason in job["incomplete_reasons"]] == [("ia32", 1)]
        assert "run it again" in job["incomplete_reasons"][0]["message"]
        (fresh.path / "out").unlink()
        job = fresh.sh("./prog; true")
        job.assert_complete()
        assert (job.inputs["in"], job.outputs["out"]) == (blake(IN), blake(IN))
