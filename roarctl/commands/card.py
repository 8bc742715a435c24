"""`roar card REF`: where a model came from, as Markdown to put beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from roarctl.commands.options import Local, Reference, current_project, emit

if TYPE_CHECKING:
    from lineage.card import Subject
    from lineage.v1 import lineage_pb2
    from roarctl.client import Client
    from roarctl.references import Target

HELP = "Write a Markdown page about where a file came from, to put beside a model."
EPILOG = """Examples:

\b
  roar card model.pt > MODEL.md
  roar card artifact:9e41c07d"""

_CONTEXTS = 100  # jobs whose commit is asked for


def command(
    reference: Reference,
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="There instead of stdout.")] = "",
    local: Local = False,
) -> None:
    from lineage.card import card
    from lineage.errors import InvalidError
    from lineage.v1 import lineage_pb2
    from roarctl import references
    from roarctl.client import GRAPH_SECONDS
    from roarctl.commands.options import write_text
    from roarctl.registry.lookups import look

    project = current_project()
    with look(local=local) as client:
        target = references.resolve(client, reference, project)
        if target.kind != "artifact":
            raise InvalidError(f"{reference} is not a file", "name one that a job left: `roar show @` lists them")
        graph = client.call("Lineage/Ancestors", lineage_pb2.GraphRequest(artifact=target.id, path=target.path),
                            lineage_pb2.Graph, GRAPH_SECONDS)
        contexts = _contexts(client, graph)
        text = card(_subject(client, target, graph, contexts, project), graph, contexts)
    if output:
        write_text(output, text)
    else:
        emit(text.rstrip("\n"))


def _subject(client: Client, target: Target, graph: lineage_pb2.Graph, contexts: dict[bytes, dict[str, object]],
             project: bytes) -> Subject:
    from lineage import wire
    from lineage.card import Subject
    from lineage.v1 import lineage_pb2, records_pb2

    artifact = client.call("Lineage/GetArtifact", lineage_pb2.GetArtifactRequest(hash=target.id, limit=1),
                           records_pb2.Artifact)
    mine = {at for at, one in enumerate(graph.artifacts) if one.hash == target.id}
    maker = next((wire.head_from(graph.jobs[edge.job]) for edge in graph.edges if edge.output and edge.artifact in mine), None)
    sighting = next(iter((*artifact.producers, *artifact.consumers)), None)
    context = contexts.get(maker.run, {}) if maker is not None else {}
    return Subject(target.path or (sighting.entry.path if sighting else b""), target.id,
                   artifact.size if artifact.HasField("size") else None, project, context, maker)


def _contexts(client: Client, graph: lineage_pb2.Graph) -> dict[bytes, dict[str, object]]:
    """By run. What is not ours to read is left out."""
    from lineage import wire
    from lineage.errors import RoarError
    from lineage.v1 import lineage_pb2, records_pb2

    contexts = {}
    for head in graph.jobs[:_CONTEXTS]:
        try:
            job = client.call("Lineage/GetJob", lineage_pb2.GetJobRequest(id=head.id or head.run), records_pb2.Job)
        except RoarError:
            continue
        contexts[head.run] = wire.struct_from(job.context)
    return contexts
