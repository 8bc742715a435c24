"""Seeds, trackers and CUDA libraries, from arguments and paths alone."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "cli"))

from samples import STEP, entry

from lineage.observed import accelerator_libraries, seeds, trackers


def found(*words: str) -> list[tuple[object, object]]:
    step = replace(STEP, argv=tuple(word.encode() for word in words))
    return [(seed["name"], seed["value"]) for seed in seeds([step], step.argv, {})]


def test_flags_that_are_called_so() -> None:
    assert found("train.py", "--seed", "1", "--epochs", "3") == [("seed", "1")]
    assert found("train.py", "--random-seed=0x2A", "data.seed=7", "+trainer.seed=8", "--random_state", "-5") == [
        ("random-seed", "0x2A"), ("data.seed", "7"), ("trainer.seed", "8"), ("random_state", "-5")]


def test_what_is_no_seed() -> None:
    assert found("seed=1") == [], "the program's name"
    assert found("x", "--seed", "--verbose", "seed", "4", "--seedlings", "3", "--seed=abc", "--seed") == []


def test_the_first_step_says_it_and_python_has_one_of_its_own() -> None:
    steps = [replace(STEP, index=at, argv=(b"p", b"--seed", b"1")) for at in (0, 1)]
    assert seeds(steps, (), {"PYTHONHASHSEED": "0"}) == [
        {"name": "seed", "value": "1", "step": 0}, {"name": "PYTHONHASHSEED", "value": "0", "step": None}]
    assert seeds([], (b"p", b"seed=3"), {}) == [{"name": "seed", "value": "3", "step": None}]


def test_runs_of_trackers_that_were_written() -> None:
    run = "0123456789abcdef0123456789abcdef"
    entries = [
        entry("output", b"/p/wandb/run-20260102_030405-ab12cd34/files/config.yaml"),
        entry("output", b"/p/wandb/run-20260102_030405-ab12cd34/run-ab12cd34.wandb"),
        entry("scratch", b"/p/wandb/offline-run-20260102_030405-zz/logs/x"),
        entry("output", f"/p/mlruns/0/{run}/meta.yaml".encode()), entry("output", b"/p/mlruns/0/meta.yaml"),
        entry("output", b"/p/runs/a/events.out.tfevents.1700000000.host.1.0"),
        entry("input", b"/p/wandb/run-20250102_030405-read/files/model.pt"),
    ]
    assert trackers(entries) == [
        {"tracker": "mlflow", "run": run, "directory": f"/p/mlruns/0/{run}", "experiment": "0"},
        {"tracker": "tensorboard", "run": None, "directory": "/p/runs/a"},
        {"tracker": "wandb", "run": "zz", "directory": "/p/wandb/offline-run-20260102_030405-zz", "offline": True},
        {"tracker": "wandb", "run": "ab12cd34", "directory": "/p/wandb/run-20260102_030405-ab12cd34", "offline": False}]


def test_libraries_of_accelerators() -> None:
    entries = [entry("input", path) for path in (
        b"/usr/lib/libcuda.so.535.104.05", b"/v/nvidia/libcudart.so.12", b"/x/libcudart.so.12.1.105", b"/x/libcudnn_ops.so.9",
        b"/x/libc.so.6", b"/x/libnccl.so")]
    assert accelerator_libraries(entries) == {"cuda": "535.104.05", "cudart": "12.1.105"}
