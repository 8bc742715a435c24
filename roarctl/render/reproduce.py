"""A plan to make something again, and what came of it: for people and as documents."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lineage.document import entry_text, head_document
from lineage.reproduce.patches import file_patches
from lineage.reproduce.plan import Plan, Step
from roarctl.render.jobs import short_id
from roarctl.render.text import (
    Palette,
    command_text,
    count_text,
    cut,
    hash_text,
    number_text,
    path_text,
    printable,
    size_text,
    table,
)
from roarctl.reproducing.compare import Verdict
from roarctl.reproducing.locate import Found
from roarctl.reproducing.results import StepResult, exit_code

_COMMAND_WIDTH = 70
_MOST_INPUTS = 30
_MOST_PACKAGES = 8
_WHERE = {
    "here": "here", "git": "in git", "patch": "in git, with the recorded patch", "remote": "in the remote repository, it seems",
    "changed": "NOWHERE: its path has another content now", "nowhere": "NOWHERE: it is not there any more",
    "unknown": "no hash was recorded", "private": "PRIVATE: who registered it can say what it is"}


def plan_lines(plan: Plan, found: Sequence[Found], what: str, palette: Palette) -> list[str]:
    steps = plan.steps
    lines = [f"to make {palette.bold(printable(what))} again: {count_text(len(steps), 'step')}"]
    lines += _source_lines(plan, palette)
    for environment in plan.environments:
        names = [f"{package.name} {package.version}" for package in environment.packages]
        more = f" … ({len(names)})" if len(names) > _MOST_PACKAGES else ""
        with_packages = f" with {', '.join(names[:_MOST_PACKAGES])}{more}" if names else ", no packages"
        lines.append(f"  python   {environment.implementation} {environment.version or '?'}{with_packages}")
    if plan.system_packages:
        lines.append(f"  system   {cut(', '.join(plan.system_packages), 110)}")
    lines += _input_lines(plan, found, palette)
    lines.append("  steps")
    rows = [[f"    {step.number}", f"{number_text(step.head)} {palette.yellow(short_id(step.head))}",
             ("[build] " if step.build else "") + command_text(step.head.argv, _COMMAND_WIDTH), _makes(step, plan)]
            for step in steps]
    lines += table(rows)
    for step in steps:
        lines += [palette.yellow(f"  ! step {step.number} writes {path_text(made.path)}: outside of the project, so it cannot "
                                 "be redirected (--outside lets it)") for made in step.outside]
    return lines + [palette.yellow(f"  ! {printable(warning)}") for warning in plan.warnings]


def result_lines(plan: Plan, results: Sequence[StepResult], notes: Sequence[str], directory: Path,
                 palette: Palette) -> list[str]:
    lines = []
    for result in results:
        step = result.step
        state = palette.red(result.problem) if result.problem else "ran before" if result.again else "ran"
        lines.append(f"step {step.number}  {command_text(step.head.argv, _COMMAND_WIDTH)}: {state}"
                     + (f" (job @{result.number} there)" if result.number else ""))
        root = plan.projects[step.project].root
        for verdict in result.verdicts:
            lines += _verdict_lines(verdict, root, palette)
        lines += [palette.yellow(f"  ! {printable(note)}") for note in result.notes]
        if result.problem and result.log:
            lines += [palette.dim(f"  | {printable(line)}") for line in _last_lines(result.log)]
            lines.append(palette.dim(f"  all of its output: {printable(str(result.log))}"))
    lines += [palette.yellow(f"! {printable(note)}") for note in notes]
    return [*lines, _conclusion(results, palette), f"  in {printable(str(directory))}"]


def reproduce_document(reference: str, plan: Plan, found: Sequence[Found], result: Mapping[str, Any] | None) -> dict[str, Any]:
    """``result``: of what was run (``result_document``)."""
    return {"schema": "roar.reproduce/1", "reference": reference, "plan": plan_document(plan, found),
            "result": None if result is None else dict(result)}


def plan_document(plan: Plan, found: Sequence[Found]) -> dict[str, Any]:
    return {
        "projects": [{**entry_text("root", project.root), "name": project.name, "remote": project.remote,
                      "submodules": project.submodules} for project in plan.projects],
        "environments": [{"implementation": one.implementation, "version": one.version, "executable": one.executable,
                          "packages": [{"name": package.name, "version": package.version} for package in one.packages]}
                         for one in plan.environments],
        "system_packages": list(plan.system_packages),
        "inputs": [{**entry_text("path", one.needed.path), "hash": one.needed.hash.hex() if one.needed.hash else None,
                    "size": one.needed.size, "role": one.needed.role, "project": one.needed.project, "where": one.where,
                    **(entry_text("found", one.path) if one.path else {"found": None})} for one in found],
        "steps": [{
            "number": step.number, "job": head_document(step.head), "build": step.build, "project": step.project,
            "commit": step.code.commit if step.code else None, "patch": step.code.patch if step.code else None,
            "environment": step.environment,
            "takes": [{**entry_text("path", one.path), "hash": one.hash.hex() if one.hash else None, "from_step": one.maker}
                      for one in step.inputs],
            "makes": [{**entry_text("path", one.path), "hash": one.hash.hex() if one.hash else None, "size": one.size,
                       "outside": one.project is None} for one in step.outputs],
        } for step in plan.steps],
        "warnings": list(plan.warnings),
    }


def result_document(results: Sequence[StepResult], notes: Sequence[str], directory: Path) -> dict[str, Any]:
    return {
        "directory": str(directory), "exit_code": exit_code(results), "notes": list(notes),
        "steps": [{
            "number": result.step.number, "status": result.status, "problem": result.problem or None,
            "done_before": result.again, "number_there": result.number or None, "notes": result.notes,
            "log": str(result.log) if result.log else None,
            "outputs": [{**entry_text("path", one.path), "verdict": one.state, "hash": one.hash.hex() if one.hash else None,
                         "differences": list(one.where)} for one in result.verdicts],
        } for result in results],
    }


def _source_lines(plan: Plan, palette: Palette) -> list[str]:
    lines = []
    for at, project in enumerate(plan.projects):
        own = [step for step in plan.steps if step.project == at]
        states: dict[tuple[str, str], list[Step]] = {}
        for step in own:
            if step.code:
                states.setdefault((step.code.commit, step.code.patch), []).append(step)
        if not own:
            continue
        remote = f" (remote {printable(project.remote)})" if project.remote else ""
        there = "" if os.path.lexists(project.root) else ", which is not there any more"
        if not states:
            lines.append(f"  sources  {printable(project.root)}{there}: not in git, so each file is looked for by its hash")
        for (commit, patch), steps in states.items():
            which = "" if len(states) == 1 else f" for {_numbers(steps)}"
            lines.append(f"  sources  commit {commit[:12]} of {printable(project.root)}{there}{remote}{which}")
            if patch:
                files = file_patches(patch)
                names = ", ".join(printable(one.path) for one in files[:5]) + (" …" if len(files) > 5 else "")
                lines.append(f"           with uncommitted changes to {names}")
                lines += [palette.yellow(f"  ! {printable(one.path)}: {one.problem}") for one in files if one.problem]
    return lines


def _input_lines(plan: Plan, found: Sequence[Found], palette: Palette) -> list[str]:
    listed = [one for one in found if one.where not in {"git", "patch"}]
    in_git = len(found) - len(listed)
    if not found:
        return ["  inputs   none"]
    lines = [f"  inputs   {count_text(len(found), 'file')}" + (f", {in_git} of them in git" if in_git else "")]
    listed.sort(key=lambda one: not one.missing)
    rows = []
    for one in listed[:_MOST_INPUTS]:
        base = plan.projects[one.needed.project].root if one.needed.project is not None else b""
        where = f"at {path_text(one.path)}" if one.where == "elsewhere" else _WHERE[one.where]
        where = palette.red(where) if one.missing else where
        if one.needed.project is None and not one.missing:
            where += ", outside of the project: used where it is"
        rows.append([f"    {path_text(one.needed.path, base)}", palette.dim(hash_text(one.needed.hash)),
                     size_text(one.needed.size), where])
    lines += table(rows, frozenset({2}))
    if len(listed) > _MOST_INPUTS:
        lines.append(palette.dim(f"    … {len(listed) - _MOST_INPUTS} more: --json has them all"))
    return lines


def _makes(step: Step, plan: Plan) -> str:
    names = [path_text(made.path, plan.projects[step.project].root) for made in step.outputs]
    return f"→ {', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}" if names else ""


def _numbers(steps: Sequence[Step]) -> str:
    return ("step " if len(steps) == 1 else "steps ") + ", ".join(str(step.number) for step in steps)


def _verdict_lines(verdict: Verdict, root: bytes, palette: Palette) -> list[str]:
    path = path_text(verdict.path, root)
    if verdict.state == "identical":
        return [f"  {palette.green('identical')}  {path}  {palette.dim(hash_text(verdict.hash))}"]
    colour = palette.yellow if verdict.state == "unknown" else palette.red
    word = {"differs": "differs  ", "not made": "not made ", "unknown": "unknown  "}[verdict.state]
    return [f"  {colour(word)}  {path}", *(f"             {printable(where)}" for where in verdict.where)]


def _conclusion(results: Sequence[StepResult], palette: Palette) -> str:
    counts: Mapping[str, int] = {state: sum(one.state == state for result in results for one in result.verdicts)
                                 for state in ("identical", "differs", "not made", "unknown")}
    failed = [result for result in results if result.problem]
    said = [f"{counts['identical']} identical", *(f"{number} {words}" for number, words in (
        (counts["differs"], "different"), (counts["not made"], "not made"), (counts["unknown"], "that cannot be compared"))
        if number)]
    text = f"outputs: {', '.join(said)}" if sum(counts.values()) else "no outputs to compare"
    code = exit_code(results)
    if failed:
        text += f"; {_numbers([result.step for result in failed])} failed"
    return palette.green(text) if code == 0 else palette.red(text)


def _last_lines(log: Path) -> list[str]:
    try:
        return log.read_text(errors="replace").rstrip().splitlines()[-8:]
    except OSError:
        return []
