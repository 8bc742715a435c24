#!/usr/bin/env python3
"""What recording costs: each workload plain, under roar, and under the alternatives, interleaved, medians, as ratios.

    bench.py [--runs N] [--json FILE] [WORKLOAD ...]

`roar - fixed` takes off the 0.35 s that starting and finishing a job may cost, which is what the ratio of a long command
tends to. Machines are shared and noisy: believe ratios of one run, not seconds, and no single run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness import BIN, Daemon

FIXED_SECONDS = 0.35
PYTHON = "/usr/bin/python3"
LOOP = "mkdir d; i=0; while [ $i -lt 5000 ]; do echo $i > d/$i; read x < d/$i; i=$((i+1)); done"
IMPORTS = "import json, asyncio, email, http.server, unittest"
WORKLOADS: dict[str, list[str]] = {
    "true": ["true"],
    "files": ["sh", "-c", LOOP],
    "imports": [PYTHON, "-c", IMPORTS],
    "dd": ["dd", "if=small.bin", "of=out.bin", "bs=1", "status=none"],
    "find": ["find", "/usr", "-xdev", "-name", "no such name"],
}


def alternatives() -> dict[str, Callable[[list[str]], list[str]]]:
    tools: dict[str, Callable[[list[str]], list[str]]] = {
        "roar": lambda command: [str(BIN / "roar"), "run", "-q", "--", *command],
    }
    if shutil.which("strace"):
        tools["strace -f"] = lambda command: ["strace", "-f", "-o", "/dev/null", *command]
    else:
        print("strace is not installed: left out (apt-get install strace)")
    if shutil.which("reprozip"):
        tools["reprozip"] = lambda command: ["reprozip", "trace", "--overwrite", *command]
    else:
        print("reprozip is not installed: left out (apt-get install reprozip)")
    return tools


def seconds(command: list[str], where: Path, environment: dict[str, str]) -> float:
    """In a directory of its own, which stays: ext4 is slow to create files for seconds after others were deleted
    (fs/ext4/ialloc.c: recently_deleted), and who comes next would pay for it."""
    directory = tempfile.mkdtemp(dir=where)
    Path(directory, "small.bin").write_bytes(os.urandom(200_000))
    began = time.perf_counter()
    subprocess.run(command, cwd=directory, env=environment, check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"of {', '.join(WORKLOADS)}; default: all")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--where", type=Path, help="directory to work in, such as /dev/shm; default: that of temporary files")
    options = parser.parse_args()
    unknown = set(options.workloads) - set(WORKLOADS)
    if unknown:
        parser.error(f"no such workload: {', '.join(sorted(unknown))}")
    tools = {"plain": list, **alternatives()}
    figures: dict[str, dict[str, list[float]]] = {}
    with (tempfile.TemporaryDirectory(prefix="roard-") as state,
          tempfile.TemporaryDirectory(prefix="roar-bench-", dir=options.where) as place, Daemon(Path(state)) as daemon):
        environment = {**os.environ, "ROARD_SOCKET": str(daemon.socket)}
        for name in options.workloads or WORKLOADS:
            figures[name] = {tool: [] for tool in tools}
            for _ in range(options.runs):
                for tool, wrap in tools.items():
                    figures[name][tool].append(seconds(wrap(WORKLOADS[name]), Path(place), environment))
    report(figures, options.runs)
    if options.json:
        options.json.write_text(json.dumps({"schema": "roar.bench/1", "runs": options.runs, "seconds": figures}, indent=1))


def report(figures: dict[str, dict[str, list[float]]], runs: int) -> None:
    print(f"medians of {runs}, as ratios to plain")
    tools = list(next(iter(figures.values())))[1:]
    print(f"{'':10}{'plain':>10}" + "".join(f"{tool:>12}" for tool in tools) + f"{'roar - fixed':>14}")
    for name, times in figures.items():
        plain = statistics.median(times["plain"])
        row = f"{name:10}{plain:>9.3f}s"
        row += "".join(f"{statistics.median(times[tool]) / plain:>12.2f}" for tool in tools)
        print(row + f"{(statistics.median(times['roar']) - FIXED_SECONDS) / plain:>14.2f}")


if __name__ == "__main__":
    main()
