"""Browsers that are signed in: a random cookie, its hash in the store, an idle and an absolute end."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import replace

from glaas.accounts.audit import Audit, Event
from glaas.accounts.credentials import hashed, new_secret
from glaas.accounts.expiring import note, sweep
from glaas.accounts.model import SCOPES, Actor, Session, Token, packed, unpacked
from glaas.accounts.tables import SESSIONS, SESSIONS_OF, row
from glaas.accounts.touching import Touching
from glaas.accounts.users import end_sessions, find_user, lock_account
from glaas.store.keyed import KeyedStore, Range, Reader, Writer
from lineage.errors import DeniedError

_DAY = 86400 * 10**9
IDLE, ABSOLUTE = 7 * _DAY, 30 * _DAY
MOST = 50  # of an account; the oldest end
_MAX_AGENT = 120
_MAX_COOKIE = 100


class Sessions:
    """``clock``: nanoseconds."""

    def __init__(self, store: KeyedStore, clock: Callable[[], int], audit: Audit) -> None:
        self._store = store
        self._clock = clock
        self._audit = audit
        self._touching = Touching(store, clock)

    def open(self, account: str, how: str, actor: Actor, agent: str = "", by: Token | None = None) -> str:
        """The cookie's value, for who has just signed in (``how``: password, ssh, …).  ``by``: with this token; the browser may
        do no more than that.  DeniedError: the account is disabled."""
        secret, now = new_secret(), self._clock()
        key = hashed("session", secret)
        session = Session(_id(key), account, how, now, now, actor.address, agent[:_MAX_AGENT],
                          by.scopes if by else SCOPES, by.id if by else "")

        def add(writer: Writer) -> None:
            lock_account(writer, account)
            sweep(writer, now)
            user = find_user(writer, account)
            if user is None or user.state != "active":
                raise DeniedError("this account cannot sign in", "ask the registry's operator")
            for ended in sorted(_sessions(writer, account), key=lambda one: one[1].seen_at)[:-MOST + 1]:
                _end(writer, account, ended[0])
            writer.put(SESSIONS, [(row(key), packed(session))])
            writer.put(SESSIONS_OF, [(row(account, key), b"")])
            note(writer, now + ABSOLUTE, [(SESSIONS, row(key)), (SESSIONS_OF, row(account, key))])

        self._store.write(add)
        return secret

    def of(self, account: str) -> list[Session]:
        """Those that still hold, the one seen last first."""
        with self._store.read() as reader:
            found = [session for _, session in _sessions(reader, account) if self.holds(session)]
        return sorted(found, key=lambda session: session.seen_at, reverse=True)

    def holds(self, session: Session) -> bool:
        now = self._clock()
        return now - session.created_at < ABSOLUTE and now - session.seen_at < IDLE

    def seen(self, secret: str, session: Session) -> None:
        """Puts its idle end off."""
        key = row(hashed("session", secret))

        def touch(writer: Writer, now: int) -> None:
            lock_account(writer, session.account)
            data = writer.get(SESSIONS, [key]).get(key)
            if data:
                writer.put(SESSIONS, [(key, packed(replace(unpacked(Session, data), seen_at=now)))])

        self._touching.touch(key[0], session.seen_at, touch)

    def close(self, secret: str, actor: Actor) -> None:
        """Signs this browser out; nothing, if it was not in."""
        key = hashed("session", secret)

        def end(writer: Writer) -> None:
            data = writer.get(SESSIONS, [row(key)]).get(row(key))
            if data:
                account = unpacked(Session, data).account
                _end(writer, account, key)
                self._audit.note(writer, Event(actor, "sign-out", account))

        self._store.write(end)

    def close_all(self, account: str, actor: Actor, but: str = "") -> None:
        """All browsers of an account, ``but`` the one with this cookie."""
        def end(writer: Writer) -> None:
            lock_account(writer, account)
            end_sessions(writer, account, hashed("session", but) if but else b"")
            self._audit.note(writer, Event(actor, "sign-out", account, details={"all": 1}))

        self._store.write(end)


def find_session(reader: Reader, secret: str) -> Session | None:
    """Also one that is over: ``Sessions.holds`` says."""
    if not 0 < len(secret) <= _MAX_COOKIE:
        return None
    key = row(hashed("session", secret))
    data = reader.get(SESSIONS, [key]).get(key)
    return unpacked(Session, data) if data else None


def csrf_token(secret: str) -> str:
    """What a page of this session sends along with what changes something: of the cookie, which no other site can read."""
    return hashed("csrf", secret).hex()


def link_token(secret: str) -> str:
    """What the account page's way to an OpenID provider has in its address: it allows to begin that, and nothing else."""
    return hashed("begin a link", secret).hex()


def check_csrf(expected: str, given: str) -> None:
    """DeniedError: the request does not come from a page of this session."""
    if not expected or not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
        raise DeniedError("the request does not come from a page of this session", "load the page again, and send once more")


def _sessions(reader: Reader, account: str) -> list[tuple[bytes, Session]]:
    [rows] = reader.scan(SESSIONS_OF, [Range(account.encode())])
    found = reader.get(SESSIONS, [row(rest) for rest, _ in rows])
    return [(home, unpacked(Session, data)) for (home, _), data in found.items()]


def _end(writer: Writer, account: str, key: bytes) -> None:
    writer.delete(SESSIONS, [row(key)])
    writer.delete(SESSIONS_OF, [row(account, key)])


def _id(key: bytes) -> str:
    return key.hex()[:12]
