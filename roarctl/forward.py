"""Whether a project wants its jobs to go on to the registry when they end (docs/forwarding.md): `.roar.toml`, read as the user.
Whether they do, the machine's roard decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lineage.v1.observe_pb2 import Forward
    from roarctl.settings import Settings


def wanted(settings: Settings | None) -> bool:
    return settings is not None and settings.word("registry.forward") == "true"


def asked(settings: Settings | None) -> Forward | None:
    """What a job is registered with; None: the project does not ask."""
    if settings is None or not wanted(settings):
        return None
    from lineage.v1.observe_pb2 import Forward

    scope = settings.word("registry.scope") if "registry.scope" in settings.values else ""
    return Forward(scope=scope, registry=settings.word("registry.url"))
