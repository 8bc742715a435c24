"""The forms of a plan for other programs: each is valid to its own reader, whatever is in the arguments."""

from __future__ import annotations

import os
import shutil
import subprocess
from io import BytesIO
from pathlib import Path

import pytest
from dockerfile_parse import DockerfileParser
from made_records import COMMIT, PYTHON, ROOT, job

from lineage.records import BUILD
from lineage.reproduce.plan import Plan, make_plan
from roarctl.reproducing.locate import Found
from roarctl.reproducing.texts import write

AWKWARD = ["sh", "-c", "printf '%s\\n' \"$1\" {a,b} > 'it''s'; echo $HOME # no\n%~!", "--", "two  spaces", "$(id)",
           "`id`", "\"'", "{x}", "\\n", "*", "ü\t"]
DIFF = "diff --git a/t.py b/t.py\n--- a/t.py\n+++ b/t.py\n@@ -1 +1 @@\n-a\n+b'\"$x\n"


def plan() -> Plan:
    git = {"root": ROOT, "commit": COMMIT, "diff": DIFF, "remote": "https://example.org/work.git"}
    return make_plan([
        job(1, "make ext", [], [("ext.so", "so")], kind=BUILD),
        job(2, "python t.py --data /home/ada/work/raw.csv --key [redacted]", [("raw.csv", "r"), ("/data/far", "f")],
            [("two words.csv", "c")], git=git, python=PYTHON, packages=["six==1.16.0", "numpy==2.0"],
            environment={"PYTHONHASHSEED": "0", "SECRET": "[redacted]", "SHELL": "/bin/zsh", "ODD": "x",
                         "WHERE": f"{ROOT}/a b"}),
        job(3, AWKWARD, [("two words.csv", "c"), ("ext.so", "so")], [("it's", "i")], git=git, cwd=f"{ROOT}/a dir")])


def text(form: str) -> str:
    found = [Found(one, "nowhere") if one.path.endswith(b"raw.csv") else Found(one, "here", one.path) for one in plan().roots]
    return write(form, plan(), found, "a\nmodel.pt")


def test_the_shell_script_is_one(tmp_path: Path) -> None:
    subprocess.run(["bash", "-n"], input=text("shell"), text=True, check=True)
    assert "[redacted]" not in text("shell").partition("set -euo pipefail")[2]


def test_a_step_of_the_script_runs_with_exactly_its_arguments(tmp_path: Path) -> None:
    recipe = text("shell").splitlines()
    at = recipe.index(next(line for line in recipe if line.startswith("# step 3")))
    # The last step's own lines, without the sources: its words are put into a file by a program of ours.
    show = tmp_path / "bin" / "sh"
    show.parent.mkdir()
    show.write_text(f"#!/usr/bin/python3\nimport sys; open({str(tmp_path / 'words')!r}, 'w').write(repr(sys.argv[1:]))\n")
    show.chmod(0o755)
    lines = "\n".join(recipe[at:])
    lines = lines[lines.index("(mkdir"):]
    subprocess.run(["bash", "-euo", "pipefail", "-c", lines], check=True,
                   env={"DIR": str(tmp_path), "PATH": f"{show.parent}:{os.environ['PATH']}"})
    assert (tmp_path / "words").read_text() == repr(AWKWARD[1:])


def test_the_makefile_is_one_and_orders_the_steps(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text(text("make"))
    done = subprocess.run(["make", "-n"], cwd=tmp_path, capture_output=True, text=True, check=True)
    stamps = [line for line in done.stdout.splitlines() if line.startswith("touch ")]
    assert stamps[0] == "touch prepared.done"
    assert stamps[-1] == "touch step-3.done"
    assert len(stamps) == 4


def test_make_gives_a_step_exactly_its_arguments(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text(text("make"))
    show = tmp_path / "bin" / "sh"
    show.parent.mkdir()
    show.write_text(f"#!/usr/bin/python3\nimport sys; open({str(tmp_path / 'words')!r}, 'w').write(repr(sys.argv[1:]))\n")
    show.chmod(0o755)
    for stamp in ("prepared.done", "step-1.done", "step-2.done"):
        (tmp_path / stamp).touch()
    git = show.with_name("git")  # the code of the step is another's than that of the first
    git.write_text("#!/bin/bash\ncat > /dev/null || true\n")
    git.chmod(0o755)
    subprocess.run(["make", "-s", "-o", "prepared.done", "-o", "step-1.done", "-o", "step-2.done", "step-3.done"], cwd=tmp_path,
                   check=True, stdin=subprocess.DEVNULL, env={"PATH": f"{show.parent}:{os.environ['PATH']}"})
    assert (tmp_path / "words").read_text() == repr(AWKWARD[1:])


def test_the_snakefile_is_python_with_rules(tmp_path: Path) -> None:
    snakefile = text("snake")
    assert [line for line in snakefile.splitlines() if line.startswith("rule ")] == [
        "rule all:", "rule prepare:", "rule step_1:", "rule step_2:", "rule step_3:"]
    if shutil.which("snakemake") is None:
        pytest.skip("snakemake is not installed")
    (tmp_path / "Snakefile").write_text(snakefile)
    subprocess.run(["snakemake", "-n", "--cores", "1"], cwd=tmp_path, check=True, capture_output=True)


def test_the_dockerfile_is_one() -> None:
    parser = DockerfileParser(fileobj=BytesIO())
    parser.content = text("docker")
    instructions = [one["instruction"] for one in parser.structure if one["instruction"] != "COMMENT"]
    assert parser.baseimage == "python:3.11.2"
    assert set(instructions) == {"FROM", "ENV", "SHELL", "RUN", "COPY", "CMD"}
    assert instructions[-1] == "CMD"
    assert sum("make ext" in one["value"] for one in parser.structure if one["instruction"] == "RUN") == 1


def test_requirements() -> None:
    assert text("requirements").splitlines()[1:] == ["# CPython 3.11.2", "numpy==2.0", "six==1.16.0"]
    assert write("requirements", make_plan([job(1, "sort x")]), [], "x") == "# No step ran Python.\n"


def test_only_variables_that_matter_are_in_a_text() -> None:
    script = text("shell")
    assert "PYTHONHASHSEED=0" in script
    assert "WHERE=\"$DIR\"'/work/a b'" in script
    assert "ODD=" not in script
    assert "/bin/zsh" not in script


def test_remarks_are_one_line_each() -> None:
    assert text("shell").splitlines()[1] == "# a model.pt, made again as roar recorded it: 3 steps."
