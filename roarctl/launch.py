"""The user's command as a child of roarctl: found, held before its exec, released, waited for.

Nothing here knows the daemon. The child is forked while this process is small and has one thread, and waits on a
pipe until its job is registered, so that nothing it does can be missed. It gets exactly what roarctl was given: argv,
environment, directory, descriptors, signal dispositions and mask, process group.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import stat
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn, Self

from lineage.awake import Awake
from lineage.errors import RoarError

if TYPE_CHECKING:
    from resource import struct_rusage

NOT_EXECUTABLE = 126
NOT_FOUND = 127
BY_SIGNAL = 128  # + the signal's number

_SHELL = b"/bin/sh"
_DEFAULT_PATH = b"/bin:/usr/bin"  # as execvp(3) where PATH is not set
_GO = b"g"
_EXECUTING = b"x"
#: Python ignores these in its own process; a program expects to start with their defaults.
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
#: A person or a supervisor asks the run to end by these.
_ASKING = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP)
#: The terminal sends these to its whole foreground group, so the command has them already.
_FROM_KEYBOARD = (signal.SIGINT, signal.SIGQUIT)


class CannotRunError(RoarError):
    """The command was not found (127) or cannot be executed (126), in the way that shells say it."""

    code = "cannot_run"

    def __init__(self, command: bytes, number: int) -> None:
        super().__init__(f"{os.fsdecode(command)}: {_words(number)}",
                         "is it installed, and on PATH?" if number == errno.ENOENT and b"/" not in command else "")
        self.exit_code = NOT_FOUND if number == errno.ENOENT else NOT_EXECUTABLE


class Stopped(BaseException):  # not an Exception: no handler for errors may swallow it
    """A signal asked roarctl to end while no command was running."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.exit_code = BY_SIGNAL + signum


@dataclass(frozen=True, slots=True)
class Command:
    """``path`` is what gets executed, ``argv`` what the program sees."""

    path: bytes
    argv: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """How the command ended; one of ``exit_code`` and ``signal`` is set."""

    exit_code: int | None
    signal: int | None
    usage: struct_rusage
    wall_seconds: float

    @property
    def status(self) -> int:
        """The exit code that roarctl itself ends with."""
        return self.exit_code if self.exit_code is not None else BY_SIGNAL + (self.signal or 0)


def inherited_environment() -> dict[bytes, bytes]:
    """The environment as roarctl was given it. os.environ is not quite that: Python adds LC_CTYPE in a C locale."""
    environment: dict[bytes, bytes] = {}
    for item in Path("/proc/self/environ").read_bytes().split(b"\0"):
        name, equals, value = item.partition(b"=")
        if name and equals:
            environment.setdefault(name, value)  # getenv(3) takes the first of two
    return environment


def resolve(argv: Sequence[bytes], environment: Mapping[bytes, bytes]) -> Command:
    """Find the program as execvp(3) would; raises CannotRunError."""
    name = argv[0]
    if b"/" in name:
        problem = _problem(name)
        if problem:
            raise CannotRunError(name, problem)
        return Command(name, tuple(argv))
    worst = errno.ENOENT
    for directory in environment.get(b"PATH", _DEFAULT_PATH).split(b":") if name else ():
        path = os.path.join(directory or b".", name)
        problem = _problem(path)
        if not problem:
            return Command(path, tuple(argv))
        if problem == errno.EACCES and os.path.exists(path):
            worst = problem  # found, but another directory may have one that runs
    raise CannotRunError(name, worst)


def interpreter(path: bytes, environment: Mapping[bytes, bytes]) -> bytes:
    """The program that runs this one: what its first line names if it is a script, else itself."""
    try:
        with open(path, "rb") as file:
            line = file.readline(256) if file.read(2) == b"#!" else b""
    except OSError:
        return path
    words = line.split()
    if words and os.path.basename(words[0]) == b"env":
        words = [word for word in words[1:] if not word.startswith(b"-") and b"=" not in word]
    try:
        return resolve(words, environment).path if words else path
    except CannotRunError:
        return path


def is_compat(path: bytes, project: bytes, cwd: bytes) -> bool:
    """Is it a 32-bit program, or one of the user's own that may make 32-bit calls? The probe of such calls is dear, and what
    distributions and package managers install is known not to make them."""
    from lineage import elf
    from lineage.roles import Classifier

    try:
        with open(path, "rb", 0) as file:
            if elf.is_32_bit(file.fileno()):
                return True
            role = Classifier(project=project, cwd=cwd, home=b"").role(os.path.realpath(path), executed=True)
            return role not in {"system", "package"} and elf.may_call_as_32_bit(file.fileno())
    except OSError:
        return False


class Held:
    """A forked child that waits to become the command."""

    def __init__(self, command: Command, environment: Mapping[bytes, bytes]) -> None:
        self.command = command
        go_read, self._go = os.pipe()
        self._status, status_write = os.pipe()
        # Blocked across the fork, so that a Ctrl-C cannot run Python's handler in the child.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        self.pid = os.fork()
        if not self.pid:
            os.close(self._go)  # or the child would keep its own pipe open when roarctl dies
            _become(command, environment, mask, go_read, status_write)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.close(go_read)
        os.close(status_write)
        self.pidfd = os.pidfd_open(self.pid)
        self._released_at = time.monotonic()

    def release(self) -> bool:
        """Let the child execute the command. False: it died before. Raises CannotRunError where exec failed."""
        self._released_at = time.monotonic()
        try:
            os.write(self._go, _GO)
        except BrokenPipeError:
            return False
        with open(self._status, "rb", buffering=0, closefd=False) as status:
            told = status.read()  # ends when exec closes the other end
        if len(told) > len(_EXECUTING):
            self._reap()
            raise CannotRunError(self.command.argv[0], int(told[len(_EXECUTING):]))
        return told == _EXECUTING

    def wait(self) -> Ended:
        """Wait for the end of the command, stopping along with it where a shell's job control wants that."""
        before = signal.signal(signal.SIGCHLD, _nothing)  # or it would not wake
        try:
            with Awake() as awake:
                while True:
                    pid, status, usage = os.wait4(self.pid, os.WUNTRACED | os.WNOHANG)
                    if not pid:
                        awake.sleep()
                    elif os.WIFSTOPPED(status):
                        _stop_along(self.pid)
                    else:
                        break
        finally:
            signal.signal(signal.SIGCHLD, before)
        wall = time.monotonic() - self._released_at
        if os.WIFSIGNALED(status):
            return Ended(None, os.WTERMSIG(status), usage, wall)
        return Ended(os.WEXITSTATUS(status), None, usage, wall)

    def abandon(self) -> None:
        """End a child that was not released."""
        signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        self._reap()

    def close(self) -> None:
        for descriptor in (self._go, self._status, self.pidfd):
            os.close(descriptor)

    def _reap(self) -> None:
        os.waitpid(self.pid, 0)


def _nothing(_signum: int, _frame: FrameType | None) -> None:
    pass


class Signals:
    """What roarctl does with signals while it stands in for a command.

    Before and after the command runs, a signal raises Stopped at once. While it runs, signals are remembered, and
    passed on where the command has not got them by itself.
    """

    def __init__(self, child: Held) -> None:
        self._child = child
        self._old: dict[signal.Signals, object] = {}
        self.running = False
        self.asked: list[int] = []  # while the command ran

    def __enter__(self) -> Self:
        for signum in _ASKING:
            # What was ignored (nohup, a background job of sh) stays ignored, here and in the command.
            if signal.getsignal(signum) is not signal.SIG_IGN:
                self._old[signum] = signal.signal(signum, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for signum, old in self._old.items():
            signal.signal(signum, old)  # type: ignore[arg-type]

    def _handle(self, signum: int, _frame: FrameType | None) -> None:
        if not self.running:
            raise Stopped(signum)
        self.asked.append(signum)
        if signum not in _FROM_KEYBOARD or not in_foreground():
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                signal.pidfd_send_signal(self._child.pidfd, signum)


def in_foreground() -> bool:
    """Is this process group the one that the terminal's keys reach?"""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def _become(command: Command, environment: Mapping[bytes, bytes], mask: set[int], go: int, status: int) -> NoReturn:
    """In the child: wait for the word, then execute the command."""
    try:
        for signum in _IGNORED_BY_PYTHON:
            signal.signal(signum, signal.SIG_DFL)
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if os.read(go, 1) == _GO:
            os.write(status, _EXECUTING)
            _execute(command, environment)
    except OSError as error:
        os.write(status, str(error.errno).encode())
    finally:
        os._exit(NOT_FOUND)


def _execute(command: Command, environment: Mapping[bytes, bytes]) -> None:
    try:
        os.execve(command.path, command.argv, environment)  # noqa: S606 - what this is for
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
        # A script without #!: as execvp(3) does.
        os.execve(_SHELL, (_SHELL, command.path, *command.argv[1:]), environment)  # noqa: S606


def _problem(path: bytes) -> int:
    """0, or the errno with which executing this file would fail."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - bytes
    except OSError as error:
        return error.errno or errno.ENOENT
    if stat.S_ISDIR(mode):
        return errno.EISDIR
    return 0 if os.access(path, os.X_OK, effective_ids=True) else errno.EACCES


def _stop_along(pid: int) -> None:
    """The command has stopped: stop too, so that the shell gets its terminal back. Its `fg` continues both.

    Away from a terminal nobody would continue roarctl, so there it just waits on.
    """
    time.sleep(0.02)  # a Ctrl-Z stops and an `fg` continues the group one by one: is it stopped still?
    if in_foreground() and _state(pid) == b"T":
        os.kill(os.getpid(), signal.SIGSTOP)


def _state(pid: int) -> bytes:
    return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2][:1]


def _words(number: int) -> str:
    return "command not found" if number == errno.ENOENT else os.strerror(number).lower()
