"""What the registry tells its log: who registered, moved or took back what. The log says in public that something happened;
what it was stays with the openings, which are found by what they are about."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from glaas.log.log import TABLES as LOG_TABLES
from glaas.log.log import Log, entry_key
from glaas.store.keyed import Key, Range, Reader, Table, Writer
from lineage.merkle import HASH
from lineage.transparency import Act, Opening

SUBJECTS = Table("log_subjects", HASH)  # a bundle's or a job's id, then the entry's number: the account
TABLES = (*LOG_TABLES, SUBJECTS)


class Journal:
    def __init__(self, log: Log) -> None:
        self.log = log

    def record(self, txn: Writer, act: Act, account: str, space: str, subject: bytes) -> int:
        """An entry on a bundle ("register") or a job ("move", "forget"), by its id; the entry's number."""
        return self.record_all(txn, act, account, space, [subject])[0]

    def record_all(self, txn: Writer, act: Act, account: str, space: str, subjects: Sequence[bytes]) -> range:
        """An entry on each, in as few round trips as on one. What is forgotten leaves no opening, not even of that."""
        if act == "forget":
            self.destroy(txn, subjects, account)
        openings = [Opening.of(act, account, space, one) if act == "register" else Opening.of(act, account, space, jobs=[one])
                    for one in subjects]
        numbers = self.log.record(txn, openings, time.time_ns())
        if act != "forget":
            txn.put(SUBJECTS, ((_key(subject, number), account.encode())
                               for subject, number in zip(subjects, numbers, strict=True)))
        return numbers

    def destroy(self, txn: Writer, subjects: Iterable[bytes], account: str | None = None) -> None:
        """What would open the entries on these bundles or jobs: those of the account, or of everyone."""
        homes = sorted(set(subjects))
        found = txn.scan(SUBJECTS, [Range(subject) for subject in homes])
        gone = [(subject, rest) for subject, rows in zip(homes, found, strict=True) for rest, who in rows
                if account is None or who == account.encode()]
        self.log.destroy(txn, [int.from_bytes(rest, "big") for _, rest in gone])
        txn.delete(SUBJECTS, gone)

    def numbers(self, reader: Reader, subject: bytes) -> list[int]:
        """The entries that can still be shown to be about this bundle or job, from the first on."""
        return [int.from_bytes(rest, "big") for rest, _ in reader.scan(SUBJECTS, [Range(subject)])[0]]


def _key(subject: bytes, number: int) -> Key:
    return subject, b"".join(entry_key(number))
