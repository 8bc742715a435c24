"""Many files that are one thing: a directory of images, a set of shards. One name and one hash for all of them.

The hash is a Merkle tree's over the files of a directory: that of a file is the BLAKE3 of its content, that of a directory

    BLAKE3("roar directory 1\\n", then for each name in it, in the order of the names' bytes:
           "f" or "d", the name's length as 4 bytes (big-endian), the name, the 32 bytes of its hash)

so that two people who have the same files have the same hash, wherever they keep them, and a part that is the same has the
same hash too. Of a job's files it covers those that the job used, no others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from blake3 import blake3

_DOMAIN = b"roar directory 1\n"
_DIGITS = re.compile(rb"\d+")
_Tree: TypeAlias = "dict[bytes, _Tree | bytes]"

#: As many files of one pattern, or in one directory, are shown as one.
PATTERN_FILES = 8
DIRECTORY_FILES = 20


class Member(NamedTuple):
    path: bytes
    hash: bytes | None
    size: int | None


@dataclass(frozen=True, slots=True)
class Composite:
    """``name``: a pattern of names (``data/shard-{00000..00039}.pt``, ``data/*.png``) or a directory (``data/``).

    ``hash`` is that of the directory ``root`` as far as it is in ``members``; None where a content is not known. ``places``
    are the members' places in what was grouped.
    """

    name: bytes
    root: bytes
    places: tuple[int, ...]
    hash: bytes | None
    size: int | None


def directory_hash(files: Iterable[tuple[bytes, bytes]]) -> bytes:
    """``files``: (path relative to the directory, BLAKE3 of the content), no path twice. ValueError for a path that is no
    relative one, or that is a file and a directory at once."""
    tree: _Tree = {}
    for path, digest in files:
        *directories, name = path.split(b"/")
        here = tree
        for part in directories:
            below = here.setdefault(part, {})
            if not isinstance(below, dict):
                raise ValueError(f"{path!r} is below a file")  # noqa: TRY004 - a value, not a type
            here = below
        if not name or not all(part not in {b"", b".", b".."} for part in directories) or name in here:
            raise ValueError(f"{path!r} is not the path of one more file")
        here[name] = digest
    return _hashed(tree)


def _hashed(tree: Mapping[bytes, object]) -> bytes:
    hasher = blake3(_DOMAIN)
    for name in sorted(tree):
        node = tree[name]
        digest = _hashed(node) if isinstance(node, dict) else node
        hasher.update((b"d" if isinstance(node, dict) else b"f") + len(name).to_bytes(4, "big") + name)
        hasher.update(digest)  # type: ignore[arg-type]
    return hasher.digest()


def composites(members: Sequence[Member]) -> list[Composite]:
    """The groups in which ``members`` are shown, each of them in at most one. Paths are absolute, or all relative to one
    place; no path may come twice."""
    groups: list[Composite] = []
    left: dict[bytes, list[int]] = {}  # by directory
    for at, member in enumerate(members):
        left.setdefault(member.path.rpartition(b"/")[0], []).append(at)
    for directory, places in _crowded(left).items():
        groups.append(_composite(members, directory + b"/", directory, places))
        for at in places:
            left.pop(members[at].path.rpartition(b"/")[0], None)
    for directory, places in left.items():
        groups += _patterns(members, directory, places)
    return sorted(groups, key=lambda group: group.places[0])


def _crowded(left: Mapping[bytes, Sequence[int]]) -> dict[bytes, list[int]]:
    """Directories with so many subdirectories that each of these is a part of it, with all that is below: a class of
    images each, a day each."""
    children: dict[bytes, list[bytes]] = {}
    for directory in left:
        parent = directory.rpartition(b"/")[0]
        if parent != directory:
            children.setdefault(parent, []).append(directory)
    crowded: dict[bytes, list[int]] = {}
    for parent, below in sorted(children.items(), key=lambda item: item[0].count(b"/")):
        if len(below) < PATTERN_FILES or any(parent == one or parent.startswith(one + b"/") for one in crowded):
            continue
        inside = [directory for directory in left if directory == parent or directory.startswith(parent + b"/")]
        places = sorted(place for directory in inside for place in left[directory])
        if parent and len(places) >= DIRECTORY_FILES and not any(directory == parent for directory in inside):
            crowded[parent] = places
    return crowded


def _patterns(members: Sequence[Member], directory: bytes, places: Sequence[int]) -> list[Composite]:
    """Of the files of one directory: names that differ in their numbers, then all of a kind."""
    by_shape: dict[bytes, list[int]] = {}
    for at in places:
        by_shape.setdefault(_DIGITS.sub(b"\0", _name(members[at].path)), []).append(at)
    groups, rest = [], []
    for shape, alike in by_shape.items():
        if shape.count(b"\0") and len(alike) >= PATTERN_FILES:
            groups.append(_composite(members, _joined(directory, _pattern([_name(members[at].path) for at in alike])),
                                     directory, alike))
        else:
            rest += alike
    by_suffix: dict[bytes, list[int]] = {}
    for at in sorted(rest):
        _, dot, suffix = _name(members[at].path).rpartition(b".")
        by_suffix.setdefault(suffix if dot else b"", []).append(at)
    for suffix, alike in by_suffix.items():
        if len(alike) >= DIRECTORY_FILES:
            name = _joined(directory, b"*." + suffix if suffix else b"*")
            groups.append(_composite(members, name, directory, alike))
    return groups


def _pattern(names: Sequence[bytes]) -> bytes:
    """``shard-{00000..00039}.pt``: what differs is in braces, from the least to the greatest; a number that is the same in
    all is itself."""
    texts = _DIGITS.split(names[0])
    columns = list(zip(*(_DIGITS.findall(name) for name in names), strict=True))
    made = texts[0]
    for column, text in zip(columns, texts[1:], strict=True):
        low, high = min(column, key=lambda digits: (int(digits), digits)), max(column, key=lambda digits: (int(digits), digits))
        made += (low if low == high else b"{" + low + b".." + high + b"}") + text
    return made


def _composite(members: Sequence[Member], name: bytes, root: bytes, places: Iterable[int]) -> Composite:
    chosen = tuple(sorted(places))
    files, sizes = [], []
    for at in chosen:
        member = members[at]
        relative = member.path[len(root) + 1:] if root or member.path.startswith(b"/") else member.path
        files.append((relative, member.hash))
        sizes.append(member.size)
    known = [(path, digest) for path, digest in files if digest is not None]
    return Composite(name, root, chosen, directory_hash(known) if len(known) == len(files) else None,
                     sum(size for size in sizes if size is not None) if None not in sizes else None)


def _name(path: bytes) -> bytes:
    return path.rpartition(b"/")[2]


def _joined(directory: bytes, name: bytes) -> bytes:
    return directory + b"/" + name if directory else name
