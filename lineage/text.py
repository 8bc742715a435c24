"""Words and numbers as people read them: sizes, durations, and other people's text that can do no harm where it is shown."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence

JOB_DIGITS = 7  # of an id's hex, where people see it
HASH_DIGITS = 8
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def printable(data: bytes | str) -> str:
    """Text without anything a terminal would act on: control, direction and invalid characters are escaped."""
    text = data.decode("utf-8", "surrogateescape") if isinstance(data, bytes) else data
    return text if text.isprintable() else "".join(_escaped(character) for character in text)


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    if "\udc80" <= character <= "\udcff":  # a byte that is not UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def path_text(path: bytes, base: bytes = b"") -> str:
    """A path for people: relative where it is below ``base``."""
    if base and path.startswith(base.rstrip(b"/") + b"/"):
        path = path[len(base.rstrip(b"/")) + 1:]
    return printable(path)


def name_text(path: bytes) -> str:
    """A file's name without its directory."""
    return printable(path.rpartition(b"/")[2] or path)


def command_text(argv: Sequence[bytes], width: int = 0) -> str:
    """A command line that could be typed; cut to ``width``."""
    text = printable(shlex.join(argument.decode("utf-8", "surrogateescape") for argument in argv))
    return cut(text, width) if width else text


def program_text(argv: Sequence[bytes]) -> str:
    """The one word that says best what a command was: the script of an interpreter, else the program."""
    if not argv:
        return "?"
    program = os.path.basename(argv[0])
    interpreter = program.startswith((b"python", b"Rscript", b"julia")) or program in {b"sh", b"bash", b"perl", b"node"}
    if interpreter:
        for argument in argv[1:]:
            if not argument.startswith(b"-"):
                return cut(printable(os.path.basename(argument)), 30)
            if argument in {b"-c", b"-m", b"-e"}:
                break
    return cut(printable(program), 30)


def cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[:max(width - 1, 0)] + "…"


def hash_text(digest: bytes | None) -> str:
    return digest.hex()[:HASH_DIGITS] if digest is not None else "-" * HASH_DIGITS


def size_text(size: int | None) -> str:
    if size is None:
        return ""
    if size < 1000:
        return f"{size} B"
    value, units = size / 1000, ["EB", "PB", "TB", "GB", "MB", "kB"]
    while value >= 999.5 and len(units) > 1:
        value /= 1000
        units.pop()
    return f"{value:.1f} {units[-1]}" if value < 9.95 else f"{value:.0f} {units[-1]}"


def duration_text(seconds: float) -> str:
    seconds = max(seconds, 0.0)
    if seconds < 9.995:
        return f"{seconds:.2f}s"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < _HOUR:
        return f"{whole // _MINUTE}m{whole % _MINUTE:02d}s"
    if whole < _DAY:
        return f"{whole // _HOUR}h{whole % _HOUR // _MINUTE:02d}m"
    return f"{whole // _DAY}d{whole % _DAY // _HOUR:02d}h"


def count_text(count: int, noun: str, many: str = "") -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {many or noun + 's'}"


def ordinal(number: int) -> str:
    ending = "th" if number // 10 % 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
