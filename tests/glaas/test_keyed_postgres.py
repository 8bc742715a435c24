"""What is PostgreSQL's own: replicas, conflicts, servers that go away, damage, addresses."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import psycopg
import pytest
from cutting import Cutting
from keyed_tables import IDS, SHORT, TABLES, WORDS, home
from pgserver import PROGRAMS, PostgresServer

from glaas.store import open_store
from glaas.store.keyed import KeyedStore, Range, Writer
from glaas.store.pgaddress import SETTINGS, parse
from glaas.store.postgres import PostgresStore
from lineage.errors import ConflictError, CorruptError, InvalidError, UnavailableError, UnsupportedError

KEY = (b"ab", b"counter")


@pytest.fixture
def url(postgres: PostgresServer, request: pytest.FixtureRequest) -> Iterator[str]:
    schema = f"own_{abs(hash(request.node.nodeid))}"
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute(f"create schema {schema}")
        yield postgres.url(schema)
        connection.execute(f"drop schema {schema} cascade")


@pytest.fixture
def pair(url: str) -> Iterator[tuple[KeyedStore, KeyedStore]]:
    """Two replicas of a registry."""
    first, second = open_store(url, TABLES), open_store(url, TABLES)
    yield first, second
    first.close()
    second.close()


@pytest.fixture
def own() -> Iterator[PostgresServer]:
    """One to kill: with fsync, as a server has that people rely on."""
    if not (PROGRAMS / "postgres").exists():
        pytest.skip(f"no PostgreSQL in {PROGRAMS}")
    server = PostgresServer(durable=True)
    yield server
    server.close()


def counted(store: KeyedStore) -> int:
    with store.read() as reader:
        return int(reader.get(SHORT, [KEY]).get(KEY, b"0"))


def count(writer: Writer) -> int:
    writer.lock("counter")
    value = int(writer.get(SHORT, [KEY]).get(KEY, b"0")) + 1
    writer.put(SHORT, [(KEY, b"%d" % value)])
    return value


def test_a_lock_makes_reading_and_writing_one_step_on_all_replicas(pair: tuple[KeyedStore, KeyedStore]) -> None:
    with ThreadPoolExecutor(8) as threads:
        values = list(threads.map(lambda index: pair[index % 2].write(count), range(200)))
    assert sorted(values) == list(range(1, 201))


def test_replicas_that_register_the_same_at_once_each_see_all_and_one_alone_is_first(
        pair: tuple[KeyedStore, KeyedStore]) -> None:
    """Overlapping sets of rows, in every order: nothing is lost, nothing is new twice, no circle of waiting lasts."""
    def register(index: int) -> set[tuple[bytes, bytes]]:
        rows = [((home(n), b"job"), b"%d" % n) for n in range(index * 3, index * 3 + 40)]
        turn = rows if index % 2 else rows[::-1]

        def work(writer: Writer) -> set[tuple[bytes, bytes]]:
            new = writer.add(IDS, turn[:20]) | writer.add(IDS, turn[20:])
            writer.put(WORDS, [((b"word", rest + which), b"") for which, rest in new])
            writer.put(SHORT, [((b"zz", b"last"), b"%d" % index)])
            return new

        return pair[index % 2].write(work)

    with ThreadPoolExecutor(8) as threads:
        new = list(threads.map(register, range(60)))
    keys = {(home(n), b"job") for n in range(59 * 3 + 40)}
    assert sum(map(len, new)) == len(keys)
    assert set().union(*new) == keys
    for store in pair:
        with store.read() as reader:
            assert {key for key, _ in reader.walk(IDS)} == keys
            assert len(list(reader.walk(WORDS))) == len(keys)


def test_who_waits_for_each_other_does_it_again(pair: tuple[KeyedStore, KeyedStore]) -> None:
    """Two rows in opposite orders, held until the other has one: the server breaks the circle, the loser starts over."""
    met, tries = threading.Barrier(2), []

    def work(first: bytes, second: bytes, writer: Writer) -> None:
        tries.append(first)
        writer.put(SHORT, [((first, b""), first)])
        writer.get(SHORT, [(first, b"")])  # it is there: the lock is held
        if len(tries) <= 2:
            met.wait(10)
        writer.put(SHORT, [((second, b""), first)])

    with ThreadPoolExecutor(2) as threads:
        done = [threads.submit(pair[0].write, lambda writer: work(b"aa", b"bb", writer)),
                threads.submit(pair[1].write, lambda writer: work(b"bb", b"aa", writer))]
        for one in done:
            one.result(20)
    assert len(tries) == 3
    with pair[0].read() as reader:
        assert len(set(reader.get(SHORT, [(b"aa", b""), (b"bb", b"")]).values())) == 1


def test_errors_of_the_work_itself_are_not_tried_again(pair: tuple[KeyedStore, KeyedStore]) -> None:
    tries = []

    def work(writer: Writer) -> None:
        tries.append(1)
        writer.put(SHORT, [(KEY, b"1")])
        raise ConflictError("it is so already")

    with pytest.raises(ConflictError):
        pair[0].write(work)
    assert (len(tries), counted(pair[0])) == (1, 0)


def test_processes_that_count_together_lose_nothing(url: str) -> None:
    script = textwrap.dedent("""
        import sys
        sys.path.insert(0, sys.argv[2])
        from test_keyed_postgres import TABLES, count, open_store
        store = open_store(sys.argv[1], TABLES)
        for _ in range(40):
            store.write(count)
        store.close()
    """)
    processes = [subprocess.Popen([sys.executable, "-c", script, url, Path(__file__).parent]) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    store = open_store(url, TABLES)
    assert counted(store) == 120
    store.close()


@pytest.mark.parametrize("spread", [False, True], ids=["joined", "each"])
def test_a_pooler_between_and_a_statement_a_range_change_nothing(url: str, spread: bool) -> None:
    """As behind pgbouncer, and as on Citus, which takes no limit within a join."""
    store = open_store(f"{url}&pgbouncer=true&pool=2", TABLES)
    assert isinstance(store, PostgresStore)
    store._spread = spread
    keys = [(home(n), b"%03d" % m) for n in range(20) for m in range(10)]
    assert store.write(lambda writer: writer.add(IDS, [(key, key[1]) for key in keys])) == set(keys)
    for _ in range(8):  # beyond psycopg's threshold for prepared statements
        with store.read() as reader:
            scanned = reader.scan(IDS, [Range(home(n), b"0", b"004", 3, reverse=bool(n % 2)) for n in range(21)])
            plan = reader._connection.execute("select name from pg_prepared_statements").fetchall()
            settings = [reader._connection.execute(f"show {name}").fetchone() for name in SETTINGS]
        assert scanned == [[(b"%03d" % m, b"%03d" % m) for m in ((3, 2, 1) if n % 2 else (5, 6, 7))] for n in range(20)] + [[]]
        assert (plan, settings) == ([], [(value,) for value in SETTINGS.values()])
    store.write(lambda writer: writer.delete(IDS, keys[:150]))
    with store.read() as reader:
        assert set(reader.get(IDS, keys)) == set(keys[150:])
    store.close()


def test_what_a_batch_costs_grows_with_its_keys(url: str) -> None:
    """Not with their square, as when every row is compared with every key: ten times as many would cost a hundred times."""
    store = open_store(url, TABLES)
    keys = [(home(n * 7919 % 20_011), b"") for n in range(20_000)]
    store.write(lambda writer: writer.add(IDS, [(key, b"") for key in keys]))

    def seconds(count: int) -> float:
        took = []
        for _ in range(4):
            begin = time.perf_counter()
            with store.read() as reader:
                assert len(reader.get(IDS, keys[:count])) == count
                assert len(reader.scan(IDS, [Range(which) for which, _ in keys[:count]])) == count
            store.write(lambda writer: writer.delete(IDS, [(which, b"none") for which, _ in keys[:count]]))
            took.append(time.perf_counter() - begin)
        return min(took)

    assert seconds(8000) < 40 * seconds(800)
    store.close()


# -- servers that go away ---------------------------------------------------------------------------------------------


def test_a_server_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="does not answer"):
        open_store(f"postgresql:///x?host={tmp_path}", TABLES)


def test_a_server_that_is_too_old_is_said(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glaas.store.pgtables.OLDEST", 99)
    with pytest.raises(UnsupportedError, match="the database is PostgreSQL 1") as caught:
        open_store(url, TABLES)
    assert "99 or newer" in caught.value.hint


def test_a_server_that_ends_is_said_and_one_that_is_back_is_used(
        own: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(own.url(), TABLES)
    with ThreadPoolExecutor(4) as threads:  # several connections that have to be noticed as lost
        list(threads.map(lambda _: store.write(count), range(8)))
    own.stop()
    with monkeypatch.context() as hasty:
        hasty.setattr("glaas.store.postgres.PATIENCE", 0.5)
        with pytest.raises(UnavailableError, match="does not answer"):
            store.write(count)
        with pytest.raises(UnavailableError, match="does not answer"):
            counted(store)
    own.start()
    monkeypatch.setattr("glaas.store.postgres.PATIENCE", 30.0)  # the machine may be busy
    assert store.write(count) == 9
    assert counted(store) == 9
    own.stop(signal.SIGKILL)
    threading.Timer(0.5, own.start).start()
    assert store.write(count) == 10, "a server that is back within seconds is waited for"
    store.close()


def test_a_killed_server_loses_nothing_that_was_acknowledged_and_does_nothing_twice(
        own: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """kill -9 in the midst of writing, again and again: the counter is what was acknowledged, though counting twice counts."""
    store = open_store(own.url(), TABLES)
    monkeypatch.setattr("glaas.store.postgres.PATIENCE", 30.0)
    monkeypatch.setattr("glaas.store.pgtransaction.ASKING", 60.0)
    stop, acknowledged, unknown = threading.Event(), [], []

    def write() -> None:
        while not stop.is_set():
            try:
                acknowledged.append(store.write(count))
            except UnavailableError as error:
                unknown.append(error.message)

    writers = [threading.Thread(target=write) for _ in range(3)]
    for each in writers:
        each.start()
    for turn in range(5):
        enough = len(acknowledged) + 10
        while len(acknowledged) < enough and any(each.is_alive() for each in writers):
            time.sleep(0.01)
        if turn < 4:
            own.stop(signal.SIGKILL)
            own.start()
    stop.set()
    for each in writers:
        each.join()
    assert len(set(acknowledged)) == len(acknowledged) >= 50
    assert not [message for message in unknown if "not known" in message]
    assert counted(store) == len(acknowledged)
    store.close()


@pytest.mark.parametrize("when", ["before", "after"])
def test_work_whose_commit_or_whose_answer_is_lost_is_done_once(
        when: Literal["before", "after"], url: str, postgres: PostgresServer, place: Path) -> None:
    """A counter, which would show a second time: the server is asked whether it committed."""
    directory = place / f"cut-{when}"
    directory.mkdir()
    way = Cutting(postgres, directory, when)
    store = open_store(way.url(url.rpartition("&")[2]), TABLES)
    assert store.write(count) == 1
    tries = []
    way.armed = True
    assert store.write(lambda writer: tries.append(1) or count(writer)) == 2
    assert (way.armed, len(tries)) == (False, 1 if when == "after" else 2)
    assert (store.write(count), counted(store)) == (3, 3)
    store.close()
    way.close()


def test_a_transaction_whose_connection_is_cut_is_done_again(
        pair: tuple[KeyedStore, KeyedStore], postgres: PostgresServer) -> None:
    tries = []

    def work(writer: Writer) -> int:
        value = count(writer)
        [(process,)] = writer._connection.execute("select pg_backend_pid()").fetchall()
        tries.append(process)
        if len(tries) == 1:
            with psycopg.connect(postgres.url(), autocommit=True) as connection:
                connection.execute("select pg_terminate_backend(%s)", (process,))
        return value

    assert pair[0].write(work) == 1
    assert (len(tries), counted(pair[1])) == (2, 1)


def test_a_busy_pool_is_not_waited_for_without_end(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(f"{url}&pool=1", TABLES)
    with monkeypatch.context() as hasty, store.read():
        hasty.setattr("glaas.store.postgres.PATIENCE", 0.2)
        with pytest.raises(UnavailableError, match="no connection to the database was free"):
            store.write(count)
    assert store.write(count) == 1
    store.close()
    with pytest.raises(UnavailableError, match="closed"):
        store.write(count)


# -- damage, addresses ------------------------------------------------------------------------------------------------


def test_a_value_that_was_changed_in_the_database_is_noticed(pair: tuple[KeyedStore, KeyedStore], url: str) -> None:
    pair[0].write(lambda writer: writer.put(SHORT, [(KEY, b"1"), ((b"ab", b"other"), b"2")]))
    with psycopg.connect(url) as connection:
        connection.execute("update glaas_short set v = set_byte(v, 8, get_byte(v, 8) # 1) where r = 'counter'")
    with pair[0].read() as reader:
        assert reader.get(SHORT, [(b"ab", b"other")]) == {(b"ab", b"other"): b"2"}
        for look in (lambda: reader.get(SHORT, [KEY]), lambda: reader.scan(SHORT, [Range(b"ab")]),
                     lambda: list(reader.walk(SHORT))):
            with pytest.raises(CorruptError):
                look()
    with psycopg.connect(url) as connection:  # a good value under a wrong key
        connection.execute("update glaas_short set v = (select v from glaas_short where r = 'other') where r = 'counter'")
    with pytest.raises(CorruptError):
        counted(pair[1])


def test_addresses() -> None:
    assert parse("postgresql://ada@db/lineage?pool=3&pgbouncer=true&sslmode=require")[1:] == (3, True)
    assert "sslmode=require" in parse("postgresql://ada@db/lineage?sslmode=require").conninfo
    assert "connect_timeout=1 " in parse("postgres://db/x?connect_timeout=1").conninfo + " "
    for bad in ("postgresql://db/x?pool=many", "postgresql://db/x?pgbouncer=1", "postgresql://db/x?colour=red"):
        with pytest.raises(InvalidError):
            parse(bad)
