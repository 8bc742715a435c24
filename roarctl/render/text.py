"""What a terminal shows: colours, tables, moments, and the words of ``lineage.text``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

from lineage.text import (
    HASH_DIGITS,
    JOB_DIGITS,
    command_text,
    count_text,
    cut,
    duration_text,
    hash_text,
    name_text,
    ordinal,
    path_text,
    printable,
    program_text,
    size_text,
)

if TYPE_CHECKING:
    from lineage.records import JobHead

__all__ = [
    "HASH_DIGITS", "JOB_DIGITS", "PLAIN", "Palette", "command_text", "count_text", "cut", "duration_text", "hash_text",
    "local_text", "name_text", "number_text", "ordinal", "path_text", "printable", "program_text", "size_text", "table",
    "when_text",
]

_COLOUR = re.compile(r"\x1b\[\d+m")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


class Palette:
    """ANSI colours, or none: they are for terminals, and not where NO_COLOR is set (https://no-color.org)."""

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled

    @classmethod
    def of(cls, stream: TextIO | None) -> Palette:
        return cls(stream is not None and stream.isatty() and not os.environ.get("NO_COLOR")
                   and os.environ.get("TERM") != "dumb")

    def bold(self, text: str) -> str:
        return self._in("1", text)

    def dim(self, text: str) -> str:
        return self._in("2", text)

    def red(self, text: str) -> str:
        return self._in("31", text)

    def green(self, text: str) -> str:
        return self._in("32", text)

    def yellow(self, text: str) -> str:
        return self._in("33", text)

    def _in(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.enabled and text else text


PLAIN = Palette(enabled=False)


def number_text(head: JobHead) -> str:
    """@3; of an imported job gpu1:@3, since @3 alone is a job of here."""
    return f"@{head.number}" if head.imported is None else f"{printable(head.host.name)}:@{head.number}"


def when_text(nanoseconds: int, now: float) -> str:
    """A moment of the past, near ones by their distance."""
    seconds = now - nanoseconds / 1e9
    if seconds < 0:
        return local_text(nanoseconds)
    if seconds < _MINUTE:
        return f"{int(seconds)} s ago"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min ago"
    if seconds < _DAY:
        return f"{int(seconds // _HOUR)} h ago"
    return local_text(nanoseconds)


def local_text(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).astimezone().strftime("%Y-%m-%d %H:%M")


def table(rows: Iterable[Sequence[str]], right: frozenset[int] = frozenset()) -> list[str]:
    """Rows as lines with aligned columns; the columns in ``right`` are numbers."""
    rows = [list(row) for row in rows]
    if not rows:
        return []
    widths = [max(_width(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = []
        for column, cell in enumerate(row):
            room = " " * (widths[column] - _width(cell))
            cells.append(room + cell if column in right else cell + room)
        lines.append("  ".join(cells).rstrip())
    return lines


def _width(text: str) -> int:
    return len(_COLOUR.sub("", text))
