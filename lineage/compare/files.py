"""Files of two sides, paired by the part that they play: by path, by content, by the parameter that names them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from lineage.compare.model import Category, FileChange
from lineage.records import Entry

#: What a path is called on both sides: relative to the project where it lies in it.
Label: TypeAlias = Callable[[bytes], bytes]


def labels(project: bytes) -> Label:
    base = project.rstrip(b"/") + b"/"

    def label(path: bytes) -> bytes:
        return path[len(base):] if len(base) > 1 and path.startswith(base) else path

    return label


def compare_files(a: Iterable[Entry], b: Iterable[Entry], category: Category, label_a: Label, label_b: Label,
                  named: Mapping[bytes, bytes] | None = None, *, by_shape: bool = False) -> list[FileChange]:
    """Sorted by path; what is equal on both sides is not there.

    Pairs are made by path, then by content (``moved``), then by ``named`` (A's label → B's: what one parameter names on
    both sides), then, ``by_shape``, where each side has just one more file of that name, or of that ending in that directory,
    or of that ending.
    """
    ours, theirs = _by_label(a, label_a), _by_label(b, label_b)
    changes: list[FileChange] = []
    left_a: list[tuple[bytes, Entry]] = []
    left_b: list[tuple[bytes, Entry]] = []
    for path in dict.fromkeys([*ours, *theirs]):
        before, after = _without_equal(ours.get(path, []), theirs.get(path, []))
        if path in ours and path in theirs:
            pairs = min(len(before), len(after))
            changes += [_paired(category, path, *pair) for pair in zip(before, after, strict=False)]
            if pairs:  # one side saw more versions of it
                continue
            before = after = []
        left_a += [(path, entry) for entry in before]
        left_b += [(path, entry) for entry in after]
    left_a, left_b = _moved(category, left_a, left_b, changes)
    left_a, left_b = _named(category, left_a, left_b, named or {}, changes)
    if by_shape:
        left_a, left_b = _shaped(category, left_a, left_b, changes)
    changes += [FileChange(category, path, "removed", entry, None) for path, entry in left_a]
    changes += [FileChange(category, path, "added", None, entry) for path, entry in left_b]
    return sorted(changes, key=lambda change: change.path)


_Left: TypeAlias = list[tuple[bytes, Entry]]


def _by_label(entries: Iterable[Entry], label: Label) -> dict[bytes, list[Entry]]:
    found: dict[bytes, list[Entry]] = {}
    for entry in entries:
        found.setdefault(label(entry.path), []).append(entry)
    return found


def _without_equal(before: Sequence[Entry], after: Sequence[Entry]) -> tuple[list[Entry], list[Entry]]:
    """A file may have been read in several versions: those that both sides read are equal."""
    same = Counter(map(_content, before)) & Counter(map(_content, after))
    return _less(before, same.copy()), _less(after, same)


def _less(entries: Sequence[Entry], same: Counter[object]) -> list[Entry]:
    left = []
    for entry in entries:
        if same[_content(entry)] > 0:
            same[_content(entry)] -= 1
        else:
            left.append(entry)
    return left


def _content(entry: Entry) -> object:
    """Equal for what is known to be equal: of what was not hashed nothing is, but links and what has no content."""
    if entry.hash is not None:
        return entry.hash
    return (entry.target,) if entry.target is not None else object()


def _paired(category: Category, path: bytes, a: Entry, b: Entry) -> FileChange:
    unknown = (a.hash is None or b.hash is None) and (a.target is None) == (b.target is None) and a.target == b.target
    if unknown and a.size is not None and b.size is not None and a.size != b.size:
        unknown = False
    return FileChange(category, path, "unknown" if unknown else "changed", a, b)


def _moved(category: Category, a: _Left, b: _Left, changes: list[FileChange]) -> tuple[_Left, _Left]:
    by_content: dict[bytes, list[tuple[bytes, Entry]]] = {}
    for path, entry in b:
        if entry.hash is not None:
            by_content.setdefault(entry.hash, []).append((path, entry))
    left, taken = [], set()
    for path, entry in a:
        matches = by_content.get(entry.hash, []) if entry.hash is not None else []
        if matches:
            name = path.rpartition(b"/")[2]
            match = next((one for one in matches if one[0].rpartition(b"/")[2] == name), matches[0])
            matches.remove(match)
            taken.add(id(match[1]))
            changes.append(FileChange(category, match[0], "moved", entry, match[1]))
        else:
            left.append((path, entry))
    return left, [(path, entry) for path, entry in b if id(entry) not in taken]


def _named(category: Category, a: _Left, b: _Left, named: Mapping[bytes, bytes],
           changes: list[FileChange]) -> tuple[_Left, _Left]:
    theirs = dict(b)
    left = []
    for path, entry in a:
        other = named.get(path)
        match = theirs.pop(other, None) if other is not None else None
        if match is None or other is None:
            left.append((path, entry))
        else:
            changes.append(_paired(category, other, entry, match))
    kept = {id(entry) for entry in theirs.values()}
    return left, [(path, entry) for path, entry in b if id(entry) in kept or path not in named.values()]


def _shaped(category: Category, a: _Left, b: _Left, changes: list[FileChange]) -> tuple[_Left, _Left]:
    for shape in (_name, _place, _ending):
        count_a, count_b = Counter(shape(path) for path, _ in a), Counter(shape(path) for path, _ in b)
        theirs = {shape(path): (path, entry) for path, entry in b}
        left, taken = [], set()
        for path, entry in a:
            key = shape(path)
            if key[-1] and count_a[key] == count_b[key] == 1:
                other, match = theirs[key]
                taken.add(id(match))
                changes.append(_paired(category, other, entry, match))
            else:
                left.append((path, entry))
        a, b = left, [(path, entry) for path, entry in b if id(entry) not in taken]
    return a, b


def _name(path: bytes) -> tuple[bytes]:
    return (path.rpartition(b"/")[2],)


def _place(path: bytes) -> tuple[bytes, bytes]:
    return path.rpartition(b"/")[0], _ending(path)[0]


def _ending(path: bytes) -> tuple[bytes]:
    name, dot, ending = path.rpartition(b"/")[2].rpartition(b".")
    return (ending if dot and name else b"",)
