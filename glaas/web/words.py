"""What templates say: names, commands, sizes and moments of the record as text that is safe to look at.

Templates escape all of it for HTML; here control, direction and invalid characters become visible (``lineage.text``).
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from lineage.records import PRIVATE_PATH, JobHead
from lineage.text import command_text, cut, duration_text, path_text, printable, size_text

PRIVATE = PRIVATE_PATH.decode()
_SECOND = 1_000_000_000
LONGEST = 400  # characters of anything that stands in a line


class When(NamedTuple):
    """``machine`` for a <time> element."""

    machine: str
    text: str


def when(nanoseconds: int | None) -> When | None:
    if nanoseconds is None:
        return None
    try:
        moment = datetime.fromtimestamp(nanoseconds // _SECOND, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return When(f"{moment:%Y-%m-%dT%H:%M:%SZ}", f"{moment:%Y-%m-%d %H:%M} UTC")


def took(head: JobHead) -> str:
    return duration_text((head.ended_at - head.started_at) / _SECOND) if head.ended_at is not None else ""


class Outcome(NamedTuple):
    """``look``: ok, failed or unclear."""

    text: str
    look: str


def outcome(head: JobHead) -> Outcome:
    """How a job ended, in a word or two."""
    if head.signal is not None:
        return Outcome(("interrupted" if head.interrupted else "killed") + f" by {signal_name(head.signal)}", "failed")
    if head.exit_code:
        return Outcome(f"failed with {head.exit_code}", "failed")
    if head.exit_code is None:
        codes = {reason.code for reason in head.incomplete_reasons}
        return Outcome("detached" if "detached" in codes else "not seen to its end" if "gap" in codes else "ended", "unclear")
    return Outcome("ok", "ok")


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def line(text: bytes | str, longest: int = LONGEST) -> str:
    """One line of other people's text."""
    return cut(printable(text), longest)


def path(text: bytes, base: bytes = b"") -> str:
    return cut_path(path_text(text, base))


def cut_path(text: str, longest: int = LONGEST) -> str:
    """The end says more than the beginning."""
    return text if len(text) <= longest else f"{text[:longest // 4]}…{text[-3 * longest // 4:]}"


def name(text: bytes) -> str:
    """A file's name without its directory."""
    return cut_path(printable(text.rstrip(b"/").rpartition(b"/")[2] or text), 120)


def command(argv: Sequence[bytes], longest: int = 160) -> str:
    """Cut before it is quoted: a command line may have megabytes."""
    kept, size = [], 0
    for word in argv:
        kept.append(word[:longest * 4])
        size += len(word)
        if size > longest * 4:
            break
    return command_text(kept, longest)


def size(count: int | None) -> str:
    return size_text(count) if count is not None else ""


def short(identity: bytes | None) -> str:
    return identity.hex()[:10] if identity else ""


def number(count: int) -> str:
    return f"{count:,}"


def counted(count: int, noun: str, many: str = "") -> str:
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def text(value: str, longest: int = 20_000) -> str:
    """Several lines of other people's text: all but the ends of lines is made visible."""
    return "\n".join(printable(one) for one in value[:longest].splitlines())
