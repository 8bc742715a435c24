"""Who looks at a registry, and what they may see: spaces."""

from __future__ import annotations

from dataclasses import dataclass

PUBLIC = "public"


def own_space(account: str) -> str:
    """What only this account sees."""
    return f"user:{account}"


def organisation_space(name: str) -> str:
    return f"org:{name}"


@dataclass(frozen=True, slots=True)
class Viewer:
    """``account``: its name, empty for who has not said who they are.  ``spaces``: what they may see, PUBLIC always among it.
    Everything that is registered is in a space, and the store gives a viewer what is in theirs and nothing else."""

    account: str = ""
    spaces: frozenset[str] = frozenset({PUBLIC})
