from __future__ import annotations

from pathlib import Path

import pytest
from conformance import Programs, Viewer
from harness import Daemon


@pytest.fixture(scope="session")
def programs(place: Path) -> Programs:
    directory = place / "stimuli"
    directory.mkdir()
    return Programs(directory)


@pytest.fixture(scope="session")
def viewer(daemon: Daemon) -> Viewer:
    return Viewer(daemon.socket)
