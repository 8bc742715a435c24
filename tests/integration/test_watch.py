"""A job is watched while it runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess

from harness import Project


def test_files_and_bytes_until_it_is_over(project: Project) -> None:
    project.write("in.bin", bytes(3_000_000))
    script = "cat in.bin > out.bin; dd if=/dev/zero of=more.bin bs=1000 count=1000 2>/dev/null; echo go; read line"
    with project.popen("run", "-q", "sh", "-c", script, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as job:
        assert job.stdout.readline() == b"go\n"
        with project.popen("watch", "@", "-n", "0.1", "--json", stdout=subprocess.PIPE) as watch:
            first = json.loads(watch.stdout.readline())
            assert (first["schema"], first["job"]["state"]) == ("roar.progress/1", "running")
            assert first["bytes_written"] >= 1_000_000, "dd's, which sh has waited for"
            assert first["processes"] == 1
            job.stdin.write(b"\n")
            job.stdin.flush()
            last = json.loads(watch.stdout.read().splitlines()[-1])
            assert watch.wait(20) == 0
        assert job.wait(20) == 0
    assert (last["job"]["state"], last["bytes_read"]) == ("finished", None)
    assert last["files_written"] >= 2
    text = project.roar("watch", "@1").stdout
    assert "sh -c" in text and len(text.splitlines()) == 1


def test_interrupting_the_watching_leaves_the_job_alone(project: Project) -> None:
    with project.popen("run", "-q", "cat", stdin=subprocess.PIPE) as job:
        while not project.json("log")["jobs"]:
            pass
        with project.popen("watch", stdout=subprocess.PIPE, start_new_session=True) as watch:
            assert b"cat" in watch.stdout.readline()
            os.killpg(watch.pid, signal.SIGINT)
            assert watch.wait(20) == 130
        assert job.poll() is None
        job.stdin.close()
        assert job.wait(20) == 0
