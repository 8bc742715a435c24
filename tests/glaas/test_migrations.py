"""From an earlier schema to the next, while programs of both write."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest
from old_program import DIGITS, FIRST, word
from typer.testing import CliRunner

from glaas.commands.options import NotConfirmedError
from glaas.main import app
from glaas.store import migrations, open_existing, open_store
from glaas.store.keyed import KeyedStore, Table, Writer
from glaas.store.migrations import Piece, Step, migrate, plan
from glaas.store.schema import CURRENT, Schema, State
from lineage.errors import NotFoundError, UnsupportedError

NUMBERS = Table("numbers", 0)
SECOND, BOTH = Schema(2, 2), Schema(2, 1)
PIECE = 50  # rows in one transaction


def copy(writer: Writer, at: bytes) -> bytes | None:
    rows = [(home, value) for (home, _), value in writer.walk(DIGITS) if home > at][:PIECE]
    writer.add(NUMBERS, [((home, b""), int(value).to_bytes(8, "big")) for home, value in rows])
    return rows[-1][0] if len(rows) == PIECE else None


def drop(writer: Writer, at: bytes) -> bytes | None:
    rows = [key for key, _ in writer.walk(DIGITS)][:PIECE]
    writer.delete(DIGITS, rows)
    return b"more" if len(rows) == PIECE else None


STEPS = (Step(2, "begin copying", "counts as eight bytes", copy),
         Step(2, "copy the rest", "what older programs wrote meanwhile", copy, ends_older=True),
         Step(2, "drop digits", "the old form", drop))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "SETTLING", 0.0)


@pytest.fixture
def earlier(where: str) -> str:
    """A store of the first schema with 230 rows."""
    store = open_store(where, [DIGITS], FIRST)
    store.write(lambda writer: writer.put(DIGITS, [((word(n), b""), b"%d" % n) for n in range(230)]))
    store.close()
    return where


def numbers(store: KeyedStore) -> dict[bytes, int]:
    with store.read() as reader:
        assert list(reader.walk(DIGITS)) == []
        return {home: int.from_bytes(value, "big") for (home, _), value in reader.walk(NUMBERS)}


def test_a_store_is_migrated_while_old_and_new_programs_write(earlier: str) -> None:
    """No acknowledged row of either is missing afterwards, and the old program is told when it has ended."""
    with subprocess.Popen([sys.executable, Path(__file__).with_name("old_program.py"), earlier, "1000"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as old:
        assert old.stdout is not None and old.stderr is not None
        first = old.stdout.readline()
        new = open_store(earlier, [DIGITS, NUMBERS], BOTH)
        written = []

        def in_between(piece: Piece) -> None:
            """A program of the new schema writes both forms, until none of the old one is left."""
            at = 100_000 + len(written)
            def work(writer: Writer) -> None:
                writer.put(NUMBERS, [((word(at), b""), at.to_bytes(8, "big"))])
                if piece.step == STEPS[0]:
                    writer.put(DIGITS, [((word(at), b""), b"%d" % at)])
            new.write(work)
            written.append(at)

        assert migrate(new, STEPS, in_between) == State(2, 2)
        acknowledged = [int(line) for line in (first, *_whole(old.stdout))]
        assert "this glaas knows 1" in old.stderr.read()
    assert old.returncode == 0
    found = numbers(new)
    assert acknowledged and len(written) > 8
    for each in (*range(230), *acknowledged, *written):
        assert found[word(each)] == each
    new.close()


def _whole(stream: IO[str]) -> list[str]:
    return [line for line in stream if line.endswith("\n")]


def test_programs_that_are_too_old_or_too_new_are_refused(earlier: str) -> None:
    with pytest.raises(UnsupportedError, match="has schema 1; this glaas needs 2") as caught:
        open_store(earlier, [NUMBERS], SECOND)
    assert "glaas migrate" in caught.value.hint
    store = open_store(earlier, [DIGITS, NUMBERS], BOTH)
    migrate(store, STEPS)
    store.close()
    with pytest.raises(UnsupportedError, match="is for schema 2 and later; this glaas knows 1"):
        open_store(earlier, [DIGITS], FIRST)
    open_store(earlier, [NUMBERS], SECOND).close()


def test_a_migration_that_stops_goes_on_where_it_was(earlier: str) -> None:
    store = open_store(earlier, [DIGITS, NUMBERS], BOTH)
    seen: list[bytes] = []

    def watched(writer: Writer, at: bytes) -> bytes | None:
        if len(seen) == 3:
            seen.append(b"stopped")
            raise KeyboardInterrupt
        seen.append(at)
        return copy(writer, at)

    steps = (Step(2, "begin copying", "", watched), *STEPS[1:])
    with pytest.raises(KeyboardInterrupt):
        migrate(store, steps)
    store.close()
    store = open_store(earlier, [DIGITS, NUMBERS], BOTH)
    state, left, begun = plan(store, steps)
    assert (state, list(left), begun) == (State(1, 1), list(steps), True)
    with pytest.raises(UnsupportedError, match="in the midst of a migration \\(begin copying\\)"):
        plan(store, STEPS[1:])
    migrate(store, steps)
    assert seen[:3] == [b"", seen[1], seen[2]] and seen[4] > seen[2] > seen[1], "no piece is done twice"
    assert numbers(store) == {word(n): n for n in range(230)}
    assert plan(store, steps) == (State(2, 2), (), False)
    store.close()


def test_the_command(where: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["migrate", "--store", where, *words])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, done.output

    with pytest.raises(NotFoundError):
        run()
    store = open_store(where, [DIGITS, NUMBERS])
    store.write(lambda writer: writer.put(DIGITS, [((word(n), b""), b"%d" % n) for n in range(70)]))
    store.close()
    assert run() == (0, f"the store has schema {CURRENT.number}: nothing to do\n")
    later = tuple(Step(CURRENT.number + 1, step.name, step.what, step.batch, step.ends_older) for step in STEPS)
    monkeypatch.setattr(migrations, "STEPS", later)
    monkeypatch.setattr("glaas.store.schema.CURRENT", Schema(CURRENT.number + 1, CURRENT.number))
    number = CURRENT.number + 1
    assert run("--dry-run") == (0, f"the store has schema {CURRENT.number}, this glaas {number}\n"
                                   f"  {number} begin copying: counts as eight bytes\n"
                                   f"  {number} copy the rest: what older programs wrote meanwhile (ends older servers)\n"
                                   f"  {number} drop digits: the old form\n")
    listed = json.loads(run("--dry-run", "--json")[1])
    assert (listed["schema"], listed["done"], [step["ends_older"] for step in listed["steps"]]) == (
        "roar.migration/1", False, [False, True, False])
    with pytest.raises(NotConfirmedError):
        run("--no-input")
    assert run("--yes")[1].splitlines()[4:] == [
        "begin copying: done", "copy the rest: older servers have ended", "copy the rest: done", "drop digits: done",
        f"the store has schema {CURRENT.number + 1}"]
    store = open_existing(where, Schema(CURRENT.number + 1, 0))
    assert numbers(store) == {word(n): n for n in range(70)}
    store.close()
