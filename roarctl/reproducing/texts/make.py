"""A Makefile: a target for each step, which depends on those whose outputs it takes."""

from __future__ import annotations

from roarctl.reproducing.texts.recipe import Recipe


def write(recipe: Recipe) -> str:
    plan = recipe.plan
    stamps = [f"step-{step.number}.done" for step in plan.steps]
    lines = [f"# {recipe.title()}.", "# Usage, in a new directory: make -f THIS"]
    lines += [f"# Note: {remark}" for remark in recipe.remarks()]
    lines += ["SHELL := /bin/bash", ".SHELLFLAGS := -euo pipefail -c", "export DIR := $(CURDIR)", "",
              f"all: {' '.join(stamps)}", ".PHONY: all", "", "prepared.done:"]
    lines += [_line(line) for line in (*recipe.sources(), *recipe.environments(), *recipe.inputs())]
    lines.append("\ttouch $@")
    before: str | None = None
    for step, stamp in zip(plan.steps, stamps, strict=True):
        selected = {other.number for other in plan.steps}
        needs = ["prepared.done", *(f"step-{number}.done" for number in recipe.makers(step) if number in selected)]
        if recipe.changes_code(step) and before and before not in needs:
            needs.append(before)  # one work tree: not at the same time
        before = stamp
        lines += ["", f"{stamp}: {' '.join(needs)}"]
        lines += [_line(line) for line in (recipe.checkout(step) if recipe.changes_code(step) else ())]
        lines += [_line(recipe.step(step)), *map(_line, recipe.outputs(step)), "\ttouch $@"]
    return "\n".join(lines) + "\n"


def _line(command: str) -> str:
    """A newline in an argument would end the recipe's line: it is one by $'…' of bash."""
    return "\t" + command.replace("$", "$$").replace("\n", "'$$'\\n''")
