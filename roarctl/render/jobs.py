"""Jobs and sessions for people: a line in the log, a page for one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lineage.composite import Group
from lineage.records import SHOWN_ROLES, Entry, EntryKind, Job, JobHead, Session, Step
from lineage.steps import NOTHING, job_versions, step_graph, uses_by_step
from lineage.whole import entry_groups
from roarctl.render import resources
from roarctl.render.context import code_fields, setting_fields, software_fields
from roarctl.render.failure import stderr_lines
from roarctl.render.groups import Present, group_row
from roarctl.render.network import endpoint_texts, gpu_text
from roarctl.render.summary import outcome, signal_name
from roarctl.render.text import (
    JOB_DIGITS,
    Palette,
    command_text,
    count_text,
    duration_text,
    hash_text,
    local_text,
    number_text,
    ordinal,
    path_text,
    printable,
    size_text,
    table,
    when_text,
)

_COMMAND_WIDTH = 60
_MOST_STEPS = 20
_MOST_FILES = 100
_TITLES: Mapping[EntryKind, str] = {
    "output": "outputs", "input": "inputs", "removed": "removed", "scratch": "scratch", "device": "devices"}


def short_id(head: JobHead) -> str:
    return head.id.hex()[:JOB_DIGITS] if head.id is not None else "-" * JOB_DIGITS


def kind_text(head: JobHead, palette: Palette) -> str:
    """A mark before the command of a job that is no ordinary one."""
    return palette.dim(f"[{printable(head.kind)}] ") if head.kind else ""


def job_text(head: JobHead, palette: Palette, note: str = "") -> str:
    """A job as a node of a graph."""
    ended = "" if head.exit_code == 0 else f"  {outcome(head, palette)}"
    missing = "" if head.complete or head.id is None else palette.yellow("  ! incomplete")
    return (f"{number_text(head)} {palette.yellow(short_id(head))}  {kind_text(head, palette)}"
            f"{command_text(head.argv, _COMMAND_WIDTH)}{palette.dim(f'  {note}') if note else ''}{ended}{missing}")


def step_text(step: Step) -> str:
    """Its program without the directory, which says less than the arguments."""
    if step.cell is not None:
        return f"In [{step.cell.number or '*'}]{' raised' if step.cell.failed else ''}"
    program, *arguments = step.argv or (step.executable,)
    return command_text((program.rpartition(b"/")[2], *arguments), _COMMAND_WIDTH) if program else "?"


def step_outcome(step: Step, palette: Palette) -> str:
    """How a step ended, where that was not well; the shell knows better what it means (`grep` ends with 1)."""
    if step.signal is not None:
        return palette.red(signal_name(step.signal))
    return palette.red(f"exit {step.exit_code}") if step.exit_code else ""


def log_lines(jobs: Iterable[JobHead], now: float, palette: Palette, *, with_project: bool = False,
              said: Mapping[bytes, str] | None = None) -> list[str]:
    """``said``: by run, a word or two on the job."""
    rows = []
    for head in jobs:
        row = [number_text(head), palette.yellow(short_id(head)), when_text(head.started_at, now), _took(head),
               outcome(head, palette) + ("" if head.complete or head.ended_at is None else palette.yellow(" !")),
               kind_text(head, palette) + command_text(head.argv, _COMMAND_WIDTH),
               count_text(head.counts.get("output/shown", 0), "out")]
        if said:
            row.append(palette.dim(said.get(head.run, "")))
        rows.append([printable(head.project), *row] if with_project else row)
    shift = int(with_project)
    return table(rows, frozenset({shift, shift + 3}))


def session_lines(session: Session, jobs: Sequence[JobHead], now: float, palette: Palette) -> list[str]:
    lines = [
        f"session {palette.bold(session.id.hex()[:JOB_DIGITS])} of {printable(session.project)}"
        + (" (current)" if session.current else ""),
        f"  by       {printable(session.user.name)} on {printable(session.host.name)}",
        f"  since    {local_text(session.started_at)}",
        f"  head     {session.head.hex()}",
        f"  jobs     {session.jobs}",
    ]
    return lines + [f"    {line}" for line in log_lines(jobs, now, palette)]


def job_lines(job: Job, palette: Palette, *, everything: bool = False, said: Sequence[str] = (),
              step_names: Mapping[int, str] | None = None, present: Present | None = None) -> list[str]:
    """A page about one job; ``everything``: files of all roles.  ``said``: lines on what people say of it, ``step_names``
    of its steps, by index."""
    head = job.head
    lines = [f"job {palette.bold(f'{number_text(head)} {short_id(head)}')} {outcome(head, palette)} in {_took(head)}"]
    lines += [*_fields(job, everything=everything), *said]
    lines += [palette.yellow(f"  ! incomplete: {printable(reason.message)}"
                             + (f" ({reason.count} times)" if reason.count > 1 else ""))
              for reason in head.incomplete_reasons]
    kinds: tuple[EntryKind, ...] = ("output", "input", "removed", "scratch", "device") if everything else (
        "output", "input", "removed")
    for kind in kinds:
        lines += _section(job, kind, palette, present, everything=everything)
    if not everything and job.of_kind("scratch"):
        scratch = count_text(len(job.of_kind("scratch")), "file")
        lines.append(palette.dim(f"scratch: {scratch} made and gone in the job"))
    if len(job.steps) > 1:
        lines += _steps(job, palette, everything=everything, names=step_names or {})
    return lines + stderr_lines(job.context, palette, everything=everything)


def _fields(job: Job, *, everything: bool) -> list[str]:
    head, context = job.head, job.context
    fields = [
        ("command", command_text(head.argv)), ("in", printable(head.cwd)),
        ("by", f"{printable(head.user.name)} on {printable(head.host.name)} ({head.host.kernel}, {head.host.machine})"),
        ("at", local_text(head.started_at)),
    ]
    if head.kind:
        fields.insert(0, ("kind", f"{printable(head.kind)}: it makes the environment that other jobs run in"))
    fields += [(word, f"job {printable(str(context[key]))[:JOB_DIGITS]}")
               for key, word in (("again_of", "again"), ("reproduces", "remakes")) if context.get(key)]
    if head.imported is not None and head.imported.registry:
        fields.append(("known to", f"{printable(head.imported.registry)}; it was not recorded here"))
    elif head.imported is not None:
        fields.append(("imported", f"{local_text(head.imported.at)}, in bundle {head.imported.bundle.hex()[:12]}: "
                                   "what others recorded, whole and unchanged"))
    fields += code_fields(job)
    used = resources.job_text(context.get("resources") or {})
    if used:
        fields.append(("used", used))
        fields += [("", f"[{step.index}] {step_text(step)}: {words}") for step, words in resources.expensive_steps(job)]
    gpus = gpu_text(context)
    if gpus:
        fields.append(("gpus", gpus))
    fields += [("" if at else "network", text) for at, text in enumerate(endpoint_texts(context, everything=everything))]
    fields += software_fields(job, everything=everything)
    fields += setting_fields(job, everything=everything)
    if head.id is not None:
        fields.append(("id", head.id.hex()))
    return [f"  {name:<9}{value}" for name, value in fields]


def _section(job: Job, kind: EntryKind, palette: Palette, present: Present | None, *, everything: bool) -> list[str]:
    entries = job.of_kind(kind)
    shown = entries if everything else tuple(entry for entry in entries if entry.role in SHOWN_ROLES)
    if not entries:
        return []
    hidden = len(entries) - len(shown)
    others = palette.dim(f" (and {hidden} of packages and system: --all)") if hidden else ""
    title = f"{_TITLES[kind]}: {len(shown)}{others}"
    items = list(shown) if everything else entry_groups(shown)
    rows = [group_row(item, job.head.cwd, palette, present) if isinstance(item, Group) else
            entry_row(item, job.head.cwd, palette) for item in items[:None if everything else _MOST_FILES]]
    lines = [title, *(f"  {line}" for line in table(rows, frozenset({2})))]
    if len(rows) < len(items):
        lines.append(palette.dim(f"  … {len(items) - len(rows)} more: --all"))
    return lines


def entry_row(entry: Entry, base: bytes, palette: Palette) -> list[str]:
    """path, hash, size, notes"""
    path = path_text(entry.path, base)
    if entry.target is not None:
        path += f" → {printable(entry.target)}"
    digest = hash_text(entry.hash)
    notes = ", ".join(entry.access)
    if entry.hash is None and entry.hash_reason:
        notes += f"; no hash: {printable(entry.hash_reason)}"
    if entry.role != "data":
        notes = f"{entry.role}{f' {printable(entry.package)}' if entry.package else ''}; {notes}"
    return [path, palette.dim(digest), size_text(entry.size), palette.dim(notes)]


def _steps(job: Job, palette: Palette, *, everything: bool, names: Mapping[int, str]) -> list[str]:
    graph = step_graph(job, roles=None if everything else SHOWN_ROLES)
    uses = uses_by_step(graph.versions)
    name = f"@{job.head.number}" if job.head.imported is None else f"job:{short_id(job.head)}"
    drawn = palette.dim(f" (drawn by: roar dag {name} --steps)") if graph.edges else ""
    lines = [f"steps: {len(job.steps)}{drawn}"]
    depths: dict[int, int] = {}
    for step in job.steps:
        depths[step.index] = depths.get(step.parent, -1) + 1 if step.parent is not None else 0
    for step in job.steps[:_MOST_STEPS]:
        took = duration_text((step.ended_at - step.started_at) / 1e9) if step.ended_at is not None else "?"
        failed = step_outcome(step, palette)
        indent = "  " * (depths[step.index] + 1)
        used = uses.get(step.index, NOTHING)
        counts = [f"{word} {len(versions)}" for word, versions in (("reads", used.read), ("writes", used.wrote)) if versions]
        lines.append(f"{indent}{step.index} {step_text(step)}{f' {failed}' if failed else ''} "
                     f"{f'({names[step.index]}) ' if step.index in names else ''}"
                     f"{palette.dim(', '.join([took, *counts]))}")
    if len(job.steps) > _MOST_STEPS:
        lines.append(palette.dim(f"  … {len(job.steps) - _MOST_STEPS} more: --json has them all"))
    return lines


def step_lines(job: Job, step: Step, palette: Palette, *, everything: bool = False, said: Sequence[str] = ()) -> list[str]:
    """A page about one step; ``everything``: files of all roles."""
    head = job.head
    took = f" in {duration_text((step.ended_at - step.started_at) / 1e9)}" if step.ended_at is not None else ""
    failed = step_outcome(step, palette) or ("ok" if step.ended_at is not None else "")
    lines = [f"step {palette.bold(f'[{step.index}]')} of job {palette.bold(f'{number_text(head)} {short_id(head)}')} "
             f"{failed}{took}"]
    fields = [("command", command_text(step.argv)), ("program", printable(step.executable)), ("process", str(step.pid)),
              ("at", local_text(step.started_at))]
    if step.resources is not None:
        fields.append(("used", resources.step_text(step.resources)))
    for title, related in (("by", [one for one in job.steps if one.index == step.parent]),
                          ("started", [one for one in job.steps if one.parent == step.index])):
        fields += [("" if at else title, f"[{one.index}] {step_text(one)}") for at, one in enumerate(related[:_MOST_STEPS])]
    lines += [*(f"  {name:<9}{value}" for name, value in fields), *said]
    versions = job_versions(job)
    uses = uses_by_step(versions).get(step.index, NOTHING)
    for title, used in (("outputs", uses.wrote), ("inputs", uses.read)):
        files = [versions[at] for at in used]
        shown = [one for one in files if everything or one.role in SHOWN_ROLES or one.kind == "pipe"]
        others = len(files) - len(shown)
        hidden = palette.dim(f" (and {others} of packages and system: --all)") if others else ""
        if files:
            rows = [[path_text(one.path, head.cwd), palette.dim(hash_text(one.hash)), size_text(one.size),
                     palette.dim(f"{ordinal(one.number)} version" if one.number > 1 else "")] for one in shown]
            lines += [f"{title}: {len(shown)}{hidden}", *(f"  {line}" for line in table(rows, frozenset({2})))]
    return lines


def _took(head: JobHead) -> str:
    return duration_text((head.ended_at - head.started_at) / 1e9) if head.ended_at is not None else "…"
