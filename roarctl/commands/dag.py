"""`roar dag`: the jobs of the session as a graph, or the steps of one job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from roarctl.commands.options import NO_JOBS, AsJson, Reference, ShowAll, current_project, emit, emit_json

if TYPE_CHECKING:
    from roarctl.client import Client
    from roarctl.render.text import Palette

HELP = "Draw this session's jobs, or one job's steps, from top to bottom: which took what from which."
EPILOG = """Examples:

\b
  roar dag                       the jobs of this session
  roar dag --steps               the programs that ran inside the last job
  roar dag @3 --steps --all      inside the third job, packages and system files too
  roar dag --json                for programs"""

_MOST_DRAWN = 2_000  # steps


def command(
    reference: Reference = "",
    steps: Annotated[bool, typer.Option("--steps", help="The steps of one job (REF), instead.")] = False,
    everything: ShowAll = False,
    as_json: AsJson = False,
) -> None:
    import sys

    from lineage.errors import InvalidError
    from roarctl.client import connect
    from roarctl.render.text import Palette

    if not steps and (reference or everything):
        raise InvalidError("REF and --all are about the steps of a job", f"roar dag {reference or '@'} --steps")
    palette = Palette.of(sys.stdout)
    with connect() as client:
        lines = (_steps(client, reference or "@", palette, everything, as_json) if steps
                 else _jobs(client, palette, as_json))
    if lines:
        emit("\n".join(lines))


def _jobs(client: Client, palette: Palette, as_json: bool) -> list[str]:
    from lineage.document import dag_document
    from lineage.errors import NotFoundError
    from lineage.v1 import lineage_pb2
    from roarctl import queries
    from roarctl.client import GRAPH_SECONDS
    from roarctl.render.dag import dag_lines

    project = current_project()
    try:
        session = queries.session(client, project=project)
    except NotFoundError:
        session = None  # nothing has run here yet
    graph = lineage_pb2.Graph()
    if session:
        request = lineage_pb2.SessionDagRequest(session=session.id, project=project)
        graph = client.call("Lineage/SessionDag", request, lineage_pb2.Graph, GRAPH_SECONDS)
    if as_json:
        emit_json(dag_document(graph, session))
        return []
    return dag_lines(graph, palette) if graph.jobs else [NO_JOBS]


def _steps(client: Client, reference: str, palette: Palette, everything: bool, as_json: bool) -> list[str]:
    from lineage.document import steps_document
    from lineage.errors import InvalidError
    from lineage.records import SHOWN_ROLES
    from lineage.steps import step_graph
    from roarctl import queries, references
    from roarctl.render.steps import steps_lines

    target = references.resolve(client, reference, current_project())
    if target.kind != "job":
        raise InvalidError(f"{reference} is not a job", "`roar show` names the jobs of a file or a session")
    job = queries.job(client, target.id)
    if as_json:
        emit_json(steps_document(job.head, step_graph(job, roles=None)))
        return []
    graph = step_graph(job, roles=None if everything else SHOWN_ROLES, max_steps=_MOST_DRAWN)
    return steps_lines(job.head, graph, palette)
