"""The end of what a job wrote to its standard error, for the record of one that failed."""

from __future__ import annotations

from dataclasses import dataclass

from lineage.records import Json
from lineage.redact import redact_text
from roard.probe.reader import STDERR_BYTES

KEPT = 8192  # bytes, in the record


@dataclass(slots=True)
class StandardError:
    """``written``: bytes in all. ``mixed``: standard output is in it, where that was the same open file."""

    tail: bytes = b""
    written: int = 0
    mixed: bool = False

    def add(self, tail: bytes, written: int, mixed: bool) -> None:
        """What the reader has of it since the last time: its last bytes, and how many it was."""
        self.tail = (self.tail + tail)[-STDERR_BYTES:]
        self.written += written
        self.mixed |= mixed

    def section(self, lost: int) -> dict[str, Json] | None:
        """``text`` (redacted; terminal control sequences are in it), ``written`` (bytes in all), ``truncated`` (its beginning
        is left out), ``lost`` (writes that could not be kept), ``with_stdout`` (some was written to standard output
        while that was the same open file, as on a terminal). None: nothing was written.

        Redacted before it is cut, so that no secret loses the name that tells it; then cut where a line begins.
        """
        if not self.written and not lost:
            return None
        whole = self.written == len(self.tail)
        tail = self.tail
        if not whole and len(tail) == STDERR_BYTES:
            tail = tail[tail.find(b"\n", 0, STDERR_BYTES - KEPT) + 1:]  # what names a secret may be before the first line
        text = redact_text(tail.decode("utf-8", "replace"))
        cut = text.encode()[-KEPT:]
        if len(cut) < len(text.encode()):
            whole = False
            text = cut[cut.find(b"\n", 0, KEPT // 2) + 1:].decode("utf-8", "ignore")
        return {"text": text, "written": self.written, "truncated": not whole, "lost": lost,
                "with_stdout": self.mixed}
