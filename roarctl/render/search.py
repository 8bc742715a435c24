"""What a search found, for people and programs."""

from __future__ import annotations

from collections.abc import Sequence

from lineage import wire
from lineage.v1 import lineage_pb2, records_pb2
from roarctl.render.jobs import log_lines, short_id
from roarctl.render.text import (
    Palette,
    hash_text,
    path_text,
    program_text,
    size_text,
    table,
    when_text,
)

_MORE_PATHS = 3


def search_lines(answer: lineage_pb2.SearchResponse, base: bytes, now: float, palette: Palette) -> list[str]:
    """``base``: the directory that paths are shown relative to."""
    lines: list[str] = []
    if answer.artifacts:
        lines.append(f"files{' (the newest)' if answer.more_artifacts else ''}")
        rows = [_row(found, base, now, palette) for found in answer.artifacts]
        for line, found in zip(table(rows, frozenset({2})), answer.artifacts, strict=True):
            lines.append(f"  {line}")
            others = [path_text(path, base) for path in found.paths[1:_MORE_PATHS]]
            if others:
                lines.append(palette.dim(f"    also {', '.join(others)}" + (" …" if len(found.paths) > _MORE_PATHS else "")))
    if answer.jobs:
        lines.append(f"jobs{' (the newest)' if answer.more_jobs else ''}")
        heads = [wire.head_from(job) for job in answer.jobs]
        lines += [f"  {line}" for line in log_lines(heads, now, palette, with_project=True)]
    if not lines:
        lines.append("nothing recorded matches" if not answer.stopped else "nothing found in the time there was")
    if answer.indexing:
        lines.append(palette.yellow("! older jobs are still being indexed: their files may be missing here"))
    if answer.stopped:
        lines.append(palette.yellow("! not everything was looked at, there was no time: a path from / on is found faster"))
    if answer.more_artifacts or answer.more_jobs:
        lines.append(palette.dim(f"  … and more: -n {max(len(answer.artifacts), len(answer.jobs)) * 5}"))
    if answer.artifacts:
        lines.append(palette.dim(f"next: roar lineage artifact:{answer.artifacts[0].hash.hex()[:12]}"))
    return lines


def _row(found: lineage_pb2.FoundArtifact, base: bytes, now: float, palette: Palette) -> list[str]:
    path = path_text(found.paths[0], base) if found.paths else "?"
    size = size_text(found.size) if found.HasField("size") else ""
    used = [f"{_jobs(found.makers, found.made, 'made by')}" if found.made else "a root",
            _jobs(found.users, found.used, "used by") if found.used else ""]
    return [path, palette.dim(hash_text(found.hash)), size, when_text(found.job.started_at, now),
            ", ".join(word for word in used if word)]


def _jobs(heads: Sequence[records_pb2.JobHead], count: int, words: str) -> str:
    if not heads:
        return f"{words} {count} jobs"
    head = wire.head_from(heads[0])
    more = f" and {count - 1} more" if count > 1 else ""
    return f"{words} @{head.number} {short_id(head)} ({program_text(head.argv)}){more}"
