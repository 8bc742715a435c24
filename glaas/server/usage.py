"""How much each account registered today: what quotas are compared with.

Counted in memory, and added to the store every few seconds: an account's quota holds on all replicas together, give or take
what they took in meanwhile.
"""

from __future__ import annotations

import logging
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from glaas.server.statuses import BusyError
from glaas.store.keyed import Key, KeyedStore, Table, Writer
from lineage.errors import RoarError

USAGE = Table("usage", 0)  # account | day → jobs, bytes
TABLES = (USAGE,)
_ROW = struct.Struct(">QQ")
_DAY = 86400
_FLUSH_SECONDS = 5.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Quotas:
    """Of each account, for one day (UTC); 0: none."""

    jobs_per_day: int = 1_000_000
    bytes_per_day: int = 100 << 30


class Usage:
    """``clock``: seconds since the epoch."""

    def __init__(self, store: KeyedStore, quotas: Quotas, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._quotas = quotas
        self._clock = clock
        self._new: dict[Key, tuple[int, int]] = {}  # not in the store yet
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="usage", daemon=True)
        self._thread.start()

    def check(self, account: str, size: int) -> None:
        """BusyError, with how long until tomorrow, where another ``size`` bytes are more than the account may bring today."""
        jobs, taken = self.today(account)
        for used, most, what in ((jobs + 1, self._quotas.jobs_per_day, "jobs"),
                                 (taken + size, self._quotas.bytes_per_day, "bytes")):
            if most and used > most:
                raise BusyError(f"{account} has registered as much as it may today: {most:,} {what}",
                                "go on tomorrow (UTC), or ask the registry's operator for more", limited=True,
                                retry_after=_DAY - int(self._clock()) % _DAY)

    def add(self, account: str, jobs: int, size: int) -> None:
        key = self._key(account)
        with self._lock:
            before = self._new.get(key, (0, 0))
            self._new[key] = before[0] + jobs, before[1] + size

    def today(self, account: str) -> tuple[int, int]:
        """(jobs, bytes)."""
        key = self._key(account)
        with self._flushing:  # what is on its way to the store counts once
            with self._store.read() as reader:
                stored = reader.get(USAGE, [key]).get(key)
            with self._lock:
                jobs, size = self._new.get(key, (0, 0))
        before = _ROW.unpack(stored) if stored else (0, 0)
        return before[0] + jobs, before[1] + size

    def close(self) -> None:
        self._end.set()
        self._thread.join()

    def _key(self, account: str) -> Key:
        return account.encode(), int(self._clock() // _DAY).to_bytes(4, "big")

    def _keep(self) -> None:
        while not self._end.wait(_FLUSH_SECONDS):
            self.flush()
        self.flush()

    def flush(self) -> None:
        with self._flushing:
            with self._lock:
                new, self._new = self._new, {}
            if not new:
                return

            def work(txn: Writer) -> None:
                txn.lock("usage")
                before = {key: _ROW.unpack(value) for key, value in txn.get(USAGE, new).items()}
                txn.put(USAGE, [(key, _ROW.pack(*(one + other for one, other in zip(before.get(key, (0, 0)), added,
                                                                                  strict=True))))
                                for key, added in new.items()])

            try:
                self._store.write(work)
            except RoarError as error:
                _log.warning("today's usage is not stored yet: %s", error.message)
                for (home, day), (jobs, size) in new.items():
                    with self._lock:
                        had = self._new.get((home, day), (0, 0))
                        self._new[home, day] = had[0] + jobs, had[1] + size
