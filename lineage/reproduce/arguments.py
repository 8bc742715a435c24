"""Command lines with other parameters than they were recorded with, and what was redacted in them.

``changed`` takes words as they are typed after ``roar run @3``:

- ``--epochs=10`` and ``--epochs 10`` give an option its value, in whichever of the two forms the command has it; where it has
  none the words are appended as they were typed. ``-e 10`` likewise. A word that begins with a dash is the next option,
  unless it is a number.
- ``--verbose`` alone is appended where it is not there.
- ``epochs=10`` replaces ``epochs=…``, or is appended.
- what follows ``--`` is appended as it is, last.

Options of the command are looked for up to its own ``--``, and what is appended as an option goes before that.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import NamedTuple

from lineage.errors import InvalidError
from lineage.redact import REDACTED

_OPTION = re.compile(rb"--?[A-Za-z_][^=\s]*\Z")
_ASSIGNED_OPTION = re.compile(rb"(--?[A-Za-z_][^=\s]*)=(.*)\Z", re.DOTALL)
_ASSIGNED = re.compile(rb"([+~]{0,2}[A-Za-z_][\w.\-/@]*)=(.*)\Z", re.DOTALL)
_NUMBER = re.compile(rb"-\.?\d")
_SHELLS = frozenset([b"sh", b"bash", b"dash", b"zsh", b"ksh", b"fish"])
_SHELL_TEXT = re.compile(rb"-[a-zA-Z]*c\Z")
_REDACTED = REDACTED.encode()


class Change(NamedTuple):
    """``name`` with what to set it to; ``value`` None: a switch. ``words``: as they were typed."""

    name: bytes
    value: bytes | None
    words: tuple[bytes, ...]
    option: bool  # else NAME=value without dashes


def changed(argv: Sequence[bytes], changes: Sequence[bytes]) -> tuple[bytes, ...]:
    """The command with the changes made. InvalidError for what cannot be understood as one."""
    if not changes:
        return tuple(argv)
    if is_shell_text(argv):
        raise InvalidError("the command is a text for a shell: its parameters cannot be told apart",
                           "type it again with the changes: roar run sh -c '…'")
    before, after = _split(argv)
    asked, appended = _split(changes)
    words = list(before)
    for change in parse(asked):
        words = _applied(words, change)
    return (*words, *after, *(appended[1:] if appended else ()))


def parse(words: Sequence[bytes]) -> list[Change]:
    found: list[Change] = []
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if assigned := _ASSIGNED_OPTION.match(word):
            found.append(Change(assigned[1], assigned[2], (word,), option=True))
        elif _OPTION.match(word):
            if at < len(words) and _is_value(words[at]):
                found.append(Change(word, words[at], (word, words[at]), option=True))
                at += 1
            else:
                found.append(Change(word, None, (word,), option=True))
        elif assigned := _ASSIGNED.match(word):
            found.append(Change(assigned[1], assigned[2], (word,), option=False))
        else:
            text = os.fsdecode(word)
            raise InvalidError(f"{text!r} belongs to no option", f"to append it to the command, put it after --: -- {text}")
    return found


def is_shell_text(argv: Sequence[bytes]) -> bool:
    """``sh -c '…'``?"""
    if not argv or os.path.basename(argv[0]) not in _SHELLS:
        return False
    for word in argv[1:]:
        if not word.startswith(b"-"):
            return False
        if _SHELL_TEXT.match(word):
            return True
    return False


def redacted_words(argv: Sequence[bytes]) -> list[int]:
    """Indexes of the arguments of which a part was not recorded, because it was a secret."""
    return [at for at, word in enumerate(argv) if _REDACTED in word]


def parameter_name(argv: Sequence[bytes], at: int) -> str:
    """What to call an argument when it is asked for: its option, where it has one."""
    assigned = _ASSIGNED_OPTION.match(argv[at]) or _ASSIGNED.match(argv[at])
    if assigned:
        return os.fsdecode(assigned[1])
    if at and _OPTION.match(argv[at - 1]):
        return os.fsdecode(argv[at - 1])
    return f"argument {at}"


def with_secret(word: bytes, secrets: Sequence[bytes]) -> bytes:
    """The word with each redacted part replaced, in order."""
    parts = word.split(_REDACTED)
    return b"".join(part + secret for part, secret in zip(parts, (*secrets, b""), strict=True))


def _split(words: Sequence[bytes]) -> tuple[list[bytes], list[bytes]]:
    at = list(words).index(b"--") if b"--" in words else len(words)
    return list(words[:at]), list(words[at:])


def _is_value(word: bytes) -> bool:
    return not word.startswith(b"-") or word == b"-" or _NUMBER.match(word) is not None


def _applied(words: list[bytes], change: Change) -> list[bytes]:
    assigned = change.name + b"="
    places = [at for at, word in enumerate(words)
              if at and (word.startswith(assigned) or (change.option and word == change.name))]
    if len(places) > 1:
        raise InvalidError(f"{os.fsdecode(change.name)} is there {len(places)} times: which is meant?",
                           "type the command again with the changes")
    if not places:
        return [*words, *change.words]
    at = places[0]
    if change.value is None:
        if words[at] != change.name:
            raise InvalidError(f"{os.fsdecode(change.name)} needs a value: the command has {os.fsdecode(words[at])}",
                               f"{os.fsdecode(change.name)}=VALUE")
        return words
    if words[at].startswith(assigned):
        return [*words[:at], assigned + change.value, *words[at + 1:]]
    had_value = at + 1 < len(words) and _is_value(words[at + 1])
    return [*words[:at + 1], change.value, *words[at + 1 + had_value:]]
