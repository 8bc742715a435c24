"""The registry's log over its databases: what it appends, proves, and forgets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from harness import BIN, PATIENCE, ROOT
from keyed_tables import OpenKeyed

from glaas.log import keys
from glaas.log.checking import check
from glaas.log.journal import SUBJECTS, TABLES, Journal
from glaas.log.keys import SigningKey
from glaas.log.log import ENTRIES, NODES, OPENINGS, STATE, Log, entry_key, node_key, of_state, read_state
from glaas.server.wiring import TABLES as CURRENT_TABLES
from glaas.store import location, open_store
from glaas.store.keyed import Key, KeyedStore, Table
from lineage import merkle
from lineage.errors import ConflictError, InvalidError, NotFoundError
from lineage.transparency import LogEntry, Opening, decode_entry, follow, parse_head, parse_verifier_key, verify_opening

ADA = b"a" * 32
BOB = b"b" * 32


@pytest.fixture
def store(open_keyed: OpenKeyed) -> KeyedStore:
    return open_keyed(TABLES)


@pytest.fixture
def log(store: KeyedStore) -> Log:
    return Log(store, SigningKey.generate("example.org/log"))


def append(store: KeyedStore, log: Log, *entries: bytes) -> range:
    return store.write(lambda txn: log.append(txn, entries))


def problems(store: KeyedStore) -> list[str]:
    with store.read() as reader:
        return check(reader).problems


def test_every_proof_of_every_size_holds(store: KeyedStore, log: Log) -> None:
    """It grows by batches of many sizes; all that was shown of it on the way is consistent with what it becomes."""
    entries = [b"entry %d" % number for number in range(90)]
    shown = [log.head()]
    at = 0
    for size in (1, 2, 0, 7, 1, 16, 33, 1, 29):
        assert range(at, at + size) == append(store, log, *entries[at:at + size])
        at += size
        shown.append(log.head())
        shown[-1].verify()
        assert (at, merkle.root_of(entries[:at])) == (shown[-1].size, shown[-1].root)
    with store.read() as reader:
        for size in (1, 2, 3, 8, 27, 64, 65, 90):
            assert log.root(size, reader) == merkle.root_of(entries[:size])
            for index in range(size):
                path = log.inclusion(index, size, reader)
                merkle.verify_inclusion(merkle.leaf_hash(entries[index]), index, size, path, merkle.root_of(entries[:size]))
        for one in shown:
            for other in shown:
                if one.size <= other.size:
                    path = log.consistency(one.size, other.size, reader)
                    merkle.verify_consistency(one.size, one.root, other.size, other.root, path)
        assert log.entries(5, 10, reader) == entries[5:15]
        assert log.entries(88, 10, reader) == entries[88:]
    assert problems(store) == []


@pytest.mark.parametrize("ask", [
    lambda log: log.inclusion(3, 3), lambda log: log.inclusion(-1, 3), lambda log: log.inclusion(0, 4),
    lambda log: log.consistency(3, 2), lambda log: log.consistency(1, 4), lambda log: log.consistency(-1, 2),
    lambda log: log.proof(3), lambda log: log.root(1 << 40)])
def test_what_the_log_does_not_have(store: KeyedStore, log: Log, ask: Callable[[Log], object]) -> None:
    append(store, log, b"0", b"1", b"2")
    with pytest.raises((InvalidError, NotFoundError)):
        ask(log)


def test_nothing_is_in_it_whose_transaction_failed(store: KeyedStore, log: Log) -> None:
    append(store, log, b"0")
    before = log.head()

    def work(txn: object) -> None:
        log.append(txn, [b"1", b"2"])
        raise ConflictError("not this one")

    with pytest.raises(ConflictError):
        store.write(work)
    assert log.head() == before
    assert range(1, 2) == append(store, log, b"another")
    assert problems(store) == []


WRITER = """
import sys
from pathlib import Path
from glaas.log.journal import TABLES
from glaas.log.log import of_state
from glaas.store import open_store
where, state, who = sys.argv[1:]
store = open_store(where, TABLES)
log = of_state(store, Path(state))
for number in range(25):
    entries = [f"{who} {number} {at}".encode() for at in range(1 + (number + int(who)) % 5)]
    for index, entry in zip(store.write(lambda txn: log.append(txn, entries)), entries):
        print(index, entry.decode(), sep="\\t")
    head = log.head()
    head.verify()
    print(head.size, head.root.hex(), "head", sep="\\t")
store.close()
"""


def test_four_processes_append_at_once(where: str, open_keyed: OpenKeyed, tmp_path: Path) -> None:
    """None is lost, none has two numbers, and every head that any of them showed is of the one log."""
    open_keyed(TABLES).close()
    (tmp_path / "state").mkdir()
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, where, tmp_path / "state", str(who)], stdout=subprocess.PIPE,
                                cwd=ROOT, text=True) for who in range(4)]
    rows = [line.split("\t") for one in writers for line in one.communicate(timeout=100)[0].splitlines()]
    assert [one.returncode for one in writers] == [0] * 4
    store = open_keyed(TABLES)
    log = of_state(store, tmp_path / "state")
    said = {int(row[0]): row[1] for row in rows if len(row) == 2}
    assert sorted(said) == list(range(len(said)))
    assert [said[number].encode() for number in range(len(said))] == log.entries(0, len(said) + 10)
    assert len(said) == sum(len(row) == 2 for row in rows) == log.head().size
    heads = {(int(row[0]), row[1]) for row in rows if len(row) == 3}
    assert {(size, log.root(size).hex()) for size, _ in heads} == heads
    assert problems(store) == []


# What entries say, and what is forgotten.


def test_an_entry_says_nothing_to_who_has_not_its_opening(store: KeyedStore, log: Log) -> None:
    journal = Journal(log)
    number = store.write(lambda txn: journal.record(txn, "register", "ada", "public", ADA))
    proof = log.proof(number)
    opening, entry = verify_opening(proof.opening, proof.entry)
    assert (opening.act, opening.account, opening.space, opening.bundle) == ("register", "ada", "public", ADA)
    for known in (b"ada", b"public", ADA, opening.salt):
        assert known not in proof.entry
    assert b"" == log.proof(number, opened=False).opening
    assert decode_entry(proof.entry) == entry == LogEntry(entry.at, opening.commitment)


def test_what_is_taken_back_cannot_be_opened_and_all_else_holds(store: KeyedStore, log: Log) -> None:
    journal = Journal(log)
    subjects = [bytes([number]) * 32 for number in range(20)]
    numbers = [store.write(lambda txn, one=one: journal.record(txn, "register", "ada", "public", one)) for one in subjects]
    shared = store.write(lambda txn: journal.record(txn, "register", "bob", "org:lab", subjects[3]))
    before = log.head()

    def work(txn: object) -> None:
        journal.record_all(txn, "forget", "ada", "", [BOB])
        journal.destroy(txn, [subjects[3], subjects[7]], "ada")

    store.write(work)
    after = log.head()
    merkle.verify_consistency(before.size, before.root, after.size, after.root, log.consistency(before.size, after.size))
    for number in (*numbers, shared):
        proof = log.proof(number)
        merkle.verify_inclusion(merkle.leaf_hash(proof.entry), number, after.size, proof.path, after.root)
        gone = number in {numbers[3], numbers[7]}
        assert (proof.opening == b"") == gone
        assert (log.opening(number) is None) == gone
    with store.read() as reader:
        assert [shared] == journal.numbers(reader, subjects[3])  # bob's stays
        assert [] == journal.numbers(reader, subjects[7])
    assert log.opening(after.size - 1) is None  # not even what was forgotten is remembered
    assert problems(store) == []


def test_moved_jobs_are_entries_and_go_when_they_are_forgotten(store: KeyedStore, log: Log) -> None:
    journal = Journal(log)
    moved = store.write(lambda txn: journal.record_all(txn, "move", "ada", "public", [ADA, BOB]))
    assert [log.opening(number).jobs for number in moved] == [(ADA,), (BOB,)]
    store.write(lambda txn: journal.record_all(txn, "forget", "ada", "", [ADA]))
    assert log.opening(moved[0]) is None
    assert log.opening(moved[1]) is not None


# Keys.


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    key = keys.load_or_make(tmp_path)
    assert 0o600 == (tmp_path / keys.NAME).stat().st_mode & 0o777
    assert keys.load_or_make(tmp_path).verifier == key.verifier
    assert [keys.NAME] == [path.name for path in tmp_path.iterdir()]
    (tmp_path / keys.NAME).write_text("nonsense")
    with pytest.raises(InvalidError):
        keys.load_or_make(tmp_path)


def test_a_new_key_is_signed_by_the_old_one(store: KeyedStore, tmp_path: Path) -> None:
    log, other = of_state(store, tmp_path), of_state(store, tmp_path)
    append(store, log, b"0", b"1")
    before = other.head()
    log.rotate(keys.prepared(tmp_path))
    keys.adopt(tmp_path)
    after = other.head()  # another process that serves goes on with the new one
    assert (before.origin, 3) == (after.origin, after.size)
    assert before.key != after.key
    assert follow(before.origin, before.key, after.key, other.changes())
    assert parse_head(after.note(), after.key) == after
    assert problems(store) == []


@pytest.mark.parametrize("crashed", ["before the log knew", "after the log knew"])
def test_a_change_of_the_key_that_was_interrupted(store: KeyedStore, tmp_path: Path, crashed: str) -> None:
    log = of_state(store, tmp_path)
    append(store, log, b"0")
    prepared = keys.prepared(tmp_path)
    if crashed.startswith("after"):
        log.rotate(prepared)
    after = of_state(store, tmp_path).head()
    assert (after.key == prepared.public) == crashed.startswith("after")
    assert keys.load(tmp_path / keys.NAME).public == after.key


def test_a_replica_with_another_key_is_told_so(store: KeyedStore, log: Log) -> None:
    append(store, log, b"0")
    with pytest.raises(ConflictError, match="another key"):
        Log(store, SigningKey.generate("example.org/log")).head()
    with pytest.raises(ConflictError):
        Log(store, SigningKey.generate("example.org/log")).rotate(SigningKey("x", Ed25519PrivateKey.generate()))


# Damage.


def put(store: KeyedStore, table: Table, key: Key, value: bytes) -> None:
    store.write(lambda txn: txn.put(table, [(key, value)]))


def delete(store: KeyedStore, table: Table, key: Key) -> None:
    store.write(lambda txn: txn.delete(table, [key]))


DAMAGE = {
    "an entry is another": lambda store: put(store, ENTRIES, entry_key(3), LogEntry(1, b"x" * 32).encode()),
    "an entry is gone": lambda store: delete(store, ENTRIES, entry_key(3)),
    "the last entry is gone": lambda store: delete(store, ENTRIES, entry_key(8)),
    "an entry too many": lambda store: put(store, ENTRIES, entry_key(9), b"x"),
    "a node is another": lambda store: put(store, NODES, node_key((1, 2)), b"x" * 32),
    "a node is gone": lambda store: delete(store, NODES, node_key((2, 1))),
    "a node too many": lambda store: put(store, NODES, node_key((4, 1)), b"x" * 32),
    "an opening of another entry": lambda store: put(store, OPENINGS, entry_key(2), Opening.of("move", "x").encode()),
    "an opening of no entry": lambda store: put(store, OPENINGS, entry_key(99), Opening.of("move", "x").encode()),
    "an opening that is none": lambda store: put(store, OPENINGS, entry_key(2), b"x"),
    "found for what it is not": lambda store: put(store, SUBJECTS, (b"?" * 32, b"".join(entry_key(2))), b"ada"),
    "found, and not there": lambda store: put(store, SUBJECTS, (ADA, b"".join(entry_key(77))), b"ada"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found(store: KeyedStore, log: Log, name: str) -> None:
    journal = Journal(log)
    for number in range(9):
        store.write(lambda txn, number=number: journal.record(txn, "register", "ada", "public", bytes([number]) * 32))
    assert problems(store) == []
    DAMAGE[name](store)
    assert problems(store)


def test_a_log_that_was_cut_is_found(store: KeyedStore, log: Log) -> None:
    """The row that says how far it is, set back."""
    append(store, log, b"0", b"1")
    with store.read() as reader:
        [(key, old)] = list(reader.walk(STATE))
        assert read_state(reader).size == 2
    append(store, log, b"2")
    put(store, STATE, key, old)
    assert problems(store)


# What `glaas log` and a restore make of it.


def glaas(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BIN / "glaas", *words], capture_output=True, text=True, cwd=ROOT, timeout=60 * PATIENCE,
                          env={**os.environ, "NO_COLOR": "1"}, stdin=subprocess.DEVNULL)


def test_what_was_forgotten_is_in_no_byte_of_a_store_that_was_restored(tmp_path: Path) -> None:
    """LMDB keeps freed pages as they are until it needs them, so the file itself may still have the salt for a while."""
    state, again = tmp_path / "state", tmp_path / "again"
    state.mkdir(mode=0o700)
    with closing(open_store(location(state, None), CURRENT_TABLES)) as store:
        log = of_state(store, state)
        journal = Journal(log)
        kept = store.write(lambda txn: journal.record(txn, "register", "ada", "public", BOB))
        gone = store.write(lambda txn: journal.record(txn, "register", "ada", "public", ADA))
        salts = {number: log.opening(number).salt for number in (kept, gone)}
        store.write(lambda txn: journal.destroy(txn, [ADA], "ada"))
        store.write(lambda txn: journal.record_all(txn, "forget", "ada", "", [ADA]))
        head = log.head()
    assert 0 == glaas("backup", tmp_path / "backups", "--state-dir", state).returncode
    restored = glaas("restore", tmp_path / "backups", "--state-dir", again)
    assert (0, "") == (restored.returncode, restored.stderr)
    assert "3 entries, of which 1 can be opened" in restored.stdout
    data = b"".join(path.read_bytes() for path in again.rglob("*") if path.is_file())
    assert salts[kept] in data
    assert salts[gone] not in data
    with closing(open_store(location(again, None), CURRENT_TABLES)) as store:
        after = of_state(store, again).head()
        assert (head.size, head.root, head.key) == (after.size, after.root, after.key)


def test_glaas_log_says_how_it_is(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert 2 == glaas("log", "name", "no name", "--state-dir", state).returncode
    assert 0 == glaas("log", "name", "example.org/lineage", "--state-dir", state).returncode
    assert "`glaas serve` makes one" in glaas("log", "head", "--state-dir", state).stderr
    with closing(open_store(location(state, None), CURRENT_TABLES)) as store:
        log = of_state(store, state)
        journal = Journal(log)
        store.write(lambda txn: journal.record(txn, "register", "ada", "public", ADA))
        before = log.head()
    key = glaas("log", "head", "--key", "--state-dir", state).stdout.strip()
    assert (before.origin, before.key) == ("example.org/lineage", before.key) == parse_verifier_key(key)
    assert "keeps its name" in glaas("log", "name", "another.example", "--state-dir", state).stderr
    found = json.loads(glaas("log", "head", "--json", "--state-dir", state).stdout)
    assert ("glaas.log-head/1", 1, key) == (found["schema"], found["size"], found["key"])
    assert parse_head(found["note"], before.key).root == before.root
    assert 0 == glaas("log", "verify", "--state-dir", state).returncode
    refused = glaas("log", "rotate-key", "--no-input", "--state-dir", state)
    assert (1, key) == (refused.returncode, glaas("log", "head", "--key", "--state-dir", state).stdout.strip())
    assert key in glaas("log", "rotate-key", "--dry-run", "--state-dir", state).stderr
    assert 0 == glaas("log", "rotate-key", "--yes", "--state-dir", state).returncode
    assert key != glaas("log", "head", "--key", "--state-dir", state).stdout.strip()
    with closing(open_store(location(state, None), CURRENT_TABLES)) as store:
        put(store, ENTRIES, entry_key(0), LogEntry(1, b"x" * 32).encode())
    found = glaas("log", "verify", "--json", "--state-dir", state)
    document = json.loads(found.stdout)
    assert (1, False, "glaas.log-check/1") == (found.returncode, document["whole"], document["schema"])
    assert document["problems"]
