"""Private ancestors of what others may see.

A job's record names what it took.  Where the account that registered it also registered the job that made some of that, in a
space of its own that the viewer does not see, and nobody's visible job made it, then the viewer sees "a private artifact"; its
hash too, if the owner said so (``show_hashes``).  Only the own account's jobs count: nobody can black out what others show.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from blake3 import blake3

from glaas.registry.edges import read_maker
from glaas.registry.registration import Registration, registrations_of
from glaas.registry.tables import ACCOUNT_SPACES, KNOWN, MAKERS, SIGHTING
from glaas.store.keyed import KeyedStore, Range

MAX_MAKERS = 100  # of one artifact in one space that are looked at, newest first


class Mask(NamedTuple):
    """``blind`` stands for the content inside the graph of one request, and never leaves it; ``shown``: the hash, where
    it may be known."""

    blind: bytes
    shown: bytes | None


class Masks:
    """For one viewer, who sees the spaces with these tags."""

    def __init__(self, store: KeyedStore, tags: frozenset[bytes]) -> None:
        self._store = store
        self._tags = tags
        self._hidden: dict[str, list[bytes]] = {}  # by account, the spaces that the viewer does not see

    def accounts(self, jobs: Iterable[bytes]) -> dict[bytes, str]:
        """Of the jobs that the viewer may see, who registered each first."""
        keys = [(job, b"j" + tag) for job in jobs for tag in self._tags]
        with self._store.read() as reader:
            found = reader.get(KNOWN, keys)
        first: dict[bytes, Registration] = {}
        for (job, _), value in found.items():
            oldest = min(registrations_of(value), key=lambda one: one.at)
            if job not in first or oldest.at < first[job].at:
                first[job] = oldest
        return {job: one.account for job, one in first.items()}

    def may_hide(self, account: str) -> bool:
        return bool(self._hiding(account))

    def of(self, job: bytes, ended_at: int, account: str, inputs: Iterable[bytes]) -> Mapping[bytes, Mask]:
        """Of these inputs of a job, those that are masked."""
        wanted, spaces = sorted(inputs), self._hiding(account)
        if not wanted or not spaces:
            return {}
        with self._store.read() as reader:
            hidden = reader.scan(MAKERS, [Range(digest, tag, limit=MAX_MAKERS, reverse=True)
                                          for digest in wanted for tag in spaces])
            shown: dict[bytes, bool] = {}
            for at, rows in enumerate(hidden):
                for rest, value in rows:
                    _, started_at, maker, _ = SIGHTING.unpack(rest)
                    row = read_maker(value)
                    if row.account == account and maker != job and started_at < ended_at:
                        digest = wanted[at // len(spaces)]
                        shown[digest] = shown.get(digest, True) and row.show_hashes
            suspects = sorted(shown)
            tags = sorted(self._tags)
            open_ = reader.scan(MAKERS, [Range(digest, tag, limit=MAX_MAKERS, reverse=True)
                                         for digest in suspects for tag in tags])
        seen = set()
        for at, rows in enumerate(open_):
            if any(SIGHTING.unpack(rest)[2] != job and SIGHTING.unpack(rest)[1] < ended_at for rest, _ in rows):
                seen.add(suspects[at // len(tags)])
        return {digest: Mask(blake3(b"private" + digest).digest(), digest if shown[digest] else None)
                for digest in suspects if digest not in seen}

    def _hiding(self, account: str) -> list[bytes]:
        if account not in self._hidden:
            with self._store.read() as reader:
                rows = reader.scan(ACCOUNT_SPACES, [Range(account.encode())])[0]
            self._hidden[account] = [tag for tag, _ in rows if tag not in self._tags]
        return self._hidden[account]
