"""The daemon's configuration file."""

from __future__ import annotations

from pathlib import Path

import pytest

from lineage.errors import InvalidError
from roard.config import Config, read
from roard.probe.probes import Sizes


def test_defaults_and_what_a_file_says(tmp_path: Path) -> None:
    assert read(None) == Config(Sizes(), stderr=True)
    path = tmp_path / "roard.toml"
    path.write_text("[probes]\nseen = 64\n\n[record]\nstderr = false\n")
    assert read(path) == Config(Sizes(seen=64), stderr=False)
    path.write_text("")
    assert read(path) == Config()


@pytest.mark.parametrize(("text", "words"), [
    ("[probes]\nsee = 1\n", "probes.see"), ("[recording]\nstderr = true\n", "recording"),
    ("[record]\nstderr = 1\n", "record.stderr"),
    ("[record]\nstdout = true\n", "record.stdout"), ("[probes]\nstderr_pages = 3\n", "stderr_pages"), ("[", "cannot read"),
])
def test_mistakes_are_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "roard.toml"
    path.write_text(text)
    with pytest.raises(InvalidError, match=words):
        read(path)
