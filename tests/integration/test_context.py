"""What a record has beside files: what a failing job said, what its steps used, where its packages come from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from harness import Daemon, Project

PYTHON = "/usr/bin/python3"


def said(project: Project, script: str, **options: object) -> dict[str, object] | None:
    record = project.run("sh", "-c", script, check=False, **options)
    record.assert_complete()
    section = record["stderr"]
    return dict(section) if section else None


def test_a_failing_job_keeps_the_end_of_its_standard_error(project: Project) -> None:
    """As the shell's builtin writes it (by descriptor 1), as a child and as a grandchild do, in their order."""
    section = said(project, "echo out; echo builtin >&2; /bin/echo child >&2; (exec ls /not-there-at-all); "
                            f"{PYTHON} -c 'import os; os.writev(2, [b\"on\", b\"e \", b\"line\\n\"])'; exit 3")
    assert section is not None
    lines = str(section["text"]).splitlines()
    assert [lines[0], lines[1], lines[-1]] == ["builtin", "child", "one line"]
    assert "not-there-at-all" in lines[2]
    assert "out" not in lines
    assert (section["truncated"], section["lost"]) == (False, 0)
    assert "standard error" in project.roar("show", "@").stdout


def test_what_is_not_kept(project: Project) -> None:
    assert said(project, "echo fine >&2") is None, "a job that did not fail"
    assert said(project, "echo x >file; echo y; exit 1") is None, "other descriptors"
    assert said(project, "ls /not-there 2>/dev/null; exit 1") is None, "what was thrown away"
    assert said(project, "echo no >&2; exit 1", environment={"ROAR_STDERR": "0"}) is None
    project.roar("run", "-q", "--no-stderr", "sh", "-c", "echo no >&2; exit 1", check=False)
    assert project.show()["stderr"] is None


def test_of_a_flood_the_end_is_kept_and_nothing_else_is_lost(project: Project) -> None:
    """More than its ring holds, in writes larger than are kept, and secrets are redacted."""
    section = said(project, f"{PYTHON} -c 'import os\nfor i in range(3000): os.write(2, b\"x\" * 20000 + b\"\\n\")\n"
                            "os.write(2, b\"API_KEY=abcdefgh12345678ijkl\\nlast\\n\")'; exit 1")
    assert section is not None
    assert str(section["text"]).endswith("API_KEY=[redacted]\nlast\n")
    assert int(str(section["written"])) + 20_001 * int(str(section["lost"])) == 3000 * 20_001 + 34
    assert section["truncated"]


def test_killed_by_a_signal(project: Project) -> None:
    section = said(project, "echo dying >&2; kill -9 $$")
    assert section is not None and section["text"] == "dying\n"


def test_a_daemon_that_keeps_none(daemon: Daemon, place: Path) -> None:
    directory = place / "silent"
    directory.mkdir()
    (directory / "roard.toml").write_text("[record]\nstderr = false\n")
    with Daemon(directory, "--config", str(directory / "roard.toml")) as silent:
        assert said(Project(directory / "project", silent.socket), "echo no >&2; exit 1") is None


def test_each_step_has_what_it_used(project: Project) -> None:
    """Threads that end early and late, children that nobody waits for, and a program executed in place of another."""
    project.write("big", b"x" * 3_000_000)
    project.write("busy.py", f"""
import os, subprocess, sys, threading, time
def burn(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end: pass
def read():
    open("big", "rb", buffering=0).read(); burn(0.2)
early = threading.Thread(target=read); early.start(); early.join()
for _ in range(3): threading.Thread(target=burn, args=(60,), daemon=True).start()
burn(0.5)
subprocess.run([{sys.executable!r}, "-S", "-c", "x = bytearray(150_000_000)"])
os.write(os.open("made", os.O_CREAT | os.O_WRONLY), b"y" * 2_000_000)
os._exit(0)
""")
    record = project.run("sh", "-c", f"exec {PYTHON} busy.py")
    record.assert_complete()
    shell, busy, child = (step["resources"] for step in record["steps"])
    assert shell["cpu_seconds"] < busy["cpu_seconds"]
    assert shell["bytes_read"] < 1_000_000 < 3_000_000 < busy["bytes_read"] < 10_000_000
    assert 2_000_000 <= busy["bytes_written"] < 3_000_000
    assert child["bytes_written"] < 1_000_000
    assert 0.6 < busy["cpu_seconds"] < busy["wall_seconds"] * 4
    assert child["max_rss_bytes"] > 150_000_000
    assert busy["max_rss_bytes"] is None or busy["max_rss_bytes"] < 100_000_000
    assert shell["max_rss_bytes"] is None or shell["max_rss_bytes"] < 20_000_000
    whole = record["resources"]
    assert whole["max_rss_bytes"] == child["max_rss_bytes"]
    assert whole["bytes_read"] == sum(step["bytes_read"] for step in (shell, busy, child))
    # wait4(2) knows exactly what all three used, since each was waited for
    assert whole["cpu_ns"] / 1e9 == pytest.approx(whole["user_seconds"] + whole["system_seconds"], abs=0.2)
    assert sum(step["cpu_seconds"] for step in (shell, busy, child)) == pytest.approx(whole["cpu_ns"] / 1e9, rel=0.2)


def test_processes_that_outlive_their_root_count(project: Project) -> None:
    late = f"{PYTHON} -c 'x = bytearray(90_000_000); open(\"late\", \"w\").write(\"x\")'"
    record = project.run("sh", "-c", f"(sleep 0.1; {late}) &")
    for _ in range(200):
        record = project.show()
        if record["state"] == "finished":
            break
    assert record["resources"]["max_rss_bytes"] > 90_000_000


def test_packages_have_their_managers_and_none_are_roars(project: Project) -> None:
    record = project.run(PYTHON, "-c", "import ssl")
    system = {package["name"] for package in record["system_packages"] if package["version"]}
    assert {"libc6", "libssl3"} <= system or not Path("/var/lib/dpkg/status").exists()
    owned = {entry["path"]: entry["package"] for entry in record["inputs"]}
    assert any((package or "").startswith("libc6==") for path, package in owned.items() if "libc.so" in path)
    assert {package["name"] for package in record["packages"]}.isdisjoint({"roar", "grpcio", "protobuf", "cbor2", "blake3"})
    assert record["python"]["environment"]["kind"] == "system"


def test_modules_of_an_editable_install(project: Project) -> None:
    """The package's, with the directory that it is worked in; the script beside it is nobody's."""
    environment = project.path / "env"
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", environment], check=True)
    site = next((environment / "lib").glob("python*/site-packages"))
    source = project.write("work/src/mine/__init__.py", "x = 1").parents[1]
    project.write("work/run.py", "import mine")
    info = site / "mine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "RECORD").write_text("__editable__.mine-1.0.pth,,\n")
    (info / "direct_url.json").write_text(f'{{"dir_info": {{"editable": true}}, "url": "file://{project.path}/work"}}')
    (site / "__editable__.mine-1.0.pth").write_text(f"{source}\n")
    record = project.run("env/bin/python", "work/run.py")
    assert record["packages"] == [{"name": "mine", "version": "1.0", "files": 2, "manager": "pip",
                                   "editable": f"{project.path}/work"}]
    files = record.entries("inputs", ("source",))
    assert (files["work/src/mine/__init__.py"]["package"], files["work/run.py"]["package"]) == ("mine==1.0", None)
    assert record["python"]["environment"]["kind"] == "venv"


def git(directory: Path, *words: str) -> None:
    subprocess.run(["git", "-c", "user.name=T", "-c", "user.email=t@example.org", *words], cwd=directory, check=True,
                   stdout=subprocess.DEVNULL)


def test_code_from_other_repositories(project: Project) -> None:
    for name, file in (("project", "train.py"), ("library", "lib.py")):
        project.write(f"{name}/{file}", "import lib\n" if name == "project" else "x = 1\n")
        git(project.path / name, "init", "-q", "-b", "trunk")
        git(project.path / name, "add", ".")
        git(project.path / name, "commit", "-qm", "first")
    project.write("library/lib.py", "x = 2\n")
    inside = Project(project.path / "project", Path(project.environment["ROARD_SOCKET"]))
    record = inside.run("env", f"PYTHONPATH={project.path}/library", PYTHON, "train.py", "--seed", "7",
                        environment={"OMP_NUM_THREADS": "2"})
    other, = record["repositories"]
    assert (other["root"], other["dirty"], other["files"]) == (str(project.path / "library"), True, 1)
    assert "+x = 2" in other["diff"]
    assert (record["git"]["root"], record["git"]["dirty"]) == (str(inside.path), False)
    assert record["seeds"] == [{"name": "seed", "value": "7", "step": 0}], "said once"
    page = inside.roar("show", "@").stdout
    assert f"also     {project.path}/library: git" in page
    assert "OMP_NUM_THREADS=2" in page
    assert "seeds    seed 7" in page


def test_runs_of_trackers(project: Project) -> None:
    run = "wandb/run-20260102_030405-ab12cd34"
    record = project.sh(f"mkdir -p {run}/files logs; echo x > {run}/files/config.yaml; echo x > logs/events.out.tfevents.1.h")
    assert [(row["tracker"], row["run"], row["directory"]) for row in record["trackers"]] == [
        ("tensorboard", None, f"{project.path}/logs"), ("wandb", "ab12cd34", f"{project.path}/{run}")]
