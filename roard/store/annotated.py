"""Annotations in the store: what stands, how it came to that, and an index of labels and tags.

They are kept by subject and *space*: the uid whose word it is.  A job's, step's or session's space is its owner's; of an
artifact, which many may see, each author has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lineage import ids
from lineage.annotations import Change, Edit, Item, Subject, apply
from lineage.records import User
from roard.store.environment import Tables
from roard.store.sessions import uid_key
from roard.store.values import U64, Txn, get, put, unseal

_UID = 4
_INDEXED = {"label": b"l", "tag": b"t"}
_VALUE = 200  # bytes of a value that are in the index
MAX_LABELLED = 100_000  # things with one label that are looked through


def annotate(txn: Txn, tables: Tables, subject: Subject, space: int, edits: Iterable[Edit], author: User,
             at: int) -> list[Item]:
    """What stands then, in this space."""
    key = subject.key() + uid_key(space)
    before = _items(get(txn, tables.annotations, key))
    items, changes = apply(before, edits, author, at)
    if not changes:
        return items
    for change in changes:
        _index(txn, tables, key, change)
    if items:
        put(txn, tables.annotations, key, ids.encode([_row(item) for item in items]))
    else:
        txn.delete(key, db=tables.annotations)
    last = _last(txn, tables, key)
    for number, change in enumerate(changes, last + 1):
        put(txn, tables.annotation_history, key + U64.pack(number), ids.encode(
            [change.what, change.key, list(change.old), list(change.new), change.author.uid, change.author.name, change.at]))
    return items


def items_of(txn: Txn, tables: Tables, subject: Subject) -> dict[int, list[Item]]:
    """By space."""
    prefix = subject.key()
    found: dict[int, list[Item]] = {}
    with txn.cursor(tables.annotations) as cursor:
        if cursor.set_range(prefix):
            for key, data in cursor.iternext():
                if not key.startswith(prefix):
                    break
                found[int.from_bytes(key[-_UID:], "big")] = _items(unseal(key, data))
    return found


def history_of(txn: Txn, tables: Tables, subject: Subject, space: int) -> list[Change]:
    """Oldest first."""
    prefix = subject.key() + uid_key(space)
    found: list[Change] = []
    with txn.cursor(tables.annotation_history) as cursor:
        if cursor.set_range(prefix):
            for key, data in cursor.iternext():
                if not key.startswith(prefix):
                    break
                what, name, old, new, uid, user, at = ids.decode(unseal(key, data))
                found.append(Change(what, name, tuple(old), tuple(new), User(uid, user), at))
    return found


def labelled(txn: Txn, tables: Tables, what: str, key: str, value: str | None) -> list[tuple[Subject, int]]:
    """(subject, space) of what has this label, with this value or with any."""
    prefix = _INDEXED[what] + key.encode() + b"\0"
    if value is not None:
        prefix += _short(value)
    found: list[tuple[Subject, int]] = []
    with txn.cursor(tables.labelled) as cursor:
        if cursor.set_range(prefix):
            for row in cursor.iternext(keys=True, values=False):
                if not row.startswith(prefix) or len(found) == MAX_LABELLED:
                    break
                owner = row[row.index(b"\0", row.index(b"\0") + 1) + 1:]
                found.append((Subject.of_key(owner[:-_UID]), int.from_bytes(owner[-_UID:], "big")))
    return found


def forget(txn: Txn, tables: Tables, subjects: Iterable[Subject]) -> None:
    """All that is said of these, with its history."""
    for subject in subjects:
        for space, items in items_of(txn, tables, subject).items():
            owner = subject.key() + uid_key(space)
            for item in items:
                _index(txn, tables, owner, Change(item.what, item.key, item.values, (), item.author, 0))
        for table in (tables.annotations, tables.annotation_history):
            with txn.cursor(table) as cursor:
                while cursor.set_range(subject.key()) and cursor.key().startswith(subject.key()):
                    cursor.delete()


def _index(txn: Txn, tables: Tables, owner: bytes, change: Change) -> None:
    if change.what not in _INDEXED:
        return
    prefix = _INDEXED[change.what] + change.key.encode() + b"\0"
    for value in change.old:
        txn.delete(prefix + _short(value) + owner, db=tables.labelled)
    for value in change.new:
        put(txn, tables.labelled, prefix + _short(value) + owner, b"")


def _short(value: str) -> bytes:
    """Of a long value its hash too, so that two are alike only if the values are; what ends it is in none."""
    data = value.encode()
    return (data if len(data) <= _VALUE else data[:_VALUE] + ids.content_id(data).hex().encode()) + b"\0"


def _last(txn: Txn, tables: Tables, key: bytes) -> int:
    with txn.cursor(tables.annotation_history) as cursor:
        found = cursor.prev() if cursor.set_range(key + b"\xff" * U64.size) else cursor.last()
        return int(U64.unpack(cursor.key()[-U64.size:])[0]) if found and cursor.key().startswith(key) else 0


def _row(item: Item) -> Sequence[object]:
    return [item.what, item.key, list(item.values), item.author.uid, item.author.name, item.at]


def _items(data: bytes | None) -> list[Item]:
    if data is None:
        return []
    return [Item(what, key, tuple(values), User(uid, name), at) for what, key, values, uid, name, at in ids.decode(data)]
