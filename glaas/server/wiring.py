"""The one place where the parts of a registry are put together, and taken apart again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from glaas.server.bodies import Budget
from glaas.server.methods import Service
from glaas.server.settings import Address, Settings


@dataclass(slots=True)
class Wiring:
    """What handlers work with.  ``grpc``: where that server listens, once it does."""

    settings: Settings
    services: tuple[Service, ...] = ()
    grpc: Address | None = None
    url: str = ""
    budget: Budget = field(init=False)

    def __post_init__(self) -> None:
        self.budget = Budget(self.settings.limits.bundle_memory)


@contextmanager
def wired(settings: Settings) -> Iterator[Wiring]:
    yield Wiring(settings)
