"""What people say of recorded things: labels, notes, tags that travel down the lineage, and blocks that stop them.

Annotations stand beside the records, never in them: a job's id does not change by what is said of it.  Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias, get_args

from lineage.errors import InvalidError, NotFoundError
from lineage.records import User

SubjectKind: TypeAlias = Literal["job", "step", "artifact", "session"]
What: TypeAlias = Literal["label", "note", "tag", "block"]
WHATS: tuple[What, ...] = get_args(What)
SUBJECT_KINDS: tuple[SubjectKind, ...] = get_args(SubjectKind)

#: The label that REFs of the form ``name:…`` look for.
NAME = "name"
MAX_KEY, MAX_VALUE, MAX_NOTE = 100, 1000, 20_000  # characters
MAX_ITEMS = 1000  # on one thing, of one author
_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/-]*")


class Subject(NamedTuple):
    """What is annotated.  ``id`` is a job's 16-byte run (which it has from its first moment on), an artifact's hash or a
    session's id; of a step, the run of its job."""

    kind: SubjectKind
    id: bytes
    step: int = 0

    def key(self) -> bytes:
        """Fixed in its length by its first byte."""
        step = self.step.to_bytes(4, "big") if self.kind == "step" else b""
        return _LETTERS[self.kind] + self.id + step

    @classmethod
    def of_key(cls, key: bytes) -> Subject:
        kind = _KINDS[key[:1]]
        size = _SIZES[kind]
        return cls(kind, key[1:1 + size], int.from_bytes(key[1 + size:1 + size + 4], "big") if kind == "step" else 0)


_LETTERS: dict[SubjectKind, bytes] = {"job": b"j", "step": b"p", "artifact": b"a", "session": b"s"}
_KINDS = {letter: kind for kind, letter in _LETTERS.items()}
_SIZES: dict[SubjectKind, int] = {"job": 16, "step": 16, "artifact": 32, "session": 32}


class Item(NamedTuple):
    """One annotation as it stands.  A label has one value, a tag one or more; a note's only value is its text and its key
    its number; a block's is the reason."""

    what: What
    key: str
    values: tuple[str, ...]
    author: User
    at: int  # nanoseconds since the epoch


class Edit(NamedTuple):
    """``values`` empty: take it away.  A note without a key is a new one."""

    what: What
    key: str
    values: tuple[str, ...] = ()


class Change(NamedTuple):
    """A line of the history; ``old`` or ``new`` is empty where there was or is none."""

    what: What
    key: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    author: User
    at: int


@dataclass(frozen=True, slots=True)
class Annotations:
    """All that a caller may know of one thing's annotations."""

    subject: Subject
    items: tuple[Item, ...] = ()
    history: tuple[Change, ...] = ()

    def of(self, what: What) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.what == what)

    def labels(self) -> dict[str, str]:
        """Of several authors' the newest."""
        return {item.key: item.values[0] for item in sorted(self.of("label"), key=lambda item: item.at)}

    @property
    def name(self) -> str:
        return self.labels().get(NAME, "")


def checked(edit: Edit) -> Edit:
    """The edit, or InvalidError that says what is wrong with it."""
    if edit.what not in WHATS:
        raise InvalidError(f"there is no kind of annotation {edit.what!r}", "kinds are " + ", ".join(WHATS))
    longest = MAX_NOTE if edit.what == "note" else MAX_VALUE
    if any(len(value) > longest for value in edit.values):
        raise InvalidError(f"the {edit.what} is too long", f"{longest} characters at most")
    if edit.what == "note":
        if edit.key and not edit.key.isdigit():
            raise InvalidError(f"{edit.key!r} is no note's number", "`roar note REF --list` shows them")
        if any(not value.strip() for value in edit.values) or len(edit.values) > 1:
            raise InvalidError("a note has some text")
        return edit
    check_key(edit.what, edit.key)
    if edit.what == "label" and len(edit.values) > 1:
        raise InvalidError(f"a label has one value, not {len(edit.values)}", f"give {edit.key} once")
    if any("\0" in value for value in edit.values):
        raise InvalidError(f"the value of {edit.key} has a NUL in it")
    return Edit(edit.what, edit.key, tuple(sorted(set(edit.values))))


def check_fits(subject: Subject, edit: Edit) -> None:
    """InvalidError for what cannot be said of such a thing."""
    if edit.what == "block" and subject.kind != "job":
        raise InvalidError(f"a tag is blocked at a job, not at {_ARTICLES[subject.kind]}",
                           "`roar lineage` says which job made a file: roar tag --block @3 KEY --reason …")
    if edit.what == "tag" and subject.kind not in {"job", "artifact"}:
        raise InvalidError(f"tags travel from jobs and files, not from {_ARTICLES[subject.kind]}", "give it a label instead")


_ARTICLES: dict[SubjectKind, str] = {"job": "a job", "step": "a step", "artifact": "a file", "session": "a session"}


def check_key(what: str, key: str) -> None:
    if len(key) > MAX_KEY or not _KEY.fullmatch(key):
        raise InvalidError(f"{key!r} cannot be the key of a {what}",
                           f"letters, digits and _ . : / -, {MAX_KEY} at most, as in license=cc-by")


def apply(items: Sequence[Item], edits: Iterable[Edit], author: User, at: int) -> tuple[list[Item], list[Change]]:
    """What stands afterwards, and what changed.  NotFoundError where something is taken away that is not there."""
    state = {(item.what, item.key): item for item in items}
    changes: list[Change] = []
    notes = max((int(item.key) for item in items if item.what == "note"), default=0)
    for given in edits:
        edit = checked(given)
        if edit.what == "note" and not edit.key:
            notes += 1
            edit = edit._replace(key=str(notes))
        old = state.get((edit.what, edit.key))
        if old is None and not edit.values:
            raise NotFoundError(f"there is no {edit.what} {edit.key}", "look at what is there first")
        before = () if old is None else old.values
        if before == edit.values:
            continue
        changes.append(Change(edit.what, edit.key, before, edit.values, author, at))
        if edit.values:
            state[edit.what, edit.key] = Item(edit.what, edit.key, edit.values, author, at)
        else:
            del state[edit.what, edit.key]
    if len(state) > MAX_ITEMS:
        raise InvalidError(f"these would be {len(state)} annotations", f"{MAX_ITEMS} at most on one thing")
    return list(state.values()), changes


def parsed_label(text: str) -> tuple[str, str | None]:
    """``key=value`` or ``key``, as a filter has it.  InvalidError."""
    key, sign, value = text.partition("=")
    check_key("label", key)
    return key, value if sign else None


def assignments(what: What, words: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Values by key, of words like ``key=value``.  InvalidError for others."""
    found: dict[str, tuple[str, ...]] = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign or not value:
            example = "license=cc-by" if what == "tag" else "team=vision"
            raise InvalidError(f"{word!r} is no {what}", f"give key=value, as in {example}")
        check_key(what, key)
        found[key] = (*found.get(key, ()), value)
    return found


def what_of(name: str) -> What:
    if name not in WHATS:
        raise InvalidError(f"there is no kind of annotation {name!r}", "kinds are " + ", ".join(WHATS))
    return name
