"""An artifact for people: what it is, who made it, who used it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lineage import wire
from lineage.v1 import records_pb2
from roarctl.references import Target
from roarctl.render.jobs import short_id
from roarctl.render.text import Palette, command_text, local_text, number_text, printable, size_text, table

_COMMAND_WIDTH = 50


def artifact_lines(artifact: records_pb2.Artifact, target: Target, palette: Palette,
                   said: Sequence[str] = ()) -> list[str]:
    """``said``: lines on what people say of it."""
    size = size_text(artifact.size) if artifact.HasField("size") else "size unknown"
    lines = []
    if target.changed:
        lines.append(palette.yellow(f"! the present content of {printable(target.path)} is not recorded; "
                                    "this is the newest that is"))
    lines += [f"artifact {palette.bold(artifact.hash.hex())} · {size}", *said,
              *_sightings("made by", artifact.producers, palette), *_sightings("used by", artifact.consumers, palette)]
    if artifact.truncated:
        lines.append(palette.dim("  … and more: --json lists them"))
    if not artifact.producers:
        lines.append("no recorded job made it: it is a root")
    return [*lines, palette.dim(f"next: roar lineage artifact:{artifact.hash.hex()[:12]}")]


def _sightings(title: str, sightings: Iterable[records_pb2.Sighting], palette: Palette) -> list[str]:
    rows = []
    for sighting in sightings:
        head = wire.head_from(sighting.job)
        rows.append([number_text(head), palette.yellow(short_id(head)), local_text(head.started_at),
                     command_text(head.argv, _COMMAND_WIDTH), printable(sighting.entry.path)])
    return [title, *(f"  {line}" for line in table(rows))] if rows else []
