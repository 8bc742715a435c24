"""A writer like a registry, whose every state follows from one number: for crash tests.

Transaction n adds small rows and large ones, changes a row, counts, and deletes what transaction n - KEPT added, so that pages
are used again.  ``state(n)`` is what the store has after it.  As a program: writes from several threads, and records what was
acknowledged between the writes that ``recorded_writes.c`` records."""

from __future__ import annotations

import os
import struct
import sys
import threading

from blake3 import blake3
from keyed_tables import IDS, SHORT, TABLES, WORDS, home

from glaas.store import open_store
from glaas.store.keyed import Key, Table, Writer

KEPT = 25
COUNTER = (b"nn", b"counter")
State = dict[Table, dict[Key, bytes]]


def added(number: int) -> tuple[dict[Key, bytes], dict[Key, bytes]]:
    """Rows of IDS (up to some 20 kB: several pages) and of WORDS."""
    bytes_ = blake3(b"%d" % number).digest(length=20_000)
    parts = {(blake3(b"%d %d" % (number, part)).digest(), b"%d" % part): bytes_[:(number * 37 + part * 997) % 3000]
             for part in range(number % 5 + 1)}
    if number % 7 == 0:
        parts[home(number), b"large"] = bytes_
    return parts, {(b"word%d" % (number % 11), b"%d" % number): b"", (b"word", b"%d" % number): bytes_[:10]}


def work(writer: Writer) -> int:
    writer.lock("counter")
    number = int(writer.get(SHORT, [COUNTER]).get(COUNTER, b"0")) + 1
    parts, words = added(number)
    writer.add(IDS, parts.items())
    writer.add(WORDS, words.items())
    writer.put(SHORT, [(COUNTER, b"%d" % number), ((b"nn", b"changing"), bytes(number % 200))])
    if number > KEPT:
        parts, words = added(number - KEPT)
        writer.delete(IDS, parts)
        writer.delete(WORDS, words)
    return number


def state(number: int) -> State:
    found: State = {table: {} for table in TABLES}
    for each in range(max(1, number - KEPT + 1), number + 1):
        parts, words = added(each)
        found[IDS].update(parts)
        found[WORDS].update(words)
    if number:
        found[SHORT] = {COUNTER: b"%d" % number, (b"nn", b"changing"): bytes(number % 200)}
    return found


def main(where: str, count: int) -> None:
    marks = os.open(os.environ["RECORDED_WRITES"], os.O_WRONLY | os.O_APPEND)
    store = open_store(where, TABLES)
    os.write(marks, struct.pack("=cBQQ", b"o", 0, 0, 0))

    def write() -> None:
        for _ in range(count):
            os.write(marks, struct.pack("=cBQQ", b"a", 0, store.write(work), 0))

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
