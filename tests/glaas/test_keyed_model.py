"""The databases against a dict: any transactions, any ranges, the same answers; and many writers at once."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keyed_tables import IDS, SHORT, TABLES, WORDS, home

from glaas.store.keyed import Key, KeyedStore, Range, Reader, Table, Writer

Model = dict[Table, dict[Key, bytes]]

few = st.sampled_from([0, 97, 98, 255])
rests = st.lists(few, max_size=4).map(bytes)
homes = {SHORT: st.lists(few, min_size=2, max_size=2).map(bytes), WORDS: st.sampled_from([b"", b"a", b"ab", b"b", b"\xff"])}
tables = st.sampled_from([SHORT, WORDS])


@st.composite
def changes(draw: Callable[..., Any]) -> tuple[str, Table, list[Any]]:
    kind, table = draw(st.sampled_from(["put", "add", "delete"])), draw(tables)
    keys = st.tuples(homes[table], rests)
    rows = keys if kind == "delete" else st.tuples(keys, st.binary(max_size=3))
    return kind, table, draw(st.lists(rows, max_size=6))


@st.composite
def ranges(draw: Callable[..., Any]) -> tuple[Table, list[Range]]:
    table = draw(tables)
    return table, draw(st.lists(st.builds(Range, homes[table], st.lists(few, max_size=2).map(bytes), rests,
                                          st.integers(0, 3), st.booleans()), max_size=4))


def apply(model: Model, kind: str, table: Table, rows: list[Any]) -> set[Key] | None:
    if kind == "delete":
        for key in rows:
            model[table].pop(key, None)
        return None
    if kind == "put":
        model[table].update(rows)
        return None
    new = {key for key, _ in rows if key not in model[table]}
    for key, value in rows:
        model[table].setdefault(key, value)
    return new


def expected(model: Model, table: Table, part: Range) -> list[tuple[bytes, bytes]]:
    rows = [(rest, value) for (which, rest), value in model[table].items()
            if which == part.home and rest.startswith(part.prefix)
            and (not part.after or (rest < part.after if part.reverse else rest > part.after))]
    return sorted(rows, reverse=part.reverse)[:part.limit or None]


def agree(reader: Reader, model: Model, asked: list[tuple[Table, list[Range]]]) -> None:
    for table in (SHORT, WORDS):
        assert list(reader.walk(table, batch=3)) == sorted(model[table].items())
        assert reader.get(table, [*model[table], (b"zz", b"none")]) == model[table]
    for table, parts in asked:
        assert reader.scan(table, parts) == [expected(model, table, part) for part in parts]


class StopError(Exception):
    """The work's own."""


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(transactions=st.lists(st.tuples(st.lists(changes(), max_size=4), st.booleans()), max_size=5),
       asked=st.lists(ranges(), max_size=4))
def test_any_transactions_leave_what_a_dict_would_have(
        keyed: KeyedStore, transactions: list[tuple[list[tuple[str, Table, list[Any]]], bool]],
        asked: list[tuple[Table, list[Range]]]) -> None:
    def empty(writer: Writer) -> None:
        for table in (SHORT, WORDS):
            writer.delete(table, [key for key, _ in writer.walk(table)])

    keyed.write(empty)
    model: Model = {SHORT: {}, WORDS: {}}
    for operations, fails in transactions:
        trial = {table: dict(rows) for table, rows in model.items()}
        answers = [apply(trial, *operation) for operation in operations]

        def work(writer: Writer, operations: list = operations, fails: bool = fails,
                 answers: list = answers, trial: Model = trial) -> None:
            given = [getattr(writer, kind)(table, rows) for kind, table, rows in operations]
            assert given == answers
            agree(writer, trial, asked)
            if fails:
                raise StopError

        try:
            keyed.write(work)
        except StopError:
            assert fails
        else:
            model = trial
        with keyed.read() as reader:
            agree(reader, model, asked)


COUNTER = (b"ab", b"counter")


def count(writer: Writer) -> int:
    writer.lock("counter")
    value = int(writer.get(SHORT, [COUNTER]).get(COUNTER, b"0")) + 1
    writer.put(SHORT, [(COUNTER, b"%d" % value)])
    return value


def test_threads_that_count_lose_nothing_and_readers_see_whole_transactions(keyed: KeyedStore) -> None:
    """Some of the transactions fail, in the midst of others' that must not notice."""
    def one(index: int) -> int | None:
        def work(writer: Writer) -> int:
            value = count(writer)
            writer.put(IDS, [((home(value), b"%d" % part), b"%d" % index) for part in range(3)])
            if index % 10 == 7:
                raise StopError
            return value

        try:
            value = keyed.write(work)
        except StopError:
            value = None
        with keyed.read() as reader:
            whole = int(reader.get(SHORT, [COUNTER]).get(COUNTER, b"0"))
            assert [len(rows) for rows in reader.scan(IDS, [Range(home(n)) for n in range(1, whole + 2)])] == [3] * whole + [0]
        return value

    with ThreadPoolExecutor(8) as threads:
        values = [value for value in threads.map(one, range(150)) if value is not None]
    assert sorted(values) == list(range(1, 136))


def test_processes_that_count_lose_nothing(open_keyed: Callable[..., KeyedStore], where: str) -> None:
    """As `glaas user add` does while `glaas serve` runs: this process writes too."""
    script = textwrap.dedent("""
        import sys
        sys.path.insert(0, sys.argv[2])
        from test_keyed_model import TABLES, count
        from glaas.store import open_store
        store = open_store(sys.argv[1], TABLES)
        for _ in range(30):
            store.write(count)
        store.close()
    """)
    processes = [subprocess.Popen([sys.executable, "-c", script, where, Path(__file__).parent]) for _ in range(3)]
    store = open_keyed(TABLES)
    for _ in range(30):
        store.write(count)
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    with store.read() as reader:
        assert reader.get(SHORT, [COUNTER]) == {COUNTER: b"120"}
