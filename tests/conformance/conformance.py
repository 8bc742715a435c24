"""Rows of the conformance suite, and how a record is held against one: exactly, entry by entry.

A row says which files are there beforehand, what a command does to them, and every entry of role data or source that the
job must then have. Contents are given as bytes, access as words ("create write"); alternatives are separated by "|".
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest
from harness import BIN, PATIENCE, SHOWN, Project, blake

from lineage.document import job_document
from lineage.errors import RoarError
from roarctl import client as clients
from roarctl import queries

PYTHON = "/usr/bin/python3"
KINDS = ("inputs", "outputs", "scratch", "removed")
HASHED = ("inputs", "outputs")
#: What a stimulus exits with, and a sentence on stderr, where the kernel lacks what it is about.
UNSUPPORTED = 77
_FINAL_SECONDS = 30 * PATIENCE
_SHOWN_BYTES = 100

#: Content and access of one entry. Content "@program": that of a stimulus; "/path": of that file; None: an entry without a
#: hash (symbolic links). Access None: whichever words.
Expected = tuple[bytes | str | None, str | None]
#: By path, relative to the project (or made from the project's). A list: several files had that path.
Table = Mapping[str | bytes | Callable[[Path], bytes], Expected | list[Expected]]
#: Instead of a table: whatever is there is right.
ANY: Table = {"": (None, None)}


class Unsupported(Exception):  # noqa: N818 - a reason to skip, not a failure
    """What the row is about cannot be had here."""


@dataclass(frozen=True)
class Row:
    name: str
    #: argv; a first word like "@uring" is the program compiled from stimuli/uring.c.
    command: Sequence[str]
    files: Mapping[str, bytes] = field(default_factory=dict)
    inputs: Table = field(default_factory=dict)
    outputs: Table = field(default_factory=dict)
    scratch: Table = field(default_factory=dict)
    removed: Table = field(default_factory=dict)
    #: Inputs of role system, by the end of their path: any of these words is enough.
    system: Mapping[str, str] = field(default_factory=dict)
    #: Symbolic links and hard links to make beforehand: name → target.
    soft: Mapping[str, str] = field(default_factory=dict)
    hard: Mapping[str, str] = field(default_factory=dict)
    #: Programs to put into the project beforehand: name → stimulus.
    programs: Mapping[str, str] = field(default_factory=dict)
    #: Prepares the project, and cleans up behind the job.
    around: Callable[[Path], contextlib.AbstractContextManager[None]] | None = None
    #: Runs beside the job, with the other ends of its stdin and stdout.
    during: Callable[[Path, Process], None] | None = None
    #: Makes descriptors for the job, by their numbers, from the project's path; what is entered is closed afterwards.
    inherits: Callable[[Path, contextlib.ExitStack], Mapping[int, int]] | None = None
    exit_code: int = 0
    #: The code of a reason: the record has this one and says so (then nothing else is asserted), instead of being exact.
    incomplete: str = ""
    #: The code of a reason that excuses the record from being exact, for what cannot always be known.
    excuse: str = ""

    @property
    def stimulus(self) -> str:
        return self.command[0][1:] if self.command[0].startswith("@") else ""


_PREAMBLE = """\
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(number, *arguments):
    result = libc.syscall(ctypes.c_long(number), *[a if type(a) not in (int, str) else ctypes.c_long(a)
                          if type(a) is int else os.fsencode(a) for a in arguments])
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
def read(name, *flags):
    with open(name, 'rb') as file:
        return file.read()
def write(name, content, how='wb'):
    with open(name, how) as file:
        file.write(content)
"""


def python(code: str) -> tuple[str, ...]:
    """A stimulus in Python: `call(number, ...)` is the bare system call, `read` and `write` are of whole files."""
    return (PYTHON, "-I", "-S", "-c", _PREAMBLE + textwrap.dedent(code))


def shell(script: str) -> tuple[str, ...]:
    return ("/bin/sh", "-c", textwrap.dedent(script))


# ---- running ----


class Programs:
    """The C stimuli, each compiled when it is first asked for."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._made: dict[str, Path | str] = {}

    def path(self, name: str) -> Path:
        if name not in self._made:
            self._made[name] = self._compile(name)
        made = self._made[name]
        if isinstance(made, str):
            raise Unsupported(made)
        return made

    def _compile(self, name: str) -> Path | str:
        source = Path(__file__).parent / "stimuli" / f"{name}.c"
        made = self._directory / name
        # a static program is its own only file, and needs nothing where it is chrooted to
        options = source.read_text().partition("gcc: ")[2].partition("\n")[0].split() or ["-static", "-O1", "-pthread"]
        try:
            done = subprocess.run(["gcc", *options, "-Wall", "-Werror", "-D_GNU_SOURCE", "-o", made, source],
                                  capture_output=True, text=True)
        except FileNotFoundError:
            return "gcc is not installed"
        if done.returncode:
            assert "-m32" in options, done.stderr
            return f"no 32-bit programs can be made here: {done.stderr.strip().splitlines()[-1]}"
        return made


class Viewer:
    """`roar show --json` without starting a program for it."""

    def __init__(self, path: Path) -> None:
        self._client = clients.DaemonClient(str(path), clients.identify(str(path)))

    def last(self, project: Path) -> dict[str, Any]:
        """The project's only job, when its record is final."""
        deadline = time.monotonic() + _FINAL_SECONDS
        while True:
            with contextlib.suppress(RoarError):
                jobs, _ = queries.log(self._client, project=os.fsencode(project))
                assert len(jobs) == 1, jobs
                document = job_document(queries.job(self._client, jobs[0].id or jobs[0].run))
                if document["id"]:
                    return document
            assert time.monotonic() < deadline, "the record did not become final"
            time.sleep(0.02)


class Process:
    """One `roar`, as far as its caller is concerned."""

    def __init__(self, arguments: Sequence[str], pid: int, control: IO[bytes], stdin: int, stdout: int, stderr: int) -> None:
        self.args = ["roar", *arguments]
        self.pid = pid
        self.stdin, self.stdout, self._stderr = os.fdopen(stdin, "wb", 0), os.fdopen(stdout, "rb"), os.fdopen(stderr, "rb")
        self._control = control

    def communicate(self) -> tuple[int, bytes, str]:
        """(exit code, what is left of its output, its complaints)"""
        self.stdin.close()
        with self.stdout, self._stderr:
            out, errors = self.stdout.read(), self._stderr.read()
        return int(self._control.readline()), out, errors.decode()


class Starter:
    """Starts `roar run`: see preloaded.py."""

    def __init__(self, socket_path: Path, home: Path) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        environment = {**os.environ, "ROARD_SOCKET": str(socket_path), "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1",
                       "HOME": str(home)}
        with theirs:
            self._process = subprocess.Popen([BIN / "python", Path(__file__).with_name("preloaded.py")], stdin=theirs,
                                             env=environment)
        self._socket, self._control = ours, ours.makefile("rb", 0)

    def start(self, arguments: Sequence[str], directory: Path, descriptors: Mapping[int, int]) -> Process:
        """``descriptors``: by the number that it has for the process; 0, 1 and 2 become pipes where they are not given."""
        stdin, ours_in = os.pipe()
        ours_out, stdout = os.pipe()
        ours_err, stderr = os.pipe()
        given = {0: stdin, 1: stdout, 2: stderr, **descriptors}
        request = {"arguments": arguments, "directory": str(directory), "descriptors": list(given)}
        socket.send_fds(self._socket, [json.dumps(request).encode()], list(given.values()))
        for fd in (stdin, stdout, stderr):
            os.close(fd)
        return Process(arguments, int(self._control.readline()), self._control, ours_in, ours_out, ours_err)

    def close(self) -> None:
        self._control.close()
        self._socket.close()
        self._process.wait(30)


@dataclass(frozen=True)
class Bench:
    """What all rows use."""

    programs: Programs
    starter: Starter
    viewer: Viewer


def run(row: Row, project: Project, bench: Bench) -> None:
    """Runs a row's command under roar and compares its record; skips where the stimulus cannot be."""
    try:
        command = _prepare(row, project, bench.programs)
        with row.around(project.path) if row.around else contextlib.nullcontext():
            _record(row, command, project.path, bench.starter)
            document = bench.viewer.last(project.path)
            problems = compare(row, document, project.path, bench.programs)
    except Unsupported as reason:
        pytest.skip(str(reason))
    if problems:
        pytest.fail("\n".join([f"{row.name}: the record differs", *problems, "all that is recorded:",
                               *_listing(document, project.path)]), pytrace=False)


def _prepare(row: Row, project: Project, programs: Programs) -> list[str]:
    for name, content in row.files.items():
        path = project.write(name, content)
        if content.startswith(b"#!"):
            path.chmod(0o755)
    for name, stimulus in row.programs.items():
        project.write(name, programs.path(stimulus).read_bytes()).chmod(0o755)
    for name, target in row.soft.items():
        (project.path / name).symlink_to(target)
    for name, target in row.hard.items():
        (project.path / name).hardlink_to(project.path / target)
    command = list(row.command)
    if row.stimulus:
        command[0] = str(programs.path(row.stimulus))
    return command


def _record(row: Row, command: list[str], project: Path, starter: Starter) -> None:
    with contextlib.ExitStack() as stack:
        descriptors = row.inherits(project, stack) if row.inherits else {}
        process = starter.start(["run", "-q", "--require-capture", "--", *command], project, descriptors)
        try:
            if row.during:
                with contextlib.suppress(BrokenPipeError):      # it ended without asking
                    row.during(project, process)
        except BaseException:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
            raise
        code, out, errors = process.communicate()
    if code == UNSUPPORTED:
        raise Unsupported(errors.strip().splitlines()[-1])
    if code != row.exit_code:
        raise RuntimeError(f"the stimulus ended with {code}\n{out!r}\n{errors}")


@contextlib.contextmanager
def mounted(*arguments: str | Path, at: Path) -> Iterator[None]:
    """`mount ARGUMENTS AT` for a while."""
    at.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", *arguments, at], capture_output=True, text=True)
    if done.returncode:
        raise Unsupported(f"mount {' '.join(map(str, arguments))}: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", at], check=True)


# ---- comparing ----

Key = tuple[str, bytes, str | None]  # kind, path, hash


def compare(row: Row, document: Mapping[str, Any], project: Path, programs: Programs) -> list[str]:
    """What is wrong with the record, in words; nothing: it is exactly what the row says."""
    codes = {reason["code"] for reason in document["incomplete_reasons"]}
    if row.incomplete:
        return [] if row.incomplete in codes else [f"  it does not say {row.incomplete}: complete is {document['complete']}"]
    excused = row.excuse in codes
    if excused and row.excuse != "unhashed_inputs":
        return []
    unhashed = {_relative(path_of(entry), project) for entry in document["inputs"] if excused and entry["hash"] is None}
    problems = [] if document["complete"] or excused else [f"  not complete: {document['incomplete_reasons']}"]
    pairs = [(((kind, path, None) if kind == "inputs" and path in unhashed else (kind, path, digest)), words)
             for kind in KINDS for (_, path, digest), words in _expected(row, kind, project, programs)]
    expected, wanted = dict(pairs), Counter(key for key, _ in pairs)
    found: Counter[Key] = Counter()
    for kind in KINDS:
        if getattr(row, kind) is ANY:
            continue
        for entry in document[kind]:
            if entry["role"] not in SHOWN:
                continue
            key = (kind, _relative(path_of(entry), project), entry["hash"] if kind in HASHED else None)
            found[key] += 1
            words = expected.get(key)
            if words and not any(set(entry["access"]) == set(each.split()) for each in words.split("|")):
                problems.append(f"  {kind} {key[1]!r}: access is {entry['access']}, not {words!r}")
    problems += [f"  missing: {_line(*key)}" for key in (wanted - found).elements()]
    problems += [f"  too much: {_line(*key)}" for key in (found - wanted).elements()]
    return problems + _system_problems(row, document) + _identity_problems(document)


def _expected(row: Row, kind: str, project: Path, programs: Programs) -> Iterator[tuple[Key, str | None]]:
    table: Table = getattr(row, kind)
    if table is ANY:
        return
    if kind == "inputs" and row.stimulus:
        program = programs.path(row.stimulus)
        yield (kind, os.fsencode(program), blake(program.read_bytes())), "execute"
    for name, entries in table.items():
        path = name(project) if callable(name) else os.fsencode(name)
        for content, words in entries if isinstance(entries, list) else [entries]:
            yield (kind, path, _digest(content, programs) if kind in HASHED else None), words


def _digest(content: bytes | str | None, programs: Programs) -> str | None:
    if isinstance(content, str):
        content = (programs.path(content[1:]) if content.startswith("@") else Path(content)).read_bytes()
    return None if content is None else blake(content)


def path_of(entry: Mapping[str, Any]) -> bytes:
    """The exact bytes: `path` alone where it is text."""
    return base64.b64decode(entry["path_b64"]) if "path_b64" in entry else entry["path"].encode()


def _relative(path: bytes, project: Path) -> bytes:
    return path.removeprefix(os.fsencode(project) + b"/")


def _identity_problems(document: Mapping[str, Any]) -> list[str]:
    """Device and inode, where the very file is still there under its name: of an input only if nothing took its place."""
    problems = []
    times = Counter(path_of(entry) for kind in KINDS for entry in document[kind])
    for kind in HASHED:
        for entry in document[kind]:
            path = path_of(entry)
            if entry["role"] not in SHOWN or "inode" not in entry or (kind == "inputs" and times[path] > 1):
                continue
            try:
                status = os.lstat(path)
            except OSError:
                continue
            if kind == "inputs" and not stat.S_ISREG(status.st_mode):
                continue
            if (entry["device"], entry["inode"]) != (status.st_dev, status.st_ino):
                problems.append(f"  {kind} {path!r}: device {entry['device']} and inode {entry['inode']}"
                                f" are not {status.st_dev} and {status.st_ino}")
    return problems


def _system_problems(row: Row, document: Mapping[str, Any]) -> list[str]:
    problems = []
    for suffix, words in row.system.items():
        entries = [entry for entry in document["inputs"] if entry["path"].endswith(suffix)]
        if not any(set(words.split()) & set(entry["access"]) and entry["hash"] == blake(Path(entry["path"]).read_bytes())
                   for entry in entries):
            problems.append(f"  no system file …{suffix} with its hash and one of {words!r}: {entries}")
    return problems


def _line(kind: str, path: bytes, digest: str | None) -> str:
    name = repr(path) if len(path) < _SHOWN_BYTES else f"…{path[-_SHOWN_BYTES:]!r}"
    return f"{kind} {name} {digest[:12] if digest else '-'}"


def _listing(document: Mapping[str, Any], project: Path) -> list[str]:
    lines = [f"  {_line(kind, _relative(path_of(entry), project), entry['hash'])} {' '.join(entry['access'])}"
             f" {entry['hash_reason'] or ''}".rstrip()
             for kind in KINDS for entry in document[kind] if entry["role"] in SHOWN]
    return [*lines, f"  complete: {document['complete']} {document['incomplete_reasons'] or ''}"]
