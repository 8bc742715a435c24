"""When a job that is over is ready to become a record."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from lineage.records import Host, JobHead, User
from roard.observe.files import FileTable
from roard.observe.job import Process, WatchedJob
from roard.observe.tree import Tree

HEAD = JobHead(id=None, run=b"r" * 16, session=b"", number=1, user=User(0, "root"), host=Host("h", "k", "m"), argv=(b"x",),
               cwd=b"/", project=b"/", started_at=0, ended_at=None, exit_code=None, signal=None, interrupted=False,
               complete=True, incomplete_reasons=())


@pytest.fixture
def client() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


@pytest.fixture
def job(client: subprocess.Popen[bytes]) -> Iterator[WatchedJob]:
    process = Process(-1, os.pidfd_open(client.pid), 42, 0, 0)
    job = WatchedJob(kernel=1, head=HEAD, process=process, home=b"/", tree=Tree(42, 0), files=FileTable(),
                     tracked=frozenset())
    yield job
    process.close()
    assert (process.pidfd, process.client) == (-1, -1)


def end(job: WatchedJob) -> None:
    job.tree.root_ended = True
    job.tree.live.clear()
    assert job.tree.over


def test_it_waits_for_its_processes(job: WatchedJob) -> None:
    job.told_exit = (0, None)
    assert not job.ready()
    end(job)
    assert job.ready()


def test_it_waits_for_what_the_client_knows(job: WatchedJob) -> None:
    """What the command took, and that it was interrupted, only the client knows."""
    end(job)
    assert not job.ready()
    job.told_exit = (0, None)
    assert job.ready()


def test_it_does_not_wait_for_a_client_that_is_gone(job: WatchedJob, client: subprocess.Popen[bytes]) -> None:
    end(job)
    client.kill()
    client.wait()
    assert job.ready()


def test_it_does_not_wait_for_ever(job: WatchedJob) -> None:
    end(job)
    assert not job.ready()
    job.over_since -= 60
    assert job.ready()


def test_a_client_that_cannot_be_seen_is_not_waited_for(job: WatchedJob) -> None:
    job.process.close()
    end(job)
    assert job.ready()
