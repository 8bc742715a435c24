"""Many files as one line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from lineage.composite import Group, Member, grouped
from lineage.document import path_document
from lineage.records import SHOWN_ROLES, Entry
from roarctl.render.text import Palette, hash_text, path_text, size_text

#: How many files there are now where a group's are; None where that is not known.
Present: TypeAlias = Callable[[Group[Any]], int | None]


def entry_groups(entries: Iterable[Entry]) -> list[Entry | Group[Entry]]:
    """Those that were used in the same way, and have the same role, as one."""
    return grouped(entries, lambda entry: Member(entry.path, entry.hash, entry.size),
                   lambda entry: (entry.kind, entry.role, entry.access, entry.hash is None, entry.target is not None))


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


def groups_document(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """The sets among a job's data and source: what they are called, and the hash of each (lineage/composite.py)."""
    found = []
    for kind in ("output", "input"):
        shown = [entry for entry in entries if entry.kind == kind and entry.role in SHOWN_ROLES]
        found += [_group_document(one) for one in entry_groups(shown) if isinstance(one, Group)]
    return found


def _group_document(group: Group[Entry]) -> dict[str, Any]:
    digest = group.hash
    return {"kind": group.items[0].kind, "role": group.items[0].role, **path_document(group.path), "files": len(group.items),
            "size": group.size, "tree": None if digest is None else digest.hex(), "whole": group.whole}
