"""Signing in, by password or by key: who it is, or a refusal that does not say what of it was wrong."""

from __future__ import annotations

from collections.abc import Callable

from glaas.accounts import sshsig
from glaas.accounts.audit import Audit, Event
from glaas.accounts.challenges import Challenge, Challenges, Purpose, signed_bytes
from glaas.accounts.credentials import is_token
from glaas.accounts.errors import NotSignedInError, SlowDownError
from glaas.accounts.failures import Failures
from glaas.accounts.keys import Keys
from glaas.accounts.model import Actor, PublicKey, User
from glaas.accounts.names import is_name
from glaas.accounts.passwords import Passwords, acceptable
from glaas.accounts.sessions import Sessions
from glaas.accounts.tokens import find_token
from glaas.accounts.users import Users
from glaas.store.keyed import KeyedStore, Writer
from lineage.errors import RoarError

_WRONG = "no account has this name and this password"
_WRONG_KEY = "this signature lets nobody in"


class SigningIn:
    """``clock``: nanoseconds."""

    def __init__(self, store: KeyedStore, clock: Callable[[], int], users: Users, keys: Keys, sessions: Sessions,
                 passwords: Passwords, challenges: Challenges, failures: Failures, audit: Audit) -> None:
        self._store = store
        self._clock = clock
        self._sessions = sessions
        self._users = users
        self._keys = keys
        self._passwords = passwords
        self._challenges = challenges
        self._failures = failures
        self._audit = audit

    def by_password(self, name: str, password: str, address: str) -> User:
        """As much work whether there is such an account or not.  NotSignedInError: no.  SlowDownError: too many were wrong."""
        actor = Actor(name[:80], address)
        self._failures.attempt(actor.account, address)
        user = self._users.find(name) if is_name(name) else None
        try:
            right = self._passwords.verify(user.password if user else "", password)
        except SlowDownError:  # nobody looked at it
            self._failures.withdrawn(actor.account, address)
            raise
        if user is None or not right or user.state != "active":
            self._audit.append([Event(actor, "sign-in", outcome="denied", details={"how": "password"})])
            raise NotSignedInError(_WRONG, "names are lower case; the operator can set a new password")
        self._succeeded(actor, "password")
        if self._passwords.is_outdated(user.password):
            self._users.rehash(user, password)
        return user

    def in_browser(self, name: str, password: str, address: str, agent: str = "") -> tuple[str, str]:
        """(account, its cookie) for who signs a browser in by password; or with a token instead of the password: then it may
        do what the token may, as long as that holds.  Errors as of ``by_password``."""
        if not is_token(password):
            account = self.by_password(name, password, address).name
            return account, self._sessions.open(account, "password", Actor(account, address), agent)
        with self._store.read() as reader:
            token = find_token(reader, password)
        actor = Actor(token.account if token else name[:80], address)
        over = token is not None and 0 < token.expires_at <= self._clock()
        if token is None or over or name not in {"", token.account}:
            self._audit.append([Event(actor, "sign-in", outcome="denied", details={"how": "token"})])
            raise NotSignedInError(_WRONG, "the token may have been revoked, or have expired")
        cookie = self._sessions.open(token.account, "token", actor, agent, token)
        self._audit.append([Event(actor, "sign-in", token.account, details={"how": "token", "token": token.id})])
        return token.account, cookie

    def change_password(self, account: str, old: str, new: str, actor: Actor) -> None:
        """By who is signed in, and knows the one so far, if there is one; all browsers are signed out.  NotSignedInError: it
        was another one.  InvalidError: the new one will not do."""
        acceptable(new, account)
        if self._users.get(account).password:
            self.by_password(account, old, actor.address)
        self._users.set_password(account, new, actor)

    def challenge(self, account: str, origin: str, purpose: Purpose = "sign-in") -> Challenge:
        """To be signed with one of the account's keys within two minutes; given for any name."""
        return self._challenges.issue(account[:80], origin, purpose)

    def by_key(self, text: str, fingerprint: str, signature: str, origin: str, address: str) -> User:
        """``text``: the challenge.  ``signature``: see ``sshsig.is_signed``.  Errors as of ``by_password``; DeniedError: the
        challenge is not ours, too old, or was answered before."""
        challenge = self._challenges.check(text, origin, "sign-in")
        actor = Actor(challenge.account, address)
        self._failures.attempt(actor.account, address)
        try:
            key = self._signer(challenge, fingerprint, signature)
            user = self._users.find(challenge.account)
            if user is None or user.state != "active":
                raise NotSignedInError(_WRONG_KEY, "ask the registry's operator")
            self._use(challenge, key)
        except RoarError:
            self._audit.append([Event(actor, "sign-in", outcome="denied", details={"how": "ssh", "key": fingerprint})])
            raise
        self._succeeded(actor, "ssh", key.fingerprint)
        return user

    def prove_key(self, text: str, fingerprint: str, signature: str, origin: str, actor: Actor) -> None:
        """The account of who asks has this key: from then on what it signs is said to be theirs."""
        challenge = self._challenges.check(text, origin, "prove-key")
        if challenge.account != actor.account:
            raise NotSignedInError("this challenge is for another account", "ask for a new one")
        self._use(challenge, self._signer(challenge, fingerprint, signature))

    def _signer(self, challenge: Challenge, fingerprint: str, signature: str) -> PublicKey:
        key = self._keys.find(challenge.account, fingerprint) if is_name(challenge.account) else None
        if key is None or not sshsig.is_signed(key.public, signed_bytes(challenge.text), challenge.text.encode(), signature):
            raise NotSignedInError(_WRONG_KEY, "is it the key that was added to this account?")
        return key

    def _use(self, challenge: Challenge, key: PublicKey) -> None:
        def use(writer: Writer) -> None:
            self._challenges.use(writer, challenge)
            self._keys.prove(writer, key)

        self._store.write(use)

    def _succeeded(self, actor: Actor, how: str, key: str = "") -> None:
        self._failures.succeeded(actor.account, actor.address)
        details = {"how": how, **({"key": key} if key else {})}
        self._audit.append([Event(actor, "sign-in", actor.account, details=details)])
