"""Whose store it is, for messages that tell people what to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Owner:
    """``program``: its name, like roard.  ``check``: what to do about damage, as an imperative."""

    program: str
    check: str
