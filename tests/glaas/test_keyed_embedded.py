"""What is LMDB's own: other processes, those that are killed, damage, full disks."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import lmdb
import pytest
from keyed_tables import IDS, SHORT, TABLES, home

from glaas.store import embedded, open_store
from glaas.store.keyed import KeyedStore, Range, Writer
from lineage.errors import CorruptError, InvalidError, UnavailableError

COMMON = """
    import os, sys
    sys.path.insert(0, sys.argv[2])
    from keyed_tables import *
    from glaas.store import open_store
    from glaas.store.keyed import Range
    store = open_store(sys.argv[1], TABLES)
"""


def started(where: Path, script: str) -> subprocess.Popen[str]:
    program = textwrap.dedent(COMMON) + textwrap.dedent(script)
    return subprocess.Popen([sys.executable, "-c", program, where, Path(__file__).parent], stdout=subprocess.PIPE, text=True)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[KeyedStore]:
    opened = open_store(tmp_path / "store", TABLES)
    yield opened
    opened.close()


def test_it_is_for_its_owner_alone(store: KeyedStore, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "store").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "store" / "data.mdb").stat().st_mode) == 0o600


def test_processes_that_make_the_same_store_at_once_have_one(tmp_path: Path) -> None:
    script = "store.write(lambda writer: writer.add(SHORT, [((b'ab', str(os.getpid()).encode()), b'')])); store.close()"
    processes = [started(tmp_path / "store", script) for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0] * 4
    for process in processes:
        process.stdout.close()  # type: ignore[union-attr]
    opened = open_store(tmp_path / "store", TABLES)
    with opened.read() as reader:
        assert {rest for rest, _ in reader.scan(SHORT, [Range(b"ab")])[0]} == {b"%d" % process.pid for process in processes}
    opened.close()
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_another_database_is_not_taken_for_a_store(tmp_path: Path) -> None:
    lmdb.open(str(tmp_path / "other"), max_dbs=1).close()
    with pytest.raises(CorruptError, match="not glaas's"):
        open_store(tmp_path / "other", TABLES)
    (tmp_path / "noise").mkdir()
    (tmp_path / "noise" / "data.mdb").write_bytes(os.urandom(1 << 16))
    with pytest.raises(CorruptError):
        open_store(tmp_path / "noise", TABLES)


def test_it_is_opened_once_in_a_process_and_not_after_it_was_closed(store: KeyedStore, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        open_store(tmp_path / "store", TABLES)
    store.close()
    with pytest.raises(UnavailableError), store.read():
        pass
    with pytest.raises(UnavailableError):
        store.write(lambda writer: None)


def test_a_transaction_within_another_one_is_refused(store: KeyedStore) -> None:
    """It would wait for itself without end."""
    with pytest.raises(InvalidError, match="within another"):
        store.write(lambda writer: store.write(lambda inner: None))
    store.write(lambda writer: writer.put(SHORT, [((b"ab", b""), b"")]))


def test_a_killed_writer_holds_nobody_up_and_leaves_whole_transactions(store: KeyedStore, tmp_path: Path) -> None:
    """Killed in the midst of a transaction, which has the lock, or of a commit: again and again, while this one writes."""
    script = """
        number = 0
        while True:
            number += 1
            which = number.to_bytes(28, "big") + os.getpid().to_bytes(4, "big")
            store.write(lambda writer: [writer.put(IDS, [((which, b"%d" % part), b"x" * 500)]) for part in range(5)])
            print(number, flush=True)
    """
    acknowledged: list[bytes] = []
    for turn in range(8):
        with started(tmp_path / "store", script) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(3 + turn * 5)]
            store.write(lambda writer: writer.put(SHORT, [((b"ab", b""), b"")]))
            process.kill()
            lines += [line for line in process.stdout if line.endswith("\n")]
            acknowledged += [int(line).to_bytes(28, "big") + process.pid.to_bytes(4, "big") for line in lines]
        store.write(lambda writer, turn=turn: writer.put(SHORT, [((b"ab", b"%d" % turn), b"")]))
    with store.read() as reader:
        rows: dict[bytes, int] = {}
        for (which, _), _ in reader.walk(IDS):
            rows[which] = rows.get(which, 0) + 1
    assert set(rows.values()) == {5}
    assert set(acknowledged) <= set(rows)
    assert len(rows) <= len(acknowledged) + 8, "beyond what it said, a killed one may have done one each"


def test_a_killed_reader_does_not_keep_freed_pages_for_ever(store: KeyedStore, tmp_path: Path,
                                                            monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [((home(n), b""), b"x" * 3000) for n in range(300)]
    store.write(lambda writer: writer.put(IDS, rows))
    with started(tmp_path / "store", """
        with store.read() as reader:
            reader.get(SHORT, [])
            print("reading", flush=True)
            sys.stdin.readline(); import time; time.sleep(100)
    """) as process:
        assert process.stdout is not None and process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    monkeypatch.setattr(embedded, "SWEEP", 0.0)
    data = tmp_path / "store" / "data.mdb"
    store.write(lambda writer: writer.put(IDS, rows))  # and looks for the dead
    store.write(lambda writer: writer.put(IDS, rows))
    size = data.stat().st_size
    for _ in range(6):
        store.write(lambda writer: writer.put(IDS, rows))
    assert data.stat().st_size <= size * 1.5


def test_flipped_bits_in_the_file_are_noticed(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store", TABLES)
    store.write(lambda writer: writer.put(SHORT, [((b"ab", b"good"), b"1"), ((b"ab", b"bad"), b"needle" * 50)]))
    store.close()
    data = tmp_path / "store" / "data.mdb"
    content = bytearray(data.read_bytes())
    at = content.find(b"needle" * 50)
    assert at > 0
    while at > 0:  # LMDB may have left older copies of the page
        content[at + 100] ^= 1
        at = content.find(b"needle" * 50, at + 1)
    data.write_bytes(content)
    store = open_store(tmp_path / "store", TABLES)
    with store.read() as reader:
        assert reader.get(SHORT, [(b"ab", b"good")]) == {(b"ab", b"good"): b"1"}
        for look in (lambda: reader.get(SHORT, [(b"ab", b"bad")]), lambda: reader.scan(SHORT, [Range(b"ab")]),
                     lambda: list(reader.walk(SHORT))):
            with pytest.raises(CorruptError):
                look()
    store.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB: the real thing, not a fault that is played."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.root
def test_a_full_disk_is_said_nothing_is_half_written_and_the_store_goes_on(small_disk: Path) -> None:
    store = open_store(small_disk / "store", TABLES)

    def fill(writer: Writer, count: int) -> None:
        writer.put(SHORT, [((b"ab", b"first"), b"")])
        writer.put(IDS, [((home(n), b""), os.urandom(2000)) for n in range(count)])

    with pytest.raises(UnavailableError, match="full") as caught:
        store.write(lambda writer: fill(writer, 3000))
    assert str(small_disk) in caught.value.hint
    with store.read() as reader:
        assert list(reader.walk(IDS)) == []
        assert list(reader.walk(SHORT)) == []
    store.write(lambda writer: fill(writer, 100))
    with store.read() as reader:
        assert len(list(reader.walk(IDS))) == 100
    store.close()
