"""A plan as text for other programs: a shell script, a Makefile, a Snakefile, a Dockerfile, a list of packages."""

from __future__ import annotations

from collections.abc import Sequence

from lineage.reproduce.plan import Plan
from roarctl.reproducing.locate import Found


def write(form: str, plan: Plan, found: Sequence[Found], what: str) -> str:
    """``form``: shell, make, snake, docker or requirements; ``what``: what people called it."""
    from roarctl.reproducing.texts import docker, make, requirements, shell, snake
    from roarctl.reproducing.texts.recipe import Recipe

    if form == "requirements":
        return requirements.write(plan)
    writers = {"shell": shell.write, "make": make.write, "snake": snake.write, "docker": docker.write}
    return writers[form](Recipe(plan, found, what))
