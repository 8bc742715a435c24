"""Labels, tags and notes of a thing, by those whose registrations the viewer may see."""

from __future__ import annotations

from dataclasses import dataclass

from glaas.server import documents
from glaas.web import words
from lineage.annotations import Annotations, Subject
from lineage.service.view import View


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


def readable(annotations: Annotations) -> Said:
    return Said(
        tuple((words.line(key, 100), words.line(value, 200)) for key, value in sorted(annotations.labels().items())),
        tuple((words.line(item.key, 100), words.line(value, 200)) for item in annotations.of("tag") for value in item.values),
        tuple((words.line(item.key, 100), words.line(value, 200)) for item in annotations.of("block") for value in item.values),
        tuple(Note(words.text(item.values[0]), words.line(item.author.name, 60), words.when(item.at))
              for item in annotations.of("note") if item.values))


def said_of(view: View, subject: Subject) -> Said:
    return readable(documents.said(view, [subject])[0])
