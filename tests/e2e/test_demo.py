"""The README's first command, on the real pipeline."""

from __future__ import annotations

import os
import re
import subprocess

import pytest
from harness import ROOT


def test_demo_shows_log_dag_and_the_lineage_of_the_model() -> None:
    if os.geteuid() != 0:
        pytest.skip("loading probes needs root")
    done = subprocess.run([ROOT / "scripts/demo"], capture_output=True, text=True, timeout=110,
                          env={**os.environ, "NO_COLOR": "1", "ROAR_DEMO_STAY": "0"})
    assert done.returncode == 0, done.stderr
    shown = done.stdout
    assert "incomplete" not in shown + done.stderr
    log, dag, lineage = (shown.partition(f"$ roar {command}\n")[2] for command in ("log", "dag", "lineage model.pkl"))
    scripts = ("generate.py", "preprocess.py", "train.py", "evaluate.py")
    assert all(name in log for name in scripts)
    assert all(name in dag for name in scripts)
    for name in ("model.pkl", "train.py", "preprocess.py", "measurements.csv", "generate.py"):
        assert name in lineage, lineage
    page = shown.partition("The model's page in the registry: ")[2].strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/artifact/[0-9a-f]{64}", page), shown
    assert page in shown.partition("$ roar register")[2].partition("\nThe model's page")[0]
