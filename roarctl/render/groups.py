"""Many files as one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from lineage.composite import Group
from lineage.records import Entry
from roarctl.render.text import Palette, hash_text, path_text, size_text

#: How many files there are now where a group's are; None where that is not known.
Present: TypeAlias = Callable[[Group[Any]], int | None]


def group_row(group: Group[Entry], base: bytes, palette: Palette, present: Present | None = None) -> list[str]:
    """path, hash of the set, size, notes: as a row of one entry."""
    entry = group.items[0]
    notes = [files_text(group, present), ", ".join(entry.access)]
    if entry.role != "data":
        notes.insert(0, entry.role)
    if entry.hash is None:
        notes.append("no hash")
    return [path_text(group.path, base), palette.dim(hash_text(group.hash)), size_text(group.size),
            palette.dim("; ".join(notes))]


def files_text(group: Group[Any], present: Present | None = None) -> str:
    count = len(group.members)
    now = present(group) if present is not None else None
    return f"{count} files" + (f" of the {now} there now" if now is not None and now > count else "")
