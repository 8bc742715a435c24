"""Generated code is what its source makes."""

from __future__ import annotations

import subprocess
from pathlib import Path

from harness import ROOT


def test_stubs_are_those_of_the_protocol(tmp_path: Path) -> None:
    subprocess.run([ROOT / "scripts/protoc", tmp_path], check=True)
    for made in sorted((tmp_path / "lineage/v1").iterdir()):
        assert made.read_text() == (ROOT / "lineage/v1" / made.name).read_text(), f"{made.name}: run make proto"
