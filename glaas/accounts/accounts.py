"""All of the accounts over one store: what a server makes once, and what the commands make for a moment.

    accounts = Accounts(open_store(where, TABLES))
    identity = accounts.identify(request.headers.get("authorization"), request.cookies)
    accounts.viewer(identity)            # glaas.store.viewer.Viewer: what they may see
    accounts.space(identity, "org:lab")  # where they register; DeniedError where they may not

Its parts do the rest: ``users``, ``tokens``, ``keys``, ``sessions``, ``devices``, ``organisations``, ``audit``; and
``signing``: by password and by key.  Each of their methods that changes something takes an ``Actor``, for the audit log.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from glaas.accounts.audit import Audit
from glaas.accounts.challenges import Challenges
from glaas.accounts.devices import Devices
from glaas.accounts.errors import NotSignedInError
from glaas.accounts.failures import Failures
from glaas.accounts.identity import Identity, identify
from glaas.accounts.keys import Keys
from glaas.accounts.model import READ, REGISTER, REGISTERING
from glaas.accounts.organisations import Organisations
from glaas.accounts.passwords import Passwords
from glaas.accounts.secretkey import SecretKey
from glaas.accounts.sessions import Sessions
from glaas.accounts.signing import SigningIn
from glaas.accounts.tokens import Tokens
from glaas.accounts.users import Users
from glaas.store.keyed import KeyedStore
from glaas.store.viewer import PUBLIC, Viewer, organisation_space, own_space
from lineage.errors import DeniedError, InvalidError

_ORGANISATION = "org:"


class Accounts:
    """``clock``: nanoseconds since the epoch."""

    def __init__(self, store: KeyedStore, clock: Callable[[], int] = time.time_ns, passwords: Passwords | None = None) -> None:
        self.store = store
        self.clock = clock
        self.passwords = passwords or Passwords()
        self.secret_key = SecretKey(store)
        self.audit = Audit(store, clock)
        self.failures = Failures(store, clock)
        self.users = Users(store, clock, self.passwords, self.audit)
        self.tokens = Tokens(store, clock, self.audit)
        self.sessions = Sessions(store, clock, self.audit)
        self.keys = Keys(store, clock, self.audit)
        self.organisations = Organisations(store, clock, self.audit)
        self.challenges = Challenges(store, clock, self.secret_key)
        self.devices = Devices(store, clock, self.tokens, self.failures, self.audit)
        self.signing = SigningIn(store, clock, self.users, self.keys, self.sessions, self.passwords, self.challenges,
                                 self.failures, self.audit)

    def identify(self, authorization: str | None, cookies: Mapping[str, str] | None = None) -> Identity:
        return identify(self, authorization, cookies)


    @staticmethod
    def viewer(identity: Identity) -> Viewer:
        return viewer(identity)

    @staticmethod
    def may_read(identity: Identity, space: str) -> bool:
        return may_read(identity, space)

    @staticmethod
    def may_register(identity: Identity, space: str) -> bool:
        return may_register(identity, space)

    @staticmethod
    def space(identity: Identity, word: str) -> str:
        return space_of(identity, word)


def viewer(identity: Identity) -> Viewer:
    """Everybody sees what is public; who has the scope ``read`` also their own space and those of their organisations."""
    if identity.is_anonymous or READ not in identity.scopes:
        return Viewer(identity.account)
    spaces = {PUBLIC, own_space(identity.account), *map(organisation_space, identity.organisations)}
    return Viewer(identity.account, frozenset(spaces))


def may_read(identity: Identity, space: str) -> bool:
    return space in viewer(identity).spaces


def may_register(identity: Identity, space: str) -> bool:
    """Into the public space and their own; into an organisation's as a member or more."""
    if identity.is_anonymous or REGISTER not in identity.scopes:
        return False
    if space.startswith(_ORGANISATION):
        return identity.organisations.get(space.removeprefix(_ORGANISATION)) in REGISTERING
    return space in {PUBLIC, own_space(identity.account)}


def space_of(identity: Identity, word: str) -> str:
    """The space that ``private`` (or nothing), ``public`` or ``org:NAME`` means to who asks, if they may register there.
    InvalidError: no such word.  DeniedError: not allowed, and why."""
    if word in {"", "private"}:
        space = own_space(identity.account)
    elif word == PUBLIC or word.startswith(_ORGANISATION) or word == own_space(identity.account):
        space = word
    else:
        raise InvalidError(f"{word[:60]!r} is not a scope", "scopes are private, public and org:NAME")
    if may_register(identity, space):
        return space
    if identity.is_anonymous:
        raise NotSignedInError("registering needs an account", "`roar login`, or set GLAAS_TOKEN to a token of yours")
    if REGISTER not in identity.scopes:
        raise DeniedError("this token may not register", "make one with the scope register")
    raise DeniedError(f"{identity.account} may not register in {space}", "its maintainers give the role member")

