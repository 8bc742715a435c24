"""Challenges that a key signs to sign in, or to prove that the account has it.

Nothing is stored of a challenge until it has been answered: a MAC in its nonce says that it is ours.  It names the registry
(``origin``), so that one registry cannot pass another's on to be signed: a client checks that it is the one it speaks to.
"""

from __future__ import annotations

import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

from glaas.accounts.credentials import hashed
from glaas.accounts.expiring import note, sweep
from glaas.accounts.secretkey import SecretKey
from glaas.accounts.tables import USED, row
from glaas.store.keyed import KeyedStore, Writer
from lineage.dsse import preauthentication
from lineage.errors import DeniedError

#: What is signed by `roar login --ssh-key`: the DSSE preauthentication of this type and the challenge's text.
PAYLOAD_TYPE = "application/vnd.roar.challenge+json"
SECONDS = 120
_SECOND = 10**9
_MAX_TEXT = 1024

Purpose: TypeAlias = Literal["sign-in", "prove-key"]


class Challenge(NamedTuple):
    account: str
    expires: int  # seconds since the epoch
    nonce: str
    origin: str
    purpose: Purpose

    @property
    def text(self) -> str:
        return json.dumps(self._asdict(), sort_keys=True, separators=(",", ":"))


class Challenges:
    """``clock``: nanoseconds.  ``origin``: this registry's URL, as its users type it."""

    def __init__(self, store: KeyedStore, clock: Callable[[], int], key: SecretKey) -> None:
        self._store = store
        self._clock = clock
        self._key = key

    def issue(self, account: str, origin: str, purpose: Purpose) -> Challenge:
        """For any account, whether there is one or not."""
        expires = self._clock() // _SECOND + SECONDS
        unsigned = Challenge(account, expires, "", origin, purpose)
        start = secrets.token_bytes(16)
        nonce = urlsafe_b64encode(start + self._mac(unsigned, start)).decode()
        return unsigned._replace(nonce=nonce)

    def check(self, text: str, origin: str, purpose: Purpose) -> Challenge:
        """DeniedError: it is not ours, not for this, or too old."""
        try:
            challenge = Challenge(**json.loads(text[:_MAX_TEXT]))
            nonce = urlsafe_b64decode(challenge.nonce)
            ours = (len(nonce) == 48 and challenge.text == text and hmac.compare_digest(
                nonce[16:], self._mac(challenge._replace(nonce=""), nonce[:16])))
        except (ValueError, TypeError, AttributeError, RecursionError):
            ours = False
        if not ours or challenge.origin != origin or challenge.purpose != purpose:
            raise DeniedError("this challenge is not of this registry", "ask for a new one")
        if challenge.expires * _SECOND <= self._clock():
            raise DeniedError("this challenge has expired", "ask for a new one, and sign it at once")
        return challenge

    def use(self, writer: Writer, challenge: Challenge) -> None:
        """In the transaction of what it allows.  DeniedError: it was used before."""
        key = row(hashed("challenge", challenge.text))
        sweep(writer, self._clock())
        if not writer.add(USED, [(key, b"")]):
            raise DeniedError("this challenge was answered before", "ask for a new one")
        note(writer, challenge.expires * _SECOND, [(USED, key)])

    def _mac(self, challenge: Challenge, start: bytes) -> bytes:
        return self._key.mac("challenge", start + challenge.text.encode())


def signed_bytes(text: str) -> bytes:
    """What a bare signature is over."""
    return preauthentication(PAYLOAD_TYPE, text.encode())
