"""Real programs, attached and detached."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from roard.probe.attachment import Attachment, call_points
from roard.probe.probes import Probes, Sizes, load

SMALL = Sizes(members=64, jobs=16, seen=64, access_pages=16, process_pages=16)


@pytest.fixture(scope="module")
def probes() -> Iterator[Probes]:
    if os.geteuid() != 0:
        pytest.skip("loading probes needs root")
    loaded = load(SMALL)
    yield loaded
    for fd in (*loaded.maps.values(), *loaded.programs.values()):
        os.close(fd)


def attached() -> int:
    links = []
    for each in Path("/proc/self/fd").iterdir():
        try:
            links.append(str(each.readlink()))
        except FileNotFoundError:
            continue
    return sum("perf_event" in link or "bpf_link" in link for link in links)


def wait_until(number: range) -> None:
    deadline = time.monotonic() + 60
    while attached() not in number:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_who_comes_while_it_is_detached_has_all_of_it(probes: Probes) -> None:
    """A job that begins some seconds after the last one ended: in the middle of a detaching that takes seconds."""
    attachment = Attachment(partial(call_points, probes.programs), linger_seconds=0)
    attachment.hold()
    whole = attached()
    assert whole > 20
    for left in (whole - 1, whole // 2, 1):
        attachment.release()
        wait_until(range(left + 1))
        attachment.hold()
        assert attached() == whole
    attachment.release()
    wait_until(range(1))
    assert not attachment.attached


def test_linger_spares_the_next_job_the_attaching(probes: Probes) -> None:
    attachment = Attachment(partial(call_points, probes.programs), linger_seconds=0.5)
    attachment.hold()
    attachment.hold()
    whole = attached()
    attachment.release()
    attachment.release()
    assert attached() == whole
    attachment.hold()
    time.sleep(1)
    assert attached() == whole
    attachment.release()
    wait_until(range(1))
