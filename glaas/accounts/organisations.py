"""Organisations: a space that several accounts share, and what each may do there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from glaas.accounts.audit import Audit, Event
from glaas.accounts.model import INVITING, OPERATOR, ROLES, Actor, Organisation, Role, User, packed, unpacked
from glaas.accounts.names import account_name
from glaas.accounts.tables import ORGANISATIONS, row
from glaas.accounts.users import leave, lock_account, put_user, take_name, the_user
from glaas.store.keyed import KeyedStore, Reader, Writer
from lineage.errors import ConflictError, DeniedError, InvalidError, NotFoundError

MOST_OF_USER = 50
MOST_MEMBERS = 1000
MOST_INVITATIONS = 50


class Organisations:
    """``clock``: nanoseconds.  Where an ``actor`` is not the operator by a command, their role decides: DeniedError."""

    def __init__(self, store: KeyedStore, clock: Callable[[], int], audit: Audit) -> None:
        self._store = store
        self._clock = clock
        self._audit = audit

    def add(self, name: str, owner: str, actor: Actor) -> Organisation:
        """InvalidError: no name for one.  ConflictError: it was given away before."""
        account_name(name)
        made = Organisation(name, self._clock(), {owner: "owner"})

        def add(writer: Writer) -> None:
            lock_account(writer, name, owner)
            user = the_user(writer, owner)
            take_name(writer, name, "org")
            writer.put(ORGANISATIONS, [(row(name), packed(made))])
            put_user(writer, _with(user, name, "owner"))
            self._audit.note(writer, Event(actor, "org.add", name, details={"owner": owner}))

        self._store.write(add)
        return made

    def get(self, name: str) -> Organisation:
        """NotFoundError for what is none."""
        with self._store.read() as reader:
            return _organisation(reader, name)

    def everyone(self) -> list[Organisation]:
        """All organisations, by name."""
        with self._store.read() as reader:
            return [unpacked(Organisation, value) for _, value in reader.walk(ORGANISATIONS)]

    def invite(self, name: str, account: str, role: Role, actor: Actor) -> None:
        """They are no member before they ``join``.  Maintainers invite; only owners make owners."""
        def invite(writer: Writer) -> None:
            lock_account(writer, name, account)
            found = _organisation(writer, name)
            _may(found, actor, role, role)
            user = the_user(writer, account)
            if account in found.members:
                raise ConflictError(f"{account} is in {name} already", "change the role instead")
            invitations = {**user.invitations, name: (_role(role), actor.account)}
            if len(invitations) > MOST_INVITATIONS:
                raise ConflictError(f"{account} has {MOST_INVITATIONS} invitations", "they have to answer some first")
            put_user(writer, replace(user, invitations=invitations))
            self._audit.note(writer, Event(actor, "org.invite", account, details={"org": name, "role": role}))

        self._store.write(invite)

    def join(self, name: str, actor: Actor) -> Role:
        """By who is invited.  DeniedError: they are not, or whoever invited them may no longer."""
        def join(writer: Writer) -> Role:
            lock_account(writer, name, actor.account)
            user, found = the_user(writer, actor.account), _organisation(writer, name)
            if name not in user.invitations:
                raise DeniedError(f"{actor.account} is not invited to {name}", "ask one of its maintainers")
            role, inviter = user.invitations[name]
            _may(found, Actor(inviter), role, role)
            self._put(writer, found, user, role, Event(actor, "org.join", name, details={"role": role, "by": inviter}))
            return role

        return self._store.write(join)

    def decline(self, name: str, actor: Actor) -> None:
        def decline(writer: Writer) -> None:
            lock_account(writer, actor.account)
            user = the_user(writer, actor.account)
            left = {each: offer for each, offer in user.invitations.items() if each != name}
            put_user(writer, replace(user, invitations=left))

        self._store.write(decline)

    def set_role(self, name: str, account: str, role: Role, actor: Actor) -> None:
        """Of a member; the operator also makes members, without asking them.  ConflictError: the last owner."""
        def change(writer: Writer) -> None:
            lock_account(writer, name, account)
            user, found = the_user(writer, account), _organisation(writer, name)
            before = found.members.get(account)
            if before is None and actor.account != OPERATOR:
                raise NotFoundError(f"{account} is not in {name}", "invite them")
            _may(found, actor, role, before or role)
            if before == "owner" and role != "owner":
                leave(writer, account, name)  # says no to the last owner
            self._put(writer, found, user, role, Event(actor, "org.role", account, details={"org": name, "role": role}))

        self._store.write(change)

    def remove(self, name: str, account: str, actor: Actor) -> None:
        """Anybody removes themselves.  ConflictError: the last owner."""
        def remove(writer: Writer) -> None:
            lock_account(writer, name, account)
            user, found = the_user(writer, account), _organisation(writer, name)
            if account not in found.members:
                raise NotFoundError(f"{account} is not in {name}", f"`glaas org list` shows who is in {name}")
            if actor.account != account:
                _may(found, actor, "reader", found.members[account])
            leave(writer, account, name)
            left = {each: role for each, role in user.organisations.items() if each != name}
            put_user(writer, replace(user, organisations=left))
            self._audit.note(writer, Event(actor, "org.leave", account, details={"org": name}))

        self._store.write(remove)

    def _put(self, writer: Writer, found: Organisation, user: User, role: Role, event: Event) -> None:
        members = {**found.members, user.name: _role(role)}
        if len(members) > MOST_MEMBERS:
            raise ConflictError(f"{found.name} has {MOST_MEMBERS} members, and may not have more", "")
        writer.put(ORGANISATIONS, [(row(found.name), packed(replace(found, members=members)))])
        put_user(writer, _with(user, found.name, role))
        self._audit.note(writer, event)


def _organisation(reader: Reader, name: str) -> Organisation:
    key = row(name[:255].replace("\0", " "))
    data = reader.get(ORGANISATIONS, [key]).get(key)
    if data is None:
        raise NotFoundError(f"there is no organisation {name[:60]}", "")
    return unpacked(Organisation, data)


def _role(role: str) -> Role:
    found = next((each for each in ROLES if each == role), None)
    if found is None:
        raise InvalidError(f"{role[:40]!r} is no role", f"roles are {', '.join(ROLES)}")
    return found


def _may(found: Organisation, actor: Actor, given: str, had: str) -> None:
    """Whether the actor may give a role to who has had another one.  Nobody touches those above themselves."""
    role = found.members.get(actor.account)
    highest = min(ROLES.index(_role(given)), ROLES.index(_role(had)))
    if actor.account == OPERATOR or (role in INVITING and ROLES.index(role) <= highest):
        return
    raise DeniedError(f"{actor.account or 'nobody'} may not do this in {found.name}", "ask one of its owners")


def _with(user: User, name: str, role: Role) -> User:
    organisations = {**user.organisations, name: role}
    if len(organisations) > MOST_OF_USER:
        raise ConflictError(f"{user.name} is in {MOST_OF_USER} organisations, and may not be in more", "leave one first")
    invitations = {each: offer for each, offer in user.invitations.items() if each != name}
    return replace(user, organisations=organisations, invitations=invitations)
