"""Carries a plan out: sources, environments, inputs, then the steps (stepping.py); goes on where it stopped."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from lineage.reproduce.plan import Plan, Project
from roarctl.reproducing.choices import Choices
from roarctl.reproducing.errors import CannotReproduceError, ConsentError, InputsError, of_os
from roarctl.reproducing.locate import Finder
from roarctl.reproducing.results import StepResult
from roarctl.reproducing.secrets import ask
from roarctl.reproducing.sources import Sources
from roarctl.reproducing.state import State
from roarctl.reproducing.stepping import Stepper, Workspace
from roarctl.reproducing.virtual import Virtual

if TYPE_CHECKING:
    from roarctl.client import Client


class Reproduction:
    """``key`` names the whole plan (state.plan_key); ``plan`` may have some of its steps. ``say``: progress, for people."""

    def __init__(self, client: Client, plan: Plan, key: str, choices: Choices, say: Callable[[str], None]) -> None:
        self._client = client
        self._plan = plan
        self._key = key
        self._choices = choices
        self._say = say
        self.notes: list[str] = []

    def run(self) -> list[StepResult]:
        """A result for each step. A CannotReproduceError where it cannot be tried, or goes no further."""
        try:
            return self._run()
        except OSError as error:
            raise of_os(error, str(self._choices.directory)) from error

    def _run(self) -> list[StepResult]:
        self._check_outside()
        self._check_directory()
        secrets = ask(self._plan, no_input=self._choices.no_input)
        self._state, again = State.open(self._choices.directory, self._key)
        if again:
            self._say(f"goes on in {self._choices.directory}")
        self._copies = {at: os.fsencode(self._state.directory / project.name) for at, project in enumerate(self._plan.projects)}
        self._sources = {at: self._clone(at, project) for at, project in enumerate(self._plan.projects)}
        repositories = {project.root: self._copies[at] for at, project in enumerate(self._plan.projects) if self._sources[at]}
        self._finder = Finder(self._client, self._plan, repositories)
        self._check_inputs()
        workspace = Workspace(self._state, self._copies, self._sources, self._environments(), self._finder, secrets)
        return Stepper(self._client, self._plan, workspace, self._choices, self._say).run()

    def _check_outside(self) -> None:
        found = [f"step {step.number}: {os.fsdecode(made.path)}" for step in self._plan.steps for made in step.outside]
        if found and not self._choices.outside:
            raise ConsentError("these files lie outside of the projects, so the steps would write them where they are:",
                               "if they may be overwritten, say it with --outside", tuple(found))

    def _check_directory(self) -> None:
        directory = os.fsencode(self._choices.directory.resolve())
        for project in self._plan.projects:
            if project.root == directory or project.root.startswith(directory.rstrip(b"/") + b"/"):
                raise CannotReproduceError(f"{self._choices.directory} has the project itself in it", "give another --dir")

    def _clone(self, at: int, project: Project) -> Sources | None:
        """None for a project without git: its files are inputs like others."""
        commits = list(dict.fromkeys(step.code.commit for step in self._plan.steps if step.project == at and step.code))
        os.makedirs(self._copies[at], exist_ok=True)  # noqa: PTH103 - bytes
        if not commits:
            return None
        state = self._state.projects.setdefault(project.name, {})
        given = self._choices.repositories.get(project.name, self._choices.repositories.get(""))
        sources = Sources(project, self._copies[at], given, state)
        if not state.get("cloned"):
            self._say(f"cloning {project.name} at {commits[0][:12]}")
            sources.clone(commits)
            self._state.save()
        return sources

    def _check_inputs(self) -> None:
        """At once, and not after hours of steps."""
        missing = [f"step {self._plan.where(found.needed).number} reads {os.fsdecode(found.needed.path)} "
                   f"({found.needed.hash.hex()[:8] if found.needed.hash else 'no hash'}): "
                   + ("it has another content now" if found.where == "changed" else "it is not there any more")
                   for found in self._finder.all() if found.missing]
        if missing and not self._choices.keep_going:
            raise InputsError(f"{len(missing)} of the inputs no longer exist at any place that roar knows:",
                              "put them back where they were, or go on without them by --keep-going", tuple(missing))
        self.notes += missing

    def _environments(self) -> dict[int, Virtual]:
        wanted = {step.environment for step in self._plan.steps if step.environment is not None}
        found: dict[int, Virtual] = {}
        for at in sorted(wanted):
            pip = any(step.build for step in self._plan.steps if step.environment == at)
            environment = self._plan.environments[at]
            virtual = Virtual(environment, self._state.own / "environments" / str(at + 1), with_pip=pip,
                              python=self._choices.python, packages=self._choices.packages, say=self._say, note=self._note)
            state = self._state.environments.setdefault(str(at + 1), {})
            if not state.get("made"):
                self._say(f"making a virtual environment with Python {environment.version}")
            try:
                virtual.make(state)
            finally:
                self._state.save()
            found[at] = virtual
        return found

    def _note(self, words: str) -> None:
        self.notes.append(words)
        self._say(words)
