"""`roar show REF`: everything about one job, artifact or session."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from roarctl.commands.options import AsJson, Local, Reference, ShowAll, current_project, emit, emit_json

if TYPE_CHECKING:
    from roarctl.client import Client
    from roarctl.references import Target
    from roarctl.render.text import Palette

HELP = "Show a job, one of its steps, a file's content, a directory or a session."
EPILOG = """Examples:

\b
  roar show @                    the last job
  roar show @3 --all             the third job, packages and system files too
  roar show @3/2                 step 2 of it: one program, what it read and wrote
  roar show model.pt             who made the content of this file, who used it
  roar show data/shards          all files of a directory as one: who used or made just them
  roar show artifact:9e41c07d
  roar show @ --json             for programs"""


_KNOWN = 50_000  # files of a directory that are asked for


def command(reference: Reference = "@", everything: ShowAll = False, local: Local = False,
            as_json: AsJson = False) -> None:
    import os
    import sys

    from roarctl import references
    from roarctl.registry.lookups import look
    from roarctl.render.text import Palette

    palette = Palette.of(sys.stdout)
    if os.path.isdir(reference) and not reference.startswith("@"):  # noqa: PTH112 - as the person wrote it
        _directory(reference, palette, as_json)
        return
    shown = {"job": _job, "step": _step, "artifact": _artifact, "session": _session}
    with look(local=local) as client:
        target = references.resolve_step(client, reference, current_project())
        lines = shown[target.kind](client, target, palette, everything, as_json)
    if lines:
        emit("\n".join(lines))


def _directory(reference: str, palette: Palette, as_json: bool) -> None:
    """All its files as one content, wherever the same ones were used or made."""
    import os

    from lineage.v1 import lineage_pb2
    from roarctl.client import GRAPH_SECONDS, connect
    from roarctl.directories import hashed
    from roarctl.render.trees import tree_document, tree_lines

    path = os.path.realpath(os.fsencode(reference))
    tree, files = hashed(path)
    with connect() as client:
        request = lineage_pb2.FindTreeRequest(
            tree=tree, hashes=list(dict.fromkeys(digest for _, digest, _ in files))[:_KNOWN])
        answer = client.call("Lineage/FindTree", request, lineage_pb2.FindTreeResponse, GRAPH_SECONDS)
    if as_json:
        emit_json(tree_document(path, tree, files, answer))
    else:
        emit("\n".join(tree_lines(path, tree, files, answer, palette, asked=len(request.hashes))))


def _job(client: Client, target: Target, palette: Palette, everything: bool, as_json: bool) -> list[str]:
    from roarctl import annotating, queries

    job = queries.job(client, target.id)
    if as_json:
        emit_json(annotating.job_document(client, job))
        return []
    from roarctl.directories import present
    from roarctl.render.annotations import annotation_fields, field_lines, short_text
    from roarctl.render.jobs import job_lines
    from roarctl.settings import hidden_text, load, shown_entries

    own, steps = annotating.of_job(client, job)
    hidden = 0
    if not everything:
        shown, hidden = shown_entries(load(current_project()), job.entries)
        job = replace(job, entries=tuple(shown))
    lines = job_lines(job, palette, everything=everything, said=field_lines(annotation_fields(own)),
                     step_names={index: short_text(one) for index, one in steps.items()}, present=present)
    return lines + ([palette.dim(hidden_text(hidden))] if hidden else [])


def _step(client: Client, target: Target, palette: Palette, everything: bool, as_json: bool) -> list[str]:
    from lineage.document import step_page_document
    from lineage.steps import step_at
    from roarctl import annotating, queries
    from roarctl.render.annotations import annotation_fields, field_lines
    from roarctl.render.jobs import step_lines

    job = queries.job(client, target.id)
    step = step_at(job, target.step or 0)
    if as_json:
        emit_json(step_page_document(job, step.index))
        return []
    _, steps = annotating.of_job(client, job)
    said = field_lines(annotation_fields(steps[step.index])) if step.index in steps else []
    return step_lines(job, step, palette, everything=everything, said=said)


def _artifact(client: Client, target: Target, palette: Palette, _everything: bool, as_json: bool) -> list[str]:
    from lineage.document import artifact_document
    from lineage.v1 import lineage_pb2, records_pb2
    from lineage.whole import annotations_document
    from roarctl import annotating

    request = lineage_pb2.GetArtifactRequest(hash=target.id, limit=0 if as_json else 20)
    artifact = client.call("Lineage/GetArtifact", request, records_pb2.Artifact)
    said = annotating.of_one(client, annotating.subject_of(target))
    if as_json:
        emit_json({**artifact_document(artifact), "changed": target.changed,
                   "annotations": annotations_document(said)})
        return []
    from roarctl.render.annotations import annotation_fields, field_lines
    from roarctl.render.artifacts import artifact_lines

    return artifact_lines(artifact, target, palette, field_lines(annotation_fields(said)))


def _session(client: Client, target: Target, palette: Palette, _everything: bool, as_json: bool) -> list[str]:
    import time

    from lineage.document import session_document
    from lineage.whole import annotations_document
    from roarctl import annotating, queries

    session = queries.session(client, target.id)
    said = annotating.of_one(client, annotating.subject_of(target))
    jobs, _ = queries.log(client, session=target.id, limit=1_000_000 if as_json else 50)
    if as_json:
        emit_json({**session_document(session, jobs), "annotations": annotations_document(said)})
        return []
    from roarctl.render.annotations import annotation_fields, field_lines
    from roarctl.render.jobs import session_lines

    lines = session_lines(session, jobs, time.time(), palette)
    return [lines[0], *field_lines(annotation_fields(said)), *lines[1:]]
