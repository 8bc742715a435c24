"""What something was made from, for people and programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lineage.composite import Group, Member, grouped
from lineage.document import head_document, path_document
from lineage.records import PRIVATE_PATH
from roarctl.render.groups import files_text
from roarctl.render.jobs import short_id
from roarctl.render.text import (
    Palette,
    count_text,
    hash_text,
    number_text,
    path_text,
    printable,
    program_text,
    size_text,
    table,
)
from roarctl.roots import Input
from roarctl.whereabouts import Place

_WORDS = {"same": "as recorded", "edited": "edited since", "missing": "gone", "unchecked": "not checked"}
_MOST = 100


def inputs_document(inputs: Sequence[tuple[Input, Place]], *, start: Mapping[str, str], direct: bool, changed: bool,
                    truncated: str) -> dict[str, Any]:
    """``found_at``: where a content is that is not at its path any more."""
    return {
        "schema": "roar.inputs/1", "start": dict(start), "direct": direct, "changed": changed,
        "inputs": [{
            **path_document(one.path), "hash": one.hash.hex() or None, "size": one.size, "role": one.role or None,
            "root": one.maker is None, "maker": None if one.maker is None else head_document(one.maker),
            "users": [_user(head) for head in one.users], "state": place.state,
            "found_at": path_document(place.found) if place.found else None,
        } for one, place in inputs],
        "truncated": truncated or None,
    }


def _user(head: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"id": head.id.hex() if head.id is not None else None, "run": head.run.hex(), "number": head.number}


def inputs_lines(inputs: Sequence[tuple[Input, Place]], base: bytes, palette: Palette, *, direct: bool, truncated: str,
                 changed: bytes = b"", everything: bool = False) -> list[str]:
    lines = []
    if changed:
        lines.append(palette.yellow(f"! the present content of {printable(changed)} is not recorded; "
                                    "this is the newest that is"))
    made = [pair for pair in inputs if pair[0].maker is not None]
    private = [pair for pair in inputs if pair[0].maker is None and pair[0].path == PRIVATE_PATH]
    roots = [pair for pair in inputs if pair[0].maker is None and pair[0].path != PRIVATE_PATH]
    unrecorded = [pair for pair in roots if pair[0].role == "data"]
    source = [pair for pair in roots if pair[0].role == "source"]
    others = [pair for pair in roots if pair[0].role not in {"data", "source"}]
    for title, some in (("made by recorded jobs", made), ("of which the registry does not tell you more", private),
                        ("data that no recorded job made", unrecorded),
                        ("source that no recorded job made", source), ("packages, system and others", others)):
        if some:
            lines.append(f"{title}: {len(some)}")
            lines += _rows(some, base, palette, direct=direct, everything=everything)
    if not inputs:
        lines.append("it took no data and no source that is recorded (--all: other files)")
    if truncated:
        lines.append(palette.yellow(f"! not everything: {printable(truncated)}"))
    return lines


def _rows(inputs: Sequence[tuple[Input, Place]], base: bytes, palette: Palette, *, direct: bool,
          everything: bool) -> list[str]:
    colours = {"same": palette.green, "edited": palette.yellow, "missing": palette.red, "unchecked": palette.dim}
    rows = []
    items = list(inputs) if everything else grouped(
        inputs, lambda pair: Member(pair[0].path, pair[0].hash, pair[0].size),
        lambda pair: (pair[0].maker and pair[0].maker.run, tuple(head.run for head in pair[0].users), pair[1].state,
                      bool(pair[1].found), pair[0].role))
    for item in items[:None if everything else _MOST]:
        one, place = item.items[0] if isinstance(item, Group) else item
        where = colours[place.state](_WORDS[place.state])
        if place.found:
            where += ", but found elsewhere" if isinstance(item, Group) else f", but found at {path_text(place.found, base)}"
        row = [path_text(one.path, base), palette.dim(hash_text(one.hash)), size_text(one.size), where]
        if isinstance(item, Group):
            row = [path_text(item.path, base), palette.dim(hash_text(item.hash)), size_text(item.size),
                   f"{files_text(item)}, {colours[place.state](_WORDS[place.state])}"]
        if one.maker is not None:
            row.append(f"← {number_text(one.maker)} {short_id(one.maker)} ({program_text(one.maker.argv)})")
        elif direct or not one.users:
            row.append("")
        else:
            more = f" and {count_text(len(one.users) - 1, 'more job')}" if len(one.users) > 1 else ""
            row.append(palette.dim(f"→ {number_text(one.users[-1])} ({program_text(one.users[-1].argv)}){more}"))
        rows.append(row)
    lines = [f"  {line}" for line in table(rows, frozenset({2}))]
    if len(items) > len(rows):
        lines.append(palette.dim(f"  … {len(items) - len(rows)} more: --json has them all"))
    return lines
