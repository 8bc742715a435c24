"""The other sections of a job's context: python, environment, hardware, and which project it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lineage.redact import REDACTED
from roarctl.context.command import Command
from roarctl.context.environment import environment
from roarctl.context.hardware import hardware
from roarctl.context.project import project_root
from roarctl.context.python import PythonProbe, environment_of


def test_this_python() -> None:
    section = PythonProbe(os.fsencode(sys.executable)).result()
    assert section == {
        "implementation": "CPython", "version": ".".join(map(str, sys.version_info[:3])), "executable": sys.executable,
        "prefix": sys.prefix, "base_prefix": sys.base_prefix, "environment": environment_of(sys.prefix),
    }


def test_nothing_of_the_users_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit(1)")
    (tmp_path / "sitecustomize.py").write_text("open('sprung', 'w')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert PythonProbe(os.fsencode(sys.executable)).result() is not None
    assert sorted(os.listdir(tmp_path)) == ["json.py", "sitecustomize.py"]


@pytest.mark.parametrize("name", ["sh", "pythonic", "python-config", "bash", "ipython", "python3.11-config"])
def test_programs_that_are_no_python_are_not_run(tmp_path: Path, name: str) -> None:
    program = tmp_path / name
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    program.chmod(0o755)
    assert PythonProbe(os.fsencode(program)).result() is None
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("script",
    ["exit 3", "echo no", "echo []", "echo '[1,2,3,4,5]'; exit 1", "echo '{}'", "kill -9 $$"])
def test_a_python_that_is_none(tmp_path: Path, script: str) -> None:
    program = tmp_path / "python3"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    assert PythonProbe(os.fsencode(program)).result() is None


def test_a_python_that_is_not_there(tmp_path: Path) -> None:
    probe = PythonProbe(os.fsencode(tmp_path / "python3"))
    assert probe.result() is None
    assert probe.result() is None


def test_commands_are_stopped_at_the_deadline_with_what_they_started() -> None:
    start = time.monotonic()
    answer = Command(["sh", "-c", "echo begun; sleep 60 & sleep 60"]).answer(start + 0.3, 100)
    assert time.monotonic() - start < 30, "not as long as they sleep"
    assert (answer.stdout, answer.status, answer.error) == (b"begun\n", None, "took too long")


def test_commands_are_stopped_at_the_limit() -> None:
    answer = Command(["sh", "-c", "while :; do echo 0123456789; done"]).answer(time.monotonic() + 10, 100_000)
    assert (len(answer.stdout), answer.truncated, answer.status, answer.error) == (100_000, True, None, "")


def test_much_output_on_both_pipes_does_not_block() -> None:
    script = "head -c 3000000 /dev/zero >&2; head -c 3000000 /dev/zero; exit 4"
    answer = Command(["sh", "-c", script]).answer(time.monotonic() + 10, 1 << 22)
    assert (len(answer.stdout), answer.status) == (3_000_000, 4)


def test_the_environment_is_redacted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hunter2")
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    section = environment()
    assert (section["HF_TOKEN"], section["OMP_NUM_THREADS"]) == (REDACTED, "4")
    assert list(section) == sorted(section)
    json.dumps(section)


def test_this_machine() -> None:
    section = hardware()
    assert set(section) == {"cpu", "cores", "cores_total", "memory", "gpus", "nvidia_driver", "libcuda"}
    assert isinstance(section["cores"], int)
    assert 0 < section["cores"] <= (os.cpu_count() or 1)
    assert isinstance(section["memory"], int)
    assert section["memory"] > 1 << 20


def test_graphics_processors(tmp_path: Path) -> None:
    files = {
        "proc/cpuinfo": "processor\t: 0\nmodel name\t: Some CPU @ 2.00GHz\n\nprocessor\t: 1\nmodel name\t: Other\n",
        "proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19\n",
        "proc/driver/nvidia/gpus/0000:01:00.0/information": "Model: \t\t NVIDIA A100-SXM4-80GB\nIRQ:   \t\t 100\n",
        "sys/devices/0000:01:00.0/vendor": "0x10de\n", "sys/devices/0000:01:00.0/device": "0x20b2\n",
        "sys/devices/0000:c1:00.0/vendor": "0x1002\n", "sys/devices/0000:c1:00.0/device": "0x740f\n",
        "sys/devices/0000:c1:00.0/mem_info_vram_total": "68702699520\n",
        "sys/devices/0000:00:02.0/vendor": "0x8086\n", "sys/devices/0000:00:02.0/device": "0x3e92\n",
        "sys/devices/0000:00:01.0/vendor": "0x1234\n",
        "sys/class/kfd/kfd/topology/nodes/0/properties": "simd_count 0\nlocation_id 0\n",
        "sys/class/kfd/kfd/topology/nodes/1/properties": "simd_count 440\nlocation_id 49408\ndomain 0\n",
        "sys/class/kfd/kfd/topology/nodes/1/name": "gfx90a\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for number, address in enumerate(["0000:01:00.0", "0000:c1:00.0", "0000:00:02.0", "0000:00:01.0"]):
        card = tmp_path / f"sys/class/drm/card{number}"
        card.mkdir(parents=True)
        (card / "device").symlink_to(tmp_path / "sys/devices" / address)
        (tmp_path / f"sys/class/drm/card{number}-DP-1").mkdir()
    section = hardware(str(tmp_path))
    assert section["cpu"] == "Some CPU @ 2.00GHz"
    assert section["nvidia_driver"] == "535.104.05"
    assert section["gpus"] == [
        {"vendor": "NVIDIA", "name": "NVIDIA A100-SXM4-80GB", "address": "0000:01:00.0", "memory": None},
        {"vendor": "AMD", "name": "gfx90a", "address": "0000:c1:00.0", "memory": 68702699520},
        {"vendor": "Intel", "name": "0x3e92", "address": "0000:00:02.0", "memory": None},
    ]


def test_a_machine_that_says_nothing(tmp_path: Path) -> None:
    section = hardware(str(tmp_path))
    assert (section["cpu"], section["gpus"], section["nvidia_driver"]) == (None, [], None)


def test_project_root(tmp_path: Path) -> None:
    real = Path(os.path.realpath(tmp_path))
    (real / "plain/deep").mkdir(parents=True)
    (real / "repository/deep/er").mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(real / "repository")], check=True)
    (real / "tree/deep").mkdir(parents=True)
    (real / "tree/.git").write_text("gitdir: elsewhere\n")
    (real / "link").symlink_to("repository/deep")
    roots = {"plain/deep": "plain/deep", "repository/deep/er": "repository", "repository": "repository",
             "tree/deep": "tree", "link/er": "repository"}
    for cwd, root in roots.items():
        assert project_root(os.fsencode(real / cwd)) == os.fsencode(real / root)
    assert project_root(b"/") == b"/"


@pytest.mark.parametrize(("files", "expected"), [
    ({"pyvenv.cfg": "home = /usr/bin\nversion = 3.11.2\n"}, ("venv", None, None)),
    ({"pyvenv.cfg": "home = /x\nimplementation = CPython\nuv = 0.4.30\n"}, ("uv", "0.4.30", None)),
    ({"pyvenv.cfg": "virtualenv = 20.26.6\n", ".project": "/home/ada/p\n"}, ("virtualenv", "20.26.6", "pipenv")),
    ({"conda-meta/history": ""}, ("conda", None, None)),
    ({}, ("system", None, None)),
])
def test_virtual_environments_by_what_is_there(tmp_path: Path, files, expected) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    found = environment_of(str(tmp_path))
    assert (found["kind"], found["tool"], found["manager"]) == expected


def test_poetrys_environments(tmp_path: Path) -> None:
    place = tmp_path / "pypoetry/virtualenvs/x-py3.11"
    place.mkdir(parents=True)
    (place / "pyvenv.cfg").write_text("virtualenv = 20\n")
    assert environment_of(str(place))["manager"] == "poetry"
