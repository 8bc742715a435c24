"""Labels, tags and notes of a thing, by those whose registrations the viewer may see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glaas.web import words
from lineage.annotations import Annotations, Subject

if TYPE_CHECKING:
    from glaas.web.site import Asked


@dataclass(frozen=True, slots=True)
class Note:
    text: str
    author: str
    when: words.When | None


@dataclass(frozen=True, slots=True)
class Said:
    labels: tuple[tuple[str, str], ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    blocks: tuple[tuple[str, str], ...] = ()
    notes: tuple[Note, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.labels or self.tags or self.blocks or self.notes)

    def label_map(self) -> dict[str, str]:
        return dict(self.labels)

    def tag_map(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for key, value in self.tags:
            found.setdefault(key, []).append(value)
        return found


def readable(annotations: Annotations) -> Said:
    return Said(
        tuple((words.line(key, 100), words.line(value, 200)) for key, value in sorted(annotations.labels().items())),
        tuple((words.line(item.key, 100), words.line(value, 200)) for item in annotations.of("tag") for value in item.values),
        tuple((words.line(item.key, 100), words.line(value, 200)) for item in annotations.of("block") for value in item.values),
        tuple(Note(words.text(item.values[0]), words.line(item.author.name, 60), words.when(item.at))
              for item in annotations.of("note") if item.values))


def said_of(asked: Asked, subject: Subject) -> Said:
    return next(iter(said_of_many(asked, [subject]).values()), Said())


def said_of_many(asked: Asked, subjects: Iterable[Subject]) -> dict[bytes, Said]:
    """By the subject's id."""
    return {one.subject.id: readable(one) for one in asked.said(list(subjects))}
