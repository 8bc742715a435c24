"""A helper program: started now, asked for its answer later, never waited for beyond a deadline."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO

_PIPE_BYTES = 1 << 20  # so that a helper seldom waits for its reader
_MAX_STDERR = 1 << 14


@dataclass(frozen=True, slots=True)
class Answer:
    """``status`` is the exit status, None where the helper had to be stopped or could not start; then see ``error``."""

    stdout: bytes = b""
    stderr: str = ""
    status: int | None = None
    truncated: bool = False  # more than the limit; the helper was stopped there
    error: str = ""


class Command:
    """Runs ``argv`` at once, without a terminal, in a process group of its own: Ctrl-C is not for helpers.

    Programs that start helpers must wait for their own children by pid, not for any child.
    """

    def __init__(self, argv: Sequence[bytes | str], *, cwd: bytes | None = None,
                 env: Mapping[bytes, bytes] | None = None, stdin: bytes | None = None) -> None:
        self._failure = ""
        self._process: subprocess.Popen[bytes] | None = None
        try:
            with contextlib.ExitStack() as held:
                given: int | IO[bytes] = subprocess.DEVNULL
                if stdin is not None:  # a file, so that nobody has to write while somebody reads
                    given = held.enter_context(tempfile.TemporaryFile())
                    given.write(stdin)
                    given.seek(0)
                self._process = subprocess.Popen(argv, cwd=cwd, env=env, stdin=given, stdout=subprocess.PIPE,
                                                 stderr=subprocess.PIPE, process_group=0, pipesize=_PIPE_BYTES)
        except (OSError, ValueError) as error:
            self._failure = error.strerror if isinstance(error, OSError) and error.strerror else str(error)

    def answer(self, deadline: float, limit: int) -> Answer:
        """What it printed until ``deadline`` (time.monotonic()) and up to ``limit`` bytes. To be called once."""
        process = self._process
        if process is None:
            return Answer(error=self._failure)
        out, err = bytearray(), bytearray()
        try:
            finished = _drain(process, out, err, deadline, limit)
            if finished:
                try:
                    process.wait(max(0.0, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    finished = False
            truncated = len(out) > limit
            error = "" if finished or truncated else "took too long"
            status = process.returncode if finished else None
            return Answer(bytes(out[:limit]), err.decode("utf-8", "backslashreplace"), status, truncated, error)
        finally:
            self.stop()

    def stop(self) -> None:
        """Ends the helper, with all it started, if it still runs."""
        process, self._process = self._process, None
        self._failure = self._failure or "stopped"
        if process is None:
            return
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()


def _drain(process: subprocess.Popen[bytes], out: bytearray, err: bytearray, deadline: float, limit: int) -> bool:
    """Reads both pipes to their ends: True; or until the deadline or the limit is hit: False."""
    with selectors.DefaultSelector() as selector:
        sinks: list[tuple[IO[bytes] | None, bytearray]] = [(process.stdout, out), (process.stderr, err)]
        for stream, sink in sinks:
            if stream:
                selector.register(stream, selectors.EVENT_READ, sink)
        while selector.get_map():
            events = selector.select(max(0.0, deadline - time.monotonic()))
            if not events:
                return False
            for key, _ in events:
                data = os.read(key.fd, 1 << 18)
                if not data:
                    selector.unregister(key.fileobj)
                elif key.data is out or len(err) < _MAX_STDERR:
                    key.data.extend(data)
            if len(out) > limit:
                return False
    return True
