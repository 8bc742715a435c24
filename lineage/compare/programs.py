"""The programs inside two jobs: which got other arguments (`sh all.sh` is the same line whatever it starts)."""

from __future__ import annotations

import re
from collections import Counter

from lineage.compare.arguments import compare_arguments, parse
from lineage.compare.model import Subject, ValueChange

MAX_STEPS = 1000  # of a job: one with more is a loop over files
_MOST_CHANGES = 50
#: Python's own helpers, whose arguments are numbers of processes and pipes.
_HELPER = re.compile(rb"multiprocessing[. -]")
_MADE_UP = re.compile(rb"/(?:tmp|var/tmp|proc|dev/fd|dev/shm)/\S*")


def compare_programs(a: Subject, b: Subject) -> list[ValueChange]:
    """Of jobs, the steps below their first, paired by what they run and in their order; with equal arguments first.

    A step that only one side has is incidental: what made it run is the difference.
    """
    ours, theirs = _steps(a), _steps(b)
    changes: list[ValueChange] = []
    for key in dict.fromkeys([*ours, *theirs]):
        before, after = ours.get(key, []), theirs.get(key, [])
        same = Counter(before) & Counter(after)
        before, after = _less(before, same.copy()), _less(after, same)
        for one, other in zip(before, after, strict=False):
            changes += [change._replace(name=f"{key[-1]} {change.name}") for change in compare_arguments(
                one, other, a.job.head.project, b.job.head.project)]
        alone = [("removed", one) for one in before[len(after):]] + [("added", other) for other in after[len(before):]]
        for kind, argv in alone:
            text = b" ".join(argv).decode("utf-8", "backslashreplace")
            old, new = (text, None) if kind == "removed" else (None, text)
            changes.append(ValueChange("parameters", f"step {key[-1]}", "removed" if new is None else "added", old, new, True))
    return changes[:_MOST_CHANGES]


def _steps(subject: Subject) -> dict[tuple[str, ...], list[tuple[bytes, ...]]]:
    found: dict[tuple[str, ...], list[tuple[bytes, ...]]] = {}
    if subject.step is None and len(subject.job.steps) <= MAX_STEPS:
        own = subject.argv[1:]
        for step in subject.job.steps[1:]:
            again = own and step.argv[-len(own):] == own  # the command itself, behind a wrapper (pyenv's)
            if step.argv and not again and not any(map(_HELPER.search, step.argv)):
                argv = tuple(_MADE_UP.sub(b"(temporary)", word) for word in step.argv)
                parsed = parse(argv, subject.job.head.project)
                found.setdefault((parsed.program, parsed.what.rpartition("/")[2]), []).append(argv)
    return found


def _less(steps: list[tuple[bytes, ...]], same: Counter[tuple[bytes, ...]]) -> list[tuple[bytes, ...]]:
    left = []
    for argv in steps:
        if same[argv] > 0:
            same[argv] -= 1
        else:
            left.append(argv)
    return left
