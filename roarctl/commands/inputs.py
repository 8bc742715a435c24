"""`roar inputs REF`: what something was made from, in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from roarctl.commands.options import AsJson, Local, NoPager, Reference, ShowAll, current_project, emit_json

if TYPE_CHECKING:
    from lineage.v1 import lineage_pb2
    from roarctl.client import Client
    from roarctl.references import Target
    from roarctl.roots import Input

HELP = """Show the files at the beginning of a lineage.

They are those that no recorded job made. Each is looked for on disk, as you: whether it is still there as recorded,
or somewhere else where it was seen."""
EPILOG = """Examples:

\b
  roar inputs model.pt             data and source at the beginning of its lineage
  roar inputs model.pt --direct    what the job that made it took, whoever made that
  roar inputs @3 --all             packages and system files too
  roar inputs model.pt --json"""


def command(
    reference: Reference = "@",
    direct: Annotated[bool, typer.Option("--direct", help="Of the one job only, with who made them.")] = False,
    everything: ShowAll = False,
    local: Local = False,
    no_pager: NoPager = False,
    as_json: AsJson = False,
) -> None:
    import sys

    from roarctl import references
    from roarctl.context.project import working_directory
    from roarctl.pager import page
    from roarctl.registry.lookups import look
    from roarctl.render.inputs import inputs_document, inputs_lines
    from roarctl.render.text import Palette
    from roarctl.settings import hidden_text, load
    from roarctl.whereabouts import Whereabouts

    with look(local=local) as client:
        target = references.resolve(client, reference, current_project())
        inputs, truncated = _inputs(client, target, reference, direct=direct, everything=everything)
        whereabouts = Whereabouts(client)
        found = [(one, whereabouts.of(one.hash, one.path, one.size)) for one in inputs]
    if as_json:
        emit_json(inputs_document(found, start={"kind": target.kind, "id": target.id.hex()}, direct=direct,
                                  changed=target.changed, truncated=truncated))
        return
    settings = load(current_project())
    shown = found if everything else [pair for pair in found if not settings.hides(pair[0].path)]
    lines = inputs_lines(shown, working_directory(), Palette.of(sys.stdout), direct=direct, truncated=truncated,
                         changed=target.path if target.changed else b"", everything=everything)
    if len(shown) < len(found):
        lines.append(hidden_text(len(found) - len(shown)))
    page("\n".join(lines), wanted=not no_pager)


def _inputs(client: Client, target: Target, reference: str, *, direct: bool,
            everything: bool) -> tuple[list[Input], str]:
    """(inputs, the limit that ended the walk)."""
    from lineage.errors import InvalidError, NotFoundError
    from roarctl.roots import asked_job, direct_inputs, roots

    if target.kind == "session":
        raise InvalidError(f"{reference} is a session", "name a job or a file: `roar log` lists the jobs")
    graph = _ancestors(client, target, depth=0 if not direct else 1 if target.kind == "job" else 2, everything=everything)
    if not direct:
        return roots(graph), graph.truncated
    job = asked_job(graph, target.kind, target.id)
    if job is None:
        raise NotFoundError(f"no recorded job made {reference}", "it is a root: `roar show` says who used it")
    return direct_inputs(graph, job), ""


def _ancestors(client: Client, target: Target, *, depth: int, everything: bool) -> lineage_pb2.Graph:
    from lineage.records import ROLES, SHOWN_ROLES
    from lineage.v1 import lineage_pb2
    from roarctl.client import GRAPH_SECONDS

    request = lineage_pb2.GraphRequest(depth=depth, roles=ROLES if everything else sorted(SHOWN_ROLES))
    if target.kind == "job":
        request.job = target.id
    else:
        request.artifact, request.path = target.id, target.path
    return client.call("Lineage/Ancestors", request, lineage_pb2.Graph, GRAPH_SECONDS)
