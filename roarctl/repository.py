"""What git still knows of the commits that jobs ran at, asked as the user in the repository where it is present."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable

from lineage.compare.model import Commit, CommitRange
from roarctl.context.git import ask

MAX_COMMITS = 20
MAX_FILES = 10_000
MAX_BLOB = 4 << 20  # bytes
_HISTORY = 50  # commits whose version of a file is looked at
_SECONDS = 10.0
_COMMIT = re.compile(r"[0-9a-f]{40,64}")


class Repository:
    """A work tree at ``root``.  Nothing of it is changed or fetched."""

    def __init__(self, root: bytes) -> None:
        self.root = root

    def has(self, commit: str) -> bool:
        return self._answer("cat-file", "-e", f"{commit}^{{commit}}") is not None

    def commits(self, a: str, b: str, path: bytes = b"") -> tuple[list[Commit], bool]:
        """(those that B has and A has not, newest first; are there more?); with a path, those that changed it."""
        output = self._answer("log", f"--max-count={MAX_COMMITS + 1}", "--no-show-signature", "-z",
                              "--format=%H%n%ct%n%an%n%s", f"{a}..{b}", "--", *([path] if path else []))
        found = []
        for record in (output or b"").split(b"\0"):
            fields = record.decode("utf-8", "replace").split("\n", 3)
            if len(fields) == 4:
                found.append(Commit(fields[0], fields[3], fields[2], int(fields[1])))
        return found[:MAX_COMMITS], len(found) > MAX_COMMITS

    def between(self, a: str, b: str) -> CommitRange:
        missing = [commit for commit in (a, b) if not self.has(commit)]
        if missing:
            words = f"the repository {os.fsdecode(self.root)} does not have commit {missing[0][:7]}"
            return CommitRange(self.root, a, b, absent=words)
        only_b, more_b = self.commits(a, b)
        only_a, more_a = self.commits(b, a)
        output = self._answer("diff", "--name-only", "--no-ext-diff", "--no-textconv", "--no-renames", "-z", a, b, "--")
        files = tuple(path for path in (output or b"").split(b"\0") if path)[:MAX_FILES]
        return CommitRange(self.root, a, b, tuple(only_b), tuple(only_a), more_a or more_b, files)

    def blob(self, commit: str, path: bytes) -> bytes | None:
        """A file as it is in a commit; None where it is not there or too large."""
        return self._answer("cat-file", "blob", os.fsencode(commit) + b":" + path, limit=MAX_BLOB)

    def versions(self, path: bytes) -> Iterable[bytes]:
        """A file as it was in the newest commits, of all branches, that changed it."""
        output = self._answer("rev-list", "--all", f"--max-count={_HISTORY}", "--", path)
        for commit in (output or b"").decode().split():
            content = self.blob(commit, path)
            if content is not None:
                yield content

    def _answer(self, *arguments: str | bytes, limit: int = 1 << 26) -> bytes | None:
        answer = ask(self.root, *arguments).answer(time.monotonic() + _SECONDS, limit)
        return answer.stdout if answer.status == 0 and not answer.truncated else None


class Repositories:
    """The repositories of jobs, each looked for once: where the record says that it was, else around ``here``."""

    def __init__(self, here: bytes) -> None:
        self._here = here
        self._known: dict[tuple[bytes, str], Repository | None] = {}

    def of(self, root: bytes, commit: str) -> Repository | None:
        """One that has the commit."""
        if not _COMMIT.fullmatch(commit):
            return None
        if (root, commit) not in self._known:
            places = dict.fromkeys(place for place in (root, self._here)
                                   if place and os.path.lexists(os.path.join(place, b".git")))
            found = next((place for place in map(Repository, places) if place.has(commit)), None)
            self._known[root, commit] = found
        return self._known[root, commit]
