"""Is an output what was recorded, and if not, where does it differ?"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Any, Literal, TypeAlias

from lineage.reproduce.places import Places
from lineage.reproduce.plan import Made
from roarctl.reproducing.locate import Hashes

#: unknown: it is there, but no hash was recorded to compare it with.
State: TypeAlias = Literal["identical", "differs", "not made", "unknown"]

_MOST_VALUES = 5
_MOST_PARSED = 8 << 20  # bytes of a JSON or CSV file
_WIDTH = 40
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """``path``: where it was recorded; ``hash``: of what is there now. ``where``: in what it differs, in words."""

    path: bytes
    state: State
    hash: bytes | None = None
    where: tuple[str, ...] = ()


def compare(made: Made, path: bytes, places: Places, hashes: Hashes, original: bytes | None) -> Verdict:
    """``path``: where it should be now; ``original``: a file that has the recorded content, where there is one."""
    if made.target is not None:
        return _compare_link(made, path, places)
    if not os.path.lexists(path):
        return Verdict(made.path, "not made")
    now = hashes.of(path)
    if now is None:
        return Verdict(made.path, "unknown", None, ("it cannot be read",))
    if made.hash is None:
        return Verdict(made.path, "unknown", now, (f"no hash was recorded: {made.hash_reason}",))
    if now == made.hash:
        return Verdict(made.path, "identical", now)
    if original is None:
        size = os.stat(path).st_size  # noqa: PTH116 - bytes
        sizes = f"{made.size} → {size} bytes; " if made.size is not None and size != made.size else ""
        return Verdict(made.path, "differs", now, (f"{sizes}the recorded content is nowhere to be compared with",))
    try:
        return Verdict(made.path, "differs", now, tuple(differences(original, path)))
    except OSError as error:
        return Verdict(made.path, "differs", now, (f"cannot be compared: {error.strerror}",))


def differences(old: bytes, new: bytes) -> list[str]:
    """For JSON and CSV the values, else the first line or byte."""
    name = new.lower()
    if max(os.stat(path).st_size for path in (old, new)) <= _MOST_PARSED:  # noqa: PTH116 - bytes
        parse = _json_values if name.endswith((b".json", b".jsonl", b".ndjson")) else (
            _csv_values if name.endswith((b".csv", b".tsv")) else None)
        if parse:
            try:
                found = list(islice(_value_differences(parse(old), parse(new)), _MOST_VALUES + 1))
            except (ValueError, csv.Error, RecursionError):
                found = []
            if found:
                return found[:_MOST_VALUES] + (["… and more"] if len(found) > _MOST_VALUES else [])
    return [_first_difference(old, new)]


def _compare_link(made: Made, path: bytes, places: Places) -> Verdict:
    if not os.path.lexists(path):
        return Verdict(made.path, "not made")
    target = made.target or b""
    now = os.readlink(path) if os.path.islink(path) else None  # noqa: PTH114 - bytes
    if now in {target, places.path(target)}:
        return Verdict(made.path, "identical")
    return Verdict(made.path, "differs", None, (
        "is no symbolic link any more" if now is None else f"leads to {os.fsdecode(now)} instead of {os.fsdecode(target)}",))


def _json_values(path: bytes) -> dict[str, str]:
    with open(path, encoding="utf-8") as file:
        text = file.read()
    try:
        documents = [json.loads(text)]
    except ValueError:  # one a line
        documents = [json.loads(line) for line in text.splitlines() if line.strip()]
    if len(documents) == 1:
        return dict(_flat("", documents[0]))
    return {name: value for at, document in enumerate(documents, 1) for name, value in _flat(f"line {at}", document)}


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _flat(f"{name}.{key}" if name else str(key), item)
    elif isinstance(value, list) and value:
        for at, item in enumerate(value):
            yield from _flat(f"{name}[{at}]", item)
    else:
        yield name, json.dumps(value)


def _csv_values(path: bytes) -> dict[str, str]:
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t" if path.lower().endswith(b".tsv") else ","))
    header = dict(enumerate(rows[0] if rows else []))
    return {f"row {at}, {header.get(column, column + 1)}" if at else f"header {column + 1}": cell
            for at, row in enumerate(rows) for column, cell in enumerate(row)}


def _value_differences(old: dict[str, str], new: dict[str, str]) -> Iterator[str]:
    for name in dict.fromkeys([*old, *new]):
        before, after = old.get(name), new.get(name)
        if before != after:
            yield f"{name or 'value'}: {_cut(before)} → {_cut(after)}"


def _cut(value: str | None) -> str:
    if value is None:
        return "nothing"
    return value if len(value) <= _WIDTH else value[:_WIDTH - 1] + "…"


def _first_difference(old: bytes, new: bytes) -> str:
    sizes = [os.stat(path).st_size for path in (old, new)]  # noqa: PTH116 - bytes
    at, before, after, line, is_text = 0, b"", b"", 1, True
    with open(old, "rb") as one, open(new, "rb") as other:
        while True:
            before, after = one.read(_BLOCK), other.read(_BLOCK)
            is_text = is_text and b"\0" not in before
            if before != after or not before:
                break
            at += len(before)
            line += before.count(b"\n")
    offset = next((place for place, (a, b) in enumerate(zip_longest(before, after)) if a != b), 0)
    sized = f" ({sizes[0]} → {sizes[1]} bytes)" if sizes[0] != sizes[1] else f" of {sizes[0]}"
    if not is_text or b"\0" in after:
        return f"first at byte {at + offset + 1}{sized}"
    line += before[:offset].count(b"\n")
    start = before.rfind(b"\n", 0, offset) + 1
    lines = [text[start:].partition(b"\n")[0].decode("utf-8", "replace") for text in (before, after)]
    return f"first in line {line}, byte {at + offset + 1}{sized}: {_cut(lines[0])!r} → {_cut(lines[1])!r}"
