"""Also puts this directory on the path, for the helpers that tests of several packages share (recorder.py)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from roard.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store") as opened:
        yield opened
