"""A Dockerfile: the image has sources, packages and inputs; a container of it runs the steps."""

from __future__ import annotations

import json
import os

from roarctl.reproducing.texts.recipe import Recipe, remote

_DIR = "/again"


def write(recipe: Recipe) -> str:
    plan = recipe.plan
    versions = [plan.environments[at].version for at in recipe.used]
    image = f"python:{versions[0]}" if versions and versions[0] else "python:3"
    bundles = [project for at, project in enumerate(plan.projects) if remote(project) is None
               and any(step.project == at and step.code for step in plan.steps)]
    copies = _copies(recipe)
    lines = [f"# {recipe.title()}.", "# Usage: docker build -t again . && docker run again"]
    lines += [f"# Note: {remark}" for remark in recipe.remarks()]
    if len(set(versions)) > 1:
        lines.append(f"# Note: the steps had several Pythons ({', '.join(versions)}); this has the first alone")
    for project in bundles:
        lines.append(f"# First: git -C {recipe.word(os.fsdecode(project.root))} bundle create "
                     f"$PWD/{recipe.word(project.name)}.bundle --all")
    for source, name, _ in copies:
        lines.append(f"# First: cp {recipe.word(source)} {name}" if source else f"# First: {name} must be had from somewhere")
    lines += [f"FROM {image}", f"ENV DIR={_DIR}", 'SHELL ["/bin/bash", "-euo", "pipefail", "-c"]',
              "RUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*"]
    if plan.system_packages:
        lines.append(f"# System packages that were read: {', '.join(plan.system_packages)}")
    lines += [f"COPY {json.dumps([f'{project.name}.bundle', f'{_DIR}/{project.name}.bundle'])}" for project in bundles]
    lines += [f"RUN {_line(line)}" for line in (*recipe.sources(bundles=True), *recipe.environments("python"))]
    lines += [f"COPY {json.dumps([name, target])}" for _, name, target in copies]
    commands = []
    for step in plan.steps:
        checkout = recipe.checkout(step) if recipe.changes_code(step) else []
        if step.build:
            lines += [f"RUN {_line(line)}" for line in (*checkout, recipe.step(step))]
        else:
            commands += [*checkout, f"({recipe.step(step)})", *recipe.outputs(step)]
    lines.append(f"CMD {json.dumps(['/bin/bash', '-euo', 'pipefail', '-c', chr(10).join(commands)])}")
    return "\n".join(lines) + "\n"


def _copies(recipe: Recipe) -> list[tuple[str, str, str]]:
    """(where it is, empty if nobody knows; its name beside the Dockerfile; where it goes) of inputs not in git."""
    places = recipe.places()
    found = []
    for at, one in enumerate(recipe.found, 1):
        if one.where in {"git", "patch", "remote"}:
            continue
        target = places.path(one.needed.path) or one.needed.path
        name = f"input-{at}-{os.path.basename(os.fsdecode(one.needed.path)).replace(' ', '_')}"
        found.append((os.fsdecode(one.path), name, recipe.word(target).replace("\"$DIR\"", _DIR).replace("'", "")))
    return found


def _line(command: str) -> str:
    """A newline in an argument would end the instruction."""
    return command.replace("\n", "'$'\\n''")
