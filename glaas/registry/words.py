"""The words by which jobs and files are found."""

from __future__ import annotations

import re
from collections.abc import Iterable

from glaas.registry.edges import Edges, Linked
from lineage.records import SHOWN_ROLES, JobHead

MAX_WORD, MAX_WORDS = 40, 64  # letters of one; of one job, or of one path
MAX_FILES = 500  # of a job that are found by their paths, outputs first
_WORD = re.compile(r"[^\W_]+")


def words_of(*texts: str | bytes) -> list[str]:
    """Each once, in order, in lower case."""
    found: dict[str, None] = {}
    for text in texts:
        for word in _WORD.findall((text.decode("utf-8", "replace") if isinstance(text, bytes) else text).lower()):
            if len(word) > 1:
                found.setdefault(word[:MAX_WORD])
    return list(found)[:MAX_WORDS]


def job_words(head: JobHead) -> list[str]:
    """Of its command line (of paths in it the last part), where it ran, and by whom."""
    arguments = [argument.rsplit(b"/", 1)[-1] for argument in head.argv[:200]]
    return words_of(*arguments, head.host.name, head.user.name, head.project.rsplit(b"/", 1)[-1])


def found_files(edges: Edges) -> list[tuple[Linked, bool]]:
    """(file, is it an output?) of those that people are shown."""
    both = [(one, True) for one in edges.outputs] + [(one, False) for one in edges.inputs]
    return [(one, made) for one, made in both if one.role in SHOWN_ROLES][:MAX_FILES]


def path_words(path: bytes) -> list[str]:
    """Of its last two parts."""
    return words_of(*path.split(b"/")[-2:])


def term(word: str) -> bytes:
    return word.encode()


def in_all(words: Iterable[str], *texts: str | bytes) -> bool:
    """Is each of these words the beginning of a word in the texts?"""
    there = words_of(*texts)
    return all(any(one.startswith(word) for one in there) for word in words)
