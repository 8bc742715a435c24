"""`roar dag`: the jobs of the session as a graph."""

from __future__ import annotations

from roarctl.commands.options import NO_JOBS, AsJson, current_project, emit, emit_json

HELP = "Draw this session's jobs from top to bottom: which job took what from which."
EPILOG = """Examples:

\b
  roar dag
  roar dag --json"""


def command(as_json: AsJson = False) -> None:
    import sys

    from lineage.document import dag_document
    from lineage.errors import NotFoundError
    from lineage.v1 import lineage_pb2
    from roarctl import queries
    from roarctl.client import GRAPH_SECONDS, connect
    from roarctl.render.dag import dag_lines
    from roarctl.render.text import Palette

    with connect() as client:
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
    elif not graph.jobs:
        emit(NO_JOBS)
    else:
        emit("\n".join(dag_lines(graph, Palette.of(sys.stdout))))
