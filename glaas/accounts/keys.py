"""The ed25519 keys of accounts: they sign in, and they say who signed a bundle.

A public key is public: anybody can add anybody's.  So several accounts may have one, a sign-in names its account, and
nothing is said to be signed by an account before it has shown that it has the private key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from glaas.accounts import sshsig
from glaas.accounts.audit import Audit, Event
from glaas.accounts.model import Actor, PublicKey, packed, unpacked
from glaas.accounts.names import MAX_TITLE, title
from glaas.accounts.tables import KEYS, KEYS_OF, row
from glaas.accounts.users import lock_account, the_user
from glaas.store.keyed import KeyedStore, Range, Reader, Writer
from lineage.errors import ConflictError, NotFoundError

MOST = 50  # of an account


class Keys:
    """``clock``: nanoseconds."""

    def __init__(self, store: KeyedStore, clock: Callable[[], int], audit: Audit) -> None:
        self._store = store
        self._clock = clock
        self._audit = audit

    def add(self, account: str, line: str, actor: Actor, name: str = "") -> PublicKey:
        """``line``: as of a .pub file.  ``name`` empty: its comment.  ConflictError: it is there, or there are too many."""
        public, comment = sshsig.public_key(line)
        plain = "".join(each for each in comment if each.isprintable())[:MAX_TITLE].strip()
        shown = title(name or plain or "key", "a key")
        key = PublicKey(sshsig.fingerprint(public), account, shown, public, self._clock())

        def add(writer: Writer) -> None:
            lock_account(writer, account)
            the_user(writer, account)
            [rows] = writer.scan(KEYS_OF, [Range(account.encode())])
            if len(rows) >= MOST:
                raise ConflictError(f"{account} has {len(rows)} keys, and may have {MOST}", "remove some that are not used")
            digest = sshsig.key_hash(public)
            if not writer.add(KEYS, [(row(digest, account), packed(key))]):
                raise ConflictError(f"{account} has the key {key.fingerprint} already", "nothing has to be done")
            writer.put(KEYS_OF, [(row(account, digest), b"")])
            self._audit.note(writer, Event(actor, "key.add", account, details={"key": key.fingerprint, "name": key.name}))

        self._store.write(add)
        return key

    def of(self, account: str) -> list[PublicKey]:
        """The newest first."""
        with self._store.read() as reader:
            [rows] = reader.scan(KEYS_OF, [Range(account.encode())])
            found = reader.get(KEYS, [row(rest, account) for rest, _ in rows])
        return sorted((unpacked(PublicKey, data) for data in found.values()), key=lambda key: key.created_at, reverse=True)

    def find(self, account: str, fingerprint: str) -> PublicKey | None:
        with self._store.read() as reader:
            return _key(reader, account, sshsig.hash_of(fingerprint))

    def who_has(self, fingerprint: str) -> list[str]:
        """The accounts that have shown that they have this key: usually one.  InvalidError for what is no fingerprint."""
        with self._store.read() as reader:
            [rows] = reader.scan(KEYS, [Range(sshsig.hash_of(fingerprint))])
        return [rest.decode() for rest, data in rows if unpacked(PublicKey, data).proven_at]

    def remove(self, account: str, fingerprint: str, actor: Actor) -> None:
        digest = sshsig.hash_of(fingerprint)

        def remove(writer: Writer) -> None:
            lock_account(writer, account)
            found = _key(writer, account, digest)
            if found is None:
                raise NotFoundError(f"{account} has no key {fingerprint[:60]}", "")
            writer.delete(KEYS, [row(digest, account)])
            writer.delete(KEYS_OF, [row(account, digest)])
            self._audit.note(writer, Event(actor, "key.remove", account, details={"key": found.fingerprint}))

        self._store.write(remove)

    def prove(self, writer: Writer, key: PublicKey) -> None:
        """It has just signed something for its account.  NotFoundError: it was removed meanwhile."""
        digest = sshsig.key_hash(key.public)
        current = _key(writer, key.account, digest)
        if current is None:
            raise NotFoundError(f"{key.account} has no key {key.fingerprint}", "add it again")
        now = self._clock()
        proven = replace(current, proven_at=current.proven_at or now, used_at=now)
        writer.put(KEYS, [(row(digest, key.account), packed(proven))])


def _key(reader: Reader, account: str, digest: bytes) -> PublicKey | None:
    key = row(digest, account[:255])
    data = reader.get(KEYS, [key]).get(key)
    return unpacked(PublicKey, data) if data else None
