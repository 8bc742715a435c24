"""What a provider says of itself (OpenID Connect Discovery 1.0)."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
from joserfc.jwk import KeySet

from glaas.accounts.oidc.settings import LOOPBACK, Provider
from lineage.errors import UnavailableError

SECONDS = 10.0
_FRESH = 3600.0
_AGAIN = 60.0  # at least so long between two looks at a provider's keys
_MAX_ANSWER = 1 << 20


class Discovered:
    """What a provider says of itself, asked for when it is needed and kept for an hour."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._lock = threading.Lock()
        self._metadata: Mapping[str, Any] = {}
        self._keys: KeySet | None = None
        self._metadata_at = self._keys_at = self._asked_again = -_FRESH

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
        """Its signing keys; ``newer``: it is asked again, if that was not just done."""
        metadata = self.metadata()
        with self._lock:
            now = time.monotonic()
            again = newer and now - self._asked_again >= _AGAIN
            if again:
                self._asked_again = now
            if self._keys is None or now - self._keys_at >= _FRESH or again:
                try:
                    self._keys = KeySet.import_key_set(fetched(metadata["jwks_uri"]))  # type: ignore[arg-type]
                except (ValueError, KeyError, TypeError) as error:
                    raise UnavailableError(f"the keys of {self._provider.issuer} cannot be read: {error}",
                                           "tell the provider") from error
                self._keys_at = now
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
    if parts.scheme == "https" or (parts.scheme == "http" and urlsplit(issuer).hostname in LOOPBACK
                                   and parts.hostname in LOOPBACK):
        return str(url)
    raise UnavailableError(f"{issuer} names an address that is not https", "tell the provider")

