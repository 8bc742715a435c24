"""Files of a job as rows: sets of many as one, what is private without a name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from glaas.web import words
from lineage.composite import Group, Member, grouped
from lineage.records import PRIVATE_PATH, Entry

#: Where a file's source stands on the web; empty: that is not known.
Code: TypeAlias = Callable[[Entry], str]
MOST_ROWS = 200
MOST_MEMBERS = 100


@dataclass(frozen=True, slots=True)
class FileRow:
    """``url`` is empty where the content is not known, or not for the viewer's eyes.  ``members``: of a set, its files."""

    path: str
    name: str
    url: str
    hash: str
    short: str
    size: str
    role: str
    access: str
    package: str
    reason: str
    private: bool = False
    files: int = 0
    members: tuple[FileRow, ...] = ()
    hidden: int = 0  # members that are not listed
    code: str = ""  # where this content stands in a repository on the web


def is_private(entry: Entry) -> bool:
    """What the registry shows in place of an entry whose maker the viewer may not know of."""
    return entry.path == PRIVATE_PATH


def file_row(entry: Entry, base: bytes = b"", code: Code | None = None) -> FileRow:
    digest = entry.hash.hex() if entry.hash is not None else ""
    private = is_private(entry)
    return FileRow(
        path=words.path(entry.path, base), name=words.name(entry.path), url=f"/artifact/{digest}" if digest else "",
        hash=digest, short=digest[:10], size=words.size(entry.size), role=entry.role, access=", ".join(entry.access),
        package=words.line(entry.package, 80), reason="" if private else words.line(entry.hash_reason, 120), private=private,
        code=code(entry) if code is not None and not private else "")


def file_rows(entries: Iterable[Entry], base: bytes = b"", code: Code | None = None) -> tuple[list[FileRow], int]:
    """(rows, how many more there are).  Sets of shards and the like are one row (lineage/composite.py).  ``code``: where
    sources stand on the web."""
    found = grouped(list(entries), lambda entry: Member(entry.path, entry.hash, entry.size),
                    lambda entry: (entry.kind, entry.role, entry.access, entry.hash is None, is_private(entry)))
    rows = [_set_row(one, base) if isinstance(one, Group) else file_row(one, base, code) for one in found[:MOST_ROWS]]
    return rows, max(len(found) - MOST_ROWS, 0)


def _set_row(group: Group[Entry], base: bytes) -> FileRow:
    first = group.items[0]
    members = tuple(file_row(entry, base) for entry in group.items[:MOST_MEMBERS])
    digest = group.hash
    return FileRow(
        path=words.path(group.path, base), name=words.name(group.path), url="", hash="",
        short=digest.hex()[:10] if digest is not None else "", size=words.size(group.size), role=first.role,
        access=", ".join(first.access), package="", reason="", files=len(group.items), members=members,
        hidden=len(group.items) - len(members))
