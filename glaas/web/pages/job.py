"""`/job/ID`: one command, and all that its record says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from glaas.server import documents
from glaas.web import words
from glaas.web.answers import Card, Elsewhere, Page
from glaas.web.contexts import code_of, environment, facts, mapping, packages, repositories, used
from glaas.web.files import Code, FileRow, file_rows
from glaas.web.heads import job_row
from glaas.web.pages.naming import identity
from glaas.web.said import said_of
from glaas.web.site import Asked
from lineage.annotations import Subject
from lineage.compare.arguments import parse
from lineage.errors import NotFoundError
from lineage.records import SHOWN_ROLES, Entry, EntryKind, JobHead, Step
from lineage.text import duration_text

MOST_STEPS = 200


@dataclass(frozen=True, slots=True)
class Section:
    """Files of one kind: those of data and source; of the other roles how many there are, or, asked for, all."""

    title: str
    kind: str
    count: int
    rows: list[FileRow]
    more: int  # rows that are not shown
    other: int  # files of other roles


@dataclass(frozen=True, slots=True)
class StepRow:
    index: int
    parent: int | None
    command: str
    ended: str
    took: str


def parameters(head: JobHead) -> list[tuple[str, str]]:
    """(name, value) as the command line gives them."""
    found = parse(head.argv, head.project)
    rows: list[tuple[str, str]] = []
    if found.script:
        rows += [("program", found.program), ("script", found.script)]
    elif found.program:
        rows.append(("program", found.program))
    rows += [(name, " ".join(values) or "set") for name, uses in found.flags.items() for values in uses]
    rows += list(found.overrides.items())
    rows += [(f"argument {at}", word) for at, word in enumerate(found.positional, 1)]
    return [(words.line(name, 120), words.line(value, 600)) for name, value in rows[:200]]


def section(title: str, kind: EntryKind, entries: Sequence[Entry], base: bytes, code: Code | None = None, *,
            everything: bool) -> Section:
    own = [entry for entry in entries if entry.kind == kind]
    shown = own if everything else [entry for entry in own if entry.role in SHOWN_ROLES]
    rows, more = file_rows(sorted(shown, key=lambda entry: (not entry.path.startswith(base), entry.path)), base, code)
    return Section(title, kind, len(shown), rows, more, len(own) - len(shown))


def step_rows(steps: Sequence[Step]) -> list[StepRow]:
    return [_step_row(step) for step in steps[:MOST_STEPS]]


def _step_row(step: Step) -> StepRow:
    if step.cell is not None:
        command = f"In [{step.cell.number or '*'}]" + (" raised" if step.cell.failed else "")
    else:
        command = words.command(step.argv or (step.executable,), 200)
    ended = words.signal_name(step.signal) if step.signal is not None else f"exit {step.exit_code}" if step.exit_code else \
        "ok" if step.exit_code == 0 else ""
    took = duration_text((step.ended_at - step.started_at) / 1e9) if step.ended_at is not None else ""
    return StepRow(step.index, step.parent, command, ended, took)


def page(asked: Asked) -> Page | Elsewhere:
    view = asked.view
    found = identity(view, "job", asked.part(), ".json" if asked.wants_json else "")
    if isinstance(found, Elsewhere):
        return found
    head = view.head(found)
    job = view.store.job(found) if head.id is not None else None
    if job is None:
        raise NotFoundError(f"there is no job {found.hex()[:12]}")
    document = partial(documents.job, view, found.hex())
    if asked.wants_json:
        return Page("job.html", "", document=document)
    everything = asked.query("all") == "1"
    row, context = job_row(head), job.context
    base = head.project or head.cwd
    chosen, other = environment(context)
    kinds: list[tuple[str, EntryKind]] = [("Outputs", "output"), ("Inputs", "input"), ("Removed", "removed")]
    if everything:
        kinds += [("Scratch", "scratch"), ("Devices", "device"), ("Pipes", "pipe")]
    stderr = mapping(context.get("stderr"))
    return Page(
        "job.html", f"{row.program} · job {row.short}", {
            "row": row, "head": head, "whole_command": words.command(head.argv, 20_000), "cwd": words.path(head.cwd),
            "reasons": [(words.line(one.message), one.count) for one in head.incomplete_reasons],
            "parameters": parameters(head), "repositories": repositories(context),
            "sections": [section(title, kind, job.entries, base, code_of(context), everything=everything)
                         for title, kind in kinds],
            "everything": everything, "scratch": sum(entry.kind == "scratch" for entry in job.entries),
            "packages": packages(context, "packages"), "system_packages": packages(context, "system_packages"),
            "environment": chosen, "other_environment": other, "facts": facts(context), "used": used(context),
            "steps": step_rows(job.steps), "step_count": len(job.steps),
            "stderr": words.text(str(stderr.get("text") or "")), "said": said_of(view, Subject("job", found)),
            "registered": asked.registered(found), "host_detail": words.line(f"{head.host.kernel}, {head.host.machine}", 120),
        }, document, f"/job/{found.hex()}",
        card=Card(f"{row.program} · job {row.short}", f"{row.command}: {row.outcome.text}, by {row.user} on {row.host}. "
                  f"{words.counted(row.inputs, 'input')}, {words.counted(row.outputs, 'output')}."))
