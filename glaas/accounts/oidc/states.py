"""What has to be remembered between going to a provider and coming back: in the ``state`` and a cookie, not in the store.

The state is ours by its MAC; the cookie ties it to the browser that went (RFC 6749 section 10.12); the PKCE verifier and the
nonce are made of the cookie with the registry's secret, so they pass through nobody's hands.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import NamedTuple

from glaas.accounts.credentials import hashed
from glaas.accounts.expiring import note, sweep
from glaas.accounts.secretkey import SecretKey
from glaas.accounts.tables import USED, row
from glaas.store.keyed import KeyedStore, Writer
from lineage.errors import CorruptError, DeniedError
from lineage.ids import decode, encode

SECONDS = 600
_SECOND = 10**9
_MAX_TEXT = 4096
_MAC = 32


class State(NamedTuple):
    """``after``: the path to go to.  ``link``: the account that wants to sign in there from now on; empty: sign in."""

    provider: str
    expires: int  # nanoseconds
    after: str
    link: str
    browser: bytes


class States:
    """``clock``: nanoseconds."""

    def __init__(self, store: KeyedStore, clock: Callable[[], int], key: SecretKey) -> None:
        self._store = store
        self._clock = clock
        self._key = key

    def new(self, provider: str, after: str, link: str) -> tuple[str, str]:
        """(state, the cookie's value)."""
        cookie = secrets.token_urlsafe(32)
        data = encode(list(State(provider, self._clock() + SECONDS * _SECOND, local_path(after), link, _browser(cookie))))
        return urlsafe_b64encode(data + self._key.mac("openid state", data)).decode(), cookie

    def used(self, text: str, provider: str, cookie: str) -> State:
        """DeniedError: not ours, of another browser or provider, too old, or used before."""
        state = self._read(text)
        if state is None or state.provider != provider or not hmac.compare_digest(state.browser, _browser(cookie)):
            raise DeniedError("this sign-in was not begun in this browser", "begin again at the registry's sign-in page")
        now = self._clock()
        if state.expires <= now:
            raise DeniedError("this sign-in took too long", "begin again at the registry's sign-in page")
        key = row(hashed("openid state", text))

        def use(writer: Writer) -> None:
            sweep(writer, now)
            if not writer.add(USED, [(key, b"")]):
                raise DeniedError("this sign-in was finished before", "begin again at the registry's sign-in page")
            note(writer, state.expires, [(USED, key)])

        self._store.write(use)
        return state

    def verifier(self, cookie: str) -> str:
        """RFC 7636 section 4.1: 43 characters."""
        return self._secret("openid verifier", cookie)

    def nonce(self, cookie: str) -> str:
        return self._secret("openid nonce", cookie)

    def _secret(self, purpose: str, cookie: str) -> str:
        return urlsafe_b64encode(self._key.mac(purpose, cookie.encode("utf-8", "replace"))).decode().rstrip("=")

    def _read(self, text: str) -> State | None:
        try:
            data = urlsafe_b64decode(text.encode("ascii")) if len(text) <= _MAX_TEXT else b""
            body, mac = data[:-_MAC], data[-_MAC:]
            return State(*decode(body)) if hmac.compare_digest(mac, self._key.mac("openid state", body)) else None
        except (ValueError, TypeError, CorruptError):
            return None


def local_path(text: str) -> str:
    """A path of this site, whatever was asked for: never another site."""
    plain = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable() and len(text) <= 1024
    return text if plain and "\\" not in text else "/"


def _browser(cookie: str) -> bytes:
    return hashed("openid cookie", cookie)
