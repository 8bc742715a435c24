"""A provider as the operator describes it, and what it says of itself (OpenID Connect Discovery 1.0)."""

from __future__ import annotations

import threading
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from joserfc.jwk import KeySet

from glaas.accounts.names import is_name
from lineage.errors import InvalidError, UnavailableError

SECONDS = 10.0
_FRESH = 3600.0
_AGAIN = 60.0  # at least so long between two looks at a provider's keys
_MAX_ANSWER = 1 << 20
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


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


def providers_of(path: Path) -> tuple[Provider, ...]:
    """Of a TOML file with a table ``[[oidc]]`` for each; ``client_secret_file`` names a file with the secret.  InvalidError
    says what is wrong with it."""
    hint = "docs/accounts.md shows one"
    try:
        tables = tomllib.loads(path.read_text())["oidc"]
        return tuple(_provider(table, path.parent) for table in tables)
    except OSError as error:
        raise InvalidError(f"{error.filename} cannot be read: {error.strerror}", hint) from error
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise InvalidError(f"{path} does not describe OpenID providers: {error!r}", hint) from error


class Discovered:
    """What a provider says of itself, asked for when it is needed and kept for an hour."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._lock = threading.Lock()
        self._metadata: Mapping[str, Any] = {}
        self._keys: KeySet | None = None
        self._metadata_at = self._keys_at = -_FRESH

    def metadata(self) -> Mapping[str, Any]:
        """UnavailableError: it does not answer, or as somebody else (Discovery section 4.3)."""
        with self._lock:
            if time.monotonic() - self._metadata_at >= _FRESH:
                found = fetched(self._provider.issuer.rstrip("/") + "/.well-known/openid-configuration")
                if found.get("issuer") != self._provider.issuer:
                    raise UnavailableError(f"{self._provider.issuer} says it is {str(found.get('issuer'))[:100]!r}",
                                           "the operator has to give the issuer as the provider writes it")
                for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                    checked_url(found.get(name), self._provider.issuer)
                self._metadata, self._metadata_at = found, time.monotonic()
            return self._metadata

    def keys(self, *, newer: bool = False) -> KeySet:
        """Its signing keys; ``newer``: asks again, if that was not just done."""
        metadata = self.metadata()
        with self._lock:
            age = time.monotonic() - self._keys_at
            if self._keys is None or age >= _FRESH or (newer and age >= _AGAIN):
                try:
                    self._keys = KeySet.import_key_set(fetched(metadata["jwks_uri"]))  # type: ignore[arg-type]
                except (ValueError, KeyError, TypeError) as error:
                    raise UnavailableError(f"the keys of {self._provider.issuer} cannot be read: {error}",
                                           "tell the provider") from error
                self._keys_at = time.monotonic()
            return self._keys


def fetched(url: str) -> dict[str, Any]:
    """A JSON object.  UnavailableError for anything else; redirects are not followed."""
    try:
        with httpx.Client(timeout=SECONDS) as client:
            answer = client.get(url, headers={"Accept": "application/json"})
        value = answer.json() if answer.status_code == 200 and len(answer.content) <= _MAX_ANSWER else None
    except (httpx.HTTPError, ValueError) as error:
        raise UnavailableError(f"{url} does not answer: {error}", "try again, or sign in another way") from error
    if not isinstance(value, dict):
        raise UnavailableError(f"{url} does not answer as an OpenID provider does", "try again, or sign in another way")
    return value


def checked_url(url: object, issuer: str) -> str:
    """https, or of a provider on this machine (a test's).  UnavailableError for anything else."""
    parts = urlsplit(url) if isinstance(url, str) else urlsplit("")
    if parts.scheme == "https" or (parts.scheme == "http" and urlsplit(issuer).hostname in _LOOPBACK
                                   and parts.hostname in _LOOPBACK):
        return str(url)
    raise UnavailableError(f"{issuer} names an address that is not https", "tell the provider")


def _provider(table: Mapping[str, Any], place: Path) -> Provider:
    known = {each.name for each in fields(Provider)} | {"client_secret_file"}
    if unknown := set(table) - known:
        raise InvalidError(f"{', '.join(sorted(unknown))} is nothing that an OpenID provider has", "see docs/accounts.md")
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}
    file = values.pop("client_secret_file", None)
    if file:
        values["client_secret"] = (place / str(file)).read_text().strip()
    provider = Provider(**values)
    if not is_name(provider.name):
        raise InvalidError(f"{provider.name!r} cannot be a provider's name", "lower case letters and digits")
    checked_issuer = urlsplit(provider.issuer)
    if checked_issuer.scheme != "https" and checked_issuer.hostname not in _LOOPBACK:
        raise InvalidError(f"the issuer {provider.issuer} is not https", "providers are reached by https")
    if "openid" not in provider.scopes:
        raise InvalidError(f"the scopes of {provider.name} lack openid", "it makes the difference")
    return provider
