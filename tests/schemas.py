"""The published JSON Schemas, and how documents are held against them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from harness import ROOT
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

PLACE = ROOT / "docs/schemas"
#: Keywords of https://json-schema.org/draft/2020-12 whose values are schemas for values inside, or for the value itself.
_NAMED, _LISTED = ("properties", "$defs"), ("allOf", "anyOf", "oneOf")


def name_of(document: dict[str, Any]) -> str:
    return "roar.error.1.json" if "error" in document else document["schema"].replace("/", ".") + ".json"


def problems(document: dict[str, Any]) -> list[str]:
    """What of a document its schema does not say, keys included; a schema itself lets a reader meet keys it does not know."""
    validator = Draft202012Validator({"$ref": name_of(document), "unevaluatedProperties": False}, registry=_closed())
    return [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(document)]


def published() -> dict[str, dict[str, Any]]:
    return {path.name: json.loads(path.read_text()) for path in sorted(PLACE.glob("*.json"))}


def registry(schemas: Iterable[tuple[str, dict[str, Any]]]) -> Registry[Any]:
    return Registry().with_resources((name, Resource.from_contents(schema)) for name, schema in schemas)


@cache
def _closed() -> Registry[Any]:
    return registry((name, _inside(schema)) for name, schema in published().items())


def _inside(schema: dict[str, Any]) -> dict[str, Any]:
    """Closed is each schema of a whole value; not those that are mixed into others (allOf, $defs)."""
    made = dict(schema)
    for key in _NAMED:
        if key in made:
            whole = key == "properties"
            made[key] = {name: _whole(one) if whole else _inside(one) for name, one in made[key].items()}
    for key in _LISTED:
        if key in made:
            made[key] = [_inside(one) for one in made[key]]
    for key in ("items", "additionalProperties"):
        if isinstance(made.get(key), dict):
            made[key] = _whole(made[key])
    return made


def _whole(schema: dict[str, Any]) -> dict[str, Any]:
    return {**_inside(schema), "unevaluatedProperties": False}
