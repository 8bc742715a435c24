"""The records of the accounts, and how they are stored: CBOR maps by the names of their fields.

A field that an older version did not write has its default; one that a newer version wrote is left alone: so versions can
change while several replicas serve.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias, TypeVar

from lineage.errors import CorruptError
from lineage.ids import decode, encode

READ, REGISTER, ADMIN = "read", "register", "admin"
#: What a token may do: look at what its account sees; register, move and forget for it; manage the account itself (its tokens,
#: keys and organisations, and for operators the registry).
SCOPES = (READ, REGISTER, ADMIN)
USUAL = (READ, REGISTER)

Role: TypeAlias = Literal["owner", "maintainer", "member", "reader"]
#: From the most to the least: each may do what the next one may.  Owners: also delete it and make owners; maintainers: also
#: invite and remove; members: also register; readers: see.
ROLES: tuple[Role, ...] = ("owner", "maintainer", "member", "reader")
REGISTERING: tuple[Role, ...] = ("owner", "maintainer", "member")
INVITING: tuple[Role, ...] = ("owner", "maintainer")

State: TypeAlias = Literal["active", "disabled"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, and from where, for the audit log.  Who acts by a command on the registry's machine is OPERATOR."""

    account: str
    address: str = ""


OPERATOR = "(operator)"  # no account can be called that


@dataclass(frozen=True, slots=True)
class User:
    """``password``: its hash, empty: none.  ``links``: (issuer, subject) of OpenID providers.  Moments are nanoseconds."""

    name: str
    created_at: int
    state: State = "active"
    operator: bool = False
    password: str = ""
    organisations: Mapping[str, Role] = field(default_factory=dict)
    invitations: Mapping[str, tuple[Role, str]] = field(default_factory=dict)  # by organisation: (role, who invited)
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Organisation:
    name: str
    created_at: int
    members: Mapping[str, Role] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Token:
    """``expires_at`` 0: never.  ``used_at``: to within some minutes; 0: not yet."""

    id: str
    account: str
    name: str
    scopes: tuple[str, ...]
    created_at: int
    expires_at: int = 0
    used_at: int = 0


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in.  ``id`` is of the hash of its cookie.  ``how``: password, ssh, token, or the OpenID
    provider.  ``token``: the id of the one that it signed in with, and ends with."""

    id: str
    account: str
    how: str
    created_at: int
    seen_at: int
    address: str = ""
    agent: str = ""
    scopes: tuple[str, ...] = SCOPES
    token: str = ""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An ed25519 key (``public``: its 32 bytes) that signs in and signs bundles.  ``proven_at``: when the account showed that
    it has the private key, 0: not yet.  Until then it may sign in, but nothing is said to be signed by the account."""

    fingerprint: str
    account: str
    name: str
    public: bytes
    created_at: int
    proven_at: int = 0
    used_at: int = 0


@dataclass(frozen=True, slots=True)
class Device:
    """A program that waits to be let in (RFC 8628).  ``account`` and ``approved``: once somebody has answered."""

    user_code: str
    name: str
    scopes: tuple[str, ...]
    created_at: int
    expires_at: int
    interval: int
    polled_at: int = 0
    address: str = ""
    account: str = ""
    approved: bool = False
    token_expires_at: int = 0


R = TypeVar("R", User, Organisation, Token, Session, PublicKey, Device)


def packed(record: User | Organisation | Token | Session | PublicKey | Device) -> bytes:
    value = {each.name: getattr(record, each.name) for each in fields(record)}
    return encode({name: dict(one) if isinstance(one, Mapping) else one for name, one in value.items()})


def unpacked(kind: type[R], data: bytes) -> R:
    """CorruptError for what ``packed`` did not make."""
    value = decode(data)
    try:
        return kind(**{each.name: _frozen(value[each.name]) for each in fields(kind) if each.name in value})
    except TypeError as error:
        raise CorruptError(f"a {kind.__name__.lower()}'s record makes no sense: {error}", "restore a backup") from error


def _frozen(value: Any) -> Any:  # noqa: ANN401 - what CBOR has
    if isinstance(value, list):
        return tuple(_frozen(each) for each in value)
    if isinstance(value, dict):
        return {key: _frozen(each) for key, each in value.items()}
    return value
