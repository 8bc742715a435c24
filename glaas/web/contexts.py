"""What a record says of a job's surroundings (code, machine, packages, environment) as rows.  It was written elsewhere, and can
have any shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from glaas.web import words
from glaas.web.code import commit_url, file_url, repository_url
from glaas.web.files import Code
from lineage.environment import settings
from lineage.records import Entry
from lineage.text import duration_text, size_text

MOST_PACKAGES = 2000
Fact: TypeAlias = tuple[str, str]


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


def repositories(context: Mapping[str, Any]) -> list[Repository]:
    found = [context.get("git"), *listed(context.get("repositories"))]
    return [_repository(one) for one in found if isinstance(one, Mapping) and (one.get("commit") or one.get("root"))]


def _repository(git: Mapping[str, Any]) -> Repository:
    commit = str(git.get("commit") or "")
    untracked = tuple(words.line(str(name), 200) for name in listed(git.get("untracked"))[:50])
    return Repository(
        words.line(str(git.get("root") or "")), words.line(commit, 64), words.line(commit[:12]),
        words.line(str(git.get("branch") or "")),
        bool(git.get("dirty")), commit_url(git.get("remote"), commit), repository_url(git.get("remote")),
        words.text(str(git.get("diff") or ""), 100_000), bool(git.get("diff_truncated")), untracked)


def code_of(context: Mapping[str, Any]) -> Code:
    """The address of a tracked file at the job's commit; none where the working tree had changes: any file of it may be another
    one then."""
    git = mapping(context.get("git"))
    root = str(git.get("root") or "").encode("utf-8", "surrogateescape").rstrip(b"/") + b"/"

    def address(entry: Entry) -> str:
        tracked = entry.role == "source" and len(root) > 1 and entry.path.startswith(root) and git.get("dirty") is False
        return file_url(git.get("remote"), git.get("commit"), entry.path[len(root):]) if tracked else ""

    return address


def facts(context: Mapping[str, Any]) -> list[Fact]:
    """Machine, Python, container, scheduler, seeds, trackers: what there is of it, a line each."""
    found: list[Fact] = []
    python, hardware = mapping(context.get("python")), mapping(context.get("hardware"))
    if python.get("version"):
        kind = mapping(python.get("environment")).get("kind")
        found.append(("Python", f"{python.get('implementation') or 'Python'} {python['version']}"
                      + (f" ({kind})" if kind else "")))
    if hardware.get("cpu"):
        found.append(("CPU", f"{hardware['cpu']}, {hardware.get('cores') or '?'} cores"))
    if isinstance(hardware.get("memory"), int):
        found.append(("Memory", size_text(hardware["memory"])))
    found += [("GPU", " ".join(str(gpu.get(key) or "") for key in ("vendor", "name")))
              for gpu in map(mapping, listed(hardware.get("gpus")))]
    found += [("GPU used", f"{gpu.get('vendor') or ''} {gpu.get('model') or ''} {gpu.get('path') or ''}")
              for gpu in map(mapping, listed(context.get("gpus")))]
    libraries = mapping(context.get("accelerator_libraries"))
    if libraries:
        found.append(("Libraries", ", ".join(f"{name} {version}" for name, version in libraries.items())))
    found += [("Seed", f"{seed.get('name')} {seed.get('value')}") for seed in map(mapping, listed(context.get("seeds")))]
    container = mapping(context.get("container"))
    if container.get("runtime") or container.get("image") or container.get("id"):
        found.append(("Container", " ".join(str(container[key]) for key in ("runtime", "image", "name", "id")
                                            if container.get(key))))
    scheduler = mapping(context.get("scheduler"))
    if scheduler:
        found.append(("Scheduler", " ".join(str(value) if name == "name" else f"{name}={value}"
                                            for name, value in scheduler.items())))
    found += [("Tracker", f"{one.get('tracker')} run {one.get('run') or '?'}")
              for one in map(mapping, listed(context.get("trackers")))]
    found += [("Network", _endpoint(one)) for one in map(mapping, listed(context.get("network"))[:50])]
    return [(name, words.line(" ".join(value.split()), 300)) for name, value in found]


def _endpoint(one: Mapping[str, Any]) -> str:
    port = f":{one['port']}" if one.get("port") else ""
    return f"{one.get('direction') or 'spoke to'} {one.get('name') or one.get('address')}{port} ({one.get('protocol')})"


def used(context: Mapping[str, Any]) -> list[Fact]:
    resources = mapping(context.get("resources"))
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
    for one in map(mapping, listed(context.get(key))[:MOST_PACKAGES]):
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
    every = {str(name): str(value) for name, value in mapping(context.get("environment")).items()}
    chosen = settings(every)

    def rows(names: Iterable[str]) -> list[Fact]:
        return [(words.line(name, 120), words.line(every[name], 600)) for name in sorted(names)]

    return rows(chosen), rows(set(every) - set(chosen))


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def listed(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []
