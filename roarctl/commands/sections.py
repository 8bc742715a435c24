"""The list of commands in `roar --help`, by what they are for."""

from __future__ import annotations

from typing import Any

import typer.core


class Sections(typer.core.TyperGroup):
    """typer shows its panels only where it draws with rich; this shows them in plain text too."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002 - click's, unexported
        sections: dict[str, list[tuple[str, str]]] = {}
        width = formatter.width - 6 - max(map(len, self.commands), default=0)
        for name, command in self.commands.items():
            panel = getattr(command, "rich_help_panel", None)
            sections.setdefault(panel or "Commands", []).append((name, _short(command.help or "", width)))
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl(rows)


def _short(text: str, width: int) -> str:
    """The first sentence, or as much of it as has a sense of its own and fits."""
    sentence = " ".join(text.split("\n\n", maxsplit=1)[0].split()).partition(". ")[0].rstrip(".")
    if len(sentence) <= width:
        return sentence
    ends = [sentence.rfind(mark, 0, width) for mark in (": ", ", ", "; ")]
    return sentence[:max(ends)] if max(ends) > 0 else sentence[:width - 1] + "…"
