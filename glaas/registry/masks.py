"""Private ancestors of what others may see.

A job's record names what it took.  Where the account that registered it also registered the job that made some of that, in a
space of its own that the viewer does not see, and none that they see, then the viewer sees "a private artifact"; its hash too,
if the owner said so (``show_hashes``).  Only the own account's jobs count: nobody can black out what others show, nor find
out by a claim of their own whether it was this content.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from blake3 import blake3

from glaas.registry.edges import read_maker
from glaas.registry.registration import Registration, registrations_of
from glaas.registry.tables import ACCOUNT_SPACES, KNOWN, OWN_MAKERS, SIGHTING, TAG, account_tag
from glaas.store.keyed import KeyedStore, Range, Reader

MAX_MAKERS = 100  # of one artifact, by one account in one space, that are looked at, newest first


class Mask(NamedTuple):
    """``blind`` stands for the content inside the graph of one request, and never leaves it; ``shown``: the hash, where
    it may be known."""

    blind: bytes
    shown: bytes | None


class Suspect(NamedTuple):
    """A job, of whose inputs some may be masked."""

    job: bytes
    ended_at: int
    account: str
    inputs: frozenset[bytes]


_Maker: TypeAlias = tuple[bytes, int, bytes]
_Asked: TypeAlias = tuple[bytes, str, bytes]


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

    def may_hide(self, accounts: Iterable[str]) -> set[str]:
        """Of these accounts, those that have spaces which the viewer does not see."""
        wanted = sorted(set(accounts))
        new = [account for account in wanted if account not in self._hidden]
        if new:
            with self._store.read() as reader:
                answers = reader.scan(ACCOUNT_SPACES, [Range(account.encode()) for account in new])
            for account, rows in zip(new, answers, strict=True):
                self._hidden[account] = [tag for tag, _ in rows if tag not in self._tags]
        return {account for account in wanted if self._hidden[account]}

    def of(self, jobs: Sequence[Suspect]) -> dict[bytes, Mapping[bytes, Mask]]:
        """By job, those of its inputs that are masked: two questions in all, however many jobs."""
        self.may_hide(one.account for one in jobs)
        asked = sorted({(digest, one.account, tag) for one in jobs for digest in one.inputs
                        for tag in self._hidden[one.account]})
        with self._store.read() as reader:
            hidden = self._makers(reader, asked)
            shown: dict[bytes, dict[bytes, bool]] = {one.job: {} for one in jobs}
            for one in jobs:
                for digest in one.inputs:
                    for tag in self._hidden[one.account]:
                        for maker, started_at, value in hidden[digest, one.account, tag]:
                            if maker != one.job and started_at < one.ended_at:
                                may_show = shown[one.job].get(digest, True) and read_maker(value).show_hashes
                                shown[one.job][digest] = may_show
            tags = sorted(self._tags)
            open_ = self._makers(reader, sorted({(digest, one.account, tag) for one in jobs for digest in shown[one.job]
                                                 for tag in tags}))
        masks: dict[bytes, Mapping[bytes, Mask]] = {}
        for one in jobs:
            seen = {digest for digest in shown[one.job] for tag in tags
                    for maker, started_at, _ in open_[digest, one.account, tag]
                    if maker != one.job and started_at < one.ended_at}
            masks[one.job] = {digest: Mask(blake3(b"private" + digest).digest(), digest if may_show else None)
                              for digest, may_show in sorted(shown[one.job].items()) if digest not in seen}
        return masks

    def _makers(self, reader: Reader, asked: Sequence[_Asked]) -> dict[_Asked, list[_Maker]]:
        """By (artifact, account, space): (job, when it began, row), newest first."""
        if not asked:
            return {}
        answers = reader.scan(OWN_MAKERS, [Range(digest, account_tag(account) + tag, limit=MAX_MAKERS, reverse=True)
                                           for digest, account, tag in asked])
        found = {}
        for key, rows in zip(asked, answers, strict=True):
            parted = ((SIGHTING.unpack(rest[TAG:]), value) for rest, value in rows)
            found[key] = [(job, started_at, value) for (_, started_at, job, _), value in parted]
        return found
