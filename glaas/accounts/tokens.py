"""API tokens: for `roar`, daemons and programs.  The token is shown once; only a hash of it is stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from glaas.accounts.audit import Audit, Event
from glaas.accounts.credentials import hashed, is_token, new_id, new_token
from glaas.accounts.expiring import note, sweep
from glaas.accounts.model import SCOPES, USUAL, Actor, Token, packed, unpacked
from glaas.accounts.names import title
from glaas.accounts.tables import TOKENS, TOKENS_OF, row
from glaas.accounts.touching import Touching
from glaas.accounts.users import lock_account, the_user
from glaas.store.keyed import KeyedStore, Range, Reader, Writer
from lineage.errors import AmbiguousError, ConflictError, DeniedError, InvalidError, NotFoundError

MOST = 100  # of an account
MAX_YEARS = 10
_DAY = 86400 * 10**9
_KEPT = 30 * _DAY  # a token that expired is still listed


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token is to be.  ``expires_at`` 0: never."""

    name: str
    scopes: Sequence[str] = USUAL
    expires_at: int = 0

    def checked(self, now: int) -> Grant:
        """InvalidError for what no token can be."""
        scopes = tuple(scope for scope in SCOPES if scope in self.scopes)
        if not scopes or set(self.scopes) - set(SCOPES):
            raise InvalidError(f"{', '.join(self.scopes)[:80] or 'nothing'} is no scope", f"scopes are {', '.join(SCOPES)}")
        if self.expires_at and not now < self.expires_at <= now + MAX_YEARS * 366 * _DAY:
            raise InvalidError("the token would expire in the past, or in too far a future", f"{MAX_YEARS} years at most")
        return Grant(title(self.name, "a token"), scopes, self.expires_at)


class Tokens:
    """``clock``: nanoseconds."""

    def __init__(self, store: KeyedStore, clock: Callable[[], int], audit: Audit) -> None:
        self._store = store
        self._clock = clock
        self._audit = audit
        self._touching = Touching(store, clock)

    def add(self, account: str, grant: Grant, actor: Actor) -> tuple[str, Token]:
        """The token itself, which nobody can ask for again, and what is remembered of it."""
        prepared = self.prepare(account, grant)
        self._store.write(lambda writer: self.put(writer, *prepared, actor))
        return prepared

    def prepare(self, account: str, grant: Grant) -> tuple[str, Token]:
        """All that is random, made before the transaction, which may be run twice."""
        now = self._clock()
        valid = grant.checked(now)
        return new_token(), Token(new_id(), account, valid.name, tuple(valid.scopes), now, valid.expires_at)

    def put(self, writer: Writer, secret: str, token: Token, actor: Actor) -> None:
        """NotFoundError, DeniedError: no such account, or a disabled one.  ConflictError: it has too many."""
        lock_account(writer, token.account)
        sweep(writer, token.created_at)
        if the_user(writer, token.account).state != "active":
            raise DeniedError(f"the account {token.account} is disabled", "`glaas user enable` gives it back")
        [rows] = writer.scan(TOKENS_OF, [Range(token.account.encode())])
        if len(rows) >= MOST:
            raise ConflictError(f"{token.account} has {len(rows)} tokens, and may have {MOST}", "revoke some that are not used")
        key = hashed("token", secret)
        writer.put(TOKENS, [(row(key), packed(token))])
        writer.put(TOKENS_OF, [(row(token.account, token.id), key)])
        if token.expires_at:
            note(writer, token.expires_at + _KEPT, [(TOKENS, row(key)), (TOKENS_OF, row(token.account, token.id))])
        self._audit.note(writer, Event(actor, "token.add", token.account, details={
            "token": token.id, "name": token.name, "scopes": " ".join(token.scopes)}))

    def of(self, account: str) -> list[Token]:
        """The newest first, expired ones too.  NotFoundError: no such account."""
        with self._store.read() as reader:
            the_user(reader, account)
            return sorted(_tokens(reader, account), key=lambda token: token.created_at, reverse=True)

    def revoke(self, account: str, identity: str, actor: Actor) -> Token:
        """``identity``: its id, or the first digits of it.  From then on nothing can be done with it.  Of a deleted token
        nothing is left but what the audit log says."""
        def revoke(writer: Writer) -> Token:
            lock_account(writer, account)
            the_user(writer, account)
            found = [token for token in _tokens(writer, account) if token.id.startswith(identity)] if identity else []
            if not found:
                raise NotFoundError(f"{account} has no token {identity[:40]}", f"`glaas token list {account}` shows them")
            if len(found) > 1:
                raise AmbiguousError(f"{account} has several tokens that begin with {identity}", "give more of it",
                                     tuple(token.id for token in found))
            [token] = found
            key = row(account, token.id)
            writer.delete(TOKENS, [row(writer.get(TOKENS_OF, [key])[key])])
            writer.delete(TOKENS_OF, [key])
            self._audit.note(writer, Event(actor, "token.revoke", account, details={"token": token.id, "name": token.name}))
            return token

        return self._store.write(revoke)

    def used(self, secret: str, token: Token) -> None:
        """Remembers that it was."""
        key = row(hashed("token", secret))

        def touch(writer: Writer, now: int) -> None:
            lock_account(writer, token.account)
            data = writer.get(TOKENS, [key]).get(key)
            if data:  # else it was revoked meanwhile
                writer.put(TOKENS, [(key, packed(replace(unpacked(Token, data), used_at=now)))])

        self._touching.touch(key[0], token.used_at, touch)


def holds(reader: Reader, account: str, identity: str, now: int) -> bool:
    """Whether an account's token with this id is still there and has not expired."""
    key = row(account, identity)
    found = reader.get(TOKENS_OF, [key]).get(key)
    data = reader.get(TOKENS, [row(found)]).get(row(found)) if found else None
    return data is not None and not 0 < unpacked(Token, data).expires_at <= now


def find_token(reader: Reader, secret: str) -> Token | None:
    """Also one that has expired."""
    if not is_token(secret):
        return None
    key = row(hashed("token", secret))
    data = reader.get(TOKENS, [key]).get(key)
    return unpacked(Token, data) if data else None


def _tokens(reader: Reader, account: str) -> list[Token]:
    [rows] = reader.scan(TOKENS_OF, [Range(account.encode())])
    found = reader.get(TOKENS, [row(key) for _, key in rows])
    return [unpacked(Token, data) for data in found.values()]
