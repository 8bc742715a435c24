"""roard for programs: ``Roar`` (or ``AsyncRoar``) asks and gets typed records; docs/programs.md has examples.

``connect`` and ``Client`` are the plain calls below, which the commands use. What needs grpc is imported when it is first
used: `roar run` begins without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roarctl.client.channel import (
    CALL_SECONDS,
    DEFAULT_SOCKET,
    GRAPH_SECONDS,
    Client,
    DaemonClient,
    Identity,
    connect,
    identify,
    socket_path,
)

if TYPE_CHECKING:
    from roarctl.client.answers import Artifact, Log, Progress, Sighting
    from roarctl.client.asynchronous import AsyncRoar
    from roarctl.client.graph import Frames, Graph
    from roarctl.client.roar import Roar

__all__ = [
    "CALL_SECONDS", "DEFAULT_SOCKET", "GRAPH_SECONDS", "Artifact", "AsyncRoar", "Client", "DaemonClient", "Frames",
    "Graph", "Identity", "Log", "Progress", "Roar", "Sighting", "connect", "identify", "socket_path"]

_LATER = {"Artifact": "answers", "Log": "answers", "Progress": "answers", "Sighting": "answers",
          "AsyncRoar": "asynchronous", "Frames": "graph", "Graph": "graph", "Roar": "roar"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
