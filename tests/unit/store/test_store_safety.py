"""What the store does when things go wrong: crashes while it is made, damage, full disks, bad operations."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import lmdb
import pytest
from recorder import begin, ended, entries, entry, record

from lineage.errors import CorruptError, UnavailableError, UnsupportedError
from roard.store import Store
from roard.store.environment import SCHEMA, SCHEMA_KEY, open_environment
from roard.store.values import U64, put, seal, unseal
from roard.store.writer import Writer


def test_the_store_is_for_root_alone(tmp_path: Path) -> None:
    with Store.open(tmp_path / "a" / "store"):
        assert stat.S_IMODE((tmp_path / "a" / "store").stat().st_mode) == 0o700
        assert stat.S_IMODE((tmp_path / "a" / "store" / "data.mdb").stat().st_mode) == 0o600


def test_a_large_address_space_is_reserved_and_little_disk_is_used(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store:
        assert store.statistics()["bytes_reserved"] == 1 << 40
        assert (tmp_path / "store" / "data.mdb").stat().st_blocks * 512 < 1 << 20


def test_where_addresses_are_scarce_less_is_reserved(tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import resource, sys
        from pathlib import Path
        from roard.store import Store
        resource.setrlimit(resource.RLIMIT_AS, (40 << 30, 40 << 30))
        with Store.open(Path(sys.argv[1])) as store:
            print(store.statistics()["bytes_reserved"])
    """)
    done = subprocess.run([sys.executable, "-c", script, tmp_path / "store"], stdout=subprocess.PIPE, check=True)
    assert int(done.stdout) == 1 << 34


def test_what_a_crash_left_of_a_creation_is_swept_away(tmp_path: Path) -> None:
    unfinished = tmp_path / "store.new"
    unfinished.mkdir()
    (unfinished / "data.mdb").write_bytes(b"half")
    with Store.open(tmp_path / "store") as store:
        record(store, outputs=["/out=b"])
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_a_directory_with_other_things_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "thesis.tex").write_text("mine")
    with pytest.raises(UnavailableError):
        Store.open(tmp_path / "store")
    assert (tmp_path / "store" / "thesis.tex").read_text() == "mine"


def test_an_empty_directory_is_taken(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    Store.open(tmp_path / "store").close()
    assert (tmp_path / "store" / "data.mdb").exists()


def test_a_store_of_a_newer_roard_is_refused(tmp_path: Path) -> None:
    env, tables = open_environment(tmp_path / "store")
    with env.begin(write=True) as txn:
        put(txn, tables.meta, SCHEMA_KEY, U64.pack(SCHEMA + 1))
    env.close()
    with pytest.raises(UnsupportedError, match=f"schema {SCHEMA + 1}; this roard knows {SCHEMA}"):
        Store.open(tmp_path / "store")


def test_a_store_from_before_the_first_release_is_refused(tmp_path: Path) -> None:
    env, tables = open_environment(tmp_path / "store")
    with env.begin(write=True) as txn:
        put(txn, tables.meta, SCHEMA_KEY, U64.pack(1))
    env.close()
    with pytest.raises(UnsupportedError, match="schema 1, from before the first release"):
        Store.open(tmp_path / "store")


def test_a_file_that_is_no_store_is_corrupt(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "data.mdb").write_bytes(os.urandom(1 << 16))
    with pytest.raises(CorruptError):
        Store.open(tmp_path / "store")


def test_it_is_not_opened_twice_in_one_process(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store"), pytest.raises(UnavailableError):
        Store.open(tmp_path / "store")


def test_a_value_knows_its_key() -> None:
    sealed = seal(b"key", b"value")
    assert unseal(b"key", sealed) == b"value"
    flipped = sealed[:9] + b"\0" + sealed[10:]
    for key, data in [(b"kez", sealed), (b"key", sealed[:-1]), (b"key", flipped), (b"key", b"")]:
        with pytest.raises(CorruptError):
            unseal(key, data)


def test_flipped_bits_in_the_file_are_noticed(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store:
        head = record(store, ["/in=a"], [f"/out{'x' * 500}=b"])
    data = tmp_path / "store" / "data.mdb"
    content = bytearray(data.read_bytes())
    at = content.find(b"/out" + b"x" * 500)
    assert at > 0
    while at > 0:  # LMDB may have left older copies of the page
        content[at + 100] ^= 1
        at = content.find(b"/out" + b"x" * 500, at + 1)
    data.write_bytes(content)
    with Store.open(tmp_path / "store") as store:
        assert store.head(head.id) == head
        with pytest.raises(CorruptError):
            list(store.entries(head.id))
        with pytest.raises(CorruptError):
            store.job(head.id)


def test_a_killed_process_loses_no_job_that_was_answered(tmp_path: Path) -> None:
    """Kills without a shutdown, in the midst of writing: every head that was printed is there afterwards."""
    script = textwrap.dedent("""
        import sys
        sys.path.insert(0, sys.argv[2])
        from pathlib import Path
        from recorder import record
        from roard.store import Store
        store = Store.open(Path(sys.argv[1]))
        for index in range(100_000):
            print(record(store, [f"/in={index - 1}"], [f"/out={index}"]).id.hex(), flush=True)
    """)
    helpers = Path(__file__).parent.parent
    with subprocess.Popen([sys.executable, "-c", script, tmp_path / "store", helpers], stdout=subprocess.PIPE,
                          text=True) as process:
        assert process.stdout is not None
        answered = [process.stdout.readline().strip() for _ in range(50)]
        process.kill()
        answered += [line.strip() for line in process.stdout if len(line) == 65]
    with Store.open(tmp_path / "store") as store:
        for identity in answered:
            assert store.job(bytes.fromhex(identity)) is not None
        assert store.statistics()["jobs"] >= len(answered)
        assert len(store.running(lambda uid: True)) <= 1


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
    ballast = small_disk / "ballast"
    with Store.open(small_disk / "store") as store:
        kept = record(store, ["/in=a"], ["/out=b"])
        head = begin(store)
        names = [f"/out/{index}/{os.urandom(50).hex()}" for index in range(8000)]
        large = ended(head, [entry("output", name, name) for name in names])
        before = store.statistics()
        with pytest.raises(UnavailableError, match="full") as caught:
            store.finish_job(large)
        assert str(small_disk) in caught.value.hint
        assert {**store.statistics(), "bytes_used": 0} == {**before, "bytes_used": 0}
        assert store.running_head(head.run) == head
        ballast.write_bytes(b"")
        done = store.finish_job(replace(large, entries=large.entries[:10]))
        assert store.head(done.id) == done
        assert store.job(kept.id) is not None
    with Store.open(small_disk / "store") as store:
        assert [one.id for one in store.newest_heads(lambda uid: True)] == [done.id, kept.id]


@pytest.mark.root
def test_a_disk_that_others_filled_can_be_read_and_written_again_when_there_is_room(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    with Store.open(small_disk / "store") as store:
        kept = record(store, ["/in=a"], ["/out=b"])
        with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
            while file.write(os.urandom(4096)):
                pass
        failed = 0
        for index in range(400):  # LMDB uses the room that the file has before it asks for more
            try:
                record(store, outputs=[f"/out/{index}/{'y' * 3000}={index}"])
            except UnavailableError as error:
                assert "full" in error.message
                failed += 1
                break
        assert failed == 1
        assert store.job(kept.id) is not None
        ballast.unlink()
        assert store.head(record(store, ["/out=b"], ["/model=c"]).id) is not None


def test_a_file_size_limit_counts_as_full(tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import os, resource, sys
        sys.path.insert(0, sys.argv[2])
        from pathlib import Path
        from recorder import begin, ended, entry, record
        from lineage.errors import UnavailableError
        from roard.store import Store
        store = Store.open(Path(sys.argv[1]))
        job = ended(begin(store), [entry("output", "/o/%d" % n, str(n)) for n in range(3000)])
        size = os.stat(sys.argv[1] + "/data.mdb").st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        try:
            store.finish_job(job)
        except UnavailableError as error:
            print(error.message)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert store.finish_job(job).number == 1
        store.close()
    """)
    done = subprocess.run([sys.executable, "-c", script, tmp_path / "store", Path(__file__).parent.parent],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("the disk that holds the store is full")


def test_the_same_when_the_reserved_addresses_are_used_up(tmp_path: Path) -> None:
    env = lmdb.open(str(tmp_path / "tiny"), map_size=1 << 20, max_dbs=1)
    table = env.open_db(b"table")
    writer = Writer(env, tmp_path)
    with pytest.raises(UnavailableError, match="address space"):
        writer.do(lambda txn: txn.put(b"key", bytes(2 << 20), db=table))
    assert writer.do(lambda txn: txn.put(b"key", b"value", db=table))
    writer.close()
    env.close()


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[tuple[lmdb.Environment, Writer]]:
    env = lmdb.open(str(tmp_path / "env"), map_size=1 << 30)
    made = Writer(env, tmp_path)
    yield env, made
    made.close()
    env.close()


def test_an_operation_that_raises_does_not_harm_its_group(writer: tuple[lmdb.Environment, Writer]) -> None:
    env, thread = writer
    gate = threading.Event()
    first = thread.submit(lambda txn: gate.wait(10))  # holds the writer, so that the rest is one group

    def operation(index: int) -> object:
        def work(txn: lmdb.Transaction[bytes]) -> int:
            txn.put(b"%04d" % index, b"x")
            if index % 7 == 3:
                raise ZeroDivisionError(index)
            return index
        return work

    futures = [thread.submit(operation(index)) for index in range(100)]
    gate.set()
    assert first.result()
    for index, future in enumerate(futures):
        if index % 7 == 3:
            assert isinstance(future.exception(10), ZeroDivisionError)
        else:
            assert future.result(10) == index
    with env.begin() as txn, txn.cursor() as cursor:
        assert [int(key) for key in cursor.iternext(values=False)] == [i for i in range(100) if i % 7 != 3]


def test_what_waits_together_is_committed_together(writer: tuple[lmdb.Environment, Writer]) -> None:
    env, thread = writer
    gate = threading.Event()
    thread.submit(lambda txn: gate.wait(10))
    futures = [thread.submit(lambda txn, key=b"%d" % index: txn.put(key, b"")) for index in range(500)]
    before = env.info()["last_txnid"]
    gate.set()
    assert all(future.result(10) for future in futures)
    assert env.info()["last_txnid"] - before <= 2


def test_closing_does_what_was_asked_before_and_refuses_what_comes_after(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store")
    head = begin(store)
    store.remember_hashes([(b"signature", b"h" * 32)])
    store.close()
    with pytest.raises(UnavailableError):
        store.finish_job(ended(head, entries(["/in=a"])))
    with pytest.raises(UnavailableError):
        store.running_head(head.run)
    store.close()
    with Store.open(tmp_path / "store") as again:
        assert again.known_hash(b"signature") == b"h" * 32


def test_a_generator_left_half_read_holds_no_transaction(tmp_path: Path) -> None:
    """A reader that stays open keeps every page that is freed meanwhile: the file would grow without end."""
    with Store.open(tmp_path / "store") as store:
        head = record(store, more=[entry("input", f"/in/{index}", str(index)) for index in range(9000)])
        half = store.entries(head.id)
        parts = store.record(head.id)
        next(half), next(parts)
        slots = store._env.readers().splitlines()[1:]  # pid, thread, transaction: "-" where a slot is idle
        assert [slot.split()[-1] for slot in slots] == ["-"] * len(slots)
        assert len(list(half)) == 8999
