"""What `strace -f -y -xx` wrote, call by call, in the order in which the calls returned.

With -xx every string and every path is hexadecimal, so brackets, commas and quotes in a line are always strace's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

AT_FDCWD = -100

_LINE = re.compile(r"(\d+)\s+(.*)", re.DOTALL)
_START = re.compile(r"(\w+\(.*) <(?:unfinished|pid changed to \d+) \.\.\.>$", re.DOTALL)
_RESUMED = re.compile(r"<\.\.\. (\w+) resumed>(.*)$", re.DOTALL)
_SUPERSEDED = re.compile(r"\+\+\+ superseded by execve in pid (\d+) \+\+\+$")
_NAME = re.compile(r"(\w+)\(")
_RESULT = re.compile(r"\s*= (0x[0-9a-f]+|-?\d+|\?)(?:<((?:\\x[0-9a-f]{2})*|[^<>\\]*)>(\(deleted\))?)?(?: ([A-Z][A-Z0-9_]+))?")
_DESCRIPTOR = re.compile(r"(-?\d+|AT_FDCWD)(?:<((?:\\x[0-9a-f]{2})*|[^<>\\]*)>(\(deleted\))?)?$")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?$')
_PUNCTUATION = re.compile(r"[](){}[,]")
_ENDED = " <unfinished ...>) = ?"


class Descriptor(NamedTuple):
    """A number and what it stands for: a path, or what the kernel says of a pipe or a socket."""

    number: int
    path: bytes | None
    deleted: bool = False


class Call(NamedTuple):
    """One system call. ``result`` is None where strace saw none (the process ended, the call will be restarted)."""

    pid: int
    name: str
    arguments: tuple[str, ...]
    result: int | None
    error: str = ""
    returned: Descriptor | None = None

    @property
    def succeeded(self) -> bool:
        return self.result is not None and not self.error

    def descriptor(self, at: int) -> Descriptor:
        found = _DESCRIPTOR.match(self.arguments[at])
        if found is None:
            raise ValueError(f"argument {at} is no descriptor: {self}")
        return _descriptor(*found.groups())

    def string(self, at: int) -> bytes:
        found = _STRING.match(self.arguments[at])
        if found is None or found[2]:
            raise ValueError(f"argument {at} is no complete string: {self}")
        return _bytes(found[1])

    def words(self, at: int) -> frozenset[str]:
        """A set of flags: O_RDONLY|O_CLOEXEC."""
        return frozenset(self.arguments[at].split("|"))

    def number(self, at: int) -> int:
        return int(self.arguments[at], 0)


def read(path: Path) -> Iterator[Call]:
    with path.open(encoding="ascii") as lines:
        yield from parse(lines)


def parse(lines: Iterable[str]) -> Iterator[Call]:
    unfinished: dict[int, str] = {}
    for line in lines:
        found = _LINE.match(line.rstrip("\n"))
        if found is None:
            raise ValueError(f"no line of strace -f: {line!r}")
        pid, rest = int(found[1]), found[2]
        if rest.startswith("+++"):
            superseded = _SUPERSEDED.match(rest)
            if superseded:  # a thread executed a program: its call goes on as the leader's
                unfinished[pid] = unfinished.pop(int(superseded[1]))
            else:
                unfinished.pop(pid, None)
            continue
        if rest.startswith(("---", "[ Process ")):  # signals; a program of another word size
            continue
        begun = _START.match(rest)
        if begun:
            unfinished[pid] = begun[1]
            continue
        resumed = _RESUMED.match(rest)
        if resumed:
            rest = unfinished.pop(pid) + resumed[2]
        if rest.endswith(_ENDED):  # the process ended in the call
            continue
        yield _call(pid, rest)


def _call(pid: int, text: str) -> Call:
    name = _NAME.match(text)
    if name is None:
        raise ValueError(f"no call: {text!r}")
    arguments, end = _arguments(text, name.end())
    result = _RESULT.match(text, end)
    if result is None:
        raise ValueError(f"a call without a result: {text!r}")
    value, path, deleted, error = result.groups()
    if value == "?":
        return Call(pid, name[1], arguments, None, error or "")
    number = int(value, 0)
    returned = None if path is None else _descriptor(value, path, deleted)
    return Call(pid, name[1], arguments, number, (error or "") if number == -1 else "", returned)


def _arguments(text: str, at: int) -> tuple[tuple[str, ...], int]:
    """The arguments from ``at`` on, and where the text goes on after their closing parenthesis."""
    arguments: list[str] = []
    depth, start = 0, at
    for found in _PUNCTUATION.finditer(text, at):
        char = found[0]
        if char in "([{":
            depth += 1
        elif char in ")]}" and depth:
            depth -= 1
        elif char == ")" or (char == "," and not depth):
            arguments.append(text[start:found.start()].strip())
            if char == ")":
                return tuple(arguments), found.end()
            start = found.end()
    raise ValueError(f"a call without an end: {text!r}")


def _descriptor(number: str, path: str | None, deleted: str | None) -> Descriptor:
    return Descriptor(AT_FDCWD if number == "AT_FDCWD" else int(number),
                      None if path is None else _bytes(path), deleted is not None)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", "")) if text.startswith("\\x") else text.encode()
