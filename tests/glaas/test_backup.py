"""Backups: online, whole, the same from every database; what is damaged is noticed before anything is changed."""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from blake3 import blake3
from keyed_tables import IDS, SHORT, WORDS, home
from typer.testing import CliRunner

from glaas.backup import restoring
from glaas.backup.form import Backup
from glaas.backup.making import back_up
from glaas.backup.restoring import check, find, restore
from glaas.backup.verifying import verify
from glaas.main import app
from glaas.registry.tables import PARTS
from glaas.store import open_existing, open_store
from glaas.store.keyed import KeyedStore, Writer
from lineage import ids
from lineage.errors import ConflictError, CorruptError, NotFoundError, RoarError, UnsupportedError

TABLES = (IDS, SHORT, WORDS, PARTS)


def rows_of(store: KeyedStore) -> dict[str, dict[tuple[bytes, bytes], bytes]]:
    with store.read() as reader:
        return {table.name: dict(reader.walk(table)) for table in TABLES}


@pytest.fixture
def filled(open_keyed) -> KeyedStore:
    store = open_keyed(TABLES)

    def fill(writer: Writer) -> None:
        writer.put(IDS, [((home(n), b"x" * (n % 400)), os.urandom(n % 300)) for n in range(12_000)])
        writer.put(SHORT, [((b"\0\xff", b""), b""), ((b"ab", b"\0" * 478), b"large" * 500_000)])
        writer.put(WORDS, [((b"", b""), b"1"), ((b"w\xc3\xb6rd", b"\xff"), b"2")])
        parts = [os.urandom(500) for _ in range(50)]
        writer.put(PARTS, [((ids.content_id(part), b""), part) for part in parts])

    store.write(fill)
    return store


@pytest.fixture
def elsewhere(tmp_path: Path, where: str, request: pytest.FixtureRequest) -> str:
    """A store to restore to: of the other kind."""
    if where.startswith("postgresql:"):
        return str(tmp_path / "again")
    from pgserver import PROGRAMS

    if not (PROGRAMS / "postgres").exists():
        return str(tmp_path / "again")
    import psycopg

    server = request.getfixturevalue("postgres")
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f"create schema restored_{os.getpid()}_{id(tmp_path)}")
    return server.url(f"restored_{os.getpid()}_{id(tmp_path)}")


def test_a_backup_restores_to_any_database(filled: KeyedStore, tmp_path: Path, elsewhere: str) -> None:
    path, summary = back_up(filled, tmp_path / "backups", {"log.key": b"secret"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]
    assert {name: summary.rows[name] for name in ("ids", "short", "words", "parts")} == {
        "ids": 12_000, "short": 2, "words": 2, "parts": 50}
    assert summary.size == path.stat().st_size
    assert check(find(tmp_path / "backups"), verify) == summary
    assert restore(Backup(path), elsewhere, verify) == summary
    again = open_store(elsewhere, TABLES)
    assert rows_of(again) == rows_of(filled)
    later, _ = back_up(again, tmp_path / "backups", {})
    assert find(tmp_path / "backups").path == later
    assert list(Backup(later).rows()) == list(Backup(path).rows())
    again.close()


def test_a_backup_is_of_one_moment_while_others_write(filled: KeyedStore, tmp_path: Path) -> None:
    """Two rows that are always changed together are the same in every backup."""
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            value = b"%d" % number
            filled.write(lambda writer, value=value: writer.put(WORDS, [((b"a", b""), value), ((b"zz", b""), value)]))

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    for _ in range(4):
        path, _ = back_up(filled, tmp_path / "backups", {})
        found = {key: value for table, key, value in Backup(path).rows() if table == WORDS}
        assert found.get((b"a", b"")) == found.get((b"zz", b""))
        seen.add(found.get((b"a", b"")))
    stop.set()
    writer.join()
    assert len(seen) > 1


def _flip(data: bytes) -> bytes:
    return data[:-5000] + bytes([data[-5000] ^ 1]) + data[-4999:]


@pytest.mark.parametrize(("change", "error"), [
    (_flip, CorruptError), (lambda data: data[:-1], CorruptError), (lambda data: data[:-40], CorruptError),
    (lambda data: data[:len(data) // 2], CorruptError), (lambda data: data + b"x", CorruptError),
    (lambda data: b"", CorruptError),
    (lambda data: data[:15] + b"\xff" * 4 + data[19:], CorruptError), (lambda data: b"-----" + data, CorruptError),
    (lambda data: data.replace(b"glaas backup 1", b"glaas backup 2"), UnsupportedError)],
    ids=["flipped", "short", "no end", "half", "more", "empty", "sizes", "other", "newer"])
def test_a_damaged_backup_changes_nothing(tmp_path: Path, change: Callable[[bytes], bytes], error: type[RoarError]) -> None:
    store = open_store(tmp_path / "store", [IDS])
    store.write(lambda writer: writer.put(IDS, [((home(n), b""), b"%d" % n * 50) for n in range(1000)]))
    path, _ = back_up(store, tmp_path / "backups", {})
    store.close()
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(error):
        restore(find(tmp_path / "backups"), tmp_path / "again", verify)
    assert not (tmp_path / "again").exists()


def test_every_single_flipped_byte_is_noticed(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store", [IDS])
    store.write(lambda writer: writer.put(IDS, [((home(1), b""), b"value")]))
    path, _ = back_up(store, tmp_path / "backups", {"log.key": b"key"})
    store.close()
    data = path.read_bytes()
    assert blake3(data[:-32]).digest() == data[-32:]
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1:])
        with pytest.raises((CorruptError, UnsupportedError)):
            check(Backup(path), verify)


def test_a_record_that_is_not_what_its_id_names_is_refused(tmp_path: Path) -> None:
    """A store that somebody changed, with good checksums."""
    store = open_store(tmp_path / "store", [PARTS])
    store.write(lambda writer: writer.put(PARTS, [((ids.content_id(b"true"), b""), b"false")]))
    path, _ = back_up(store, tmp_path / "backups", {})
    store.close()
    with pytest.raises(CorruptError, match="is not the hash of"):
        restore(Backup(path), tmp_path / "again", verify)


def test_an_interrupted_restore_is_said_and_done_again(filled: KeyedStore, tmp_path: Path, elsewhere: str,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    path, _ = back_up(filled, tmp_path / "backups", {})
    put, done = restoring._put, []

    def stopped(rows: list, writer: Writer) -> None:
        done.append(1)
        if len(done) == 3:
            raise ZeroDivisionError
        put(rows, writer)

    with monkeypatch.context() as patched:
        patched.setattr(restoring, "_put", stopped)
        with pytest.raises(ZeroDivisionError):
            restore(Backup(path), elsewhere, verify)
    with pytest.raises(CorruptError, match="is being restored"):
        open_store(elsewhere, TABLES)
    filled.write(lambda writer: writer.put(WORDS, [((b"later", b""), b"")]))
    other, _ = back_up(filled, tmp_path / "backups", {})
    with pytest.raises(ConflictError, match="another backup"):
        restore(Backup(other), elsewhere, verify)
    restore(Backup(path), elsewhere, verify)
    again = open_store(elsewhere, TABLES)
    filled.write(lambda writer: writer.delete(WORDS, [(b"later", b"")]))
    assert rows_of(again) == rows_of(filled)
    again.close()
    with pytest.raises(ConflictError, match="there is a registry"):
        restore(Backup(path), elsewhere, verify)


def test_the_commands(tmp_path: Path) -> None:
    def run(*words: object) -> str:
        done = CliRunner().invoke(app, [str(word) for word in words])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.output

    backups, state, again = tmp_path / "backups", tmp_path / "state", tmp_path / "again"
    with pytest.raises(NotFoundError):
        run("backup", backups, "--state-dir", state)
    run("user", "add", "ada", "--state-dir", state)
    (state / "log.key").write_bytes(b"a key")
    made = json.loads(run("backup", backups, "--state-dir", state, "--json"))
    assert (made["schema"], made["kind"], made["files"], made["rows"]["account_users"]) == (
        "roar.backup/1", "backup", ["log.key"], 1)
    assert "is whole" in run("restore", backups, "--state-dir", again, "--dry-run")
    assert not again.exists()
    assert f"glaas serve --state-dir {again}" in run("restore", backups, "--state-dir", again)
    assert (again / "log.key").read_bytes() == b"a key"
    assert "ada" in run("user", "list", "--state-dir", again)
    with pytest.raises(ConflictError):
        run("restore", backups, "--state-dir", again)
    (again / "log.key").write_bytes(b"another")
    with pytest.raises(ConflictError, match="is another one than the backup's"):
        run("restore", backups, "--state-dir", again)
    with pytest.raises(NotFoundError):
        run("restore", tmp_path / "none")
    open_existing(again / "store").close()
