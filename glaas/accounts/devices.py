"""Letting a program in that has no browser: OAuth 2.0 Device Authorization Grant, RFC 8628.

The program shows a short code, a person who is signed in says yes to it, and the program, which asks meanwhile, gets a token
once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple, TypeAlias

from glaas.accounts.audit import Audit, Event
from glaas.accounts.credentials import hashed, new_secret, new_user_code, user_code
from glaas.accounts.expiring import note, sweep
from glaas.accounts.failures import Failures
from glaas.accounts.model import USUAL, Actor, Device, Token, packed, unpacked
from glaas.accounts.tables import DEVICES, USER_CODES, row
from glaas.accounts.tokens import Grant, Tokens
from glaas.store.keyed import Key, KeyedStore, Reader, Writer
from lineage.errors import ConflictError, DeniedError, NotFoundError

SECONDS = 600
INTERVAL = 5  # seconds between two questions, section 3.2
_SLOWER = 5   # section 3.5
_SECOND = 10**9
_EARLY = _SECOND // 2  # clocks and networks are not exact
_TRIES = 8
_MAX_CODE = 100

#: RFC 8628 section 3.5, and what an answer with a token is.
Progress: TypeAlias = Literal["authorization_pending", "slow_down", "expired_token", "access_denied", "granted"]


class Polled(NamedTuple):
    """``secret`` and ``token`` where it is granted; ``interval``: seconds to wait before the next question."""

    progress: Progress
    secret: str = ""
    token: Token | None = None
    interval: int = INTERVAL


class Devices:
    """``clock``: nanoseconds."""

    def __init__(self, store: KeyedStore, clock: Callable[[], int], tokens: Tokens, failures: Failures, audit: Audit) -> None:
        self._store = store
        self._clock = clock
        self._tokens = tokens
        self._failures = failures
        self._audit = audit

    def start(self, name: str, address: str = "", scopes: Sequence[str] = USUAL,
              token_expires_at: int = 0) -> tuple[str, Device]:
        """(device code, what to show).  ``name``: of the token to be.  InvalidError as for a token."""
        now = self._clock()
        grant = Grant(name, scopes, token_expires_at).checked(now)
        codes = [new_user_code() for _ in range(_TRIES)]
        secret = new_secret()
        key = hashed("device code", secret)
        device = Device("", grant.name, tuple(grant.scopes), now, now + SECONDS * _SECOND, INTERVAL, address=address,
                        token_expires_at=grant.expires_at)

        def add(writer: Writer) -> Device:
            sweep(writer, now)
            for code in codes:
                if writer.add(USER_CODES, [(row(code), key)]):
                    made = replace(device, user_code=code)
                    writer.put(DEVICES, [(row(key), packed(made))])
                    note(writer, device.expires_at, [(DEVICES, row(key)), (USER_CODES, row(code))])
                    return made
            raise ConflictError("too many programs wait to be let in", "try again in some minutes")

        return secret, self._store.write(add)

    def waiting(self, code: str, who: Actor) -> Device:
        """What the person is to say yes to: show its name, address and scopes.  ``who`` is signed in.  NotFoundError: no
        program waits with this code (each wrong one counts, section 5.1)."""
        self._failures.attempt(f"(device codes) {who.account}", who.address)
        with self._store.read() as reader:
            found = self._by_code(reader, code)
        self._failures.succeeded(f"(device codes) {who.account}", who.address)
        return found[1]

    def answer(self, code: str, who: Actor, *, approve: bool) -> Device:
        """Once; ConflictError afterwards.  NotFoundError as above."""
        self._failures.attempt(f"(device codes) {who.account}", who.address)

        def answer(writer: Writer) -> Device:
            digest, _ = self._by_code(writer, code)
            _lock(writer, digest)
            _, device = self._by_code(writer, code)
            if device.account:
                raise ConflictError("this code was answered already", "start again: `roar login`")
            made = replace(device, account=who.account, approved=approve)
            writer.put(DEVICES, [(row(digest), packed(made))])
            self._audit.note(writer, Event(who, "device.approve" if approve else "device.deny", who.account, details={
                "name": device.name, "scopes": " ".join(device.scopes), "from": device.address}))
            return made

        made = self._store.write(answer)
        self._failures.succeeded(f"(device codes) {who.account}", who.address)
        return made

    def poll(self, device_code: str, actor: Actor) -> Polled:
        """The program asks.  A token is given out once: who asks again has a code that is over."""
        key = hashed("device code", device_code[:_MAX_CODE])
        with self._store.read() as reader:
            seen = _device(reader, row(key))
        if seen is None or seen.expires_at <= self._clock():
            return Polled("expired_token")
        grant = Grant(seen.name, seen.scopes, seen.token_expires_at)
        prepared = self._tokens.prepare(seen.account, grant) if seen.approved else None

        def poll(writer: Writer) -> Polled:
            _lock(writer, key)
            device = _device(writer, row(key))
            if device is None:
                return Polled("expired_token")
            now = self._clock()
            if now - device.polled_at < device.interval * _SECOND - _EARLY:
                slower = replace(device, polled_at=now, interval=device.interval + _SLOWER)
                writer.put(DEVICES, [(row(key), packed(slower))])
                return Polled("slow_down", interval=slower.interval)
            if device.account and (prepared is None or prepared[1].account != device.account) and device.approved:
                return Polled("authorization_pending", interval=device.interval)  # approved between the two looks
            if not device.account:
                writer.put(DEVICES, [(row(key), packed(replace(device, polled_at=now)))])
                return Polled("authorization_pending", interval=device.interval)
            writer.delete(DEVICES, [row(key)])
            writer.delete(USER_CODES, [row(device.user_code)])
            if prepared is None:
                return Polled("access_denied")
            self._tokens.put(writer, *prepared, Actor(device.account, actor.address))
            return Polled("granted", *prepared)

        try:
            return self._store.write(poll)
        except (DeniedError, NotFoundError):  # the account was disabled or deleted since
            return Polled("access_denied")

    def _by_code(self, reader: Reader, text: str) -> tuple[bytes, Device]:
        code = user_code(text)
        digest = reader.get(USER_CODES, [row(code)]).get(row(code)) if code else None
        device = _device(reader, row(digest)) if digest else None
        if digest is None or device is None or device.expires_at <= self._clock():
            raise NotFoundError("no program waits with this code", "look at it again; it holds for ten minutes")
        return digest, device


def _device(reader: Reader, key: Key) -> Device | None:
    data = reader.get(DEVICES, [key]).get(key)
    return unpacked(Device, data) if data else None


def _lock(writer: Writer, digest: bytes) -> None:
    writer.lock(f"account (device) {digest.hex()}")  # sorts before every account's lock
