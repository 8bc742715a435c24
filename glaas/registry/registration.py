"""Who registered a job, where and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cbor2


@dataclass(frozen=True, slots=True)
class Registration:
    """``bundle``: with which the job came; ``leaf``: the index of its entry in the log."""

    space: str
    account: str
    at: int
    bundle: bytes
    show_hashes: bool
    leaf: int


def registrations_of(value: bytes) -> list[Registration]:
    return [Registration(*row) for row in cbor2.loads(value)]


def encoded(all_: Sequence[Registration]) -> bytes:
    return cbor2.dumps([[one.space, one.account, one.at, one.bundle, one.show_hashes, one.leaf] for one in all_])
