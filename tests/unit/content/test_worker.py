"""Hash workers: the very inode or nothing, as the user, whatever is put in the way."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path

import pytest
from harness import blake

from roard.content import worker
from roard.content.channel import Channel
from roard.content.hashing import RACY_NS, Hashing, signature
from roard.probe.layout import FileId


def identity(path: Path) -> tuple[bytes, int, int, int, int, int]:
    status = path.stat()
    return (os.fsencode(path), 0, -1, status.st_dev, status.st_ino, 0)


def settle(questions: list[worker.Question]) -> tuple[dict[bytes, bytes], list[worker.Settled | None]]:
    directories, paths = worker.canonical_paths(path for path, _, _ in questions)
    return directories, [worker.settle_file(path, known, digest)
                         for path, (_, known, digest) in zip(paths, questions, strict=True)]


def hexed(digest: bytes | None) -> str | None:
    return digest.hex() if digest else None


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 3 << 20])
def test_hash_of_a_file(tmp_path: Path, size: int) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"x" * size)
    problem, digest, *rest = worker.hash_file(*identity(path))
    assert (problem, hexed(digest)) == ("", blake(b"x" * size))
    status = path.stat()
    assert rest == [status.st_dev, status.st_ino, size, status.st_mtime_ns, status.st_ctime_ns]


def test_another_inode_at_the_path_is_not_hashed(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("first")
    asked = identity(path)
    keep = path.open()  # so that the inode is not used again
    path.unlink()
    path.write_text("second")
    assert worker.hash_file(*asked)[:2] == (worker.GONE, None)
    keep.close()


def test_a_file_without_a_name_is_found_by_its_descriptor(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("open")
    with path.open() as held:
        _, _, _, *rest = identity(path)
        path.unlink()
        outcome = worker.hash_file(os.fsencode(path), os.getpid(), held.fileno(), *rest)
    assert hexed(outcome[1]) == blake(b"open")


@pytest.mark.parametrize("kind", ["link", "fifo", "directory", "socket"])
def test_what_is_no_regular_file(tmp_path: Path, kind: str) -> None:
    """Nothing blocks, nothing is followed."""
    path = tmp_path / "p"
    if kind == "link":
        (tmp_path / "secret").write_text("s")
        path.symlink_to("secret")
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    else:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(str(path))
    status = path.lstat()
    assert worker.hash_file(os.fsencode(path), 0, -1, status.st_dev, status.st_ino, 0)[1] is None
    _, rows = settle([(os.fsencode(path), None, None)])
    assert rows[0] is not None
    exists, _, digest, *_, target = rows[0]
    assert (exists, digest, target) == (True, None, b"secret" if kind == "link" else None)


def test_settle_believes_a_hash_only_for_the_same_signature(tmp_path: Path) -> None:
    path = tmp_path / "real"
    path.write_text("now")
    (tmp_path / "alias").symlink_to(".")
    status = path.stat()
    known = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    through = os.fsencode(tmp_path / "alias/real")
    directories, rows = settle([(through, known, b"believed"), (through, (0, *known[1:]), b"not"),
                                             (through + b"x", None, None), (b"/nul\0byte", None, None)])
    assert directories[os.path.dirname(through)] == os.fsencode(tmp_path)
    assert rows[0] is None
    assert rows[1] is not None
    assert hexed(rows[1][2]) == blake(b"now")
    assert [row and row[0] for row in rows[2:]] == [False, False]


def test_a_file_that_changes_while_it_is_read_has_no_hash(tmp_path: Path) -> None:
    path = tmp_path / "growing"
    path.write_bytes(b"x" * (64 << 20))
    stop = threading.Event()

    def touch() -> None:
        while not stop.is_set():
            with path.open("r+b") as file:
                file.write(b"y")
            time.sleep(0.001)

    thread = threading.Thread(target=touch)
    thread.start()
    try:
        outcome = worker.hash_file(*identity(path))
    finally:
        stop.set()
        thread.join()
    assert outcome[:2] == (worker.CHANGED, None)


class Cache:
    """What the store keeps, in memory."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}

    def known_hash(self, key: bytes) -> bytes | None:
        return self.rows.get(key)

    def remember_hashes(self, rows: list[tuple[bytes, bytes]]) -> None:
        self.rows.update(rows)


def test_only_settled_versions_are_remembered() -> None:
    """A file changed within the clock's tick could change again and look the same."""
    cache = Cache()
    hashing = Hashing(None, cache)  # type: ignore[arg-type]  # no worker is asked
    old = FileId(1, 2, 3, 4, 1000, 1000, 0, 0)
    young = old._replace(ino=5, ctime=1000 + RACY_NS)
    hashing.remember([(old, b"a"), (young, b"b")], 1001 + RACY_NS)
    assert cache.rows == {signature(old): b"a"}
    assert hashing.known(old) == b"a"
    assert hashing.known(old._replace(mtime=999)) is None
    assert hashing.known(old._replace(generation=9)) is None


def test_large_files_come_beside_the_small_ones_in_one_answer(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    serving = threading.Thread(target=worker.Worker(Channel(theirs)).serve)
    serving.start()
    daemon = Channel(ours)
    try:
        sizes = [1, 5 << 20, 100, 1 << 20, 0]
        for name, size in enumerate(sizes):
            (tmp_path / str(name)).write_bytes(b"z" * size)
        items = [identity(tmp_path / str(name)) for name in range(len(sizes))]
        daemon.send(("hash", 7, items))
        number, rows = daemon.receive()
        assert number == 7
        assert [(row[0], hexed(row[1])) for row in rows] == [("", blake(b"z" * size)) for size in sizes]
        daemon.send(("settle", 8, [(path, None, None) for path, *_ in items]))
        number, (directories, rows) = daemon.receive()
        assert (number, directories) == (8, {os.fsencode(tmp_path): os.fsencode(tmp_path.resolve())})
        assert [(row[0], hexed(row[2]), row[5]) for row in rows] == [(True, blake(b"z" * size), size) for size in sizes]
    finally:
        daemon.close()
        serving.join()
        theirs.close()
