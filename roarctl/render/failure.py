"""What a job that failed said on its standard error, as it would have been left on a screen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from roarctl.render.text import Palette, cut, printable, size_text

_MOST_LINES = 20
_WIDTH = 200
#: ECMA-48: control sequences, strings (titles, links) up to their end, and what else begins with an escape.
_SEQUENCES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]?|[\]PX^_].*?(?:\x07|\x1b\\|$)|[ -/]*[0-~]?)|\x9b[0-?]*[ -/]*[@-~]?",
                        re.DOTALL)


def plain_lines(text: str) -> list[str]:
    """Without colours, cursor movements and what a progress bar wrote over; no line is empty."""
    lines = []
    for line in _SEQUENCES.sub("", text).replace("\r\n", "\n").split("\n"):
        last = next((part for part in reversed(line.split("\r")) if part.strip()), "")
        while "\b" in last:  # what was typed over
            last = re.sub("[^\b]\b|^\b+", "", last)
        if last.strip():
            lines.append(printable(last.expandtabs().rstrip()))
    return lines


def stderr_lines(context: Mapping[str, Any], palette: Palette, *, everything: bool = False) -> list[str]:
    """The section of `roar show`; nothing where nothing was kept."""
    said = context.get("stderr")
    if not isinstance(said, Mapping):
        return []
    lines = plain_lines(str(said.get("text") or ""))
    shown = lines if everything else lines[-_MOST_LINES:]
    notes = ["with standard output"] if said.get("with_stdout") else []
    if said.get("truncated") or len(shown) < len(lines):
        notes.insert(0, f"its end, of {size_text(int(said.get('written') or 0))}")
    if said.get("lost"):
        notes.append(f"{int(said['lost'])} writes are missing")
    note = f" ({', '.join(notes)})" if notes else ""
    if not lines:
        return []
    return [f"standard error:{palette.dim(note)}", *(f"  {line if everything else cut(line, _WIDTH)}" for line in shown)]
