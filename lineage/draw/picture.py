"""What a picture of a graph shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["job", "step", "artifact"]
#: How it looks: "failed" (jobs, steps), "incomplete", "running"; "root" and "end" of artifacts; "" for all else.
Look: TypeAlias = Literal["", "failed", "incomplete", "running", "root", "end"]


@dataclass(frozen=True, slots=True)
class Node:
    """``title`` and ``lines`` are in its box; ``facts`` are shown when it is pointed at or chosen."""

    id: str
    kind: Kind
    title: str
    lines: Sequence[str] = ()
    look: Look = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Edge:
    """``source`` and ``target`` are places in the nodes."""

    source: int
    target: int
    label: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """``note`` says what is not in it."""

    title: str
    nodes: Sequence[Node]
    edges: Sequence[Edge]
    note: str = ""
