"""Labels, notes, tags and blocks that came with what was registered: each account's own, beside the records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import cast

import cbor2

from glaas.registry.rows import Place
from glaas.registry.tables import LABELLED, SAID, TAG, TERMS, U64, term_home
from glaas.registry.words import term, words_of
from glaas.store.keyed import Key, Range, Reader, Table, Writer
from lineage.annotations import MAX_ITEMS, MAX_KEY, MAX_NOTE, WHATS, Item, Subject, SubjectKind
from lineage.errors import InvalidError
from lineage.records import User

_LETTERS: dict[SubjectKind, bytes] = {"job": b"j", "step": b"p", "artifact": b"a", "session": b"s"}
_KINDS = {letter: kind for kind, letter in _LETTERS.items()}
_KEY_BYTES = 300  # of a label's key and value together that it is found by
Put = Callable[[Table, Key, bytes], None]


def add_rows(put: Put, place: Place, said: Iterable[tuple[Subject, Sequence[Item]]], jobs: set[bytes], artifacts: set[bytes],
             sessions: set[bytes]) -> None:
    """InvalidError for what is said of something that is not in the bundle, or too much."""
    there = {"job": jobs, "step": jobs, "artifact": artifacts, "session": sessions}
    for subject, items in said:
        if subject.id not in there[subject.kind]:
            raise InvalidError(f"something is said of {subject.kind} {subject.id.hex()[:12]}, which is not in the bundle",
                               "labels, notes and tags travel with what they are about")
        if len(items) > MAX_ITEMS or not all(map(_is_item, items)):
            raise InvalidError(f"what is said of {subject.kind} {subject.id.hex()[:12]} is not in order",
                               f"at most {MAX_ITEMS} labels, notes and tags each")
        if items:
            put(SAID, (subject.id, _rest(subject, place.tag, place.account)), cbor2.dumps([_row(item) for item in items]))
        for table, key in _index(subject, items, place.tag):
            put(table, key, place.account.encode())


def read(reader: Reader, tags: Sequence[bytes], subjects: Sequence[Subject]) -> dict[Subject, dict[str, list[Item]]]:
    """By subject and account."""
    ranges = [Range(subject.id, _rest(subject, tag)) for subject in subjects for tag in tags]
    found: dict[Subject, dict[str, list[Item]]] = {}
    for at, rows in enumerate(reader.scan(SAID, ranges)):
        for rest, value in rows:
            account = rest[1 + TAG + 4:].decode()
            found.setdefault(subjects[at // len(tags)], {})[account] = [_item(row) for row in cbor2.loads(value)]
    return found


def labelled(reader: Reader, tags: Sequence[bytes], what: str, key: str, value: str | None) -> list[Subject]:
    """What has this label or tag, by anybody's word that is in these spaces."""
    prefix = _label(what, key, value)
    found: dict[Subject, None] = {}
    for rows in reader.scan(LABELLED, [Range(tag, prefix, limit=10_000) for tag in tags]):
        for rest, _ in rows:
            tail = rest[-37:]
            found.setdefault(Subject(_KINDS[tail[:1]], tail[1:33], int.from_bytes(tail[33:], "big")))
    return list(found)


def forget(txn: Writer, subject: Subject, tag: bytes, account: str) -> None:
    """What one account said of this in a space."""
    _forget(txn, subject.id, _rest(subject, tag), account)


def forget_job(txn: Writer, job: bytes, tag: bytes, account: str | None = None) -> None:
    """What one account, or all, said in a space of a job and its steps."""
    for letter in (b"j", b"p"):
        _forget(txn, job, letter + tag, account)


def _forget(txn: Writer, identity: bytes, prefix: bytes, account: str | None) -> None:
    for rest, value in txn.scan(SAID, [Range(identity, prefix)])[0]:
        if account is not None and rest[1 + TAG + 4:] != account.encode():
            continue
        subject = Subject(_KINDS[rest[:1]], identity, int.from_bytes(rest[1 + TAG:1 + TAG + 4], "big"))
        txn.delete(SAID, [(identity, rest)])
        for table, key in _index(subject, [_item(row) for row in cbor2.loads(value)], rest[1:1 + TAG]):
            txn.delete(table, [key])


def _rest(subject: Subject, tag: bytes, account: str = "") -> bytes:
    return _LETTERS[subject.kind] + tag + subject.step.to_bytes(4, "big") + account.encode()


def _index(subject: Subject, items: Sequence[Item], tag: bytes) -> Iterator[tuple[Table, Key]]:
    """By labels and tags exactly, and by the words of all."""
    tail = _LETTERS[subject.kind] + subject.id + subject.step.to_bytes(4, "big")
    words: dict[str, None] = {}
    for item in items:
        if item.what in {"label", "tag"}:
            for value in item.values:
                yield LABELLED, (tag, _label(item.what, item.key, value) + tail)
        words.update(dict.fromkeys(words_of(item.key, *item.values)))
    if subject.kind in {"job", "artifact"}:
        for word in words:
            rest = term(word) + b"\0" + U64.pack(max(item.at for item in items)) + b"l" + tail
            yield TERMS, (term_home(tag, term(word)), rest)


def _label(what: str, key: str, value: str | None) -> bytes:
    start = what[:1].encode() + key.encode() + b"\0"
    return start if value is None else start + value.encode()[:_KEY_BYTES] + b"\0"


def _is_item(item: Item) -> bool:
    return (item.what in WHATS and len(item.key) <= MAX_KEY and "\0" not in item.key and len(item.values) <= MAX_ITEMS
            and all(len(value) <= MAX_NOTE and "\0" not in value for value in item.values))


def _row(item: Item) -> list[object]:
    return [item.what, item.key, list(item.values), [item.author.uid, item.author.name], item.at]


def _item(row: object) -> Item:
    what, key, values, author, at = cast("tuple[str, str, list[str], list[object], int]", row)
    uid, name = cast("tuple[int, str]", author)
    return Item(cast("object", what), key, tuple(values), User(uid, name), at)  # type: ignore[arg-type]
