"""What `roar run` says when the command has ended: at most six lines, one suggestion last."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from lineage import wire
from lineage.composite import Group, Member, grouped
from lineage.records import Entry, Job, JobHead
from lineage.v1 import observe_pb2
from roarctl.render.network import count_endpoints
from roarctl.render.text import (
    JOB_DIGITS,
    Palette,
    count_text,
    cut,
    duration_text,
    hash_text,
    number_text,
    path_text,
    printable,
    program_text,
    size_text,
)

MOST_LINES = 6
_PATH_WIDTH = 48


@dataclass(frozen=True, slots=True)
class _Row:
    """A file of the summary."""

    word: str
    path: str
    hash: str
    size: str
    origin: str


def summary(answer: observe_pb2.FinishResponse, number: int, cwd: bytes, palette: Palette) -> list[str]:
    """``number`` is the job's: an answer that is not final may have no job yet."""
    if answer.final and not answer.HasField("job"):
        return [f"roar: job {palette.bold(f'@{number}')}: there was no process, and so there is no record"]
    if not answer.HasField("job"):
        return [f"roar: job {palette.bold(f'@{number}')}: {printable(answer.pending) or 'the record is not final yet'}",
                palette.dim(f"  next: roar show @{number}")]
    job = wire.job_from(answer.job, [wire.entry_from(entry) for entry in answer.entries])
    origins = {(origin.hash, origin.path): wire.head_from(origin.job) for origin in answer.origins}
    head = job.head
    warnings = _warnings(job)
    if not answer.final:
        warnings.insert(0, printable(answer.pending) or "the record is not final yet")
    if len(warnings) > 2 or (len(warnings) == 2 and len(job.entries) > 2):
        warnings = ["; ".join(warnings)]
    lines = [palette.yellow(f"  ! {warning}") for warning in warnings]
    suggestion = _suggestion(job, cwd) if answer.final else f"roar show @{head.number}"
    return [_title(head, job, palette), *_files(job, origins, cwd, MOST_LINES - 2 - len(lines), palette), *lines,
            palette.dim(f"  next: {suggestion}")]


def _title(head: JobHead, job: Job, palette: Palette) -> str:
    name = f"@{head.number}" + (f" {head.id.hex()[:JOB_DIGITS]}" if head.id else "")
    parts = [count_text(_shown(head, kind), kind) for kind in ("input", "output")]
    packages = len(job.context.get("packages") or ())
    if packages:
        parts.append(count_text(packages, "package"))
    endpoints = count_endpoints(job.context)
    if endpoints:
        parts.append(count_text(endpoints, "network endpoint"))
    took = f" in {duration_text((head.ended_at - head.started_at) / 1e9)}" if head.ended_at is not None else ""
    return f"roar: job {palette.bold(name)} {outcome(head, palette)}{took} · " + " · ".join(parts)


def outcome(head: JobHead, palette: Palette) -> str:
    """How a job ended, in a word or two."""
    if head.id is None and head.ended_at is None and head.exit_code is None and head.signal is None:
        return palette.yellow("running")
    if head.signal is not None:
        return palette.red(("interrupted" if head.interrupted else "killed") + f" by {signal_name(head.signal)}")
    if head.exit_code:
        return palette.red(f"failed with {head.exit_code}")
    if head.exit_code is None:  # nobody knows how it ended, or not yet whether
        codes = {reason.code for reason in head.incomplete_reasons}
        return palette.yellow("detached" if "detached" in codes else "not seen to its end" if "gap" in codes else "ended")
    return palette.green("ok")


def signal_name(number: int) -> str:
    import signal

    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _shown(head: JobHead, kind: str) -> int:
    """Files of a kind that people are shown."""
    return head.counts.get(f"{kind}/shown", 0)


def _files(job: Job, origins: Mapping[tuple[bytes, bytes], JobHead], cwd: bytes, room: int,
           palette: Palette) -> list[str]:
    """Outputs before inputs; both get their place, and what has none is counted on the last line."""
    outputs = sorted(job.of_kind("output"), key=partial(_rank, job))
    # Data with an origin says more than data without, and data more than source.
    inputs = sorted(job.of_kind("input"), key=lambda entry: (
        (entry.hash or b"", entry.path) not in origins, *_rank(job, entry)))
    total_outputs, total_inputs = (max(_shown(job.head, kind), len(entries))
                                   for kind, entries in (("output", outputs), ("input", inputs)))
    made, taken = _compact(outputs, total_outputs, {}), _compact(inputs, total_inputs, origins)
    if total_outputs + total_inputs - _files_in(made) - _files_in(taken) + len(made) + len(taken) > room:
        room -= 1  # the last line counts the rest
    for_inputs = min(len(taken), max(1, room - len(made)))
    made, taken = made[:room - for_inputs], taken[:for_inputs]
    rows = [_item_row("out", item, {}, cwd) for item in made]
    rows += [_item_row("in", item, origins, cwd) for item in taken]
    lines = _aligned(rows, palette)
    rest = [f"{count} more {word}" for count, word in (
        (total_outputs - _files_in(made), "out"), (total_inputs - _files_in(taken), "in")) if count > 0]
    if rest:
        lines.append(palette.dim("  … " + ", ".join(rest)))
    return lines


def _compact(entries: Sequence[Entry], total: int,
             origins: Mapping[tuple[bytes, bytes], JobHead]) -> Sequence[Entry | Group[Entry]]:
    """Those that belong together as one; not where there are more than are known here: a set of some is another set."""
    if len(entries) < total:
        return entries

    def alike(entry: Entry) -> tuple[object, ...]:
        origin = origins.get((entry.hash or b"", entry.path))
        return entry.role, entry.hash is None, entry.target is not None, origin and origin.run

    return grouped(entries, lambda entry: Member(entry.path, entry.hash, entry.size), alike)


def _files_in(items: Sequence[Entry | Group[Entry]]) -> int:
    return sum(len(item.items) if isinstance(item, Group) else 1 for item in items)


def _item_row(word: str, item: Entry | Group[Entry], origins: Mapping[tuple[bytes, bytes], JobHead], cwd: bytes) -> _Row:
    first = item.items[0] if isinstance(item, Group) else item
    row = _row(word, first, origins.get((first.hash or b"", first.path)), cwd)
    if not isinstance(item, Group):
        return row
    path = path_text(item.path, cwd)
    path = path if len(path) <= _PATH_WIDTH else "…" + path[-(_PATH_WIDTH - 1):]
    return replace(row, path=path, hash=hash_text(item.hash), size=size_text(item.size),
                   origin=f"{len(item.items)} files {row.origin}".rstrip())


def _rank(job: Job, entry: Entry) -> tuple[bool, bool, bytes]:
    """Data before code, the project's files before others (such as the log that stderr goes to)."""
    project = job.head.project.rstrip(b"/") + b"/"
    return entry.role != "data", not entry.path.startswith(project), entry.path


def _row(word: str, entry: Entry, origin: JobHead | None, cwd: bytes) -> _Row:
    path = path_text(entry.path, cwd)
    if entry.target is not None:
        path += f" → {printable(entry.target)}"
    if len(path) > _PATH_WIDTH:
        path = "…" + path[-(_PATH_WIDTH - 1):]
    digest = hash_text(entry.hash)
    made_by = ""
    if origin is not None:
        made_by = f"← {number_text(origin)}" + (f" {origin.id.hex()[:JOB_DIGITS]}" if origin.id else "")
        made_by += f" ({program_text(origin.argv)})"
    return _Row(word, path, digest, size_text(entry.size), made_by)


def _aligned(rows: Sequence[_Row], palette: Palette) -> list[str]:
    paths, sizes = (max((len(getattr(row, name)) for row in rows), default=0) for name in ("path", "size"))
    return [f"  {row.word:<3} {row.path:<{paths}}  {palette.dim(row.hash)}  {row.size:>{sizes}}  {row.origin}".rstrip()
            for row in rows]


def _warnings(job: Job) -> list[str]:
    warnings = []
    reasons = job.head.incomplete_reasons
    if reasons:
        more = f" (and {count_text(len(reasons) - 1, 'other reason')})" if len(reasons) > 1 else ""
        warnings.append(f"incomplete: {cut(printable(reasons[0].message), 90)}{more}")
    git = job.context.get("git")
    if isinstance(git, Mapping) and git.get("dirty"):
        warnings.append("uncommitted changes: recorded with their diff")
    return warnings


def _suggestion(job: Job, cwd: bytes) -> str:
    output = min(job.of_kind("output"), key=partial(_rank, job), default=None)
    if output is not None:
        return f"roar lineage {shlex.quote(path_text(output.path, cwd))}"
    return f"roar show @{job.head.number}"
