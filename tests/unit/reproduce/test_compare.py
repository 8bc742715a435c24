"""Verdicts: identical, or in what it differs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from blake3 import blake3

from lineage.reproduce.places import Places
from lineage.reproduce.plan import Made
from roarctl.reproducing.compare import compare, differences
from roarctl.reproducing.locate import Hashes


def differ(directory: Path, old: str | bytes, new: str | bytes, name: str = "x.txt") -> list[str]:
    paths = []
    for place, content in (("old", old), ("new", new)):
        path = directory / place / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        paths.append(os.fsencode(path))
    return differences(*paths)


@pytest.mark.parametrize(("old", "new", "expected"), [
    ("a\nb\nc\n", "a\nB\nc\n", "first in line 2, byte 3 of 6: 'b' → 'B'"),
    ("a\n", "a\nb\n", "first in line 2, byte 3 (2 → 4 bytes): '' → 'b'"),
    ("", "a", "first in line 1, byte 1 (0 → 1 bytes): '' → 'a'"),
    (b"\0\1\2", b"\0\1\3", "first at byte 3 of 3"),
    (b"\0" * 3_000_000 + b"a", b"\0" * 3_000_000 + b"bc", "first at byte 3000001 (3000001 → 3000002 bytes)"),
    ("a\n" * 1_000_000 + "b\n", "a\n" * 1_000_000 + "c\n", "first in line 1000001, byte 2000001 of 2000002: 'b' → 'c'"),
])
def test_the_first_difference(tmp_path: Path, old: str | bytes, new: str | bytes, expected: str) -> None:
    assert differ(tmp_path, old, new) == [expected]


def test_values_of_json(tmp_path: Path) -> None:
    old = {"acc": 0.91, "loss": [1, 2], "deep": {"a": None}, "same": 1}
    new = {"acc": 0.87, "loss": [1, 3, 4], "deep": {}, "same": 1}
    assert differ(tmp_path, json.dumps(old), json.dumps(new), "m.json") == [
        "acc: 0.91 → 0.87", "loss[1]: 2 → 3", "deep.a: null → nothing", "loss[2]: nothing → 4", "deep: nothing → {}"]
    assert differ(tmp_path, '{"a": 1}\n{"a": 2}\n', '{"a": 1}\n{"a": 3}\n', "m.jsonl") == ["line 2.a: 2 → 3"]
    assert differ(tmp_path, '{"a": 1}', '{"a":1}', "m.json") == [
        "first in line 1, byte 6 (8 → 7 bytes): '{\"a\": 1}' → '{\"a\":1}'"]
    assert differ(tmp_path, "not json", "no json", "m.json") == [
        "first in line 1, byte 3 (8 → 7 bytes): 'not json' → 'no json'"]
    many = differ(tmp_path, json.dumps(list(range(9))), json.dumps(list(range(1, 10))), "m.json")
    assert (len(many), many[-1]) == (6, "… and more")


def test_values_of_csv(tmp_path: Path) -> None:
    assert differ(tmp_path, "name,x\na,1\nb,2\n", "name,x\na,1\nb,3\n", "m.csv") == ["row 2, x: 2 → 3"]
    assert differ(tmp_path, "n\tx\na\t1\n", "n\ty\na\t1\n", "m.tsv") == [
        "header 2: x → y", "row 1, x: 1 → nothing", "row 1, y: nothing → 1"]


def made(content: str | None, target: bytes | None = None) -> Made:
    digest = None if content is None else blake3(content.encode()).digest()
    return Made(b"/p/x", digest, "" if content is not None else "it changed", len(content or ""), target, 0)


def test_states(tmp_path: Path) -> None:
    path = tmp_path / "x"
    places, hashes = Places([(b"/p", os.fsencode(tmp_path))]), Hashes()

    def state(what: Made) -> tuple[str, tuple[str, ...]]:
        verdict = compare(what, os.fsencode(path), places, hashes, None)
        return verdict.state, verdict.where

    assert state(made("abc")) == ("not made", ())
    path.write_text("abc")
    assert state(made("abc")) == ("identical", ())
    assert state(made("ab")) == ("differs", ("2 → 3 bytes; the recorded content is nowhere to be compared with",))
    assert state(made(None)) == ("unknown", ("no hash was recorded: it changed",))
    assert state(made("", target=b"/p/y")) == ("differs", ("is no symbolic link any more",))
    path.unlink()
    path.symlink_to(tmp_path / "y")
    assert state(made("", target=b"/p/y")) == ("identical", ())
    assert state(made("", target=b"y")) == ("differs", (f"leads to {tmp_path}/y instead of y",))


def test_a_file_that_changed_has_another_hash(tmp_path: Path) -> None:
    path, hashes = tmp_path / "x", Hashes()
    path.write_text("one")
    assert hashes.of(os.fsencode(path)) == blake3(b"one").digest()
    path.write_text("other")
    assert hashes.of(os.fsencode(path)) == blake3(b"other").digest()
    assert hashes.of(os.fsencode(tmp_path)) is None
    assert not hashes.has(os.fsencode(path), blake3(b"other").digest(), 4)
