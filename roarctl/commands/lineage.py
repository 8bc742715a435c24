"""`roar lineage REF`: where something came from, or what was made from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from roarctl.commands.options import AsJson, Local, Reference, ShowAll, current_project, emit, emit_json

if TYPE_CHECKING:
    from lineage.v1 import lineage_pb2
    from roarctl.client import Client

HELP = "Show where a file, artifact or job came from: the jobs that made it, what they took, back to the roots."
EPILOG = """Examples:

\b
  roar lineage model.pt               where did this come from?
  roar lineage data.csv --down        what was made from this?
  roar lineage @3 --depth 2           two jobs back from the third
  roar lineage model.pt --json        the graph, for programs"""

_SAID = 2000  # jobs, and artifacts, whose labels are asked for
_COMMITS = 40  # jobs whose commit is asked for


def command(
    reference: Reference,
    down: Annotated[bool, typer.Option("--down", help="What was made from it, instead.")] = False,
    depth: Annotated[int, typer.Option("--depth", min=0, help="How many jobs away at most; 0: no limit.")] = 0,
    everything: ShowAll = False,
    local: Local = False,
    as_json: AsJson = False,
) -> None:
    import sys

    from lineage.document import graph_document
    from lineage.errors import InvalidError
    from lineage.folding import folded
    from lineage.records import ROLES, SHOWN_ROLES
    from lineage.v1 import lineage_pb2
    from roarctl import references
    from roarctl.client import GRAPH_SECONDS
    from roarctl.context.project import working_directory
    from roarctl.registry.lookups import look
    from roarctl.render.text import Palette
    from roarctl.render.tree import tree_lines
    from roarctl.settings import hidden_text, load, prune

    with look(local=local) as client:
        target = references.resolve(client, reference, current_project())
        request = lineage_pb2.GraphRequest(depth=depth, roles=ROLES if everything or as_json else sorted(SHOWN_ROLES))
        if target.kind == "job":
            request.job = target.id
        elif target.kind == "artifact":
            request.artifact, request.path = target.id, target.path
        else:
            raise InvalidError(f"{reference} is a session", "see the jobs of a session with `roar dag`")
        method = "Lineage/Descendants" if down else "Lineage/Ancestors"
        graph = client.call(method, request, lineage_pb2.Graph, GRAPH_SECONDS)
        commits, said = ({}, {}) if as_json else (_commits(client, graph), _said(client, graph))
    if as_json:
        start = {"kind": target.kind, "id": target.id.hex()}
        emit_json({**graph_document(graph, start, "down" if down else "up"), "changed": target.changed})
        return
    hidden = 0 if everything else prune(load(current_project()), graph, target.id)
    if not everything:
        graph = folded(graph, keep=target.id)
    lines = tree_lines(graph, target, commits, working_directory(), Palette.of(sys.stdout), down=down, said=said)
    if hidden:
        lines.append(hidden_text(hidden))
    emit("\n".join(lines))


def _said(client: Client, graph: lineage_pb2.Graph) -> dict[bytes, str]:
    """By a job's run or an artifact's hash, a word or two that people said of it."""
    from lineage.annotations import Subject
    from roarctl import annotating
    from roarctl.render.annotations import short_text

    subjects = [Subject("job", job.run) for job in graph.jobs[:_SAID]]
    subjects += [Subject("artifact", one.hash) for one in graph.artifacts[:_SAID] if one.hash]
    return {one.subject.id: short_text(one) for one in annotating.listed(client, subjects)}


def _commits(client: Client, graph: lineage_pb2.Graph) -> dict[bytes, str]:
    """By job, the commit that its code was at."""
    from lineage.errors import RoarError
    from lineage.v1 import lineage_pb2, records_pb2

    commits = {}
    for head in graph.jobs[:_COMMITS]:
        try:
            job = client.call("Lineage/GetJob", lineage_pb2.GetJobRequest(id=head.id or head.run), records_pb2.Job)
        except RoarError:
            continue  # seen in the graph, but its whole record is not ours to read
        git = job.context.fields["git"].struct_value.fields if "git" in job.context.fields else {}
        if "commit" in git:
            dirty = "dirty" in git and git["dirty"].bool_value
            commits[head.run] = git["commit"].string_value[:7] + ("+changes" if dirty else "")
    return commits
