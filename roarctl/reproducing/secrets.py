"""Arguments that were not recorded, because they were secrets: asked for on the terminal, kept in memory alone."""

from __future__ import annotations

import os
import sys

from lineage.redact import REDACTED
from lineage.reproduce.arguments import parameter_name, redacted_words, with_secret
from lineage.reproduce.plan import Plan
from roarctl.reproducing.errors import SecretError


def ask(plan: Plan, *, no_input: bool) -> dict[tuple[int, int], bytes]:
    """Whole arguments by (number of the step, index). SecretError where nobody can be asked."""
    wanted = [(step, at) for step in plan.steps for at in redacted_words(step.head.argv)]
    if not wanted:
        return {}
    if no_input or sys.stdin is None or not sys.stdin.isatty():
        raise SecretError("these arguments were not recorded, because they are secrets:",
                          "run this on a terminal, where they are asked for, or leave those steps out (--from, --to, --only)",
                          tuple(f"step {step.number}: {parameter_name(step.head.argv, at)}" for step, at in wanted))
    import getpass

    found: dict[tuple[int, int], bytes] = {}
    for step, at in wanted:
        word = step.head.argv[at]
        parts = word.count(REDACTED.encode())
        name = parameter_name(step.head.argv, at)
        answers = [os.fsencode(getpass.getpass(f"step {step.number}, {name}{f' ({part} of {parts})' if parts > 1 else ''}: "))
                   for part in range(1, parts + 1)]
        found[step.number, at] = with_secret(word, answers)
    return found
