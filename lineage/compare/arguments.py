"""Command lines read as parameters.

No program's own rules are known, so this reads as most programs do: `--lr 0.1`, `--lr=0.1`, `-e 3`, `-e3`, `key=value`
(Hydra), and what is left is positional.  A word after a flag is its value; more numbers after a number are too
(`--layers 64 64 32`).  Two command lines are read by the same rule, so that a wrong guess still shows what differs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Container, Sequence
from dataclasses import dataclass, field

from lineage.compare.model import ValueChange
from lineage.records import Json

_FLAG = re.compile(r"--?[A-Za-z][^=\s]*|-[^\W\d]")
_ATTACHED = re.compile(r"(-[A-Za-z])(\d+(?:\.\d+)?)")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_OVERRIDE = re.compile(r"([+~]{0,2}[A-Za-z_][\w.@/-]*)=(.*)", re.DOTALL)
_SCRIPT = re.compile(r".*\.(?:py|ipynb|sh|bash|R|r|Rmd|jl|pl|rb|js|mjs|lua)")
_PYTHON = re.compile(r"(?:python|pypy)\d*(?:\.\d+)?t?")
_INTERPRETERS = frozenset({"sh", "bash", "dash", "zsh", "Rscript", "julia", "perl", "ruby", "node", "lua"})
_LAUNCHERS = frozenset({"torchrun", "accelerate", "deepspeed", "mpirun", "mpiexec", "srun", "uv", "poetry", "conda", "env",
                        "time", "nice", "taskset", "numactl", "horovodrun", "ray", "coverage", "ipython", "nohup", "xvfb-run"})
_TAKE_VALUE = {"-X", "-W", "-Q", "--check-hash-based-pycs"}  # of Python's own options
_CODE = {"-c", "-e", "-m"}


@dataclass(slots=True)
class Arguments:
    """``program`` is what runs (`python`, without its directory), ``script`` the file or module that it runs; ``flags`` and
    ``overrides`` by name, a flag with its values as often as it was given, each a tuple of words."""

    program: str = ""
    script: str = ""
    flags: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    overrides: dict[str, str] = field(default_factory=dict)
    positional: list[str] = field(default_factory=list)

    @property
    def what(self) -> str:
        """The script, else the program: what a person calls it."""
        return self.script or self.program


def parse(argv: Sequence[bytes], project: bytes = b"", switches: Container[str] = ()) -> Arguments:
    """Words that begin with the project's directory are taken relative to it.  ``switches`` are flags that are known to
    take no value."""
    words = [_relative(word, project) for word in argv]
    found = Arguments()
    if not words:
        return found
    found.program = os.path.basename(words[0])
    rest = words[1:]
    if _PYTHON.fullmatch(found.program):
        found.program = "python"
        rest = _python(rest, found)
    elif found.program in _INTERPRETERS:
        rest = _interpreter(rest, found)
    elif found.program in _LAUNCHERS:
        at = next((index for index, word in enumerate(rest) if _SCRIPT.fullmatch(word)), None)
        if at is not None:
            own = Arguments()
            _read(rest[:at], own, switches)
            found.flags = {f"{found.program} {name}": values for name, values in own.flags.items()}
            found.overrides = own.overrides
            found.positional = [f"{found.program} {word}" for word in own.positional]
            found.script, rest = rest[at], rest[at + 1:]
    _read(rest, found, switches)
    return found


def words_of(arguments: Arguments) -> list[str]:
    """Flags, overrides and positional words in one order, so that they are read as the same again."""
    words: list[str] = []
    for name, uses in sorted(arguments.flags.items()):
        for values in uses:
            words += [f"{name}={values[0]}", *values[1:]] if values else [name]
    words += [f"{name}={value}" for name, value in sorted(arguments.overrides.items())]
    return [*words, "--", *arguments.positional]


def compare_arguments(a: Sequence[bytes], b: Sequence[bytes], project_a: bytes = b"",
                      project_b: bytes = b"") -> list[ValueChange]:
    one, other = parse(a, project_a), parse(b, project_b)
    switches = _switches(one, other) | _switches(other, one)
    if switches:
        one, other = parse(a, project_a, switches), parse(b, project_b, switches)
    changes = []
    for name, before, after in (("program", one.program, other.program), ("script", one.script, other.script)):
        if before != after:
            changes.append(_change(name, before or None, after or None))
    for name in dict.fromkeys([*one.flags, *other.flags]):
        before_uses, after_uses = one.flags.get(name), other.flags.get(name)
        if before_uses != after_uses:
            changes.append(_change(name, _flag_value(before_uses), _flag_value(after_uses)))
    changes += [_change(name, one.overrides.get(name), other.overrides.get(name))
                for name in dict.fromkeys([*one.overrides, *other.overrides])
                if one.overrides.get(name) != other.overrides.get(name)]
    for at in range(max(len(one.positional), len(other.positional))):
        first, second = (words[at] if at < len(words) else None for words in (one.positional, other.positional))
        if first != second:
            changes.append(_change(f"argument {at + 1}", first, second))
    return changes


def _switches(one: Arguments, other: Arguments) -> set[str]:
    """Flags after which a word stands that the other side has for itself: `sort -r in.txt`, beside `sort in.txt`."""
    return {name for name, uses in one.flags.items() for values in uses
            if len(values) == 1 and values[0] in other.positional and values[0] not in one.positional}


def _change(name: str, a: Json, b: Json) -> ValueChange:
    return ValueChange("parameters", name, "added" if a is None else "removed" if b is None else "changed", a, b)


def _flag_value(uses: list[tuple[str, ...]] | None) -> Json:
    """True for a flag without a value; one use as its text, several as a list."""
    if uses is None:
        return None
    values: list[Json] = [" ".join(values) if values else True for values in uses]
    return values[0] if len(values) == 1 else values


def _relative(word: bytes, project: bytes) -> str:
    if project:
        base = project.rstrip(b"/") + b"/"
        before, equals, value = word.partition(b"=")
        if word.startswith(base):
            word = word[len(base):]
        elif equals and value.startswith(base):
            word = before + b"=" + value[len(base):]
    return word.decode("utf-8", "backslashreplace")


def _python(words: list[str], found: Arguments) -> list[str]:
    """The interpreter's own options are flags named after it; what follows the script is the script's."""
    at = 0
    while at < len(words):
        word = words[at]
        if word in {"-c", "-m"}:
            return _code(words, at, found)
        if not word.startswith("-") or word == "-":
            found.script = word
            return words[at + 1:]
        values: tuple[str, ...] = ()
        if word in _TAKE_VALUE and at + 1 < len(words):
            at += 1
            values = (words[at],)
        found.flags.setdefault(f"{found.program} {word}", []).append(values)
        at += 1
    return []


def _interpreter(words: list[str], found: Arguments) -> list[str]:
    for at, word in enumerate(words):
        if word in _CODE:
            return _code(words, at, found)
        if not word.startswith(("-", "+")):
            found.script = word
            return words[at + 1:]
        found.flags.setdefault(f"{found.program} {word}", []).append(())
    return []


def _code(words: list[str], at: int, found: Arguments) -> list[str]:
    """`-m module` is a script; of `-c 'text'` the text is a value."""
    if at + 1 < len(words):
        if words[at] == "-m":
            found.script = words[at + 1]
        else:
            found.flags.setdefault(f"{found.program} {words[at]}", []).append((words[at + 1],))
    return words[at + 2:]


def _read(words: list[str], found: Arguments, switches: Container[str]) -> None:
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word == "--":
            found.positional += words[at:]
            return
        name, equals, value = word.partition("=")
        attached = _ATTACHED.fullmatch(word)
        if _is_flag(name) and equals:
            values, at = _more(value, words, at)
            found.flags.setdefault(name, []).append(values)
        elif attached:
            found.flags.setdefault(attached[1], []).append((attached[2],))
        elif _is_flag(word):
            if word not in switches and at < len(words) and _is_value(words[at]):
                at += 1
                values, at = _more(words[at - 1], words, at)
                found.flags.setdefault(word, []).append(values)
            else:
                found.flags.setdefault(word, []).append(())
        elif override := _OVERRIDE.fullmatch(word):
            found.overrides[override[1]] = override[2]
        else:
            found.positional.append(word)


def _more(first: str, words: list[str], at: int) -> tuple[tuple[str, ...], int]:
    values = [first]
    while _NUMBER.fullmatch(values[0]) and at < len(words) and _NUMBER.fullmatch(words[at]):
        values.append(words[at])
        at += 1
    return tuple(values), at


def _is_flag(word: str) -> bool:
    return _FLAG.fullmatch(word) is not None and not _NUMBER.fullmatch(word)


def _is_value(word: str) -> bool:
    """`key=value` after a flag is more likely an override than its value."""
    is_flag = _is_flag(word.partition("=")[0]) or _ATTACHED.fullmatch(word)
    return word != "--" and not is_flag and not _OVERRIDE.fullmatch(word)
