"""Which registry is meant: what the environment says, else the project, else what `roar login` stored.

A project's `.roar.toml` comes with what one clones, so it chooses only among registries that the user logged in to.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from lineage.errors import NotFoundError
from roarctl.registry import credentials

if TYPE_CHECKING:
    from roarctl.registry.address import Address
    from roarctl.registry.client import RegistryClient
    from roarctl.settings import Settings

URL, TOKEN, INSECURE = "GLAAS_URL", "GLAAS_TOKEN", "GLAAS_INSECURE"


class Place(NamedTuple):
    """``said_by``: environment, project or login."""

    address: Address
    token: str
    account: str
    insecure: bool
    said_by: str

    def client(self, *, patience: float = 0, connecting: float = 5.0, tries: int = 4) -> RegistryClient:
        """DeniedError where the token would travel in the clear."""
        from roarctl.registry.client import RegistryClient
        from roarctl.registry.http import Transport

        transport = Transport(self.address, self.token, insecure=self.insecure, connecting=connecting, tries=tries)
        return RegistryClient(transport, patience=patience)


def find(settings: Settings | None, environment: Mapping[str, str] | None = None) -> Place | None:
    """None where no registry is known. NotFoundError where the project names one that the user has not logged in to."""
    values = os.environ if environment is None else environment
    said = values.get(URL, "")
    insecure = values.get(INSECURE, "") not in {"", "0"}
    wanted = settings.word("registry.url") if settings is not None else ""
    if not said and not wanted and not credentials.path(values).exists():
        return None  # quick, for those who have none
    from roarctl.registry.address import Address

    known = credentials.load(credentials.path(values)) if not (said and values.get(TOKEN)) else credentials.Credentials()
    if said:
        address = Address.parse(said)
        login = known.logins.get(address.url, credentials.Login())
        own = values.get(TOKEN, "")
        return Place(address, own or login.token, "" if own else login.account, insecure or login.insecure, "environment")
    by_project = bool(wanted)
    url = Address.parse(wanted).url if wanted else known.default
    if not url:
        return None
    if url not in known.logins:
        raise NotFoundError(f"this project's registry is {url}, and you have not logged in there",
                            f"if you trust it: roar login {url}")
    login = known.logins[url]
    return Place(Address.parse(url), login.token, login.account, insecure or login.insecure,
                 "project" if by_project else "login")


def needed(settings: Settings | None) -> Place:
    """NotFoundError where no registry is known."""
    place = find(settings)
    if place is None:
        raise NotFoundError("no registry is known here", "`roar login URL`, or GLAAS_URL and GLAAS_TOKEN in the environment; "
                            "`glaas serve --state-dir DIR` is one")
    return place
