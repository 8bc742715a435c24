"""The content of a recorded file, where it can still be had: on disk, or in git.

roar stores hashes alone.  Whatever is found counts only if it has the recorded hash.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from blake3 import blake3

from lineage.compare.patches import apply, split
from lineage.errors import InvalidError
from lineage.records import Entry, Job
from roarctl.repository import MAX_BLOB, Repositories

_NEIGHBOURS = 1000  # entries of a directory that are looked at

#: By an artifact's hash, the paths at which recorded jobs saw it.
Places = Callable[[bytes], Iterable[bytes]]


class Content(NamedTuple):
    """``data`` is None where it is gone; then ``absent`` says so in words."""

    data: bytes | None
    absent: str = ""


class Contents:
    def __init__(self, repositories: Repositories, places: Places) -> None:
        self._repositories = repositories
        self._places = places
        self._known: dict[bytes, Content] = {}

    def of(self, job: Job, entry: Entry) -> Content:
        """Of what ``job`` read or wrote."""
        if entry.hash is None:
            return Content(None, f"it has no hash: {entry.hash_reason}")
        if entry.size is not None and entry.size > MAX_BLOB:
            return Content(None, "it is too large to be compared by its values")
        if entry.hash not in self._known:
            data = next((data for data in self._candidates(job, entry) if blake3(data).digest() == entry.hash), None)
            gone = "removed" if not os.path.lexists(entry.path) else "changed since"
            self._known[entry.hash] = Content(data, "" if data is not None else f"its content is gone: the file was {gone}, "
                                              "and git does not have it")
        return self._known[entry.hash]

    def _candidates(self, job: Job, entry: Entry) -> Iterator[bytes]:
        yield from self._on_disk([entry.path], entry.size)
        yield from self._in_git(job, entry)
        assert entry.hash is not None
        yield from self._on_disk(self._places(entry.hash), entry.size)
        yield from self._on_disk(_neighbours(entry.path), entry.size)

    def _in_git(self, job: Job, entry: Entry) -> Iterator[bytes]:
        git = job.context.get("git") or {}
        root, commit = os.fsencode(git.get("root") or ""), str(git.get("commit") or "")
        relative = entry.path.removeprefix(root.rstrip(b"/") + b"/")
        repository = self._repositories.of(root, commit) if relative != entry.path else None
        if repository is None:
            return
        committed = repository.blob(commit, relative)
        part = split(os.fsencode(git.get("diff") or "")).get(relative)
        if committed is not None:
            yield committed
        if part is not None:
            with contextlib.suppress(InvalidError):  # redacted, or cut
                yield apply(committed or b"", part)
        yield from repository.versions(relative)

    @staticmethod
    def _on_disk(paths: Iterable[bytes], size: int | None) -> Iterator[bytes]:
        for path in paths:
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
            except OSError:
                continue
            found = os.fstat(descriptor)
            if stat.S_ISREG(found.st_mode) and found.st_size <= MAX_BLOB and size in {None, found.st_size}:
                with open(descriptor, "rb") as file:
                    data = file.read(MAX_BLOB)
                yield data
            else:
                os.close(descriptor)


def _neighbours(path: bytes) -> Iterator[bytes]:
    """Files of the same ending beside it: `cp metrics.json metrics-1.json`, which nobody recorded."""
    directory, _, name = path.rpartition(b"/")
    ending = name[name.find(b"."):] if b"." in name else b""
    if not ending:
        return
    try:
        with os.scandir(directory or b"/") as found:
            yield from (one.path for one in islice(found, _NEIGHBOURS) if one.name.endswith(ending) and one.path != path)
    except OSError:
        return
