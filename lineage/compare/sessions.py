"""Two sessions aligned: which job of the one is which of the other, by what they ran and in their order."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from lineage.compare.arguments import parse
from lineage.records import JobHead

MAX_JOBS = 400  # of each: the work grows with their product


class Aligned(NamedTuple):
    """A job that only one session has stands alone."""

    a: JobHead | None
    b: JobHead | None


def align(a: Sequence[JobHead], b: Sequence[JobHead]) -> list[Aligned]:
    """Both in the order in which they began; jobs are matched that run the same script or program, in order, so that the
    most are matched, and those with more equal words first."""
    likeness: dict[tuple[tuple[bytes, ...], tuple[bytes, ...]], int] = {}

    def alike(i: int, j: int) -> int:
        words = a[i].argv, b[j].argv
        if words not in likeness:
            likeness[words] = _alike(*words)
        return likeness[words]

    keys_a, keys_b = [_key(head) for head in a], [_key(head) for head in b]
    # best[i][j]: (jobs matched, how alike they are) of a[i:] and b[j:]
    best = [[(0, 0)] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in range(len(a) - 1, -1, -1):
        for j in range(len(b) - 1, -1, -1):
            choice = max(best[i + 1][j], best[i][j + 1])
            if keys_a[i] == keys_b[j]:
                matched, total = best[i + 1][j + 1]
                choice = max(choice, (matched + 1, total + alike(i, j)))
            best[i][j] = choice
    aligned: list[Aligned] = []
    i = j = 0
    while i < len(a) and j < len(b):
        if best[i][j] == best[i + 1][j]:  # of equally good ones the later: what was done last is what there is now
            aligned.append(Aligned(a[i], None))
            i += 1
        elif best[i][j] == best[i][j + 1]:
            aligned.append(Aligned(None, b[j]))
            j += 1
        else:
            aligned.append(Aligned(a[i], b[j]))
            i, j = i + 1, j + 1
    aligned += [Aligned(head, None) for head in a[i:]]
    return aligned + [Aligned(None, head) for head in b[j:]]


def _key(head: JobHead) -> tuple[str, ...]:
    """What was run: interpreter and script; of a program like `git` or `dvc` also its first word, its command."""
    found = parse(head.argv, head.project)
    if found.script:
        return found.program, found.script.rpartition("/")[2]
    return found.program, *(word for word in found.positional[:1] if word.isidentifier())


def _alike(a: tuple[bytes, ...], b: tuple[bytes, ...]) -> int:
    """0 to 1000: whole numbers, since sums are compared."""
    return 1000 if a == b else int(900 * SequenceMatcher(None, a, b, autojunk=False).ratio())
