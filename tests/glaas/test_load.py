"""Nothing that was acknowledged is lost, whatever is killed: the short form of tests/bench/glaas_load.py."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))
from glaas_load import load
from pgserver import PROGRAMS


@pytest.mark.parametrize(("database", "replicas"), [("lmdb", 1), ("postgres", 2)])
def test_what_was_acknowledged_is_there(tmp_path: Path, database: str, replicas: int) -> None:
    """Boxes register and others read, while a box is killed, then a server, which comes back."""
    if database == "postgres" and not (PROGRAMS / "postgres").exists():
        pytest.skip(f"no PostgreSQL in {PROGRAMS}")
    report = load(tmp_path, database, replicas, boxes=2, readers=2, seconds=3, hurt=1)
    print(*report.lines(), sep="\n")
    assert ([], []) == (report.lost, report.wrong)
    assert (report.killed_boxes, report.killed_servers) == (1, 1)
    assert report.bundles > 0
    assert report.reads > 0
