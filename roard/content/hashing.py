"""The daemon's side of hashing: which content is known already, who is asked for the rest, one worker a user."""

from __future__ import annotations

import itertools
import logging
import struct
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Protocol

from roard.content.channel import Channel
from roard.content.owner import Owner
from roard.content.worker import UNKNOWN, FileQuestion, Outcome, Question, Settled
from roard.content.zygote import Zygote
from roard.probe.layout import FileId

_log = logging.getLogger(__name__)
_SIGNATURE = struct.Struct("=QQQQQQ")
_EVERY_BIT = 2**64 - 1
_BATCH = 1024
ENDED = "the hash worker ended before it was done"
_IDLE_SECONDS = 60.0
#: File times advance in ticks: a file changed and hashed within one tick could change again and look the same.
RACY_NS = 20_000_000
#: proc, sysfs, cgroup, cgroup2, tracefs, debugfs, securityfs, bpf, configfs, pstore, binfmt_misc, selinux, efivarfs: the
#: kernel writes such a file anew for each reader, so it has no content to name.
KERNEL_FILES = frozenset({
    0x9FA0, 0x62656572, 0x27E0EB, 0x63677270, 0x74726163, 0x64626720, 0x73636673, 0xCAFE4A11, 0x62656570, 0x6165676C,
    0x42494E4D, 0xF97CFF8C, 0xDE5E81E4, 0x19800202,
})
#: tmpfs, ramfs, hugetlbfs: what is written there through a mapping changes no time, so a signature says nothing.
UNTIMED_FILES = frozenset({0x01021994, 0x858458F6, 0x958458F6})


#: roard.content.standing.look, as plain tuples.
Standing = tuple[bytes, bytes, bool, list[tuple[Any, ...]] | None]


class HashCache(Protocol):
    def known_hash(self, signature: bytes) -> bytes | None: ...
    def remember_hashes(self, rows: list[tuple[bytes, bytes]]) -> object: ...


class _Asked:
    """One worker and the questions that it has not answered."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.waiting: dict[int, Future[Any]] = {}
        self.used = time.monotonic()


class Hashing:
    """Futures of hashes; every method may be called from any thread."""

    def __init__(self, zygote: Zygote, cache: HashCache) -> None:
        self._zygote = zygote
        self._cache = cache
        self._workers: dict[tuple[int, int], _Asked] = {}
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)

    def known(self, file: FileId) -> bytes | None:
        """The hash of exactly this version of the file, if anybody computed it before."""
        return None if file.magic in UNTIMED_FILES else self._cache.known_hash(signature(file))

    def remember(self, rows: Sequence[tuple[FileId, bytes]], hashed_at: int) -> None:
        """``hashed_at`` (epoch ns) is when the reading began: versions younger than a tick then are not believed."""
        settled = [(signature(file), digest) for file, digest in rows
                   if hashed_at - max(file.ctime, file.mtime) > RACY_NS
                   and file.magic not in UNTIMED_FILES]
        if settled:
            self._cache.remember_hashes(settled)

    def hash_files(self, owner: tuple[int, int], items: list[FileQuestion]) -> Future[list[Outcome] | None]:
        return self._ask(owner, "hash", items)

    def settle(self, owner: tuple[int, int], items: list[Question]) -> Callable[[], list[tuple[bytes, Settled]]]:
        """Asks, and gives what waits for the answer: (canonical path, what is there now) of each, in order. In batches,
        so that the first can be taken while the worker is at the next."""
        parts = [items[at:at + _BATCH] for at in range(0, len(items), _BATCH)]
        futures = [self._ask(owner, "settle", part) for part in parts]
        return lambda: self._settled(parts, futures)

    @staticmethod
    def _settled(parts: list[list[Question]], futures: list[Future[Any]]) -> list[tuple[bytes, Settled]]:
        settled: list[tuple[bytes, Settled]] = []
        for part, future in zip(parts, futures, strict=True):
            answer = future.result()
            if answer is None:
                settled += [(path, (True, ENDED, None, *UNKNOWN, None)) for path, _, _ in part]
                continue
            directories, rows = answer
            for (path, known, digest), row in zip(part, rows, strict=True):
                directory, _, name = path.rpartition(b"/")
                found = row or (True, "", digest, *(known or ()), None)
                settled.append((directories[directory] + b"/" + name, found))
        return settled

    def canonical(self, owner: tuple[int, int], paths: list[tuple[bytes, bytes]]
                  ) -> Future[dict[bytes, bytes] | None]:
        """What paths lead to, symbolic links followed; each with the root that its process has."""
        return self._ask(owner, "canonical", paths)

    def programs(self, owner: tuple[int, int], items: list[tuple[bytes, int, int, int, int]]) -> Future[list[bool] | None]:
        """May these programs (path, tgid, dev, ino, magic) make 32-bit calls?"""
        return self._ask(owner, "programs", items)

    def look(self, owner: tuple[int, int], processes: list[tuple[int, int]]
             ) -> Future[list[Standing | None] | None]:
        """What running processes have at hand (roard.content.standing), each named by its pid and when it began."""
        return self._ask(owner, "look", processes)

    def owners(self, owner: tuple[int, int], paths: list[bytes]) -> dict[bytes, Owner]:
        """The packages that files belong to."""
        found = (self._ask(owner, "owners", paths).result() or {}) if paths else {}
        return {path: Owner(*package) for path, package in found.items()}

    def close_idle(self) -> None:
        """Ends workers that nobody asked for a while."""
        with self._lock:
            now = time.monotonic()
            for owner, asked in list(self._workers.items()):
                if not asked.waiting and now - asked.used > _IDLE_SECONDS:
                    del self._workers[owner]
                    asked.channel.close()

    def close(self) -> None:
        with self._lock:
            for asked in self._workers.values():
                asked.channel.close()
            self._workers.clear()

    def _ask(self, owner: tuple[int, int], what: str, items: list[Any]) -> Future[Any]:
        future: Future[Any] = Future()
        with self._lock:
            asked = self._workers.get(owner)
            if asked is None:
                asked = self._workers[owner] = _Asked(self._zygote.worker(*owner))
                threading.Thread(target=self._listen, args=(owner, asked), name=f"hashes-{owner[0]}", daemon=True).start()
            number = next(self._numbers)
            asked.waiting[number] = future
            asked.used = time.monotonic()
        try:
            asked.channel.send((what, number, items))
        except OSError:
            self._drop(owner, asked)
        return future

    def _listen(self, owner: tuple[int, int], asked: _Asked) -> None:
        while True:
            try:
                message = asked.channel.receive()
            except OSError:
                message = None
            if message is None:
                self._drop(owner, asked)
                return
            number, answer = message
            with self._lock:
                future = asked.waiting.pop(number, None)
                asked.used = time.monotonic()
            if future:
                self._settle_future(future, answer)

    def _drop(self, owner: tuple[int, int], asked: _Asked) -> None:
        """The worker is gone: its questions have no answer, the next one gets a new worker."""
        with self._lock:
            if self._workers.get(owner) is asked:
                del self._workers[owner]
            lost, asked.waiting = asked.waiting, {}
        if lost:
            _log.warning("the hash worker of uid %d ended with %d questions open", owner[0], len(lost))
        for future in lost.values():
            self._settle_future(future, None)

    @staticmethod
    def _settle_future(future: Future[Any], answer: object) -> None:
        try:
            future.set_result(answer)
        except Exception:
            _log.exception("what waited for a hash failed")


def signature(file: FileId) -> bytes:
    """A generation that is not known (-1) makes a signature of its own: a new inode has new times too."""
    return _SIGNATURE.pack(file.dev, file.ino, file.generation & _EVERY_BIT, file.size, file.mtime, file.ctime)


