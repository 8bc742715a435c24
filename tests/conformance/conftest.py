from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from conformance import Bench, Programs, Starter, Viewer
from harness import Daemon


@pytest.fixture(scope="session")
def bench(place: Path, daemon: Daemon) -> Iterator[Bench]:
    directory = place / "stimuli"
    directory.mkdir()
    starter = Starter(daemon.socket, directory)
    try:
        yield Bench(Programs(directory), starter, Viewer(daemon.socket))
    finally:
        starter.close()
