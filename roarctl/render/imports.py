"""What an import took in, for people and for programs."""

from __future__ import annotations

from typing import Any

from lineage.bundle import Content
from lineage.document import head_document
from lineage.v1 import bundle_pb2
from roarctl.render.jobs import job_text
from roarctl.render.text import Palette, count_text, printable
from roarctl.verifying import Check

_MOST_JOBS = 20


def import_document(content: Content, answer: bundle_pb2.ImportResponse | None, signature: Check) -> dict[str, Any]:
    """``imported`` and ``known`` are None for a dry run."""
    return {
        "schema": "roar.import/1", "bundle": content.id.hex(), "about": content.header.about,
        "truncated": content.header.truncated or None, "signature": signature._asdict(),
        "jobs": [head_document(job.head) for job in content.jobs],
        "imported": None if answer is None else [identity.hex() for identity in answer.imported],
        "known": None if answer is None else [identity.hex() for identity in answer.known],
    }


def import_lines(content: Content, answer: bundle_pb2.ImportResponse | None, signature: Check, palette: Palette) -> list[str]:
    heads = sorted((job.head for job in content.jobs), key=lambda head: head.started_at)
    new = None if answer is None else set(answer.imported)
    lines = []
    for head in heads[:_MOST_JOBS]:
        note = "" if new is None or head.id in new else "known already"
        lines.append(f"  {printable(head.user.name)}@{printable(head.host.name)} {job_text(head, palette, note)}")
    if len(heads) > _MOST_JOBS:
        lines.append(palette.dim(f"  … {len(heads) - _MOST_JOBS} more"))
    if content.header.truncated:
        limit = printable(content.header.truncated)
        lines.append(palette.yellow(f"  ! not the whole lineage: the limit of {limit} was reached"))
    if signature.outcome != "held":
        lines.append(palette.yellow(f"  ! {printable(signature.text)}"))
    else:
        lines.append(f"  {printable(signature.text)}")
    kind, _, identity = content.header.about.partition(":")
    if answer is None:
        held = count_text(len(heads), "job")
        lines.append(f"roar: bundle {content.id.hex()[:12]} holds {held}; nothing was taken (--dry-run)")
    else:
        known = f", {len(answer.known)} known already" if answer.known else ""
        lines.append(f"roar: imported {count_text(len(answer.imported), 'job')}{known}")
        if kind in {"artifact", "job"}:
            lines.append(palette.dim(f"  next: roar lineage {kind}:{printable(identity)[:12]}"))
    return lines
