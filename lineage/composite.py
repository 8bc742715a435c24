"""Many files as one: the Merkle hash of a directory or of a set of shards, and which entries belong together.  Pure.

The hash of a set of files, ``roar.tree/1``: a directory is the BLAKE3-256 of the deterministic CBOR (RFC 8949 section 4.2.1)
of ``["roar.tree/1", [[name, kind, hash], …]]``, one row for each name in it, sorted by name as bytes; kind 0 is a file with
the BLAKE3-256 of its content, kind 1 a directory below with the hash that this rule gives it.  Names are bytes, directories
without files are not there, neither are times, owners or modes.  Of a job's files it is the hash of those that the job
used, relative to the directory they have in common: alike wherever that directory lies.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from lineage.ids import content_id, encode
from lineage.records import SHOWN_ROLES, Entry

T = TypeVar("T")

TREE_SCHEMA = "roar.tree/1"
MIN_SHARDS = 10  # files whose names differ in a number, that are one set
MIN_FILES = 50  # files of one directory, or of many, whose names say nothing
MIN_DIRECTORIES = 10  # directories side by side that are one set with what is in them
MAX_INDEXED = 200_000  # files of a job that are looked at for sets to find again
MAX_DIRECTORIES = 30  # likewise directories …
LEVELS = 3  # … from that of a group on upwards
_DIGITS = re.compile(rb"\d+")
# Paths of strangers: directories deeper than this stand for themselves, and so do those after this many bytes of prefixes.
_MOST_LEVELS = 256
_MOST_PREFIXES = 64 << 20


class Member(NamedTuple):
    path: bytes
    hash: bytes | None
    size: int | None


@dataclass(frozen=True, slots=True)
class Group(Generic[T]):
    """Files that belong together.  ``directory`` ends in a slash; ``pattern`` is what they are called in it:
    ``shard-{000..999}.tar``, ``*.png``, or ``**`` for whatever is below.  ``whole``: no number between the first and the
    last is missing."""

    directory: bytes
    pattern: bytes
    items: tuple[T, ...]
    members: tuple[Member, ...]
    whole: bool = False

    @property
    def path(self) -> bytes:
        return self.directory + self.pattern

    @property
    def size(self) -> int | None:
        """Of all, where each is known."""
        sizes = [member.size for member in self.members]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    @property
    def hash(self) -> bytes | None:
        """Of the set, where each is known; by the rule above."""
        at = len(self.directory)
        files = [(member.path[at:], member.hash) for member in self.members if member.hash is not None]
        return tree_hash(files) if len(files) == len(self.members) else None


def tree_hash(files: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Of (relative path, hash) pairs; of two for one path the last counts."""
    root: dict[bytes, Any] = {}
    for path, digest in files:
        *parents, name = path.split(b"/")
        here = root
        for parent in parents:
            below = here.get(parent + b"/")
            if below is None:
                below = here[parent + b"/"] = {}
            here = below
        here[name] = digest
    return _directory_hash(root)


def _directory_hash(root: dict[bytes, Any]) -> bytes:
    """Children before parents, without recursion: paths may be deep."""
    order: list[dict[bytes, Any]] = []
    stack = [root]
    while stack:
        here = stack.pop()
        order.append(here)
        stack += [below for below in here.values() if isinstance(below, dict)]
    hashes: dict[int, bytes] = {}
    for here in reversed(order):
        rows = [[name.rstrip(b"/"), 1, hashes[id(one)]] if isinstance(one, dict) else [name, 0, one]
                for name, one in here.items()]
        rows.sort(key=lambda row: (row[0], row[1]))
        hashes[id(here)] = content_id(encode([TREE_SCHEMA, rows]))
    return hashes[id(root)]


def grouped(items: Iterable[T], member: Callable[[T], Member],
            alike: Callable[[T], Hashable] = lambda _: None) -> list[T | Group[T]]:
    """The items, with those that belong together as one; only such as are ``alike`` do.  In the order in which the first of
    each came."""
    all_items = list(items)
    if len(all_items) < MIN_SHARDS:
        return [*all_items]
    by_kind: dict[Hashable, list[int]] = {}
    members = [member(item) for item in all_items]
    for at, item in enumerate(all_items):
        by_kind.setdefault(alike(item), []).append(at)
    first: dict[int, T | Group[T]] = {}
    for places in by_kind.values():
        for directory, pattern, chosen, whole in _sets(places, members):
            if pattern:
                ordered = sorted(chosen)
                first[ordered[0]] = Group(directory, pattern, tuple(all_items[at] for at in ordered),
                                          tuple(members[at] for at in ordered), whole)
            else:
                first.update((at, all_items[at]) for at in chosen)
    return [first[at] for at in sorted(first)]


class _Set(NamedTuple):
    directory: bytes
    pattern: bytes  # empty: these stand each for itself
    places: list[int]
    whole: bool


def _sets(places: Sequence[int], members: Sequence[Member]) -> Iterator[_Set]:
    by_directory: dict[bytes, list[int]] = {}
    for at in places:
        path = members[at].path
        by_directory.setdefault(path[:path.rfind(b"/") + 1], []).append(at)
    for merged, inside in _merged({directory: len(some) for directory, some in by_directory.items()}):
        chosen = [at for directory in inside for at in by_directory[directory]]
        if merged:
            yield _Set(merged, b"**", chosen, False)
        else:
            yield from _in_directory(inside[0], chosen, members)


def _merged(counts: dict[bytes, int]) -> list[tuple[bytes, list[bytes]]]:
    """(directory, those below it that are one set with it), or (nothing, [a directory for itself]).  The highest directory
    with enough directories in it counts."""
    totals: dict[bytes, int] = {}
    children: dict[bytes, set[bytes]] = {}
    room = _MOST_PREFIXES
    for directory, count in counts.items():
        here = directory
        totals[here] = totals.get(here, 0) + count
        while len(here) > 1 and room > 0 and directory.count(b"/") <= _MOST_LEVELS:
            parent = _parent(here)
            room -= len(parent)
            children.setdefault(parent, set()).add(here)
            totals[parent] = totals.get(parent, 0) + count
            here = parent
    tops = {one for one, below in children.items() if len(below) >= MIN_DIRECTORIES and totals[one] >= MIN_FILES}
    merged: dict[bytes, list[bytes]] = {}
    alone: list[tuple[bytes, list[bytes]]] = []
    for directory in counts:
        above, here = b"", directory if directory.count(b"/") <= _MOST_LEVELS else b""
        while here:
            above = here if here in tops else above
            here = _parent(here) if len(here) > 1 else b""
        if above:
            merged.setdefault(above, []).append(directory)
        else:
            alone.append((b"", [directory]))
    return [*merged.items(), *alone]


def _parent(directory: bytes) -> bytes:
    return directory[:directory.rfind(b"/", 0, -1) + 1]


def _in_directory(directory: bytes, places: list[int], members: Sequence[Member]) -> Iterator[_Set]:
    """Shards by their names; the rest by its ending, or each for itself."""
    by_form: dict[bytes, list[int]] = {}
    for at in places:
        by_form.setdefault(_DIGITS.sub(b"\0", members[at].path[len(directory):]), []).append(at)
    rest: list[int] = []
    for form, some in by_form.items():
        if len(some) >= MIN_SHARDS and b"\0" in form:
            pattern, whole = _numbered([members[at].path[len(directory):] for at in some])
            yield _Set(directory, pattern, some, whole)
        else:
            rest += some
    endings: dict[bytes, list[int]] = {}
    for at in rest:
        name = members[at].path[len(directory):]
        endings.setdefault(name[name.rfind(b"."):] if b"." in name[1:] else b"", []).append(at)
    for ending, some in endings.items():
        yield _Set(directory, b"*" + ending if len(some) >= MIN_FILES else b"", some, False)


def _numbered(names: Sequence[bytes]) -> tuple[bytes, bool]:
    """What names of one form have in common: ``a-{00..17}.tar`` where one number differs, ``*`` for those where more do; is
    each number between there?"""
    numbers = [_DIGITS.findall(name) for name in names]
    between = _DIGITS.split(names[0])
    varying = [at for at in range(len(numbers[0])) if len({row[at] for row in numbers}) > 1]
    parts = [between[0]]
    whole = False
    for at, after in enumerate(between[1:]):
        if at not in varying:
            parts += [numbers[0][at], after]
            continue
        if len(varying) > 1:
            parts += [b"*", after]
            continue
        ordered = sorted({row[at] for row in numbers}, key=lambda one: (int(one), one))
        low, high = ordered[0], ordered[-1]
        whole = int(high) - int(low) + 1 == len(ordered) == len(names)
        parts += [b"{" + low + b".." + high + b"}", after]
    return b"".join(parts), whole


class FileSet(NamedTuple):
    """A set of a job's files of one kind that is worth finding again: a group, or all of the kind below a directory that
    holds one.  ``path`` is that of the group (``/data/s-{00..17}.tar``), or the directory with a slash."""

    hash: bytes
    kind: str
    path: bytes
    files: int


def file_sets(entries: Iterable[Entry]) -> list[FileSet]:
    """Of a job's inputs and of its outputs, of the roles that people are shown.  None where there are too many."""
    found: dict[tuple[bytes, str], FileSet] = {}  # a directory that holds nothing else than a group is that group
    for kind in ("input", "output"):
        members = [Member(entry.path, entry.hash, entry.size) for entry in entries
                   if entry.kind == kind and entry.role in SHOWN_ROLES and entry.hash is not None]
        if not MIN_SHARDS <= len(members) <= MAX_INDEXED:
            continue
        groups = [one for one in grouped(members, lambda member: member) if isinstance(one, Group)]
        for group in groups:
            digest = group.hash
            if digest is not None:
                found[digest, kind] = FileSet(digest, kind, group.path, len(group.members))
        for directory in sorted({above for group in groups for above in _above(group.directory)})[:MAX_DIRECTORIES]:
            files = [(member.path[len(directory):], member.hash) for member in members
                     if member.hash is not None and member.path.startswith(directory)]
            digest = tree_hash(files)
            found.setdefault((digest, kind), FileSet(digest, kind, directory, len(files)))
    return list(found.values())


def _above(directory: bytes) -> Iterator[bytes]:
    """Itself, and the next directories up."""
    for _ in range(LEVELS):
        if len(directory) <= 1:
            return
        yield directory
        directory = _parent(directory)
