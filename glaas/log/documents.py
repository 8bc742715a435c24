"""What `glaas log` shows, for programs and for people."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lineage.document import time_text
from lineage.text import count_text
from lineage.transparency import KeyChange, TreeHead, verifier_key

if TYPE_CHECKING:
    from glaas.log.checking import Report

Document = dict[str, Any]


def head_document(head: TreeHead, changes: Sequence[KeyChange]) -> Document:
    return {"schema": "glaas.log-head/1", "origin": head.origin, "size": head.size, "root": b64encode(head.root).decode(),
            "at": time_text(head.at), "key": verifier_key(head.origin, head.key), "note": head.note(),
            "changes": [change.note() for change in changes]}


def check_document(report: Report) -> Document:
    return {"schema": "glaas.log-check/1", "origin": report.origin or None, "size": report.size,
            "root": b64encode(report.root).decode(), "openings": report.openings, "key_changes": report.changes,
            "whole": not report.problems, "problems": report.problems}


def check_lines(report: Report) -> list[str]:
    if not report.origin:
        return ["nothing was ever registered: the log is empty", *(f"  ! {problem}" for problem in report.problems)]
    entries = count_text(report.size, "entry", "entries")
    lines = [f"{report.origin}: {entries}, of which {report.openings} can be opened; the key changed {report.changes} times",
             f"  root {b64encode(report.root).decode()}", *(f"  ! {problem}" for problem in report.problems)]
    return [*lines, "it does not hold: restore the registry from a backup" if report.problems else
            "all of it follows from its entries"]
