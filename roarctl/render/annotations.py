"""Labels, notes and tags for people."""

from __future__ import annotations

from collections.abc import Sequence

from lineage.annotations import NAME, Annotations, Item
from roarctl.render.text import cut, local_text, printable

_SHORT = 40
_NOTE = 200


def annotation_fields(annotations: Annotations) -> list[tuple[str, str]]:
    """(title, text) rows of a page about one thing."""
    fields = []
    for title, items in (("labels", annotations.of("label")), ("tags", annotations.of("tag"))):
        if items:
            fields.append((title, ", ".join(map(pair_text, sorted(items, key=lambda item: item.key)))))
    fields += [("blocks", f"{printable(item.key)}: {printable(item.values[0])} ({_said(item)})")
               for item in annotations.of("block")]
    for item in annotations.of("note"):
        lines = printable_lines(item.values[0])
        text = cut(" ".join(lines), _NOTE)
        fields.append(("note" if item is annotations.of("note")[0] else "", f"{text} ({_said(item)})"))
    return fields


def field_lines(fields: Sequence[tuple[str, str]]) -> list[str]:
    return [f"  {name:<9}{value}" for name, value in fields]


def pair_text(item: Item) -> str:
    return f"{printable(item.key)}={' and '.join(map(printable, item.values))}"


def short_text(annotations: Annotations | None) -> str:
    """A word or two for a line that is about something else: the name first."""
    if annotations is None:
        return ""
    labels = annotations.labels()
    words = [printable(labels.pop(NAME))] if NAME in labels else []
    words += [f"{printable(key)}={printable(value)}" for key, value in sorted(labels.items())]
    words += [pair_text(item) for item in sorted(annotations.of("tag"), key=lambda item: item.key)]
    return cut(", ".join(words), _SHORT)


def history_lines(annotations: Annotations) -> list[str]:
    lines = []
    for change in annotations.history:
        old, new = (printable(" and ".join(values)) for values in (change.old, change.new))
        what = f"{change.what} {printable(change.key)}"
        said = f"{what}: {old} → {new}" if old and new else f"{what}: {new}" if new else f"{what} removed (was {old})"
        lines.append(f"{local_text(change.at)}  {printable(change.author.name)}  {said}")
    return lines


def printable_lines(text: str) -> list[str]:
    return [printable(line) for line in text.splitlines() if line.strip()]


def _said(item: Item) -> str:
    return f"{printable(item.author.name)}, {local_text(item.at)}"
