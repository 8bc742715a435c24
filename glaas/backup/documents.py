"""What `glaas backup` and `glaas restore` say: to people, and with --json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from glaas.backup.form import Summary
from lineage.text import count_text, size_text


def backup_document(kind: str, path: Path, summary: Summary) -> dict[str, Any]:
    """``kind``: backup, checked or restored."""
    return {"schema": "roar.backup/1", "kind": kind, "file": str(path), "size": summary.size,
            "blake3": summary.identity.hex(), "at": summary.header.at, "store_schema": summary.header.schema,
            "rows": summary.rows, "files": sorted(summary.header.files)}


def text(summary: Summary) -> str:
    rows = count_text(sum(summary.rows.values()), "row")
    tables = count_text(sum(count > 0 for count in summary.rows.values()), "table")
    return f"{rows} of {tables}, {size_text(summary.size)}, blake3 {summary.identity.hex()}"
