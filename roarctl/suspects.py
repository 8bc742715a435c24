"""What looks like a secret in a record by today's rules: they may have learned since, and a record cannot be changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from lineage.export.privacy import Privacy
from lineage.records import Job

_MOST_SHOWN = 200  # characters


class Suspect(NamedTuple):
    """``where``: the part of the record; ``shown``: what stands there, without what looks like a secret."""

    where: str
    shown: str


def suspects(job: Job) -> list[Suspect]:
    """Empty: the record can be handed on as it is."""
    clean = Privacy(relative=False).applied(replace(job, entries=()))
    found = [Suspect("its command line", _words(clean.head.argv))] if clean.head.argv != job.head.argv else []
    found += [Suspect("why it is incomplete", reason.message) for reason, before in
              zip(clean.head.incomplete_reasons, job.head.incomplete_reasons, strict=True) if reason != before]
    found += [Suspect(f"step {step.index}", _words(step.argv))
              for step, before in zip(clean.steps, job.steps, strict=True) if step != before]
    for key, value in job.context.items():
        found += [Suspect(where, shown) for where, shown in _differing(value, clean.context.get(key), f"its {key}")]
    return [one._replace(shown=one.shown[:_MOST_SHOWN]) for one in found]


def _words(argv: tuple[bytes, ...]) -> str:
    return " ".join(os.fsdecode(word) for word in argv)


def _differing(before: Any, after: Any, where: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            yield from _differing(value, after.get(key), f"{where}.{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for at, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _differing(one, other, f"{where}[{at}]")
    else:
        yield where, _line(str(before), str(after))


def _line(before: str, after: str) -> str:
    """Of a long text, such as a diff, the first line that differs."""
    pairs = zip(before.splitlines(), after.splitlines(), strict=False)
    return next((changed.strip() for one, changed in pairs if one != changed), after)
