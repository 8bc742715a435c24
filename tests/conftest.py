from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Daemon, Project


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of the site come last, in whatever order they are named: the browser's driver leaves an event loop running in
    this thread, in which others cannot run theirs."""
    items.sort(key=lambda item: "web" in item.path.parent.parts)


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """A background job of a shell ignores Ctrl-C, and all that it starts does."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def place() -> Iterator[Path]:
    """A directory that other users can reach too, with a short path: a socket's has 108 bytes."""
    path = Path(tempfile.mkdtemp(prefix="roar-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def daemon(place: Path) -> Iterator[Daemon]:
    """One daemon for all tests that do not hurt it."""
    if os.geteuid() != 0:
        pytest.skip("loading probes needs root")
    directory = place / "daemon"
    directory.mkdir()
    with Daemon(directory) as running:
        yield running


@pytest.fixture
def project(place: Path, daemon: Daemon, request: pytest.FixtureRequest) -> Project:
    name = request.node.name.translate({ord(each): "-" for each in "[]/ "})[:60]
    return Project(Path(tempfile.mkdtemp(prefix=f"{name}-", dir=place)), daemon.socket)
