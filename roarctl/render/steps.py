"""One job's steps drawn from top to bottom: the pipeline that really ran."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from lineage.records import JobHead, Step
from lineage.steps import NOTHING, StepGraph, Version, uses_by_step
from roarctl.render.jobs import job_text, step_outcome, step_text
from roarctl.render.lanes import Edge, Node, graph_lines
from roarctl.render.text import Palette, name_text, ordinal


def steps_lines(head: JobHead, graph: StepGraph, palette: Palette) -> list[str]:
    """``head`` is that of the graph's job."""
    if not graph.steps:
        return [job_text(head, palette), "it still runs: its steps are known when it ends" if head.id is None
                else "no step used a data or source file (--all: any file)"]
    names = Names(graph.versions)
    uses = uses_by_step(graph.versions)
    handed_over: set[tuple[int, int]] = set()  # (step, version) of an edge
    for edge in graph.edges:
        handed_over |= {(step, version) for step in (edge.source, edge.target) for version in edge.versions}
    nodes = []
    for step in graph.steps:
        used = uses.get(step.index, NOTHING)
        own = {*used.wrote, *(at for at in used.read if (step.index, at) in handed_over)}
        nodes.append(Node(_name(step), _text(step, palette), names.of(at for at in used.read if at not in own),
                          names.of((at for at in used.wrote if (step.index, at) not in handed_over), ends=True)))
    places = {step.index: place for place, step in enumerate(graph.steps)}
    edges = [Edge(places[edge.source], places[edge.target], names.of(edge.versions)) for edge in graph.edges]
    return [job_text(head, palette), *graph_lines(nodes, edges, palette, graph.truncated)]


class Names:
    """What people call a version: the file's name, and which version where the job made several."""

    def __init__(self, versions: list[Version]) -> None:
        self._versions = versions
        self._made = Counter(version.path for version in versions if version.number)

    def of(self, versions: Iterable[int], *, ends: bool = False) -> tuple[str, ...]:
        """``ends``: nobody took them, so what stayed comes first, and it is said what did not."""
        chosen = sorted((self._versions[at] for at in versions),
                        key=lambda version: (ends and version.kind != "output", version.path, version.number))
        return tuple(dict.fromkeys(self._name(version, ends) for version in chosen))

    def _name(self, version: Version, end: bool) -> str:
        if version.kind == "pipe":
            return name_text(version.path) if version.path.startswith(b"/") else "pipe"
        notes = [f"{ordinal(version.number)} version"] if version.number and self._made[version.path] > 1 else []
        if end and version.kind in {"scratch", "removed"}:
            notes.append("gone" if version.kind == "scratch" else "removed")
        return name_text(version.path) + (f" ({', '.join(notes)})" if notes else "")


def _name(step: Step) -> str:
    return f"[{step.index}]"


def _text(step: Step, palette: Palette) -> str:
    outcome = step_outcome(step, palette)
    return f"{palette.yellow(_name(step))} {step_text(step)}" + (f"  {outcome}" if outcome else "")
