from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from graphs import ALL


@pytest.fixture(params=sorted(ALL))
def lineage(request):
    """Each of the constructed lineages."""
    return ALL[request.param]()
