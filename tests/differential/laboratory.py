"""A project whose commands are watched twice, by roar and by strace."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from comparison import Comparison, missing, observe
from harness import Project

SYSTEM_PYTHON = "/usr/bin/python3"


def needs(*tools: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(bool(missing(*tools)), reason=missing(*tools))


class Laboratory:
    """A project whose commands are watched twice."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.path = project.path
        self.write = project.write
        (self.path / "tmp").mkdir()
        self._place = self.path.with_name(self.path.name + ".trace")
        self._place.mkdir()
        self._environment = {"TMPDIR": str(self.path / "tmp"), "LC_ALL": "C", "PATH": "/usr/bin:/bin"}

    def run(self, *command: str | Path, inputs: Iterable[str] = (), outputs: Iterable[str] = (), scratch: Iterable[str] = (),
            removed: Iterable[str] = (), environment: dict[str, str] | None = None, **options: Any) -> Comparison:
        """Runs, compares, and makes sure that there was something to compare: these paths at least."""
        compared = observe(self.project, self._place, *command, environment={**self._environment, **(environment or {})},
                           **options)
        for kind, paths in (("inputs", inputs), ("outputs", outputs), ("scratch", scratch), ("removed", removed)):
            absent = set(paths) - compared.paths(kind)
            assert not absent, f"strace saw no {kind} {sorted(absent)} but {sorted(compared.paths(kind))}"
        compared.assert_same()
        return compared

    def sh(self, script: str, **options: Any) -> Comparison:
        return self.run("sh", "-c", script, **options)

    def python(self, script: str, *arguments: str, interpreter: str = SYSTEM_PYTHON, **options: Any) -> Comparison:
        self.write("script.py", script)
        return self.run(interpreter, "script.py", *arguments, **options)
