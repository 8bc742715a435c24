"""`/job/ID`: one command, and all that its record says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from glaas.server import documents
from glaas.web import words
from glaas.web.answers import Card, Elsewhere, Page
from glaas.web.code import commit_url, file_url, repository_url
from glaas.web.files import Code, FileRow, file_rows
from glaas.web.heads import job_row
from glaas.web.pages.naming import identity
from glaas.web.said import said_of
from glaas.web.site import Asked
from lineage.annotations import Subject
from lineage.compare.arguments import parse
from lineage.environment import settings
from lineage.errors import NotFoundError
from lineage.records import SHOWN_ROLES, Entry, EntryKind, JobHead, Step
from lineage.text import duration_text, size_text

MOST_STEPS = 200
MOST_PACKAGES = 2000
Fact = tuple[str, str]


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
class Repository:
    root: str
    commit: str
    short: str
    branch: str
    dirty: bool
    commit_url: str
    url: str
    diff: str
    diff_truncated: bool
    untracked: tuple[str, ...]


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


def code_of(context: Mapping[str, Any]) -> Code:
    """The address of a tracked file at the job's commit; none where the working tree had changes: any file of it may be another
    one then."""
    git = _map(context.get("git"))
    root = str(git.get("root") or "").encode("utf-8", "surrogateescape").rstrip(b"/") + b"/"

    def address(entry: Entry) -> str:
        tracked = entry.role == "source" and len(root) > 1 and entry.path.startswith(root) and git.get("dirty") is False
        return file_url(git.get("remote"), git.get("commit"), entry.path[len(root):]) if tracked else ""

    return address


def section(title: str, kind: EntryKind, entries: Sequence[Entry], base: bytes, code: Code | None = None, *,
            everything: bool) -> Section:
    own = [entry for entry in entries if entry.kind == kind]
    shown = own if everything else [entry for entry in own if entry.role in SHOWN_ROLES]
    rows, more = file_rows(sorted(shown, key=lambda entry: (not entry.path.startswith(base), entry.path)), base, code)
    return Section(title, kind, len(shown), rows, more, len(own) - len(shown))


def repositories(context: Mapping[str, Any]) -> list[Repository]:
    found = [context.get("git"), *_list(context.get("repositories"))]
    return [_repository(one) for one in found if isinstance(one, Mapping) and (one.get("commit") or one.get("root"))]


def _repository(git: Mapping[str, Any]) -> Repository:
    commit = str(git.get("commit") or "")
    untracked = tuple(words.line(str(name), 200) for name in _list(git.get("untracked"))[:50])
    return Repository(
        words.line(str(git.get("root") or "")), words.line(commit, 64), words.line(commit[:12]),
        words.line(str(git.get("branch") or "")),
        bool(git.get("dirty")), commit_url(git.get("remote"), commit), repository_url(git.get("remote")),
        words.text(str(git.get("diff") or ""), 100_000), bool(git.get("diff_truncated")), untracked)


def facts(context: Mapping[str, Any]) -> list[Fact]:
    """Machine, Python, container, scheduler, seeds, trackers: what there is of it, a line each."""
    found: list[Fact] = []
    python, hardware = _map(context.get("python")), _map(context.get("hardware"))
    if python.get("version"):
        kind = _map(python.get("environment")).get("kind")
        found.append(("Python", f"{python.get('implementation') or 'Python'} {python['version']}"
                      + (f" ({kind})" if kind else "")))
    if hardware.get("cpu"):
        found.append(("CPU", f"{hardware['cpu']}, {hardware.get('cores') or '?'} cores"))
    if isinstance(hardware.get("memory"), int):
        found.append(("Memory", size_text(hardware["memory"])))
    found += [("GPU", " ".join(str(gpu.get(key) or "") for key in ("vendor", "name")))
              for gpu in map(_map, _list(hardware.get("gpus")))]
    found += [("GPU used", f"{gpu.get('vendor') or ''} {gpu.get('model') or ''} {gpu.get('path') or ''}")
              for gpu in map(_map, _list(context.get("gpus")))]
    libraries = _map(context.get("accelerator_libraries"))
    if libraries:
        found.append(("Libraries", ", ".join(f"{name} {version}" for name, version in libraries.items())))
    found += [("Seed", f"{seed.get('name')} {seed.get('value')}") for seed in map(_map, _list(context.get("seeds")))]
    container = _map(context.get("container"))
    if container.get("runtime") or container.get("image") or container.get("id"):
        found.append(("Container", " ".join(str(container[key]) for key in ("runtime", "image", "name", "id")
                                            if container.get(key))))
    scheduler = _map(context.get("scheduler"))
    if scheduler:
        found.append(("Scheduler", " ".join(str(value) if name == "name" else f"{name}={value}"
                                            for name, value in scheduler.items())))
    found += [("Tracker", f"{one.get('tracker')} run {one.get('run') or '?'}")
              for one in map(_map, _list(context.get("trackers")))]
    found += [("Network", _endpoint(one)) for one in map(_map, _list(context.get("network"))[:50])]
    return [(name, words.line(" ".join(value.split()), 300)) for name, value in found]


def _endpoint(one: Mapping[str, Any]) -> str:
    port = f":{one['port']}" if one.get("port") else ""
    return f"{one.get('direction') or 'spoke to'} {one.get('name') or one.get('address')}{port} ({one.get('protocol')})"


def used(context: Mapping[str, Any]) -> list[Fact]:
    resources = _map(context.get("resources"))
    found: list[Fact] = []
    for key, title in (("wall_seconds", "Wall time"), ("user_seconds", "CPU, in the program"),
                       ("system_seconds", "CPU, in the kernel")):
        if isinstance(resources.get(key), int | float):
            found.append((title, duration_text(float(resources[key]))))
    for key, title in (("max_rss_bytes", "Memory at most"), ("bytes_read", "Read"), ("bytes_written", "Written"),
                       ("storage_bytes_read", "Read from storage"), ("storage_bytes_written", "Written to storage")):
        if isinstance(resources.get(key), int):
            found.append((title, size_text(resources[key])))
    if isinstance(resources.get("processes"), int):
        found.append(("Processes", f"{resources['processes']:,}"))
    return found


def packages(context: Mapping[str, Any], key: str) -> list[tuple[str, str, str]]:
    """(name, version, where from if not simply from an index)"""
    rows = []
    for one in map(_map, _list(context.get(key))[:MOST_PACKAGES]):
        if one.get("editable"):
            note = f"worked in at {one['editable']}"
        elif one.get("commit") and one.get("url"):
            note = f"from {one['url']} at {str(one['commit'])[:12]}"
        else:
            note = str(one.get("manager") or "")
        rows.append((words.line(str(one.get("name")), 100), words.line(str(one.get("version") or ""), 100),
                     words.line(note, 200)))
    return sorted(rows, key=lambda row: row[0].lower())


def environment(context: Mapping[str, Any]) -> tuple[list[Fact], list[Fact]]:
    """(those that can change a result, the others)"""
    every = {str(name): str(value) for name, value in _map(context.get("environment")).items()}
    chosen = settings(every)

    def rows(names: Iterable[str]) -> list[Fact]:
        return [(words.line(name, 120), words.line(every[name], 600)) for name in sorted(names)]

    return rows(chosen), rows(set(every) - set(chosen))


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
    stderr = _map(context.get("stderr"))
    return Page(
        "job.html", f"{row.program} · job {row.short}", {
            "row": row, "head": head, "whole_command": words.command(head.argv, 20_000), "cwd": words.path(head.cwd),
            "reasons": [(words.line(one.message), one.count) for one in head.incomplete_reasons],
            "parameters": parameters(head), "repositories": repositories(context),
            "sections": [section(title, kind, job.entries, base, code_of(context), everything=everything) for title,
                         kind in kinds],
            "everything": everything, "scratch": sum(entry.kind == "scratch" for entry in job.entries),
            "packages": packages(context, "packages"), "system_packages": packages(context, "system_packages"),
            "environment": chosen, "other_environment": other, "facts": facts(context), "used": used(context),
            "steps": step_rows(job.steps), "step_count": len(job.steps),
            "stderr": words.text(str(stderr.get("text") or "")), "said": said_of(view, Subject("job", found)),
            "registered": asked.registered(found), "host_detail": words.line(f"{head.host.kernel}, {head.host.machine}", 120),
        }, document, f"/job/{found.hex()}",
        card=Card(f"{row.program} · job {row.short}", f"{row.command}: {row.outcome.text}, by {row.user} on {row.host}. "
                  f"{words.counted(row.inputs, 'input')}, {words.counted(row.outputs, 'output')}."))


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []
