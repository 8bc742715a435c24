"""Accounts: made by an operator (or by OpenID Connect, where the operator allows), disabled, deleted; and their passwords."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from glaas.accounts.audit import Audit, Event
from glaas.accounts.credentials import hashed
from glaas.accounts.model import Actor, Organisation, User, packed, unpacked
from glaas.accounts.names import account_name
from glaas.accounts.passwords import Passwords, acceptable
from glaas.accounts.tables import (
    KEYS,
    KEYS_OF,
    LINKS,
    NAMES,
    ORGANISATIONS,
    SESSIONS,
    SESSIONS_OF,
    TOKENS,
    TOKENS_OF,
    USERS,
    row,
)
from glaas.store.keyed import KeyedStore, Range, Reader, Writer
from lineage.errors import ConflictError, NotFoundError

MOST_LINKS = 10


def lock_account(writer: Writer, *names: str) -> None:
    """Before their records are read to be changed: accounts and organisations alike."""
    for name in sorted(set(names)):
        writer.lock(f"account {name}")


def find_user(reader: Reader, name: str) -> User | None:
    key = row(name[:255].replace("\0", " "))
    data = reader.get(USERS, [key]).get(key)
    return unpacked(User, data) if data else None


def the_user(reader: Reader, name: str) -> User:
    user = find_user(reader, name)
    if user is None:
        raise NotFoundError(f"there is no account {name[:60]}", "`glaas user list` shows them all")
    return user


def put_user(writer: Writer, user: User) -> None:
    writer.put(USERS, [(row(user.name), packed(user))])


def take_name(writer: Writer, name: str, kind: str) -> None:
    """ConflictError: somebody has it, or had it."""
    if not writer.add(NAMES, [(row(name), kind.encode())]):
        raise ConflictError(f"the name {name} is taken, or was once",
                            f"names are never given away again; a further token of an account: `glaas token add {name}`")


class Users:
    """``clock``: nanoseconds."""

    def __init__(self, store: KeyedStore, clock: Callable[[], int], passwords: Passwords, audit: Audit) -> None:
        self._store = store
        self._clock = clock
        self._passwords = passwords
        self._audit = audit

    def add(self, name: str, actor: Actor, *, password: str = "", operator: bool = False,
            link: tuple[str, str] | None = None) -> User:
        """InvalidError: no name, or no password to take.  ConflictError: the name was given away before.  ``link``: (issuer,
        subject) of who signs in elsewhere."""
        account_name(name)
        hashed_password = self._passwords.hash(acceptable(password, name)) if password else ""
        user = User(name, self._clock(), operator=operator, password=hashed_password, links=(link,) if link else ())

        def add(writer: Writer) -> None:
            lock_account(writer, name)
            take_name(writer, name, "user")
            if link and not writer.add(LINKS, [(link_key(*link), name.encode())]):
                raise ConflictError("who signs in there has an account already", "sign in once more")
            put_user(writer, user)
            self._audit.note(writer, Event(actor, "user.add", name, details={"operator": int(operator)}))

        self._store.write(add)
        return user

    def find(self, name: str) -> User | None:
        with self._store.read() as reader:
            return find_user(reader, name)

    def get(self, name: str) -> User:
        """NotFoundError for what is no account."""
        with self._store.read() as reader:
            return the_user(reader, name)

    def any(self) -> bool:
        """Is there an account at all?"""
        with self._store.read() as reader:
            return next(iter(reader.walk(USERS, batch=1)), None) is not None

    def everyone(self) -> list[User]:
        """By name."""
        with self._store.read() as reader:
            return [unpacked(User, value) for _, value in reader.walk(USERS)]

    def set_password(self, name: str, password: str, actor: Actor) -> None:
        """Ends all its browser sessions: who had the old one may have one of them."""
        made = self._passwords.hash(acceptable(password, name))

        def change(writer: Writer) -> None:
            lock_account(writer, name)
            put_user(writer, replace(the_user(writer, name), password=made))
            end_sessions(writer, name)
            self._audit.note(writer, Event(actor, "password", name))

        self._store.write(change)

    def rehash(self, user: User, password: str) -> None:
        """With the parameters of today; nothing, if it was changed meanwhile."""
        made = self._passwords.hash(password)

        def change(writer: Writer) -> None:
            lock_account(writer, user.name)
            current = find_user(writer, user.name)
            if current and current.password == user.password:
                put_user(writer, replace(current, password=made))

        self._store.write(change)

    def disable(self, name: str, actor: Actor) -> None:
        """At once: every token and session is looked up together with its account.  ``enable`` gives them back, but for the
        sessions."""
        def change(writer: Writer) -> None:
            lock_account(writer, name)
            put_user(writer, replace(the_user(writer, name), state="disabled"))
            end_sessions(writer, name)
            self._audit.note(writer, Event(actor, "user.disable", name))

        self._store.write(change)

    def enable(self, name: str, actor: Actor) -> None:
        def change(writer: Writer) -> None:
            lock_account(writer, name)
            put_user(writer, replace(the_user(writer, name), state="active"))
            self._audit.note(writer, Event(actor, "user.enable", name))

        self._store.write(change)

    def set_operator(self, name: str, operator: bool, actor: Actor) -> None:
        def change(writer: Writer) -> None:
            lock_account(writer, name)
            put_user(writer, replace(the_user(writer, name), operator=operator))
            self._audit.note(writer, Event(actor, "user.operator", name, details={"operator": int(operator)}))

        self._store.write(change)

    def linked(self, issuer: str, subject: str) -> str:
        """The account of who signs in there; empty: none."""
        key = link_key(issuer, subject)
        with self._store.read() as reader:
            return reader.get(LINKS, [key]).get(key, b"").decode()

    def link(self, name: str, issuer: str, subject: str, actor: Actor) -> None:
        """They may also sign in there.  ConflictError: another account has it."""
        def link(writer: Writer) -> None:
            lock_account(writer, name)
            user = the_user(writer, name)
            if (issuer, subject) in user.links:
                return
            if len(user.links) >= MOST_LINKS:
                raise ConflictError(f"{name} signs in in {MOST_LINKS} places already", "remove one first")
            if not writer.add(LINKS, [(link_key(issuer, subject), name.encode())]):
                raise ConflictError("another account signs in there", "remove it from that one first")
            put_user(writer, replace(user, links=(*user.links, (issuer, subject))))
            self._audit.note(writer, Event(actor, "user.link", name, details={"issuer": issuer, "subject": subject}))

        self._store.write(link)

    def unlink(self, name: str, issuer: str, actor: Actor) -> None:
        """They sign in there no longer."""
        def unlink(writer: Writer) -> None:
            lock_account(writer, name)
            user = the_user(writer, name)
            gone = [one for one in user.links if one[0] == issuer]
            writer.delete(LINKS, [link_key(*one) for one in gone])
            put_user(writer, replace(user, links=tuple(one for one in user.links if one[0] != issuer)))
            self._audit.note(writer, Event(actor, "user.link", name, details={"issuer": issuer, "removed": len(gone)}))

        self._store.write(unlink)

    def delete(self, name: str, actor: Actor) -> None:
        """With its tokens, keys, sessions, links and memberships.  What it registered stays (forget that first); its name is
        never given away again.  ConflictError: an organisation would be without an owner."""
        organisations = tuple(self.get(name).organisations)

        def delete(writer: Writer) -> None:
            lock_account(writer, name, *organisations)
            user = the_user(writer, name)
            if set(user.organisations) - set(organisations):
                raise ConflictError(f"{name} joined an organisation just now", "try again")
            for each in user.organisations:
                leave(writer, name, each)
            end_sessions(writer, name)
            [tokens, keys] = [writer.scan(table, [Range(name.encode())])[0] for table in (TOKENS_OF, KEYS_OF)]
            writer.delete(TOKENS, [row(value) for _, value in tokens])
            writer.delete(TOKENS_OF, [row(name, rest) for rest, _ in tokens])
            writer.delete(KEYS, [row(rest, name) for rest, _ in keys])
            writer.delete(KEYS_OF, [row(name, rest) for rest, _ in keys])
            writer.delete(LINKS, [link_key(*link) for link in user.links])
            writer.delete(USERS, [row(name)])
            self._audit.note(writer, Event(actor, "user.delete", name))

        self._store.write(delete)


def leave(writer: Writer, name: str, organisation: str) -> None:
    """Out of the organisation's members; the account's own record is the caller's.  ConflictError: its last owner."""
    key = row(organisation)
    data = writer.get(ORGANISATIONS, [key]).get(key)
    if data is None:
        return
    found = unpacked(Organisation, data)
    members = {each: role for each, role in found.members.items() if each != name}
    if found.members.get(name) == "owner" and "owner" not in members.values():
        raise ConflictError(f"{name} is the last owner of {organisation}",
                            f"make another one: `glaas org member add {organisation} NAME --role owner`")
    writer.put(ORGANISATIONS, [(key, packed(replace(found, members=members)))])


def end_sessions(writer: Writer, name: str, but: bytes = b"") -> None:
    [rows] = writer.scan(SESSIONS_OF, [Range(name.encode())])
    ended = [rest for rest, _ in rows if rest != but]
    writer.delete(SESSIONS, [row(rest) for rest in ended])
    writer.delete(SESSIONS_OF, [row(name, rest) for rest in ended])


def link_key(issuer: str, subject: str) -> tuple[bytes, bytes]:
    return row(hashed("openid link", f"{issuer}\0{subject}"))
