"""The providers of OpenID Connect that an operator names in the file of `glaas serve --config`.

    [[oidc]]
    name = "company"                          # in addresses
    title = "Company single sign-on"          # on the button
    issuer = "https://login.example.org"      # as the provider writes it
    client_id = "glaas"
    client_secret_file = "/etc/glaas/oidc"    # or client_secret = "…"; neither for a public client
    create = true                             # who signs in there gets an account here…
    domains = ["example.org"]                 # …with a verified e-mail address of these
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from glaas.accounts.names import is_name
from lineage.errors import InvalidError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_HINT = "docs/accounts.md shows a table [[oidc]]"


@dataclass(frozen=True, slots=True)
class Provider:
    """``name``: in addresses.  ``create``: who signs in there gets an account here, if ``domains`` is empty or has that of
    their verified e-mail address.  Without it accounts are made by the operator, and their owners link them."""

    name: str
    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    title: str = ""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    create: bool = False
    domains: tuple[str, ...] = ()


def providers_of(tables: object, place: Path) -> tuple[Provider, ...]:
    """Of the tables ``[[oidc]]``; names of files are below ``place``.  InvalidError says what is wrong with them."""
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise InvalidError("oidc is no list of tables", _HINT)
    providers = tuple(_provider(table, place) for table in tables)
    if len({provider.name for provider in providers}) < len(providers):
        raise InvalidError("two OpenID providers have one name", _HINT)
    return providers


def _provider(table: Mapping[str, Any], place: Path) -> Provider:
    values: dict[str, Any] = dict(table)
    if file := values.pop("client_secret_file", None):
        try:
            values["client_secret"] = (place / str(file)).read_text().strip()
        except OSError as error:
            raise InvalidError(f"{error.filename} cannot be read: {error.strerror}", _HINT) from error
    for each in fields(Provider):
        if each.name in values:
            values[each.name] = _checked(each.name, str(each.type), values[each.name])
    try:
        provider = Provider(**values)
    except TypeError as error:
        raise InvalidError(f"a table [[oidc]] is not complete, or has too much: {error}", _HINT) from error
    if not is_name(provider.name):
        raise InvalidError(f"{provider.name!r} cannot be a provider's name", "lower case letters and digits")
    issuer = urlsplit(provider.issuer)
    if issuer.scheme != "https" and issuer.hostname not in LOOPBACK:
        raise InvalidError(f"the issuer {provider.issuer} is not https", "providers are reached by https")
    if "openid" not in provider.scopes:
        raise InvalidError(f"the scopes of {provider.name} lack openid", "without it nobody says who they are")
    return provider


def _checked(name: str, kind: str, value: object) -> object:
    if kind == "bool" and isinstance(value, bool):
        return value
    if kind == "str" and isinstance(value, str):
        return value
    if kind.startswith("tuple") and isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    raise InvalidError(f"oidc.{name} is {value!r}", _HINT)
