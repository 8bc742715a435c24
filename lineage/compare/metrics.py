"""Values in small files, side by side: JSON, JSON lines, CSV and TSV, TOML."""

from __future__ import annotations

import csv
import io
import json
import math
import tomllib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from lineage.records import Json

MAX_BYTES = 4 << 20
_MAX_VALUES = 2000
_ENDINGS = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".toml")


class Delta(NamedTuple):
    """``delta`` is B - A where both are numbers; ``a`` or ``b`` is None where there is no such value."""

    name: str
    a: Json
    b: Json
    delta: float | None


def is_metrics(path: bytes) -> bool:
    return path.decode("utf-8", "replace").lower().endswith(_ENDINGS)


def read(path: bytes, content: bytes) -> dict[str, Json] | None:
    """Values by their dotted names; None where it is not what its name says, or has too many.

    Of a table with several rows it is the number of rows and the last one's values (`loss (last row)`): the end of a
    training log.
    """
    if len(content) > MAX_BYTES:
        return None
    ending = path.rpartition(b".")[2].decode("utf-8", "replace").lower()
    try:
        text = content.decode("utf-8-sig")
        if ending in {"csv", "tsv"}:
            values = _table(list(csv.DictReader(io.StringIO(text), delimiter="\t" if ending == "tsv" else ",")))
        elif ending in {"jsonl", "ndjson"}:
            values = _table([json.loads(line) for line in text.splitlines() if line.strip()])
        else:
            values = dict(_flat("", tomllib.loads(text) if ending == "toml" else json.loads(text)))
    except (ValueError, TypeError, AttributeError, csv.Error, RecursionError):
        return None
    return values if len(values) <= _MAX_VALUES else None


def compare_metrics(a: Mapping[str, Json], b: Mapping[str, Json]) -> list[Delta]:
    """What differs; numbers that are written differently are equal (1.0 and 1)."""
    return [Delta(name, a.get(name), b.get(name), _delta(a.get(name), b.get(name)))
            for name in dict.fromkeys([*a, *b]) if (name in a) != (name in b) or a[name] != b[name]
            if not _both_nan(a.get(name), b.get(name))]


def _table(rows: list[dict[str, Json]]) -> dict[str, Json]:
    if not rows:
        return {"rows": 0}
    last = {str(name): _number(value) for name, value in _flat("", rows[-1])}
    return last if len(rows) == 1 else {"rows": len(rows), **{f"{name} (last row)": value for name, value in last.items()}}


def _flat(prefix: str, value: object) -> Iterator[tuple[str, Json]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(f"{prefix}.{key}" if prefix else str(key), item)
    elif isinstance(value, list) and len(value) <= 100:
        for at, item in enumerate(value):
            yield from _flat(f"{prefix}[{at}]", item)
    elif value is None or isinstance(value, (bool, int, float, str)):
        yield prefix or "value", value
    else:
        yield prefix or "value", str(value)


def _number(value: Json) -> Json:
    """What a table's cell says."""
    if not isinstance(value, str):
        return value
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value


def _delta(a: Json, b: Json) -> float | None:
    if isinstance(a, (bool, str, list, dict)) or isinstance(b, (bool, str, list, dict)) or a is None or b is None:
        return None
    delta = b - a
    return delta if math.isfinite(delta) else None


def _both_nan(a: Json, b: Json) -> bool:
    return isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b)
