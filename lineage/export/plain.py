"""Plain JSON: the lineage with its jobs whole, as ``roar show JOB --json`` has them."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from lineage.document import job_document
from lineage.export.model import ELSEWHERE, Lineage, Use


def document(lineage: Lineage) -> dict[str, Any]:
    """``files`` are versions: each was made by at most one job. ``maker`` is an index into ``jobs``, "elsewhere" for one that
    is not in here, or null for a root. In a job ``takes`` and ``makes`` are indexes into ``files``."""
    return {
        "schema": "roar.export/1", "about": {"kind": lineage.kind, "id": lineage.id.hex(), **_path(lineage.path)},
        "jobs": [{**job_document(node.job), "takes": _indexes(node.inputs), "makes": _indexes(node.outputs)}
                 for node in lineage.nodes],
        "files": [{**_path(file.path), "digest": lineage.digests(file), "size": file.size, "role": file.role,
                   "maker": "elsewhere" if file.maker == ELSEWHERE else file.maker} for file in lineage.files],
        "truncated": lineage.truncated or None,
    }


def _indexes(uses: tuple[Use, ...]) -> list[int]:
    return list(dict.fromkeys(use.file for use in uses))


def _path(path: bytes) -> dict[str, str]:
    try:
        return {"path": path.decode()}
    except UnicodeDecodeError:
        return {"path": path.decode("utf-8", "replace"), "path_b64": b64encode(path).decode()}
