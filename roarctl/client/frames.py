"""Jobs, artifacts and edges as pandas' tables. Paths and arguments are text as os.fsdecode(3) has it, so open() takes them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lineage.records import JobHead
from roarctl.client.graph import Graph, job_name, missing

if TYPE_CHECKING:
    import pandas as pd


def jobs_frame(jobs: Sequence[JobHead]) -> pd.DataFrame:
    """A row a job; ``seconds`` is how long it ran. UnsupportedError without pandas."""
    frame = _frame({
        "name": [job_name(head) for head in jobs], "number": [head.number for head in jobs],
        "command": [shlex.join(os.fsdecode(argument) for argument in head.argv) for head in jobs],
        "cwd": [os.fsdecode(head.cwd) for head in jobs], "project": [os.fsdecode(head.project) for head in jobs],
        "user": [head.user.name for head in jobs], "host": [head.host.name for head in jobs],
        "state": ["running" if head.id is None else "finished" for head in jobs],
        "started_at": [head.started_at for head in jobs], "ended_at": [head.ended_at for head in jobs],
        "exit_code": [head.exit_code for head in jobs], "signal": [head.signal for head in jobs],
        "interrupted": [head.interrupted for head in jobs], "complete": [head.complete for head in jobs],
    }, whole=("number", "exit_code", "signal"), times=("started_at", "ended_at"), flags=("interrupted", "complete"))
    frame.insert(frame.columns.get_loc("exit_code"), "seconds", (frame["ended_at"] - frame["started_at"]).dt.total_seconds())
    return frame


def artifacts_frame(graph: Graph) -> pd.DataFrame:
    artifacts = graph.artifacts
    return _frame({
        "name": graph.artifact_names, "hash": [one.hash.hex() if one.hash is not None else None for one in artifacts],
        "path": [os.fsdecode(one.path) for one in artifacts], "size": [one.size for one in artifacts],
        "role": [one.role or None for one in artifacts], "produced": [one.produced for one in artifacts],
    }, whole=("size",), flags=("produced",))


def edges_frame(graph: Graph) -> pd.DataFrame:
    edges = graph.edges
    return _frame({
        "job": [graph.job_names[edge.job] for edge in edges],
        "artifact": [graph.artifact_names[edge.artifact] for edge in edges],
        "kind": ["output" if edge.output else "input" for edge in edges],
        "path": [os.fsdecode(graph.artifacts[edge.artifact].path) for edge in edges],
        "maker": [None if edge.maker is None else graph.job_names[edge.maker] for edge in edges],
    })


def _frame(columns: dict[str, Sequence[Any]], whole: Sequence[str] = (), times: Sequence[str] = (),
           flags: Sequence[str] = ()) -> pd.DataFrame:
    """Each column has its type even where there is no row, or no value."""
    try:
        import pandas
    except ImportError as error:
        raise missing("pandas") from error
    made = {}
    for name, values in columns.items():
        kind = "Int64" if name in (*whole, *times) else "bool" if name in flags else "string"
        column = pandas.Series(list(values), dtype=kind)
        made[name] = pandas.to_datetime(column, unit="ns", utc=True) if name in times else column
    return pandas.DataFrame(made)
