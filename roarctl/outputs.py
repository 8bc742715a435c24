"""The files that a job left behind, for who wants to be rid of them: only what it made, and is still as it wrote it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from lineage.document import entry_document
from lineage.records import Entry, Job
from lineage.staleness import State
from roarctl.freshness import Checker

_WORDS: dict[State, str] = {
    "same": "", "edited": "changed since", "missing": "not there any more", "unchecked": "could not be compared"}
_EVERYTHING = 1 << 62  # bytes: what is to be deleted is compared, however large
_MAKING = frozenset({"create", "rename", "link"})


class Output(NamedTuple):
    """``kept``: why it is not to be deleted; empty if it may be."""

    entry: Entry
    kept: str


def check(job: Job) -> list[Output]:
    """Every output. What was there before the job, which changed it, is not the job's to take away."""
    checker = Checker(_EVERYTHING)
    before = {entry.path for entry in job.of_kind("input")}
    found = []
    for entry in job.of_kind("output"):
        made = entry.path not in before and (entry.target is not None or not _MAKING.isdisjoint(entry.access))
        kept = _WORDS[checker.check(entry, job.head.number).state]
        found.append(Output(entry, kept if made or kept else "was there before the job"))
    return found


def delete(entries: Iterable[Entry]) -> tuple[list[Entry], list[str]]:
    """(deleted, problems in words). Each is looked at once more just before."""
    deleted, problems = [], []
    checker = Checker(_EVERYTHING)
    for entry in entries:
        kept = _WORDS[checker.check(entry, 0).state]
        try:
            if not kept:
                os.unlink(entry.path)  # noqa: PTH108 - bytes
                deleted.append(entry)
                continue
        except OSError as error:
            kept = (error.strerror or str(error)).lower()
        problems.append(f"{os.fsdecode(entry.path)}: kept, {kept}")
    return deleted, problems


def documents(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    keys = ("path", "path_b64", "hash", "size")
    return [{key: whole[key] for key in keys if key in whole} for whole in map(entry_document, entries)]
