"""The accounts' JSON API, for a FastAPI application: ``app.include_router(router(accounts, limits, url))``.

Below /api/v1/auth: sign in by password (``session``, ``token``), by SSH key (``ssh/challenge``, ``ssh/verify``), by OpenID
Connect (``oidc/NAME/start``, ``oidc/NAME/callback``), let a device in (``device``, ``device/look``, ``device/confirm``,
``device/poll``); ``whoami``, ``logout``; what an account has: ``tokens``, ``keys``, ``sessions``, ``password``, ``audit``.
Below /api/v1/organisations: who is in which.

Pages do not post here: they call ``accounts`` themselves, as the handlers do.  Errors are raised as lineage.errors'; the
application makes documents of them (``http_status`` of glaas.accounts.errors' says which status).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi import APIRouter, Security
from fastapi.security import HTTPBearer

from glaas.accounts import http_account, http_devices, http_oidc, http_organisations, http_signing
from glaas.accounts.accounts import Accounts
from glaas.accounts.calls import Calls, Route
from glaas.accounts.limits import Limits
from glaas.accounts.oidc.settings import Provider

PREFIX = "/api/v1"


def router(accounts: Accounts, limits: Limits, url: Callable[[], str] | str, providers: Sequence[Provider] = ()) -> APIRouter:
    """``url``: this registry's, as people type it (a function where it is known later only); never taken from a request.
    ``providers``: of OpenID Connect."""
    calls = Calls(accounts, limits, (lambda: url) if isinstance(url, str) else url)
    bearer = HTTPBearer(auto_error=False, description="A token: `roar login`, the account page, or `glaas token add`.")
    made = APIRouter(prefix=PREFIX, route_class=Route, dependencies=[Security(bearer)])
    http_signing.add_to(made, calls)
    http_devices.add_to(made, calls)
    http_oidc.add_to(made, calls, providers)
    http_account.add_to(made, calls)
    http_organisations.add_to(made, calls)
    return made
