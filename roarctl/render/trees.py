"""A directory as one content."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lineage import wire
from lineage.document import head_document, path_document
from lineage.v1 import lineage_pb2
from roarctl.render.jobs import short_id
from roarctl.render.text import Palette, command_text, count_text, local_text, printable, size_text, table

_COMMAND_WIDTH = 50


def tree_document(path: bytes, tree: bytes, files: Sequence[tuple[bytes, bytes, int]],
                  answer: lineage_pb2.FindTreeResponse) -> dict[str, Any]:
    return {
        "schema": "roar.directory/1", "kind": "directory", **path_document(path), "tree": tree.hex(), "files": len(files),
        "size": sum(size for _, _, size in files), "known": answer.known, "made": answer.made,
        "uses": [{"job": head_document(wire.head_from(use.job)), "kind": use.kind, **path_document(use.path),
                  "files": use.files} for use in answer.uses],
        "truncated": answer.truncated,
    }


def tree_lines(path: bytes, tree: bytes, files: Sequence[tuple[bytes, bytes, int]], answer: lineage_pb2.FindTreeResponse,
               palette: Palette, *, asked: int) -> list[str]:
    lines = [f"directory {printable(path)} · {count_text(len(files), 'file')} · {size_text(sum(size for *_, size in files))}",
             f"  tree     {palette.bold(tree.hex())}",
             f"  known    {answer.known} of {count_text(asked, 'content')}, {answer.made} of them made by recorded jobs"]
    for title, kind in (("just these files made by", "output"), ("just these files used by", "input")):
        rows = []
        for use in answer.uses:
            if use.kind == kind:
                head = wire.head_from(use.job)
                rows.append([f"@{head.number}", palette.yellow(short_id(head)), local_text(head.started_at),
                             command_text(head.argv, _COMMAND_WIDTH), printable(use.path)])
        lines += [title, *(f"  {line}" for line in table(rows))] if rows else []
    if answer.truncated:
        lines.append(palette.dim("  … and more"))
    if not answer.uses:
        lines.append("no recorded job used or made just these files")
        return lines
    newest = wire.head_from(answer.uses[0].job)
    return [*lines, palette.dim(f"next: roar show job:{newest.id.hex()[:12] if newest.id else newest.run.hex()}")]
