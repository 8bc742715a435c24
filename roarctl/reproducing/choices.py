"""What the person said about how to do it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from roarctl.reproducing.virtual import Packages


@dataclass(frozen=True, slots=True)
class Choices:
    """What the person said. ``repositories``: by a project's name, or "" for the only one, where its repository is."""

    directory: Path
    repositories: Mapping[str, str] = field(default_factory=dict)
    python: str = ""
    packages: Packages = "exact"
    outside: bool = False
    keep_going: bool = False
    link: bool = False
    no_input: bool = False
