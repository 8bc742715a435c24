"""Who asks: what an ``Authorization`` header or a cookie says, as HTTP, Connect and gRPC have them alike.

``identify(accounts, authorization, cookies)`` is all that a server needs before it does something; then
``accounts.viewer(identity)`` for what they may see, and ``accounts.space(identity, word)`` for where they may register.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from glaas.accounts.errors import NotSignedInError
from glaas.accounts.model import ADMIN, Role, Session, Token, User
from glaas.accounts.sessions import csrf_token, find_session
from glaas.accounts.tokens import find_token, holds
from glaas.accounts.users import find_user
from glaas.store.keyed import Reader

if TYPE_CHECKING:
    from glaas.accounts.accounts import Accounts

#: The cookie's name where the registry is reached by https, and where it is not (a loopback, a test).
SECURE_COOKIE, PLAIN_COOKIE = "__Host-glaas", "glaas_session"
_AGAIN = "`roar login`, or set GLAAS_TOKEN to a token of yours"


@dataclass(frozen=True, slots=True)
class Identity:
    """``account`` empty: nobody said who they are.  ``organisations``: name → role.  One of ``token`` (its id) and ``session``
    (its id).  ``csrf``: what pages of a session send along; empty with a token, which no browser sends by itself.
    ``operator``: may also do what concerns others.  ``expires_at``: nanoseconds, 0: never."""

    account: str = ""
    scopes: frozenset[str] = frozenset()
    organisations: Mapping[str, Role] = field(default_factory=dict)
    token: str = ""
    session: str = ""
    csrf: str = ""
    expires_at: int = 0
    operator: bool = False

    @property
    def is_anonymous(self) -> bool:
        return not self.account


ANONYMOUS = Identity()


def identify(accounts: Accounts, authorization: str | None, cookies: Mapping[str, str] | None = None) -> Identity:
    """``authorization``: ``Bearer TOKEN`` (RFC 6750 section 2.1), in gRPC the metadata of that name; it goes before a cookie.
    ANONYMOUS where there is neither, and where a cookie's session is over (a page is shown as to anybody).
    NotSignedInError: the token is wrong, expired, revoked, or its account is disabled.

    It is asked of the store each time, so what is revoked ends at once."""
    if authorization:
        return _by_token(accounts, authorization)
    secret = session_cookie(cookies or {})
    return _by_session(accounts, secret) if secret else ANONYMOUS


def session_cookie(cookies: Mapping[str, str]) -> str:
    return cookies.get(SECURE_COOKIE) or cookies.get(PLAIN_COOKIE) or ""


def _by_token(accounts: Accounts, authorization: str) -> Identity:
    kind, _, secret = authorization.strip().partition(" ")
    if kind.lower() != "bearer":
        raise NotSignedInError("the Authorization header has no bearer token", "send `Authorization: Bearer TOKEN`")
    secret = secret.strip()
    with accounts.store.read() as reader:
        token = find_token(reader, secret)
        user = _active(reader, token)
    if token is None or user is None:
        raise NotSignedInError("the token is not valid (any more)", _AGAIN)
    if token.expires_at and token.expires_at <= accounts.clock():
        raise NotSignedInError(f"the token {token.name} has expired", _AGAIN)
    accounts.tokens.used(secret, token)
    scopes = frozenset(token.scopes)
    return Identity(user.name, scopes, user.organisations, token=token.id, expires_at=token.expires_at,
                    operator=user.operator and ADMIN in scopes)


def _by_session(accounts: Accounts, secret: str) -> Identity:
    with accounts.store.read() as reader:
        session = find_session(reader, secret)
        user = _active(reader, session)
        over = session is not None and session.token and not holds(reader, session.account, session.token, accounts.clock())
    if session is None or user is None or over or not accounts.sessions.holds(session):
        return ANONYMOUS
    accounts.sessions.seen(secret, session)
    return Identity(user.name, frozenset(session.scopes), user.organisations, session=session.id, csrf=csrf_token(secret),
                    operator=user.operator and ADMIN in session.scopes)


def _active(reader: Reader, shown: Token | Session | None) -> User | None:
    user = find_user(reader, shown.account) if shown else None
    return user if user and user.state == "active" else None
