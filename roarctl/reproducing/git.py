"""git, asked and told as the user: repositories that are looked at, and those that are made.

In a copy no hooks run, and nothing is asked for on a terminal.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator, Sequence

from lineage.errors import RoarError, UnsupportedError
from lineage.redact import redact_text

_QUIET = ("git", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "advice.detachedHead=false",
          "-c", "gc.auto=0")
_LOCAL = frozenset({
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_NAMESPACE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"})


class GitError(RoarError):
    """git did not do what it was told; the message has its own last words."""

    code = "git"


def run(arguments: Sequence[str | bytes], cwd: bytes | None = None, *, stdin: bytes = b"", seconds: float = 3600) -> bytes:
    """What it printed. GitError where it failed, UnsupportedError where there is no git."""
    environment = {name: value for name, value in os.environ.items() if name not in _LOCAL}
    environment |= {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run([*_QUIET, *arguments], cwd=cwd, input=stdin, capture_output=True, env=environment,
                              timeout=seconds, check=False)
    except FileNotFoundError as error:
        if cwd is not None and not os.path.lexists(cwd):
            raise GitError(f"{os.fsdecode(cwd)} is not there any more") from error
        raise UnsupportedError("git is not installed", "install git, or give the sources by --repository") from error
    except subprocess.TimeoutExpired as error:
        raise GitError(f"git took longer than {seconds:.0f} s") from error
    if done.returncode:
        words = redact_text(done.stderr.decode("utf-8", "replace")).strip().splitlines()
        raise GitError(words[-1] if words else f"git ended with {done.returncode}")
    return done.stdout


def has_commit(repository: bytes, commit: str) -> bool:
    try:
        run(["cat-file", "-e", f"{commit}^{{commit}}"], repository, seconds=60)
    except RoarError:
        return False
    return True


def blobs(repository: bytes, commit: str, paths: Iterable[bytes]) -> Iterator[tuple[bytes, bytes | None]]:
    """(path relative to the root, its content in that commit; None: it has none)."""
    wanted = [path for path in paths if b"\n" not in path]
    if not wanted:
        return
    questions = b"".join(commit.encode() + b":" + path + b"\n" for path in wanted)
    answer = run(["cat-file", "--batch"], repository, stdin=questions, seconds=600)
    at = 0
    for path in wanted:
        end = answer.index(b"\n", at)
        words = answer[at:end].split(b" ")
        at = end + 1
        if len(words) != 3 or words[1] != b"blob":
            if len(words) == 3 and words[2].isdigit():  # a tree: its content follows
                at += int(words[2]) + 1
            yield path, None
            continue
        size = int(words[2])
        yield path, answer[at:at + size]
        at += size + 1
