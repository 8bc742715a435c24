"""Sign-ins that failed slow the next ones down, by account and by address: kept in the store, so that all replicas share it.

An attempt is counted before it is looked at, and taken back when it was right: so many at once find no more than one.
Nobody can lock somebody else out: the pair of account and address has few tries, an account altogether has many, and where
somebody signed in lately only that pair and the address count.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from glaas.accounts.credentials import hashed
from glaas.accounts.errors import SlowDownError
from glaas.accounts.expiring import note, sweep
from glaas.accounts.limits import network_of
from glaas.accounts.tables import FAILURES, row
from glaas.store.keyed import Key, KeyedStore, Writer
from lineage.ids import decode, encode

_SECOND = 10**9
_DAY = 86400 * _SECOND
_KNOWN = 30 * _DAY
_LONGEST = 900  # seconds
#: How many may fail within a day before there is a wait.
FREE_OF_PAIR, FREE_OF_ADDRESS, FREE_OF_ACCOUNT = 5, 30, 100


class _Count(NamedTuple):
    failed: int
    not_before: int
    since: int


class Failures:
    """``clock``: nanoseconds."""

    def __init__(self, store: KeyedStore, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock

    def attempt(self, account: str, address: str) -> None:
        """Call it before every try.  SlowDownError: this one does not take place, and does not count."""
        now = self._clock()

        def count(writer: Writer) -> float:
            rows = _rows(account, address)
            _lock(writer, rows)
            sweep(writer, now)
            if writer.get(FAILURES, [known := _known_key(account, address)]).get(known) is not None:
                rows.pop(_account_key(account))
            counts = {key: self._count(writer, key, now) for key in rows}
            wait = max(count.not_before for count in counts.values()) - now
            if wait > 0:
                return wait / _SECOND
            for key, old in counts.items():
                failed = old.failed + 1
                over = failed - rows[key]
                not_before = now + min(2 ** min(over, 20), _LONGEST) * _SECOND if over >= 0 else 0
                writer.put(FAILURES, [(row(key), encode([failed, not_before, old.since]))])
                if failed == 1:
                    note(writer, now + _DAY, [(FAILURES, row(key))])
            return 0

        seconds = self._store.write(count)
        if seconds:
            raise SlowDownError("too many sign-ins have failed", seconds)

    def succeeded(self, account: str, address: str) -> None:
        """The last attempt was right: it and earlier ones from there are forgotten."""
        now = self._clock()

        def forgive(writer: Writer) -> None:
            rows = _rows(account, address)
            _lock(writer, rows)
            [pair, *others] = rows
            self._take_back(writer, others)
            writer.delete(FAILURES, [row(pair)])
            if writer.add(FAILURES, [(known := _known_key(account, address), b"")]):
                note(writer, now + _KNOWN, [(FAILURES, known)])

        self._store.write(forgive)

    def withdrawn(self, account: str, address: str) -> None:
        """The last attempt was not looked at."""
        def take_back(writer: Writer) -> None:
            rows = _rows(account, address)
            _lock(writer, rows)
            self._take_back(writer, list(rows))

        self._store.write(take_back)

    def _take_back(self, writer: Writer, keys: list[bytes]) -> None:
        for key in keys:
            old = self._count(writer, key, self._clock())
            if old.failed:
                writer.put(FAILURES, [(row(key), encode([old.failed - 1, 0, old.since]))])

    @staticmethod
    def _count(writer: Writer, key: bytes, now: int) -> _Count:
        data = writer.get(FAILURES, [row(key)]).get(row(key))
        count = _Count(*decode(data)) if data else _Count(0, 0, now)
        return count if now - count.since < _DAY else _Count(0, 0, now)


def _rows(account: str, address: str) -> dict[bytes, int]:
    """What is counted, the pair first → how many are free."""
    network = network_of(address)
    return {hashed("failures", f"pair {account}\0{network}"): FREE_OF_PAIR,
            hashed("failures", f"address {network}"): FREE_OF_ADDRESS,
            _account_key(account): FREE_OF_ACCOUNT}


def _account_key(account: str) -> bytes:
    return hashed("failures", f"account {account}")


def _known_key(account: str, address: str) -> Key:
    """A row that is there where this account signed in from this network lately."""
    return row(hashed("failures", f"known {account}\0{network_of(address)}"))


def _lock(writer: Writer, keys: dict[bytes, int]) -> None:
    for key in sorted(keys):
        writer.lock(f"account failures {key.hex()}")
