"""Tags that hold, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lineage import wire
from lineage.annotations import Item
from lineage.document import path_document, time_text
from lineage.tags import Hop, Tags, united
from lineage.v1 import lineage_pb2
from roarctl.render.jobs import short_id
from roarctl.render.text import Palette, count_text, local_text, path_text, printable, program_text

RULE = "a tag holds for everything made from what has it; values are united; a block at a job ends it there"


def tags_document(tags: Tags, graph: lineage_pb2.Graph, *, start: Mapping[str, str], changed: bool) -> dict[str, Any]:
    """``why``: the way of each, from what has the tag to what was asked about."""
    return {
        "schema": "roar.tags/1", "start": dict(start), "changed": changed, "values": tags.values(),
        "held": [{"key": one.tag.key, "values": list(one.tag.values), "author": one.tag.author.name,
                  "at": time_text(one.tag.at), "why": [_hop(hop, graph) for hop in one.way]} for one in tags.held],
        "stopped": [{"key": one.block.key, "values": sorted({value for tag in one.tags for value in tag.values}),
                     "reason": one.block.values[0], "author": one.block.author.name, "at": time_text(one.block.at),
                     "job": _hop(Hop(True, one.job), graph)} for one in tags.stopped],
        "truncated": graph.truncated or None, "rule": RULE,
    }


def _hop(hop: Hop, graph: lineage_pb2.Graph) -> dict[str, Any]:
    if not hop.is_job:
        artifact = graph.artifacts[hop.at]
        return {"kind": "artifact", "hash": artifact.hash.hex(), **path_document(artifact.path)}
    head = wire.head_from(graph.jobs[hop.at])
    return {"kind": "job", "id": None if head.id is None else head.id.hex(), "run": head.run.hex(), "number": head.number}


def tags_lines(tags: Tags, graph: lineage_pb2.Graph, base: bytes, palette: Palette, *, why: bool) -> list[str]:
    lines = []
    for (key, value), held in united(tags.held).items():
        origin = _name(held[0].way[:1], graph, base)
        others = f" and {count_text(len(held) - 1, 'other')}" if len(held) > 1 else ""
        own = len(held[0].way) == 1
        lines.append(f"{printable(key)}={printable(value)}" + palette.dim(
            f"  its own ({_said(held[0].tag)}){others}" if own else f"  from {origin}{others}"))
        if why:
            for one in held:
                lines.append(f"  said by {_said(one.tag)}")
                lines += [f"    {'→ ' if at else ''}{_name((hop,), graph, base)}" for at, hop in enumerate(one.way)]
    for stopped in tags.stopped:
        values = ", ".join(sorted({printable(value) for tag in stopped.tags for value in tag.values}))
        lines.append(palette.yellow(f"stopped: {printable(stopped.block.key)}={values}")
                     + f" at {_name((Hop(True, stopped.job),), graph, base)}: {printable(stopped.block.values[0])}"
                     + palette.dim(f" ({_said(stopped.block)})"))
    if not lines:
        lines.append("no tag holds for it")
    if graph.truncated:
        lines.append(palette.yellow(f"! not all that it came from was looked at: {printable(graph.truncated)}"))
    return lines


def _said(item: Item) -> str:
    return f"{printable(item.author.name)}, {local_text(item.at)}"


def _name(way: Sequence[Hop], graph: lineage_pb2.Graph, base: bytes) -> str:
    hop = way[0]
    if not hop.is_job:
        return path_text(graph.artifacts[hop.at].path, base) or graph.artifacts[hop.at].hash.hex()[:8]
    head = wire.head_from(graph.jobs[hop.at])
    return f"@{head.number} {short_id(head)} ({program_text(head.argv)})"
