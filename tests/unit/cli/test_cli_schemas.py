"""What --json prints is what docs/schemas says."""

from __future__ import annotations

import ast
import copy
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import golden
import pytest
from harness import ROOT
from jsonschema import Draft202012Validator
from schemas import PLACE, problems, published, registry

GOLDEN = sorted(path.stem for path in golden.PLACE.glob("*.json"))
_NAME = re.compile(r"roar\.[a-z_-]+/\d+")
#: Names that look like a document's, and why they have no schema.
NO_DOCUMENT = {
    "roar.bundle/1": "a file of CBOR: docs/bundle.md",
    "roar.known-log/1": "a file of the user's alone: roarctl/known_logs.py",
    "roar.log-entry/1": "CBOR, a leaf of a registry's log: docs/log.md",
    "roar.log-evidence/1": "a file that shows that a registry lied: docs/log.md",
    "roar.log-key/1": "a line of a signed note: docs/log.md",
    "roar.log-opening/1": "CBOR, what a leaf commits to: docs/log.md",
    "roar.receipt/1": "a file that a registry's word is kept in: docs/log.md",
    "roar.registries/1": "a file of the user's alone: roarctl/registry/credentials.py",
    "roar.tree/1": "goes into the hash of a set of files: lineage/composite.py",
}
#: Objects whose keys are data; the last two are tags' values and, in roar.diff, what was recorded.
_FREE = re.compile(r".*\.(details|counts|submodules|labels|accelerator_libraries|scheduler)|(?!.*\.python\.).*\.environment"
                   r"|\.values|\.(differences\.\w+|cause\[\]\.changes)\[\]\.[ab]\[\]")


def kept(name: str) -> dict[str, Any]:
    return json.loads((golden.PLACE / f"{name}.json").read_text())


@cache
def names_in_the_code() -> set[str]:
    """Every schema's name that stands in the code as a text of its own."""
    found = set()
    packages = ("glaas/accounts", "glaas/backup", "glaas/store", "lineage", "roarctl", "roard")
    for place in (each for package in packages for each in ROOT.glob(f"{package}/**/*.py")):
        for node in ast.walk(ast.parse(place.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _NAME.fullmatch(node.value):
                found.add(node.value)
    return found


def test_documents_are_as_they_were() -> None:
    """Byte for byte. If a change is meant: scripts/golden writes them anew, and its diff is what programs will see."""
    made = golden.documents()
    assert sorted(made) == GOLDEN
    assert {name: golden.text(one) for name, one in made.items()} == {
        name: (golden.PLACE / f"{name}.json").read_text() for name in GOLDEN}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_documents_follow_their_schemas(name: str) -> None:
    assert problems(kept(name)) == []


def test_every_document_has_a_schema_and_a_golden_file() -> None:
    """Of a document that is new, write docs/schemas/NAME.1.json, and add it to tests/unit/cli/golden.py."""
    assert {"roar.job/1", *NO_DOCUMENT} <= names_in_the_code()
    names = names_in_the_code() - NO_DOCUMENT.keys()
    assert {name for name in names if not (PLACE / f"{name.replace('/', '.')}.json").exists()} == set()
    assert names - {kept(name).get("schema") for name in GOLDEN} == set()


@pytest.mark.parametrize("name", sorted(published()))
def test_schemas_are_schemas(name: str) -> None:
    """By the metaschema; titled as their documents are; with no reference into nothing."""
    schema = published()[name]
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    if name != "records.json":
        assert schema["title"].replace("/", ".") + ".json" == name
        assert schema["title"] in names_in_the_code() | {"roar.error/1"}
    resolver = registry(published().items()).resolver(name)
    for reference in references(schema):
        assert resolver.lookup(reference).contents


def references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from [schema["$ref"]] if "$ref" in schema else []
        for each in schema.values():
            yield from references(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from references(each)


@pytest.mark.parametrize("name", GOLDEN)
def test_schemas_miss_no_key(name: str) -> None:
    """A key that a schema does not know is noticed, wherever it stands; so is one less, where it is always there."""
    whole = kept(name)
    places = list(objects(whole))
    assert places
    for at in range(len(places)):
        changed = copy.deepcopy(whole)
        place = list(objects(changed))[at]
        if not place.free:
            place.value["surprise"] = True
            assert problems(changed), place.path


class Place:
    """An object in a document; ``free``: its keys are data (environment variables, counts).  Of what stands in a list the path
    ends in []."""

    def __init__(self, path: str, value: dict[str, Any]) -> None:
        self.path = path
        self.value = value
        self.free = _FREE.fullmatch(path) is not None


def objects(value: Any, path: str = "") -> Iterator[Place]:
    if isinstance(value, dict):
        yield Place(path, value)
        for key, each in value.items():
            yield from objects(each, f"{path}.{key}")
    elif isinstance(value, list):
        for each in value:
            yield from objects(each, f"{path}[]")


def test_schemas_notice_what_is_missing_or_wrong() -> None:
    job = kept("job")
    for key in job:
        if key != "schema" and not key.endswith("_b64"):
            assert problems({name: value for name, value in job.items() if name != key}), key
    assert problems({**job, "schema": "roar.log/1"})
    assert problems({**job, "id": "7F3A"})
    assert problems({**job, "started_at": "yesterday"})
    assert problems({**job, "inputs": [{**job["inputs"][0], "role": "food"}]})


def test_readers_may_meet_keys_they_do_not_know() -> None:
    """As published, a schema of version 1 goes on to hold when keys are added."""
    validator = Draft202012Validator({"$ref": "roar.job.1.json"}, registry=registry(published().items()))
    validator.validate({**kept("job"), "new": 1})
