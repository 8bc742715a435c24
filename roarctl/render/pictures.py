"""What the boxes of a session's jobs, of its artifacts, and of one job's steps say in a picture."""

from __future__ import annotations

from collections.abc import Iterable

from lineage import wire
from lineage.document import dag_edges
from lineage.draw.picture import Edge, Look, Node, Picture
from lineage.records import JobHead
from lineage.steps import NOTHING, StepGraph, uses_by_step
from lineage.v1 import lineage_pb2
from roarctl.render.jobs import short_id, step_outcome, step_text
from roarctl.render.steps import Names
from roarctl.render.summary import outcome
from roarctl.render.text import (
    PLAIN,
    command_text,
    count_text,
    duration_text,
    hash_text,
    local_text,
    name_text,
    printable,
    size_text,
)

_MOST_NAMES = 3


def jobs_picture(graph: lineage_pb2.Graph, title: str) -> Picture:
    """A session's jobs; what no other took or made is named in their boxes."""
    edges = dag_edges(graph)
    joined = {(job, artifact) for edge in edges for job in (edge.source, edge.target) for artifact in edge.artifacts}
    ends: dict[int, tuple[list[int], list[int]]] = {}
    for each in graph.edges:
        if (each.job, each.artifact) not in joined:
            ends.setdefault(each.job, ([], []))[each.output].append(each.artifact)
    nodes = []
    for at, job in enumerate(graph.jobs):
        taken, left = (_listed(_names(graph, artifacts)) for artifacts in ends.get(at, ((), ())))
        nodes.append(_job_node(wire.head_from(job), [f"in {taken}"] * bool(taken) + [f"out {left}"] * bool(left)))
    return Picture(title, nodes, [Edge(edge.source, edge.target, _listed(_names(graph, edge.artifacts))) for edge in edges],
                   _note(graph.truncated))


def artifacts_picture(graph: lineage_pb2.Graph, title: str) -> Picture:
    """Jobs and artifacts, each with a box."""
    jobs = len(graph.jobs)
    made = {edge.artifact for edge in graph.edges if edge.output}
    taken = {edge.artifact for edge in graph.edges if not edge.output}
    nodes = [_job_node(wire.head_from(job), ()) for job in graph.jobs]
    for at, artifact in enumerate(graph.artifacts):
        size = size_text(artifact.size) if artifact.HasField("size") else ""
        digest = artifact.hash or None
        look: Look = "root" if at not in made else "" if at in taken else "end"
        files = f"  {count_text(artifact.files, 'file')}" if artifact.files else ""
        facts = {"path": printable(artifact.path), "hash": digest.hex() if digest else "not known", "size": size,
                 "files": str(artifact.files or ""), "role": artifact.role, "": "nobody here made it" if look == "root" else ""}
        nodes.append(Node(digest.hex() if digest else "", "artifact", name_text(artifact.path),
                          (f"{hash_text(digest)}  {size}{files}".strip(),), look, _known(facts)))
    edges = dict.fromkeys(Edge(edge.job, jobs + edge.artifact) if edge.output else Edge(jobs + edge.artifact, edge.job)
                          for edge in graph.edges)
    return Picture(title, nodes, list(edges), _note(graph.truncated))


def steps_picture(head: JobHead, graph: StepGraph, title: str) -> Picture:
    """The programs of one job."""
    names, uses = Names(graph.versions), uses_by_step(graph.versions)
    joined = {(step, version) for edge in graph.edges for step in (edge.source, edge.target) for version in edge.versions}
    nodes = []
    for step in graph.steps:
        used = uses.get(step.index, NOTHING)
        taken, left = (_listed(names.of(at for at in side if (step.index, at) not in joined)) for side in used)
        failed = step_outcome(step, PLAIN)
        took = duration_text((step.ended_at - step.started_at) / 1e9) if step.ended_at is not None else ""
        facts = {"command": command_text(step.argv), "program": printable(step.executable), "process": str(step.pid),
                 "ended": failed or "ok", "took": took}
        lines = [step_text(step), *[f"in {taken}"] * bool(taken), *[f"out {left}"] * bool(left), *[failed] * bool(failed)]
        nodes.append(Node(f"{short_id(head)}[{step.index}]", "step", f"[{step.index}]", lines, "failed" if failed else "",
                          _known(facts)))
    places = {step.index: place for place, step in enumerate(graph.steps)}
    edges = [Edge(places[edge.source], places[edge.target], _listed(names.of(edge.versions))) for edge in graph.edges]
    return Picture(title, nodes, edges, _note(graph.truncated))


def _job_node(head: JobHead, files: Iterable[str]) -> Node:
    ended = outcome(head, PLAIN)
    look: Look = ("running" if head.id is None else "failed" if head.exit_code or head.signal is not None
                  else "" if head.complete else "incomplete")
    took = duration_text((head.ended_at - head.started_at) / 1e9) if head.ended_at is not None else ""
    facts = {
        "command": command_text(head.argv), "ended": ended, "took": took, "began": local_text(head.started_at),
        "in": printable(head.cwd), "by": f"{printable(head.user.name)} on {printable(head.host.name)}",
        "incomplete": "; ".join(printable(reason.message) for reason in head.incomplete_reasons),
        "outputs": count_text(head.counts.get("output/shown", 0), "file"), "id": head.id.hex() if head.id else "",
    }
    state = [] if look == "" else [ended if head.complete or look == "running" else f"{ended}, incomplete"]
    return Node(facts["id"] or head.run.hex(), "job", f"@{head.number} {short_id(head)}",
                [command_text(head.argv), *files, *state], look, _known(facts))


def _names(graph: lineage_pb2.Graph, artifacts: Iterable[int]) -> list[str]:
    return [name_text(path) for path in sorted(graph.artifacts[artifact].path for artifact in artifacts)]


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    return ", ".join(every[:_MOST_NAMES]) + (f" and {len(every) - _MOST_NAMES} more" if len(every) > _MOST_NAMES else "")


def _known(facts: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in facts.items() if value}


def _note(truncated: str) -> str:
    return f"not everything is shown: {printable(truncated)}" if truncated else ""
