"""Is a file still what a job left there?"""

from __future__ import annotations

import os

import pytest
from blake3 import blake3
from samples import entry

from roarctl.freshness import Checker


def state(path, content: bytes = b"as it was", budget: int = 1000, **fields) -> str:
    recorded = entry("output", os.fsencode(path), blake3(content).digest(), **{"size": len(content), **fields})
    return Checker(budget).check(recorded, 1).state


@pytest.mark.parametrize(("now", "expected"), [
    (b"as it was", "same"), (b"as it WAS", "edited"), (b"longer than it was", "edited"), (None, "missing")])
def test_files(tmp_path, now, expected):
    path = tmp_path / "file"
    if now is not None:
        path.write_bytes(now)
    assert state(path) == expected


def test_large_files_are_not_hashed_beyond_the_budget(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"as it was")
    assert state(path, budget=8) == "unchecked"
    path.write_bytes(b"grew longer")
    assert state(path, budget=8) == "edited"  # the size alone tells


def test_symbolic_links_by_their_text(tmp_path):
    link = tmp_path / "link"
    link.symlink_to("there")
    assert state(link, target=b"there") == "same"
    assert state(link, target=b"elsewhere") == "edited"
    assert state(link) == "edited"  # it was a file


def test_names_that_are_not_utf8(tmp_path):
    path = os.path.join(os.fsencode(tmp_path), b"\xff")
    with open(path, "wb") as file:
        file.write(b"as it was")
    assert state(path) == "same"
