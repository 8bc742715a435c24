"""What a job used, and which of its steps used most of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lineage.records import Job, Resources, Step
from roarctl.render.text import duration_text, size_text

_MOST_STEPS = 3
_NEARLY_ALL = 0.9
_WORTH = 0.1  # of the job's processor time


def job_text(resources: Mapping[str, Any]) -> str:
    """Empty where nothing is known."""
    if "max_rss_bytes" not in resources:
        return ""
    cpu = float(resources.get("user_seconds", 0)) + float(resources.get("system_seconds", 0))
    words = [f"{duration_text(cpu)} of CPU", f"{size_text(int(resources['max_rss_bytes']))} of memory"]
    return ", ".join(words + _moved(resources.get("bytes_read"), resources.get("bytes_written")))


def expensive_steps(job: Job) -> list[tuple[Step, str]]:
    """Those that most of the processor time went to, where there is more than one step and not nearly all in one."""
    known = [(step, step.resources) for step in job.steps if step.resources is not None]
    total = sum(used.cpu_ns for _, used in known)
    known.sort(key=lambda pair: -pair[1].cpu_ns)
    if len(job.steps) < 2 or (known and known[0][1].cpu_ns > _NEARLY_ALL * total):
        return []
    rows = []
    for step, used in known[:_MOST_STEPS]:
        if used.cpu_ns > _WORTH * total:
            rows.append((step, step_text(used)))
    return rows


def step_text(used: Resources) -> str:
    words = [f"{duration_text(used.cpu_ns / 1e9)} of CPU"]
    if used.max_rss_bytes is not None:
        words.append(f"{size_text(used.max_rss_bytes)} of memory")
    return ", ".join(words + _moved(used.bytes_read, used.bytes_written))


def _moved(read: float | None, written: float | None) -> list[str]:
    return [f"{size_text(int(size))} {word}" for size, word in ((read, "read"), (written, "written")) if size]
