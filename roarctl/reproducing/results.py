"""What came of a plan's steps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from lineage.reproduce.plan import Step
from roarctl.reproducing.compare import Verdict


@dataclass(slots=True)
class StepResult:
    """``status``: as a shell has it, None where it did not run. ``again``: it had been done before."""

    step: Step
    status: int | None = None
    problem: str = ""
    number: int = 0
    again: bool = False
    verdicts: list[Verdict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    log: Path | None = None


def exit_code(results: Iterable[StepResult]) -> int:
    """0: all outputs are identical; 1: some differ; 2: some were not made, or a step failed."""
    results = list(results)
    states = {verdict.state for result in results for verdict in result.verdicts}
    if "not made" in states or any(result.problem for result in results):
        return 2
    return int("differs" in states)
