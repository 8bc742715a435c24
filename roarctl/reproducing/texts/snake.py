"""A Snakefile: a rule for each step, which depends on those whose outputs it takes."""

from __future__ import annotations

from collections.abc import Sequence

from roarctl.reproducing.texts.recipe import Recipe


def write(recipe: Recipe) -> str:
    plan = recipe.plan
    stamps = [f"step-{step.number}.done" for step in plan.steps]
    lines = [f"# {recipe.title()}.", "# Usage, in a new directory: snakemake --cores 1 --snakefile THIS"]
    lines += [f"# Note: {remark}" for remark in recipe.remarks()]
    lines += ["import os", "", 'os.environ["DIR"] = os.getcwd()', "", "rule all:",
              f"    input: {', '.join(map(repr, stamps))}", ""]
    lines += _rule("prepare", [], "prepared.done", [*recipe.sources(), *recipe.environments(), *recipe.inputs()])
    before: str | None = None
    for step, stamp in zip(plan.steps, stamps, strict=True):
        selected = {other.number for other in plan.steps}
        needs = ["prepared.done", *(f"step-{number}.done" for number in recipe.makers(step) if number in selected)]
        if recipe.changes_code(step) and before and before not in needs:
            needs.append(before)  # one work tree: not at the same time
        before = stamp
        commands = recipe.checkout(step) if recipe.changes_code(step) else []
        lines += _rule(f"step_{step.number}", needs, stamp, [*commands, f"({recipe.step(step)})", *recipe.outputs(step)])
    return "\n".join(lines).rstrip("\n") + "\n"


def _rule(name: str, needs: Sequence[str], stamp: str, commands: Sequence[str]) -> list[str]:
    """snakemake formats the text of ``shell`` once more, so braces are doubled."""
    text = "\n".join([*commands, f"touch {stamp}"]).replace("{", "{{").replace("}", "}}")
    return [f"rule {name}:", *([f"    input: {', '.join(map(repr, needs))}"] if needs else []), f"    output: {stamp!r}",
            f"    shell: {text!r}", ""]
