"""`roar dag`: jobs as a graph, with or without their artifacts, or the steps of one job; as text, SVG or a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from roarctl.commands.options import NO_JOBS, AsJson, Local, Reference, ShowAll, current_project, emit, write_text

if TYPE_CHECKING:
    from lineage.draw.picture import Picture
    from lineage.records import Session
    from lineage.v1 import lineage_pb2
    from roarctl.client import Client

HELP = "Draw jobs as a graph, or one job's steps: which took what from which."
EPILOG = """Examples:

\b
  roar dag                       the jobs of this session
  roar dag model.pt              the jobs that this file came from
  roar dag --artifacts           files too, not jobs alone
  roar dag --steps               the programs that ran inside the last job
  roar dag @3 --steps --all      inside the third job, packages and system files too
  roar dag --html -o dag.html    one page that needs nothing else; --svg: a picture
  roar dag --json                for programs

REF is a session, or a file or job whose lineage is drawn; with --steps a job. Of 30 jobs and more, those that differ in
the values of their arguments alone share a line (--all: each has its own)."""

_MOST_DRAWN = 2_000  # steps


class _Wanted(NamedTuple):
    reference: str
    artifacts: bool
    everything: bool
    form: str  # text, json, svg or html


def command(
    reference: Reference = "",
    steps: Annotated[bool, typer.Option("--steps", help="The steps of one job (REF), instead.")] = False,
    artifacts: Annotated[bool, typer.Option("--artifacts", help="Files as nodes of their own.")] = False,
    svg: Annotated[bool, typer.Option("--svg", help="A picture.")] = False,
    html: Annotated[bool, typer.Option("--html", help="One page: to move, to search, with the facts of each node.")] = False,
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="There instead of stdout.")] = "",
    everything: ShowAll = False,
    local: Local = False,
    as_json: AsJson = False,
) -> None:
    import sys

    from lineage.errors import InvalidError
    from roarctl.registry.lookups import look

    if as_json + svg + html > 1:
        raise InvalidError("--json, --svg and --html are different things", "give one of them")
    if steps and artifacts:
        raise InvalidError("--artifacts is about jobs, --steps about one job's programs", "give one of them")
    if (svg or html) and not output and sys.stdout.isatty():
        form = "svg" if svg else "html"
        raise InvalidError("a terminal cannot show that", f"roar dag --{form} -o dag.{form}")
    wanted = _Wanted(reference, artifacts, everything, "json" if as_json else "svg" if svg else "html" if html else "text")
    with look(local=local) as client:
        text = _steps(client, wanted) if steps else _jobs(client, wanted)
    if output:
        write_text(output, text + "\n")
    else:
        emit(text)


def _jobs(client: Client, wanted: _Wanted) -> str:
    import json
    import sys

    from lineage.document import dag_document
    from lineage.folding import folded
    from roarctl.context.project import working_directory
    from roarctl.render.dag import artifact_lines, dag_lines
    from roarctl.render.pictures import artifacts_picture, jobs_picture
    from roarctl.render.text import Palette

    graph, session, title = _graph(client, wanted)
    if wanted.form == "json":
        return json.dumps(dag_document(graph, session), indent=2, ensure_ascii=False)
    if not wanted.everything:
        graph = folded(graph)
    if wanted.form != "text":
        return _drawn((artifacts_picture if wanted.artifacts else jobs_picture)(graph, title), wanted.form)
    if not graph.jobs:
        return NO_JOBS
    palette = Palette.of(sys.stdout)
    return "\n".join(artifact_lines(graph, palette, working_directory()) if wanted.artifacts
                     else dag_lines(graph, palette, fold=not wanted.everything))


def _graph(client: Client, wanted: _Wanted) -> tuple[lineage_pb2.Graph, Session | None, str]:
    """(the graph, its session, what it is called)."""
    from lineage.errors import NotFoundError
    from lineage.v1 import lineage_pb2
    from roarctl import queries, references
    from roarctl.client import GRAPH_SECONDS
    from roarctl.render.text import JOB_DIGITS, path_text, printable

    project = current_project()
    target = references.resolve(client, wanted.reference, project) if wanted.reference else None
    if target is not None and target.kind != "session":
        request = lineage_pb2.GraphRequest(job=target.id) if target.kind == "job" else lineage_pb2.GraphRequest(
            artifact=target.id, path=target.path)
        graph = client.call("Lineage/Ancestors", request, lineage_pb2.Graph, GRAPH_SECONDS)
        name = path_text(target.path) if target.path else wanted.reference
        return graph, None, f"Lineage of {name}"
    try:
        session = queries.session(client, target.id) if target else queries.session(client, project=project)
    except NotFoundError:
        return lineage_pb2.Graph(), None, f"Jobs of {printable(project)}"  # nothing has run here yet
    graph = client.call("Lineage/SessionDag", lineage_pb2.SessionDagRequest(session=session.id, project=session.project),
                        lineage_pb2.Graph, GRAPH_SECONDS)
    return graph, session, f"Session {session.id.hex()[:JOB_DIGITS]} of {printable(session.project)}"


def _steps(client: Client, wanted: _Wanted) -> str:
    import json
    import sys

    from lineage.document import steps_document
    from lineage.errors import InvalidError
    from lineage.records import SHOWN_ROLES
    from lineage.steps import step_graph
    from roarctl import queries, references
    from roarctl.render.jobs import short_id
    from roarctl.render.pictures import steps_picture
    from roarctl.render.steps import steps_lines
    from roarctl.render.text import Palette

    reference = wanted.reference or "@"
    target = references.resolve(client, reference, current_project())
    if target.kind != "job":
        raise InvalidError(f"{reference} is not a job", "`roar show` names the jobs of a file or a session")
    job = queries.job(client, target.id)
    if wanted.form == "json":
        return json.dumps(steps_document(job.head, step_graph(job, roles=None)), indent=2, ensure_ascii=False)
    graph = step_graph(job, roles=None if wanted.everything else SHOWN_ROLES, max_steps=_MOST_DRAWN)
    if wanted.form != "text":
        title = f"Steps of @{job.head.number} {short_id(job.head)}"
        return _drawn(steps_picture(job.head, graph, title), wanted.form)
    return "\n".join(steps_lines(job.head, graph, Palette.of(sys.stdout)))


def _drawn(picture: Picture, form: str) -> str:
    from lineage.draw.page import page
    from lineage.draw.svg import svg

    return (svg if form == "svg" else page)(picture).rstrip("\n")
