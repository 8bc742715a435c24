"""What `make bench-glaas` and tests/bench/glaas_scale.py measure, small: that it runs, and what does not depend on time."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))
from bench_glaas import bench
from glaas_scale import shown, simulate
from glaas_shapes import chain, fan_in, layered, sweep
from pgserver import PROGRAMS

from glaas.log.journal import TABLES as LOG_TABLES
from glaas.registry.tables import TABLES
from glaas.store import open_store


def test_the_registry_answers_what_recursive_queries_answer(tmp_path) -> None:
    """``Bench.walk`` holds the answers of all databases against each other."""
    with bench(tmp_path, durable=False, postgres=(PROGRAMS / "postgres").exists(), runs=1) as one:
        one.register(100)
        one.walk(((chain, (60,)), (fan_in, (30,)), (sweep, (20,)), (layered, (5, 12))), "")
        one.lookup(400, samples=20)
        assert {figure.part for figure in one.figures} == {"register", "walk", "lookup"}
        assert {figure.where for figure in one.figures} >= {*one.databases, *(baseline.name for baseline in one.baselines)}
        assert all(figure.value > 0 and figure.line() for figure in one.figures)


def test_an_operation_costs_the_same_when_there_is_more(tmp_path) -> None:
    """In round trips; a history of 2,000 jobs, and the file that most jobs use, among them."""
    with closing(open_store(tmp_path / "store", (*TABLES, *LOG_TABLES))) as store:
        small, large = simulate(store, [3_000, 15_000], None, samples=10)
    assert large.edges > 4 * small.edges
    for name, before in small.operations.items():
        assert large.operations[name].calls <= before.calls * 1.5 + 3, name
    assert small.operations["register 14 jobs"].calls == large.operations["register 14 jobs"].calls
    assert any("parts" in line for line in shown([small, large]))
