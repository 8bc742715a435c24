"""What has been done in a directory, so that a reproduction goes on where it stopped."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from blake3 import blake3

from lineage.reproduce.plan import Plan
from roarctl.reproducing.errors import DirectoryError

OWN = ".reproduce"  # below the directory; beside it are the projects
_SCHEMA = "roar.reproduce.state/1"


class State:
    """``steps``: by a job's id in hex, what came of it; ``projects``: by name, the code that is checked out;
    ``environments``: by number, what is installed."""

    def __init__(self, directory: Path, document: dict[str, Any]) -> None:
        self.directory = directory
        self._document = document
        self.steps: dict[str, dict[str, Any]] = document["steps"]
        self.projects: dict[str, dict[str, Any]] = document["projects"]
        self.environments: dict[str, dict[str, Any]] = document["environments"]

    @property
    def own(self) -> Path:
        return self.directory / OWN

    @classmethod
    def open(cls, directory: Path, key: str) -> tuple[State, bool]:
        """(state, does it go on?). ``key``: ``plan_key`` of what is reproduced. The directory is made.

        DirectoryError where it has other things in it.
        """
        file = directory / OWN / "state.json"
        try:
            document = json.loads(file.read_bytes())
            if document["schema"] != _SCHEMA:
                raise DirectoryError(f"{directory} was made by another version of roar", "give another --dir")
        except (FileNotFoundError, NotADirectoryError):
            if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
                raise DirectoryError(f"{directory} is not empty", "give another --dir, or empty it") from None
            document = {"schema": _SCHEMA, "plan": key, "steps": {}, "projects": {}, "environments": {}}
            (directory / OWN).mkdir(parents=True)
            state = cls(directory, document)
            state.save()
            return state, False
        except (ValueError, KeyError, TypeError) as error:
            raise DirectoryError(f"{file} cannot be understood", "empty the directory, or give another --dir") from error
        if document["plan"] != key:
            raise DirectoryError(f"{directory} holds the reproduction of something else", "give another --dir")
        return cls(directory, document), True

    def save(self) -> None:
        """Whole or not at all."""
        file = self.own / "state.json"
        new = file.with_suffix(".new")
        with new.open("w") as written:
            json.dump(self._document, written, indent=1)
            written.flush()
            os.fsync(written.fileno())
        new.replace(file)


def plan_key(plan: Plan) -> str:
    """Of the whole plan's jobs: other steps of it that are selected later go on in the same directory."""
    return blake3(b"".join(step.head.id or b"" for step in plan.steps)).hexdigest()[:32]
