"""What this user has seen of registries' logs: the key of each when it was first seen, and its newest head.

A registry that later shows a history without what it showed before is found out by this alone. One file a log, below
XDG_DATA_HOME (basedir-spec 0.8); what shows that a registry lied is kept beside, in a file of its own.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Any

from lineage.errors import CorruptError, InvalidError, RoarError
from lineage.transparency import (
    KeyChange,
    TreeHead,
    parse_head,
    parse_key_change,
    parse_verifier_key,
    verifier_key,
)

SCHEMA = "roar.known-log/1"
EVIDENCE = "roar.log-evidence/1"
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class KnownLog:
    """``url``: where it was seen, or "" where only receipts of it were; ``first_key`` and ``first_seen`` (ns): as it was then;
    ``head``: the newest, None where none was seen but with receipts."""

    origin: str
    url: str
    first_key: bytes
    first_seen: int
    changes: tuple[KeyChange, ...] = ()
    head: TreeHead | None = None

    def accepts(self, head: TreeHead, changes: Sequence[KeyChange] = ()) -> bool:
        """Is it signed by the first key, or by one that this led to, key by key? A key that was replaced signs no head of a
        log that has grown since."""
        key = self.first_key
        for change in (*self.changes, *changes):
            if change.previous != key or change.origin != self.origin:
                continue
            change.verify()
            if head.key == key and head.size <= change.size:
                return head.origin == self.origin
            key = change.key
        return head.key == key and head.origin == self.origin

    def document(self) -> dict[str, Any]:
        return {"schema": SCHEMA, "origin": self.origin, "url": self.url,
                "first_key": verifier_key(self.origin, self.first_key), "first_seen": self.first_seen,
                "changes": [change.note() for change in self.changes],
                "key": None if self.head is None else verifier_key(self.origin, self.head.key),
                "head": None if self.head is None else self.head.note()}


class KnownLogs:
    def __init__(self, directory: Path | None = None) -> None:
        self.directory = directory or data_directory("logs")

    def of(self, origin: str) -> KnownLog | None:
        """CorruptError for a file that cannot be used: what it knew is not forgotten in silence."""
        return _load(self._file(origin))

    def at(self, url: str) -> list[KnownLog]:
        """Those that were seen at this address: more than one, where the registry began another log."""
        found = [_load(file) for file in sorted(self.directory.glob("*.json")) if ".evidence-" not in file.name]
        return [one for one in found if one is not None and one.url == url]

    def keep(self, log: KnownLog) -> None:
        self._write(self._file(log.origin), log.document())

    def accuse(self, origin: str, url: str, why: str, *notes: str, proof: Sequence[str] = ()) -> Path:
        """Keeps what shows that a registry rewrote its log; where."""
        file = self.directory / f"{self._file(origin).stem}.evidence-{time.time_ns()}.json"
        self._write(file, {"schema": EVIDENCE, "origin": origin, "url": url, "at": time.time_ns(), "why": why,
                           "heads": list(notes), "proof": list(proof)})
        return file

    def _file(self, origin: str) -> Path:
        return self.directory / f"{sha256(origin.encode()).hexdigest()[:16]}.json"

    def _write(self, file: Path, document: Mapping[str, Any]) -> None:
        draft = file.with_name(f".{file.name}.{token_hex(8)}")
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
                json.dump(document, opened, indent=1, ensure_ascii=False)
                opened.write("\n")
                opened.flush()
                os.fsync(opened.fileno())
            draft.replace(file)
        except OSError as error:
            raise RoarError(f"what was seen of a log cannot be kept in {self.directory}: {error.strerror}",
                            "without it the next look cannot be compared with this one") from error


def data_directory(name: str) -> Path:
    """One of roar's, below XDG_DATA_HOME."""
    data = os.environ.get("XDG_DATA_HOME", "")
    base = Path(data) if data.startswith("/") else Path(os.environ.get("HOME") or Path("~").expanduser()) / ".local" / "share"
    return base / "roar" / name


def _load(file: Path) -> KnownLog | None:
    hint = f"it says what a registry showed before; if you give that up: rm {file}"
    try:
        with file.open("rb") as opened:
            value = json.loads(opened.read(_MOST_BYTES))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise CorruptError(f"{file} cannot be read: {error}", hint) from error
    try:
        if value["schema"] != SCHEMA:
            raise CorruptError(f"{file} is not what this roar knows", hint)
        origin, first = parse_verifier_key(value["first_key"])
        head = None if value["head"] is None else parse_head(value["head"], parse_verifier_key(value["key"])[1])
        return KnownLog(origin, str(value["url"]), first, int(value["first_seen"]),
                        tuple(parse_key_change(note) for note in value["changes"]), head)
    except (AttributeError, KeyError, TypeError, ValueError, InvalidError) as error:
        raise CorruptError(f"{file} cannot be used: {error}", hint) from error
