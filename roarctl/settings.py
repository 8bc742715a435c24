"""A project's own settings: `.roar.toml` at its root, read as the user."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from lineage.errors import InvalidError

if TYPE_CHECKING:
    from lineage.records import Entry
    from lineage.v1 import lineage_pb2

FILE = b".roar.toml"
Level: TypeAlias = Literal["off", "warn", "refuse"]
LEVELS: tuple[Level, ...] = ("off", "warn", "refuse")
_MOST_BYTES = 1 << 20
_SWITCH = ("true", "false")


@dataclass(frozen=True, slots=True)
class Key:
    """What may stand under a name: one of some words, a text of a form (``form``: a pattern; ``like``: an example of it), or
    a list of words."""

    default: str | tuple[str, ...]
    help: str
    words: tuple[str, ...] = ()
    form: str = ""
    like: str = ""


#: All keys but those under ``labels``, which are anyone's own.
KEYS: Mapping[str, Key] = {
    "filters.hide": Key((), "globs of files that people are not shown: *.log in any directory, /… from the root"),
    "hygiene.uncommitted": Key("off", "of files that git tracks and that differ from the commit", LEVELS),
    "hygiene.untracked_source": Key("off", "of source files that git does not know", LEVELS),
    "hygiene.require": Key((), "labels that each run must have; name is that of --name"),
    "hygiene.missing_labels": Key("refuse", "what is done about one that is missing", LEVELS),
    "environment.omit": Key((), "patterns of environment variables that are not recorded"),
    "environment.record": Key((), "patterns of those that are, although they match omit; secrets are redacted all the same"),
    "registry.url": Key("", "this project's registry, one that you have logged in to", form=r"https?://[!-~]+",
                        like="https://registry.example.org"),
    "registry.scope": Key("private", "who may see what is registered", form=r"private|public|org:[a-z0-9][a-z0-9._-]*",
                          like="private, public or org:NAME"),
    "registry.lookup": Key("true", "are references that this machine does not know asked of the registry?", _SWITCH),
    "registry.forward": Key("false", "do jobs go on to this machine's registry when they end? (`roar outbox`)", _SWITCH),
    "registry.sign": Key("", "the key that signs what is registered, as of --sign", form=".+", like="~/.ssh/id_ed25519"),
}


@dataclass(frozen=True)
class Settings:
    """``values`` by dotted name, only what the file says; ``lines``: where it says it, from 1."""

    path: bytes = b""  # empty: there is no file
    values: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)

    def word(self, name: str) -> str:
        value = self.values.get(name, KEYS[name].default)
        assert isinstance(value, str)
        return value

    def words(self, name: str) -> tuple[str, ...]:
        value = self.values.get(name, KEYS[name].default)
        assert isinstance(value, tuple)
        return value

    @property
    def labels(self) -> dict[str, str]:
        """That each run has, unless it is given others."""
        return {name.removeprefix("labels."): str(value) for name, value in self.values.items() if name.startswith("labels.")}

    def where(self, name: str) -> str:
        """In words, for who must change it."""
        return f"{os.fsdecode(FILE)} line {self.lines[name]}" if name in self.lines else "default"

    @cached_property
    def _hidden(self) -> list[re.Pattern[bytes]]:
        from lineage.globs import compiled

        return [compiled(os.fsencode(glob)) for glob in self.words("filters.hide")]

    def hides(self, path: bytes) -> bool:
        return any(pattern.fullmatch(path) for pattern in self._hidden)


def shown_entries(settings: Settings, entries: Sequence[Entry]) -> tuple[list[Entry], int]:
    """(those that people are shown, how many they are not)"""
    if not settings.words("filters.hide"):
        return list(entries), 0
    shown = [entry for entry in entries if not settings.hides(entry.path)]
    return shown, len(entries) - len(shown)


def hidden_text(count: int) -> str:
    return f"({count} {'file' if count == 1 else 'files'} hidden by filters.hide in {os.fsdecode(FILE)}: --all)"


def prune(settings: Settings, graph: lineage_pb2.Graph, keep: bytes) -> int:
    """Takes the edges of hidden files out of a walk's graph, where nothing else hangs on them (roots above, leaves below,
    but for ``keep``, what was asked about); how many files."""
    if not settings.words("filters.hide"):
        return 0
    linked = {edge.artifact for edge in graph.edges if edge.output} & {edge.artifact for edge in graph.edges if not edge.output}
    hidden = {at for at, one in enumerate(graph.artifacts)
              if at not in linked and one.hash != keep and settings.hides(one.path)}
    if hidden:
        edges = [edge for edge in graph.edges if edge.artifact not in hidden]
        del graph.edges[:]
        graph.edges.extend(edges)
    return len(hidden)


def file_of(project: bytes) -> bytes:
    return os.path.join(project, FILE)


def load(project: bytes) -> Settings:
    """Of a project without the file, the defaults.  InvalidError names the line of a mistake."""
    path = file_of(project)
    if not os.path.lexists(path):
        return Settings()
    try:
        with open(path, "rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise InvalidError(f"{os.fsdecode(path)} cannot be read: {error.strerror}", "make it readable, or remove it") from error
    if len(data) > _MOST_BYTES:
        raise InvalidError(f"{os.fsdecode(path)} is larger than a megabyte", "is it what it should be?")
    return parse(data, path)


def parse(data: bytes, path: bytes = FILE) -> Settings:
    """InvalidError names the line of a mistake."""
    import tomllib

    name = os.fsdecode(path)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data[:error.start].count(b"\n") + 1
        raise InvalidError(f"{name}, line {line}: not UTF-8", "TOML files are") from error
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidError(f"{name}: {_in_our_words(str(error), text)}",
                           "`roar config --help` shows what the file may say") from error
    values: dict[str, str | tuple[str, ...]] = {}
    lines: dict[str, int] = {}
    for section, content in document.items():
        if not isinstance(content, dict):
            raise _mistake(name, text, section, "", f"{section} stands outside of a section")
        for key, value in content.items():
            dotted = f"{section}.{key}"
            problem = _problem(dotted, value)
            if problem:
                raise _mistake(name, text, section, key, problem)
            values[dotted] = tuple(value) if isinstance(value, list) else _word(value)
            lines[dotted] = line_of(text, section, key)
    return Settings(path, values, lines)


def _problem(dotted: str, value: Any) -> str:  # noqa: ANN401 - whatever stands in the file
    """What is wrong with a setting, in words; empty if nothing is."""
    section, _, key = dotted.partition(".")
    if section == "labels":
        from lineage.annotations import Edit, checked

        if not isinstance(value, (str, int)) or isinstance(value, bool) or not str(value):
            return f"the label {key} is some text"
        try:
            checked(Edit("label", key, (str(value),)))
        except InvalidError as error:
            return error.message
        return ""
    known = KEYS.get(dotted)
    if known is None:
        near = [name for name in KEYS if name.startswith(section + ".")]
        return f"there is no setting {dotted}" + (f"; {section} has {', '.join(near)}" if near else
                                                  "; sections are filters, hygiene, labels, environment, registry")
    if isinstance(known.default, tuple):
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            return f'{dotted} is a list of words, like ["a", "b"]'
    elif known.form:
        if not isinstance(value, str) or not re.fullmatch(known.form, value):
            return f"{dotted} is like {known.like}"
    elif _word(value) not in known.words:
        return f"{dotted} is one of {', '.join(known.words)}"
    return ""


def _word(value: object) -> str:
    """TOML's booleans too."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _mistake(name: str, text: str, section: str, key: str, problem: str) -> InvalidError:
    return InvalidError(f"{name}, line {line_of(text, section, key)}: {problem}", "`roar config` lists the settings")


def line_of(text: str, section: str, key: str) -> int:
    """Where a key stands, from 1; where it is not found (quoted oddly, or inline), its section; else 1."""
    current, at_section = "", 1
    name = re.compile(rf"\s*[\"']?{re.escape(key or section)}[\"']?\s*=")
    dotted = re.compile(rf"\s*{re.escape(section)}\s*\.\s*[\"']?{re.escape(key)}[\"']?\s*=")
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[\s*[\"']?([^\]\"']+?)[\"']?\s*\]", line)
        if header:
            current = header[1]
            at_section = number if current == section else at_section
        elif (current == (section if key else "") and name.match(line)) or (not current and key and dotted.match(line)):
            return number
    return at_section


def changed(text: str, dotted: str, values: Sequence[str]) -> str:
    """The file's text with a setting set (or, without values, taken away); everything else stays as it stands.
    InvalidError for what is no setting, and where the text says it in a way that cannot be changed line by line."""
    import json

    section, _, key = dotted.partition(".")
    known = KEYS.get(dotted)
    is_list = known is not None and isinstance(known.default, tuple)
    if not is_list and len(values) > 1:
        raise InvalidError(f"{dotted} has one value", "give one")
    value: object = list(values) if is_list else "".join(values)
    problem = _problem(dotted, value) if values else ("" if section == "labels" or known else _problem(dotted, ""))
    if problem:
        raise InvalidError(problem, "`roar config` lists the settings")
    lines = text.splitlines()
    before = parse(text.encode()) if text else Settings()
    line = f"{key} = {json.dumps(value, ensure_ascii=False)}" if values else None
    if dotted in before.values:
        at = before.lines[dotted] - 1
        lines[at:at + 1] = [line] if line is not None else []
    elif line is not None:
        headers = [at for at, one in enumerate(lines) if re.match(rf"\s*\[\s*{re.escape(section)}\s*\]", one)]
        if headers:
            lines.insert(headers[0] + 1, line)
        else:
            lines += [*([""] if lines else []), f"[{section}]", line]
    new = "\n".join(lines) + "\n" if lines else ""
    wanted = {name: one for name, one in before.values.items() if name != dotted}
    if values:
        wanted[dotted] = tuple(values) if is_list else values[0]
    try:
        same = parse(new.encode()).values == wanted
    except InvalidError:
        same = False
    if not same:
        raise InvalidError(f"{dotted} stands in the file in a way that roar cannot change", "change it in an editor")
    return new


def _in_our_words(message: str, text: str) -> str:
    """What tomllib says as a part of a sentence, always with a line."""
    message = message.replace("(at end of document)", f"(line {max(len(text.splitlines()), 1)})")
    return re.sub(r"\(at line (\d+), column \d+\)", r"(line \1)", message[:1].lower() + message[1:])
