"""Receipts of what was registered: `roar verify` checks them offline, and nobody can make the registry deny what they show.

Below XDG_DATA_HOME (basedir-spec 0.8), for each registry: one file a bundle, found by the id of each of its jobs too.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lineage.errors import RoarError
from roarctl.registry.address import Address

if TYPE_CHECKING:
    from lineage.v1.registry_pb2 import InclusionProof


def directory(url: str, environment: Mapping[str, str] | None = None) -> Path:
    """Of one registry."""
    values = os.environ if environment is None else environment
    data = values.get("XDG_DATA_HOME", "")
    base = Path(data) if data.startswith("/") else Path(values.get("HOME") or Path("~").expanduser()) / ".local" / "share"
    address = Address.parse(url)
    return base / "roar" / "receipts" / (address.authority + address.prefix).replace("/", "_").replace(":", "_")


def path(url: str, job: bytes) -> Path:
    return directory(url) / f"{job.hex()}.json"


def keep(url: str, header: bytes, proof: InclusionProof) -> Path:
    """Verifies what the registry sent and keeps it; in which directory. CorruptError where it does not hold; RoarError where it
    cannot be written."""
    from lineage.wire_log import receipt_of

    receipt = receipt_of(proof, header)
    data = receipt.encode()  # verifies it
    proved = receipt.verify()
    place = directory(url)
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=place, prefix=".receipt-", delete=False) as file:
            file.write(data)
        made = Path(file.name)
        try:
            for job in proved.jobs:
                _link(made, place / f"{job.hex()}.json")
        finally:
            made.unlink()
    except OSError as error:
        raise RoarError(f"the receipt cannot be written to {place}: {error.strerror}", "the registry has it too") from error
    return place


def missing(url: str, jobs: Iterable[bytes]) -> list[bytes]:
    place = directory(url)
    return [job for job in jobs if not (place / f"{job.hex()}.json").exists()]


def _link(made: Path, name: Path) -> None:
    """In one step: a reader sees the receipt before or this one."""
    draft = name.with_suffix(f".{os.getpid()}")
    draft.unlink(missing_ok=True)
    try:
        os.link(made, draft)
    except OSError:  # not every file system has links
        shutil.copyfile(made, draft)
    draft.replace(name)
