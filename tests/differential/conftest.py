from __future__ import annotations

import pytest
from comparison import missing
from harness import Project
from laboratory import Laboratory


@pytest.fixture
def lab(project: Project) -> Laboratory:
    if missing("strace"):
        pytest.skip(missing("strace"))
    return Laboratory(project)
