"""A plan to make again what jobs made, from their records alone: nothing is looked at here but the records."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lineage.errors import InvalidError, NotFoundError
from lineage.records import BUILD, SHOWN_ROLES, Entry, Job, JobHead, Role
from lineage.reproduce.environments import Environment, editable_of, environments, system_packages
from lineage.reproduce.order import Maker, makers, ordered

_COMMIT = re.compile(r"[0-9a-f]{4,64}")
#: What a step needs besides its packages and the system: settings that git does not track count.
NEEDED_ROLES: frozenset[Role] = frozenset({*SHOWN_ROLES, "config"})


@dataclass(frozen=True, slots=True)
class Project:
    """A directory with sources and data, most often a git work tree; ``name`` is that of its copy."""

    root: bytes
    name: str
    remote: str | None
    submodules: bool


@dataclass(frozen=True, slots=True)
class Code:
    """A state of a git work tree. ``truncated``: the patch was too long to be recorded whole."""

    commit: str
    patch: str
    truncated: bool


@dataclass(frozen=True, slots=True)
class Needed:
    """A file that a step takes. ``maker``: the number of the step that makes it, at ``maker_path``; None: it must be there.
    ``project``: the index of the project that it lies in, None: outside."""

    path: bytes
    hash: bytes | None
    size: int | None
    role: Role
    project: int | None
    maker: int | None = None
    maker_path: bytes = b""


@dataclass(frozen=True, slots=True)
class Made:
    """A file that a step left behind; ``target``: the text of a symbolic link."""

    path: bytes
    hash: bytes | None
    hash_reason: str
    size: int | None
    target: bytes | None
    project: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """One job to run again. ``number`` is its place in the whole plan, from 1. ``directories`` are those in which it wrote."""

    number: int
    head: JobHead
    project: int
    code: Code | None
    environment: int | None
    variables: Mapping[str, str]
    inputs: tuple[Needed, ...]
    outputs: tuple[Made, ...]
    directories: tuple[bytes, ...]

    @property
    def build(self) -> bool:
        return self.head.kind == BUILD

    @property
    def outside(self) -> list[Made]:
        """What it wrote where it cannot be redirected."""
        return [made for made in self.outputs if made.project is None]


@dataclass(frozen=True, slots=True)
class Plan:
    steps: tuple[Step, ...]
    projects: tuple[Project, ...]
    environments: tuple[Environment, ...]
    system_packages: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def roots(self) -> list[Needed]:
        """What must be there before the steps, each once."""
        found = {(one.path, one.hash): one for step in self.steps for one in step.inputs if one.maker is None}
        return list(found.values())

    def where(self, needed: Needed) -> Step:
        """The first step that takes it."""
        key = (needed.path, needed.hash)
        return next(step for step in self.steps if any((one.path, one.hash) == key for one in step.inputs))


def make_plan(jobs: Iterable[Job], warnings: Sequence[str] = ()) -> Plan:
    """``jobs``: finished ones, each once, with their inputs and outputs of NEEDED_ROLES (and of role package, where there
    are builds). NotFoundError where there are none."""
    jobs = sorted(jobs, key=lambda job: (job.head.started_at, job.head.number))
    if not jobs:
        raise NotFoundError("no recorded job made this: there is nothing to run again", "`roar show` says where it was seen")
    taken = makers(jobs)
    order = ordered(jobs, taken)
    numbers = {at: number for number, at in enumerate(order, 1)}
    projects, own = _projects(jobs)
    venvs = _prefixes(jobs)
    envs, chosen = environments(jobs)
    steps = []
    for at in order:
        job = jobs[at]
        steps.append(Step(
            number=numbers[at], head=job.head, project=own[at], code=_code(job), environment=chosen[at],
            variables={str(name): str(value) for name, value in (job.context.get("environment") or {}).items()},
            inputs=_inputs(job, projects, taken[at], numbers, venvs), outputs=_outputs(job, projects, venvs),
            directories=_directories(job, projects, venvs)))
    return Plan(tuple(steps), tuple(projects), tuple(envs), tuple(system_packages(jobs)),
                (*warnings, *_warnings([jobs[at] for at in order], numbers, order)))


def select(plan: Plan, numbers: Iterable[int]) -> Plan:
    """Only these steps; what the others made must then be there."""
    wanted = set(numbers)
    unknown = wanted - {step.number for step in plan.steps}
    if unknown:
        raise InvalidError(f"the plan has no step {min(unknown)}", f"it has {len(plan.steps)}: see it without --run")
    steps = tuple(replace(step, inputs=tuple(
        one if one.maker is None or one.maker in wanted else replace(one, maker=None, maker_path=b"")
        for one in step.inputs)) for step in plan.steps if step.number in wanted)
    return replace(plan, steps=steps)


def project_of(path: bytes, projects: Sequence[Project]) -> int | None:
    """The innermost project that the path lies in."""
    inside = [at for at, project in enumerate(projects)
              if path == project.root or path.startswith(project.root.rstrip(b"/") + b"/")]
    return max(inside, key=lambda at: len(projects[at].root), default=None)


def _projects(jobs: Sequence[Job]) -> tuple[list[Project], list[int]]:
    """(projects, by job the index of its own)"""
    found: dict[bytes, Project] = {}
    own: list[bytes] = []
    names: set[str] = set()
    for job in jobs:
        git = _git(job)
        root = job.head.project or job.head.cwd
        own.append(root)
        known = found.get(root)
        if known is None:
            name = base = os.path.basename(root).decode("utf-8", "replace") or "project"
            for again in range(2, len(jobs) + 2):
                if name not in names:
                    break
                name = f"{base}-{again}"
            names.add(name)
            found[root] = Project(root, name, _remote(git), bool(git.get("submodules")))
        elif git:
            found[root] = replace(known, remote=_remote(git) or known.remote,
                                  submodules=known.submodules or bool(git.get("submodules")))
    order = list(found)
    return list(found.values()), [order.index(root) for root in own]


def _git(job: Job) -> Mapping[str, Any]:
    git = job.context.get("git")
    return git if isinstance(git, Mapping) else {}


def _text(git: Mapping[str, Any], key: str) -> str | None:
    value = git.get(key)
    return value if isinstance(value, str) and value else None


def _remote(git: Mapping[str, Any]) -> str | None:
    """What looks like an option is no address."""
    remote = _text(git, "remote")
    return None if remote is None or remote.startswith("-") else remote


def _code(job: Job) -> Code | None:
    git = _git(job)
    commit = _text(git, "commit") or ""
    # Records come from elsewhere too: what is no commit's name goes to no git and into no script.
    return Code(commit, _text(git, "diff") or "", bool(git.get("diff_truncated"))) if _COMMIT.fullmatch(commit) else None


def _prefixes(jobs: Sequence[Job]) -> tuple[bytes, ...]:
    """Of the virtual environments that were used, with a slash."""
    found = {str(python["prefix"]).encode() for job in jobs
             if isinstance(python := job.context.get("python"), Mapping) and python.get("prefix")
             and python.get("prefix") != python.get("base_prefix")}
    return tuple(prefix.rstrip(b"/") + b"/" for prefix in found)


def _is_needed(entry: Entry, venvs: Sequence[bytes]) -> bool:
    """Not what belongs to git itself or to a virtual environment, which are made anew."""
    return (entry.role in NEEDED_ROLES and b"/.git/" not in entry.path and not entry.path.endswith(b"/pyvenv.cfg")
            and not any(entry.path.startswith(prefix) for prefix in venvs))


def _inputs(job: Job, projects: Sequence[Project], taken: Mapping[tuple[bytes, bytes | None], Maker],
            numbers: Mapping[int, int], venvs: Sequence[bytes]) -> tuple[Needed, ...]:
    found: dict[tuple[bytes, bytes | None], Needed] = {}
    for entry in job.of_kind("input"):
        if not _is_needed(entry, venvs):
            continue
        project = project_of(entry.path, projects)
        if entry.role == "config" and project is None:  # of the person or the machine, not of the work
            continue
        maker = taken.get((entry.path, entry.hash))
        found.setdefault((entry.path, entry.hash), Needed(
            entry.path, entry.hash, entry.size, entry.role, project,
            numbers[maker.job] if maker else None, maker.path if maker else b""))
    return tuple(found.values())


def _outputs(job: Job, projects: Sequence[Project], venvs: Sequence[bytes]) -> tuple[Made, ...]:
    return tuple(Made(entry.path, entry.hash, entry.hash_reason, entry.size, entry.target, project_of(entry.path, projects))
                 for entry in job.of_kind("output") if entry.role in SHOWN_ROLES and _is_needed(entry, venvs))


def _directories(job: Job, projects: Sequence[Project], venvs: Sequence[bytes]) -> tuple[bytes, ...]:
    """In the projects: a step may count on a directory that nobody recorded the making of."""
    wrote = [entry.path for kind in ("output", "scratch") for entry in job.entries
             if entry.kind == kind and _is_needed(entry, venvs)]
    found = {os.path.dirname(path) for path in wrote} | {job.head.cwd}
    return tuple(sorted(path for path in found if project_of(path, projects) is not None))


def _warnings(jobs: Sequence[Job], numbers: Mapping[int, int], order: Sequence[int]) -> list[str]:
    found = []
    for at, job in zip(order, jobs, strict=True):
        number = numbers[at]
        if not job.head.complete:
            why = "; ".join(reason.message for reason in job.head.incomplete_reasons)
            found.append(f"the record of step {number} is incomplete, so there may be more that it needs: {why}")
        code = _git(job)
        if code and _text(code, "commit") is None and code.get("error"):
            found.append(f"step {number}: git could not tell the state of the sources then: {code['error']}")
        if job.head.exit_code:
            found.append(f"step {number} ended with exit code {job.head.exit_code} when it was recorded")
        if job.head.signal is not None:
            found.append(f"step {number} was ended by signal {job.head.signal} when it was recorded")
    editable = {name: directory for job in jobs if job.head.kind != BUILD for name, directory in editable_of(job)}
    found += [f"{name} was installed editable, from {directory}: it is not installed, unless a `roar build` step does"
              for name, directory in sorted(editable.items())]
    return found
