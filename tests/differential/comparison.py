"""Runs a command under roar and strace at once, and says where the two disagree about it.

`roar run -- strace -f … -- CMD`: both watch the same execution, with the same processes and the same names of temporary
files. What strace itself does is step 0 of the record, and is left out by that.
"""

from __future__ import annotations

import base64
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import strace
import truth
from blake3 import blake3
from harness import Project

SHARED_MEMORY = Path("/dev/shm")
KINDS = ("inputs", "outputs", "scratch", "removed", "devices", "pipes")


class DisagreementError(AssertionError):
    """About a command that did what it should."""


# ---- what one side alone knows: everything else must be the same on both ----


def known_to_roar_alone(kind: str, path: bytes, expected: truth.Truth) -> str:
    """The reason why the truth does not have this entry; empty: there is none."""
    if kind == "scratch" and path in expected.passing:
        return "a file's further name that came and went: roar keeps links by name, the truth keeps the file"
    if kind == "scratch" and path.startswith(b"/memfd:"):
        return "memory with a descriptor: roar lists it as scratch; it is no file"
    if kind == "removed" and path in expected.removed_special:
        return "whether a name was a file's or a pipe's cannot be told when it is gone, if the job did not make it"
    return ""


def known_to_strace_alone(kind: str, entry: truth.Entry, recorded: Mapping[bytes, Found]) -> str:
    """The reason why roar does not have this entry; empty: there is none."""
    file = entry.file
    if file is not None and kind == "scratch" and file.symbolic:
        return "a symbolic link that came and went: it held nothing"
    if file is not None and len(file.aliases) > 1 and file.aliases & recorded.keys():
        return "roar lists a file that had several names before the job under the first by which it was used"
    if file is not None and kind == "inputs" and entry.words == {"rename"} and not file.names:
        return "what was moved and then removed was removed, roar says; nothing was made of it"
    return ""


def comparable_words(entry: truth.Entry, words: set[str]) -> set[str]:
    """roar keeps what was done to a file that has several names by name in part; the truth keeps it by file.

    That an input was moved or linked says nothing more where it was read as well.
    """
    if entry.file is None:
        return words
    if entry.file.linked:
        return set()
    return words - truth.NAMING_WORDS - ({"read"} if entry.file.asked else set())


def comparable_steps(kind: str, entry: truth.Entry, steps: set[truth.Step]) -> set[truth.Step]:
    """Likewise. Who read an input that had been moved before took what the one who moved it made: roar lists both."""
    file = entry.file
    if file is None:
        return steps
    if file.linked or (kind == "inputs" and file.read & truth.NAMING_WORDS):
        return set()
    return steps - file.asked


def may_lack_a_hash(file: truth.File | None, found: Found) -> bool:
    """What does not travel with a read of it is hashed where it lies: too late, if the job changed it right after.

    The record says so, and is not complete then.
    """
    return file is not None and bool(found.entry["hash_reason"]) and (file.written or file.lost_a_name)


# ----


@dataclass
class Found:
    """An entry of roar's record, without strace's own part in it."""

    words: set[str]
    steps: set[truth.Step]
    shared: bool  # with strace, so that some of the words may be strace's
    entry: dict[str, Any]


class Comparison:
    def __init__(self, project: Path, document: dict[str, Any], expected: truth.Truth, hashes: Mapping[bytes, str]) -> None:
        self.document = document
        self.truth = expected.entries()
        self._project = os.fsencode(project) + b"/"
        self._expected = expected
        self._hashes = hashes
        self._files = {path: entry.file for name, entry in self.truth["inputs"].items() if entry.file is not None
                       for path in (name, *entry.file.aliases)}
        self._unhashed: list[bytes] = []  # inputs that rightly have no hash
        steps = _steps(document)
        self.record = {kind: dict(_entries(document[kind], steps)) for kind in KINDS}
        self._executed = {step: os.fsencode(document["steps"][index]["executable"]) for index, step in steps.items()}

    def paths(self, kind: str) -> set[str]:
        """The project's paths of a kind, as strace tells."""
        return {os.fsdecode(path.removeprefix(self._project)) for path in self.truth[kind] if path.startswith(self._project)}

    def disagreements(self) -> list[str]:
        return list(self._disagreements())

    def _disagreements(self) -> Iterator[str]:
        if self._executed != self._expected.programs:
            yield f"programs: strace {self._expected.programs}, roar {self._executed}"
        for kind in KINDS:
            expected, recorded = self.truth[kind], self.record[kind]
            for path in sorted(expected.keys() - recorded.keys()):
                if not known_to_strace_alone(kind, expected[path], recorded):
                    yield f"{kind}: only strace has {_shown(path)}: {self._told(expected[path])}{self._elsewhere(path)}"
            for path in sorted(recorded.keys() - expected.keys() - self._aliases(kind)):
                if known_to_roar_alone(kind, path, self._expected):
                    continue
                yield f"{kind}: only roar has {_shown(path)}: {sorted(recorded[path].words)}"
            for path in sorted(expected.keys() & recorded.keys()):
                for words in self._differences(kind, expected[path], recorded[path]):
                    yield f"{kind}: {_shown(path)}: {words}"
        for path, words in self._wrong_hashes():
            yield f"hash of {_shown(path)}: {words}"

    def assert_same(self) -> None:
        found = self.disagreements()
        if found:
            raise DisagreementError("\n".join(found))
        reasons = [reason for reason in self.document["incomplete_reasons"]
                   if not (self._unhashed and reason["code"] == "unhashed_inputs")]
        assert not reasons, reasons

    def _aliases(self, kind: str) -> set[bytes]:
        return {path for entry in self.truth[kind].values() if entry.file is not None and len(entry.file.aliases) > 1
                for path in entry.file.aliases}

    def _differences(self, kind: str, expected: truth.Entry, recorded: Found) -> Iterator[str]:
        if kind == "removed" and expected.words == {"rename"}:
            return                                      # roar says who removed it, the truth who moved it before
        wanted, had = comparable_words(expected, expected.words), comparable_words(expected, recorded.words)
        if not wanted <= had or (had - wanted and not recorded.shared):
            yield f"strace {sorted(wanted)}, roar {sorted(had)}"
        if comparable_steps(kind, expected, expected.steps) != comparable_steps(kind, expected, recorded.steps):
            yield f"steps: strace {sorted(expected.steps)}, roar {sorted(recorded.steps)}"

    def _wrong_hashes(self) -> Iterator[tuple[bytes, str]]:
        """Files of the project: as they were before; others are not expected to change. Outputs: as they are."""
        for path, found in self.record["inputs"].items():
            entry = found.entry
            wanted = self._hashes.get(path)
            if wanted is None and not path.startswith((self._project, b"/proc/", b"/sys/")):
                wanted = _hash_now(path)
            if entry["hash"] is None and may_lack_a_hash(self._files.get(path), found):
                self._unhashed.append(path)
            elif wanted is not None and entry["hash"] != wanted:
                yield path, f"{entry['hash']} ({entry['hash_reason']}) for an input with {wanted}"
        for path, found in self.record["outputs"].items():
            entry = found.entry
            if not os.path.isfile(path) or os.path.islink(path):
                if entry["hash"] is not None:
                    yield path, "there is one for what is no regular file"
            elif entry["hash"] != _hash(path):
                yield path, f"{entry['hash']} ({entry['hash_reason']}) for an output with {_hash(path)}"

    def _told(self, entry: truth.Entry) -> str:
        programs = {os.fsdecode(os.path.basename(self._expected.programs[step])) for step in entry.steps}
        return f"{sorted(entry.words)} by {sorted(programs)}"

    def _elsewhere(self, path: bytes) -> str:
        kinds = [kind for kind in KINDS if path in self.record[kind]]
        return f", roar has it in {kinds}" if kinds else ""


def observe(project: Project, place: Path, *command: str | Path, cwd: Path | None = None, check: bool = True,
            environment: Mapping[str, str] | None = None, **options: Any) -> Comparison:
    """Runs a command in a project; ``place`` is where strace writes, outside of it. Tolerant: of known mistakes."""
    trace = place / "strace.out"
    before = truth.survey(project.path)
    hashes = {path: _hash(path) for path, known in before.items() if stat.S_ISREG(known.mode)}
    before |= truth.survey(SHARED_MEMORY, deep=False)
    tracer = ["strace", "-f", "-y", "-xx", "-s", "0", "--seccomp-bpf", "-o", trace, "-e", "signal=none",
              "-e", f"trace={','.join(truth.CALLS)}", "--"]
    project.roar("run", "-q", "--", *tracer, *command, cwd=cwd, check=check, environment=environment, **options)
    expected = truth.Truth(cwd or project.path, before, (project.path, SHARED_MEMORY)).apply(strace.read(trace))
    return Comparison(project.path, project.show().document, expected, hashes)


def missing(*tools: str) -> str:
    """The reason to skip where one of these programs is not installed; empty: they all are."""
    absent = [tool for tool in tools if shutil.which(tool) is None]
    return f"not installed: {', '.join(absent)}" if absent else ""


def _steps(document: dict[str, Any]) -> dict[int, truth.Step]:
    """By index, but for strace's: which process, and which of its programs."""
    counted: dict[int, int] = {}
    found = {}
    for step in document["steps"][1:]:
        number = counted[step["pid"]] = counted.get(step["pid"], -1) + 1
        found[step["index"]] = (step["pid"], number)
    return found


def _entries(entries: list[dict[str, Any]], steps: Mapping[int, truth.Step]) -> Iterator[tuple[bytes, Found]]:
    by_path: dict[bytes, Found] = {}
    for entry in entries:
        own = {steps[index] for index in entry["steps"] if index in steps}
        if not own:
            continue
        path = base64.b64decode(entry["path_b64"]) if "path_b64" in entry else os.fsencode(entry["path"])
        found = by_path.setdefault(path, Found(set(), set(), False, entry))
        found.words |= set(entry["access"])
        found.steps |= own
        found.shared |= 0 in entry["steps"]
    yield from by_path.items()


def _hash(path: bytes) -> str:
    with open(path, "rb") as file:
        return blake3(file.read()).hexdigest()


@cache
def _hash_now(path: bytes) -> str | None:
    try:
        return _hash(path)
    except OSError:
        return None


def _shown(path: bytes) -> str:
    return os.fsdecode(path)
