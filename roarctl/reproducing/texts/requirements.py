"""The packages that were read, for pip."""

from __future__ import annotations

from lineage.reproduce.plan import Plan


def write(plan: Plan) -> str:
    """Where steps had different environments, each after the other, and all but the first commented out."""
    used = sorted({step.environment for step in plan.steps if step.environment is not None})
    lines = ["# Packages whose files the steps read; install them with --no-deps."] if used else ["# No step ran Python."]
    for place, at in enumerate(used):
        environment = plan.environments[at]
        steps = ", ".join(str(step.number) for step in plan.steps if step.environment == at)
        lines.append(f"# {environment.implementation} {environment.version or '(version unknown)'}"
                     + (f", steps {steps}" if len(used) > 1 else ""))
        lines += [("# " if place else "") + package.requirement for package in environment.packages]
    return "\n".join(lines) + "\n"
