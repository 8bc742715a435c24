"""A shell script."""

from __future__ import annotations

from roarctl.reproducing.texts.recipe import Recipe


def write(recipe: Recipe) -> str:
    lines = ["#!/usr/bin/env bash", f"# {recipe.title()}.", "# Usage: bash THIS [DIRECTORY]   (a new one; else ./again)"]
    lines += [f"# Note: {remark}" for remark in recipe.remarks()]
    lines += ["set -euo pipefail", 'DIR=${1:-again}', 'mkdir "$DIR"', 'cd "$DIR"', "DIR=$PWD", "", "# sources",
              *recipe.sources(), "", "# Python and packages", *recipe.environments(), "", "# inputs", *recipe.inputs()]
    for step in recipe.plan.steps:
        lines += ["", f"# step {step.number}{' (build)' if step.build else ''}: job {(step.head.id or b'').hex()[:12]}"]
        lines += recipe.checkout(step) if recipe.changes_code(step) else []
        lines += [f"({recipe.step(step)})", *recipe.outputs(step)]
    return "\n".join(lines) + "\n"
