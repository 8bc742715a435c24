"""A job that runs, on one line."""

from __future__ import annotations

import time

from lineage import wire
from lineage.v1 import observe_pb2
from roarctl.render.jobs import job_text
from roarctl.render.text import Palette, command_text, count_text, duration_text, size_text


def progress_text(progress: observe_pb2.Progress, before: observe_pb2.Progress | None, seconds: float) -> str:
    """``before``: the look ``seconds`` ago, for the rate."""
    head = progress.head
    took = duration_text(time.time() - head.started_at / 1e9)
    parts = [f"@{head.number} {command_text(head.argv, 30)} {took}", f"{progress.files_read} read",
             f"{progress.files_written} written", f"in {size_text(progress.bytes_read)}",
             f"out {size_text(progress.bytes_written)}", count_text(progress.processes, "process", "processes")]
    if before is not None:
        moved = progress.bytes_read + progress.bytes_written - before.bytes_read - before.bytes_written
        parts.append(f"{size_text(round(max(moved, 0) / seconds))}/s")
    return " · ".join(parts)


def ended_text(progress: observe_pb2.Progress, palette: Palette) -> str:
    head = wire.head_from(progress.head)
    took = duration_text((head.ended_at - head.started_at) / 1e9) if head.ended_at is not None else "?"
    return (f"{job_text(head, palette)}  {took} · {progress.files_read} read · {progress.files_written} written · "
            f"{count_text(progress.steps, 'step')}")
