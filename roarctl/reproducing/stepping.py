"""The steps of a plan, one after the other: code, inputs, the run, verdicts."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage.reproduce.arguments import redacted_words
from lineage.reproduce.places import Places
from lineage.reproduce.plan import Needed, Plan, Step
from roarctl.reproducing import git
from roarctl.reproducing.choices import Choices
from roarctl.reproducing.compare import Verdict, compare
from roarctl.reproducing.errors import CannotReproduceError, ConsentError, InputsError
from roarctl.reproducing.inputs import Inputs, Missing, copy
from roarctl.reproducing.locate import Finder
from roarctl.reproducing.results import StepResult
from roarctl.reproducing.sources import Sources
from roarctl.reproducing.state import State
from roarctl.reproducing.traced import Traced, traced
from roarctl.reproducing.variables import variables
from roarctl.reproducing.virtual import Virtual

if TYPE_CHECKING:
    from roarctl.client import Client

_MOST_SCANNED = 1 << 20  # bytes of a source that are searched for the project's path


@dataclass(frozen=True, slots=True)
class Workspace:
    """What the steps find: by a project's index its copy, and its sources if they are in git; by index the environments;
    ``secrets`` by (number of the step, index of the argument)."""

    state: State
    copies: Mapping[int, bytes]
    sources: Mapping[int, Sources | None]
    virtual: Mapping[int, Virtual]
    finder: Finder
    secrets: Mapping[tuple[int, int], bytes] = field(default_factory=dict)


class Stepper:
    def __init__(self, client: Client, plan: Plan, workspace: Workspace, choices: Choices, say: Callable[[str], None]) -> None:
        self._client = client
        self._plan = plan
        self._state = workspace.state
        self._copies = workspace.copies
        self._sources = workspace.sources
        self._virtual = workspace.virtual
        self._finder = workspace.finder
        self._secrets = workspace.secrets
        self._inputs = Inputs(workspace.finder, link=choices.link)
        self._choices = choices
        self._say = say

    def run(self) -> list[StepResult]:
        """A result for each step."""
        results: list[StepResult] = []
        stopped = False
        for step in self._plan.steps:
            result = StepResult(step)
            results.append(result)
            if stopped:
                result.problem = "not run, because a step before it failed"
            elif self._done(step):
                self._take_over(step, result)
            else:
                self._try(step, result)
                stopped = bool(result.problem) and not self._choices.keep_going
            if result.problem and not result.verdicts:
                result.verdicts = [Verdict(made.path, "not made") for made in step.outputs]
        return results

    def _places(self, step: Step) -> Places:
        pairs = [(project.root, self._copies[at]) for at, project in enumerate(self._plan.projects)]
        if step.environment is not None:
            prefix = self._plan.environments[step.environment].prefix
            pairs += [(os.fsencode(prefix), os.fsencode(self._virtual[step.environment].directory))] if prefix else []
        return Places(pairs)

    def _done(self, step: Step) -> bool:
        """Is it finished, and is what it left still there, but for what a later step has written since?"""
        state = self._state.steps.get(_key(step), {})
        if not state.get("done"):
            return False
        finished = [other for other in self._plan.steps
                    if other.number > step.number and self._state.steps.get(_key(other), {}).get("done")]
        later = {made.path for other in finished for made in other.outputs}
        places = self._places(step)
        return all(one["hash"] is None or os.fsencode(one["path"]) in later
                   or self._finder.hashes.of(places.path(os.fsencode(one["path"])) or os.fsencode(one["path"]))
                   == bytes.fromhex(one["hash"]) for one in state["verdicts"])

    def _take_over(self, step: Step, result: StepResult) -> None:
        state = self._state.steps[_key(step)]
        result.again, result.status, result.number = True, state["status"], state["number"]
        result.notes = list(state["notes"])
        result.verdicts = [Verdict(os.fsencode(one["path"]), one["state"], bytes.fromhex(one["hash"]) if one["hash"] else None,
                                   tuple(one["where"])) for one in state["verdicts"]]
        self._say(f"step {step.number}: done before")

    def _try(self, step: Step, result: StepResult) -> None:
        places = self._places(step)
        state = self._state.steps.setdefault(_key(step), {})
        source = self._sources[step.project]
        if source and step.code:
            made = {places.path(made.path) for other in self._plan.steps if other.number != step.number
                    and "status" in self._state.steps.get(_key(other), {}) for made in other.outputs}
            own = self._copies[step.project] + b"/"
            result.notes += source.enter(step.code, sorted(path for path in made if path and path.startswith(own)),
                                         self._state.own / "aside")
            self._state.save()
        if "status" in state:
            self._clear(step, places)
        for directory in step.directories:
            os.makedirs(places.path(directory) or directory, exist_ok=True)  # noqa: PTH103 - bytes
        missing = self._place_inputs(step, places)
        if missing and not self._choices.keep_going:
            raise InputsError(f"step {step.number} cannot run: {len(missing)} of its inputs cannot be had:",
                              "put them back where they were, or go on without them by --keep-going",
                              tuple(one.why for one in missing))
        result.notes += [one.why for one in missing]
        self._check_sources(step, places)
        self._execute(step, result, state, places)

    def _clear(self, step: Step, places: Places) -> None:
        """What an earlier try left, so that this one begins as the first did."""
        needed = {one.path for one in step.inputs}
        tracked: set[bytes] = set()
        if self._sources[step.project]:
            tracked = set(git.run(["ls-files", "-z"], self._copies[step.project]).split(b"\0"))
        for made in step.outputs:
            path = places.path(made.path)
            if path and made.path not in needed and os.path.relpath(path, self._copies[step.project]) not in tracked:
                Path(os.fsdecode(path)).unlink(missing_ok=True)

    def _place_inputs(self, step: Step, places: Places) -> list[Missing]:
        missing: list[Missing | None] = []
        for needed in step.inputs:
            path = places.path(needed.path)
            if needed.maker is not None:
                missing.append(self._take_from_step(needed, path or needed.path, places))
            elif path is None:
                missing.append(self._inputs.check_outside(needed))
            else:
                missing.append(self._inputs.place(needed, path))
        return [one for one in missing if one is not None]

    def _take_from_step(self, needed: Needed, path: bytes, places: Places) -> Missing | None:
        """As the step made it now. One that was moved since, by nobody who was recorded, is copied to where it was read."""
        made = places.path(needed.maker_path) or needed.maker_path
        if made != path and os.path.lexists(made):
            os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103 - bytes
            copy(made, path)
        if os.path.lexists(path):
            return None
        return Missing(needed, f"step {needed.maker} did not make {os.fsdecode(needed.path)}")

    def _check_sources(self, step: Step, places: Places) -> None:
        """A program that has the project's path written in it would work in the original."""
        if self._choices.outside:
            return
        root = self._plan.projects[step.project].root
        found = []
        for needed in step.inputs:
            path = places.path(needed.path)
            if needed.role != "source" or path is None or not os.path.lexists(root):
                continue
            with open(path, "rb") as file:
                if places.text(text := file.read(_MOST_SCANNED)) != text:
                    found.append(os.fsdecode(needed.path))
        if found:
            raise ConsentError(f"step {step.number}: these sources name {os.fsdecode(root)}, so they might write there:",
                               "if that may be, say it with --outside", tuple(found))

    def _execute(self, step: Step, result: StepResult, state: dict[str, Any], places: Places) -> None:
        cwd = places.path(step.head.cwd) or step.head.cwd
        virtual = self._virtual.get(step.environment) if step.environment is not None else None
        setting = variables(step.variables, places, cwd, str(virtual.directory) if virtual else None)
        if setting.missing:
            result.notes.append(f"not set, because their values were secrets: {', '.join(setting.missing)}")
        argv = self._argv(step, places, virtual)
        self._say(f"step {step.number}: {os.fsdecode(b' '.join(step.head.argv))[:100]}")
        context = {"reproduces": _key(step), **({"kind": step.head.kind} if step.head.kind else {})}
        result.log = self._state.own / f"step-{step.number}.log"
        state |= {"status": None, "done": False}
        self._state.save()
        ended = traced(argv, cwd, setting.values, context, result.log)
        if not ended.run:
            raise CannotReproduceError(f"step {step.number} could not be run: {_last_line(result.log)}",
                                       "`roar status` says how the daemon is; then type the same again")
        self._judge(step, result, ended, places)
        state |= {"status": result.status, "number": result.number, "done": not result.problem, "notes": result.notes,
                  "verdicts": [{"path": os.fsdecode(one.path), "state": one.state, "where": list(one.where),
                                "hash": one.hash.hex() if one.hash else None} for one in result.verdicts]}
        self._state.save()

    def _argv(self, step: Step, places: Places, virtual: Virtual | None) -> list[bytes]:
        argv = list(step.head.argv)
        for at in redacted_words(argv):
            argv[at] = self._secrets[step.number, at]
        argv = [places.text(word) for word in argv]
        program = os.path.normpath(os.path.join(step.head.cwd, argv[0])) if b"/" in argv[0] else b""
        if virtual and program:
            name = os.path.basename(program)
            inside = places.path(program) if step.head.argv[0] != program else None
            if name.startswith((b"python", b"pypy")):
                argv[0] = os.fsencode(virtual.directory) + b"/bin/" + name
            elif inside and inside.startswith(os.fsencode(virtual.directory)):
                argv[0] = inside
        return argv

    def _judge(self, step: Step, result: StepResult, ended: Traced, places: Places) -> None:
        result.status, result.number = ended.status, ended.number
        expected = step.head.exit_code if step.head.exit_code is not None else 128 + (step.head.signal or 0)
        if ended.status != expected:
            result.problem = f"ended with {ended.status}" + (f" instead of {expected}" if expected else "")
        for made in step.outputs:
            original = None
            if made.hash is not None:
                needed = Needed(made.path, made.hash, made.size, "data", made.project)
                original = self._finder.find(needed).path or None
            result.verdicts.append(compare(made, places.path(made.path) or made.path, places, self._finder.hashes, original))
        result.notes += self._escapes(ended.run)

    def _escapes(self, run: bytes) -> list[str]:
        """Where it used the original in spite of all."""
        from roarctl import queries

        roots = [project.root for project in self._plan.projects]
        ours = os.fsencode(self._state.directory.resolve()) + b"/"
        entries = queries.entries(self._client, run, ("input", "output"), ("data", "source", "config"))
        return [f"{'wrote' if entry.kind == 'output' else 'read'} {os.fsdecode(entry.path)}: a path that the program itself has"
                for entry in entries if not entry.path.startswith(ours)
                and any(entry.path.startswith(root.rstrip(b"/") + b"/") for root in roots)]


def _key(step: Step) -> str:
    return (step.head.id or b"").hex()


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it does not say why"
