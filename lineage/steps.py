"""One job's steps as a graph, from its record alone: which step took what from which.

Files are told apart by version: what was there between writes.  ``Entry.history`` has who used a file in the order of
time, and is read so:

- Version 0 is what was there before the job.  The first write begins version 1.
- A further write goes on with the current version if no step has read that, or the writing step alone has used it; else it
  begins the next.  So a version of several writers (a log) is whole before anyone takes it.
- A read takes the current version, and with it what each of its writers wrote.
- A write that begins the next version of a file that the job never truncated takes the version before, which is still in
  it: it was appended to, changed in place, or moved.
- A pipe has one version, and all who wrote it feed all who read it.

No step feeds itself.  Steps that run at once can take from each other, so there can be cycles.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from lineage.errors import NotFoundError
from lineage.records import SHOWN_ROLES, Entry, EntryKind, Job, Role, Step

MAX_EDGES = 100_000  # a pipe between a thousand programs would make a million
_WRITTEN: tuple[EntryKind, ...] = ("scratch", "removed", "pipe", "output")  # as they follow at one path: what stays, last


@dataclass(slots=True)
class Version:
    """A file between two writes.  ``number`` counts the versions of its path in the job, from 1; 0 was there before it.

    ``kind`` is that of the entry, but ``scratch`` for what was overwritten in the job.  ``hash`` is known of what was
    there before (if an input has it) and of what is there after the job.  ``writers`` and ``readers`` are steps' indexes.
    """

    path: bytes
    number: int
    kind: EntryKind
    role: Role
    hash: bytes | None = None
    size: int | None = None
    writers: set[int] = field(default_factory=set)
    readers: set[int] = field(default_factory=set)


class Uses(NamedTuple):
    """What one step used: indexes into versions."""

    read: list[int]
    wrote: list[int]


NOTHING = Uses([], [])


class StepEdge(NamedTuple):
    """Step ``target`` took what step ``source`` wrote: both by ``Step.index``, ``versions`` indexes into the graph's."""

    source: int
    target: int
    versions: tuple[int, ...]


@dataclass(slots=True)
class StepGraph:
    """``steps`` in the order in which they began, ``edges`` in that of their sources, then targets, each pair once."""

    steps: list[Step] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)
    edges: list[StepEdge] = field(default_factory=list)
    truncated: str = ""


def step_graph(job: Job, *, roles: Iterable[Role] | None = SHOWN_ROLES, max_steps: int = 0,
               max_edges: int = MAX_EDGES) -> StepGraph:
    """The steps that used a file of ``roles``, and those that they are joined with by what was only handed over: pipes,
    and temporary files that are gone.  What a step alone made and removed is not there.  ``roles`` None: all files, and
    all steps.

    ``max_steps`` 0: no limit; else the first are there, and ``truncated`` is "nodes".  ``max_edges`` counts an edge once for
    each of its versions: a version that would make more is on none, and ``truncated`` is "edges".
    """
    versions = job_versions(job)
    if roles is not None:
        versions = _shown(versions, frozenset(roles))
    uses = uses_by_step(versions)
    steps = [step for step in job.steps if roles is None or step.index in uses]
    truncated = ""
    if max_steps and len(steps) > max_steps:
        steps, truncated = steps[:max_steps], "nodes"
        kept = {at for step in steps for used in uses.get(step.index, NOTHING) for at in used}
        versions = [versions[at] for at in sorted(kept)]
    graph = StepGraph(steps, versions, [], truncated)
    _join(graph, max_edges)
    return graph


def job_versions(job: Job) -> list[Version]:
    """All that the job's steps read or wrote (but devices), version by version."""
    versions: list[Version] = []
    at_path: dict[bytes, Version] = {}
    of_file: dict[tuple[int | None, int], Version] = {}
    for entry in job.of_kind("input"):
        version = Version(entry.path, 0, "input", entry.role, entry.hash, entry.size, readers=set(entry.steps))
        versions.append(version)
        at_path.setdefault(entry.path, version)
        if entry.inode is not None:
            of_file.setdefault((entry.device, entry.inode), version)
    numbers: Counter[bytes] = Counter()
    for entry in (entry for kind in _WRITTEN for entry in job.of_kind(kind)):
        before, *written = _replayed(entry)
        if before.readers:
            # The file may have had another name when it was read.
            known = None if entry.inode is None else of_file.get((entry.device, entry.inode))
            known = known or at_path.get(entry.path)
            if known is None:
                known = at_path[entry.path] = before
                versions.append(before)
            known.readers |= before.readers
        for version in written:
            numbers[entry.path] += 1
            version.number = numbers[entry.path]  # several files may have had this name, one after the other
        if written:
            written[-1].kind, written[-1].hash, written[-1].size = entry.kind, entry.hash, entry.size
        versions += written
    return versions


def step_at(job: Job, index: int) -> Step:
    """NotFoundError where the job has no such step."""
    found = next((step for step in job.steps if step.index == index), None)
    if found is None:
        raise NotFoundError(f"job @{job.head.number} has no step {index}",
                            f"it has {len(job.steps)}: `roar show @{job.head.number}` lists them")
    return found


def uses_by_step(versions: Sequence[Version]) -> dict[int, Uses]:
    """By a step's index; steps that used nothing are not there."""
    uses: dict[int, Uses] = {}
    for at, version in enumerate(versions):
        for step in version.readers:
            uses.setdefault(step, Uses([], [])).read.append(at)
        for step in version.writers:
            uses.setdefault(step, Uses([], [])).wrote.append(at)
    return uses


def _replayed(entry: Entry) -> list[Version]:
    """By their numbers, the versions of what the job wrote."""
    first, history = Version(entry.path, 0, "input", entry.role), entry.history or [2 * step + 1 for step in entry.steps]
    if entry.kind == "pipe":
        return [first, Version(entry.path, 1, "pipe", entry.role, writers={use >> 1 for use in history if use & 1},
                               readers={use >> 1 for use in history if not use & 1})]
    versions = [first]
    for use in history:
        step, wrote, current = use >> 1, use & 1, versions[-1]
        if not wrote:
            current.readers.add(step)
        elif len(versions) > 1 and (not current.readers or current.readers | current.writers == {step}):
            current.writers.add(step)
        else:
            if len(versions) > 1 and "truncate" not in entry.access:
                current.readers.add(step)
            versions.append(Version(entry.path, len(versions), "scratch", entry.role, writers={step}))
    return versions


def _shown(versions: Sequence[Version], roles: frozenset[Role]) -> list[Version]:
    """Those of ``roles``, and from step to step what they are joined with.  (Of caches, which stay, it cannot be said
    whether they are there to be handed over.)"""
    shown: set[int] = set()
    joins: dict[int, list[int]] = {}  # by step
    for at, version in enumerate(versions):
        users = version.writers | version.readers
        handed_over = version.writers and version.readers and len(users) > 1
        if version.role in roles and (handed_over or version.kind != "scratch"):
            shown.add(at)
        elif handed_over and (version.kind == "pipe" or (version.kind == "scratch" and version.role == "temporary")):
            for step in users:
                joins.setdefault(step, []).append(at)
    stack = [step for at in shown for step in versions[at].writers | versions[at].readers]
    while stack:
        for at in joins.pop(stack.pop(), ()):
            if at not in shown:
                shown.add(at)
                stack += versions[at].writers | versions[at].readers
    return [versions[at] for at in sorted(shown)]


def _join(graph: StepGraph, max_edges: int) -> None:
    steps = {step.index for step in graph.steps}
    between: dict[tuple[int, int], list[int]] = {}
    size = 0
    for at, version in enumerate(graph.versions):
        writers, readers = version.writers & steps, version.readers & steps
        pairs = len(writers) * len(readers) - len(writers & readers)
        if size + pairs > max_edges:
            graph.truncated = graph.truncated or "edges"
            continue
        size += pairs
        for source in writers:
            for target in readers - {source}:
                between.setdefault((source, target), []).append(at)
    graph.edges = [StepEdge(*pair, tuple(between[pair])) for pair in sorted(between)]
