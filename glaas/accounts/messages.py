"""The JSON bodies of the accounts' API: what FastAPI checks, and what /api/openapi.json describes.

Moments are ISO 8601 in UTC, null for never; lengths are limited before anything looks at the text."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from glaas.accounts.documents import moment_text
from glaas.accounts.model import PublicKey, Session, Token
from glaas.accounts.passwords import MAX_LENGTH

Scope = Literal["read", "register", "admin"]
RoleWord = Literal["owner", "maintainer", "member", "reader"]
Name = Annotated[str, Field(max_length=80, description="Of an account or organisation.")]
Title = Annotated[str, Field(max_length=80, description="What it is for, such as the machine's name.")]
Text = Annotated[str, Field(max_length=4096)]
Code = Annotated[str, Field(max_length=100)]
Password = Annotated[str, Field(max_length=MAX_LENGTH * 2)]
Seconds = Annotated[int | None, Field(ge=60, le=10 * 366 * 86400, description="The token holds so long; null: until revoked.")]
_YEAR = 365 * 86400


class Body(BaseModel):
    """What is asked; keys that nobody knows are refused, since they were meant to do something."""

    model_config = ConfigDict(extra="forbid")


def _usual() -> list[Scope]:
    return ["read", "register"]


class Wanted(Body):
    """What a token is to be."""

    name: Title = "roar"
    scopes: list[Scope] = Field(default_factory=_usual, min_length=1, max_length=3)
    expires_in: Seconds = _YEAR


class PasswordSignIn(Body):
    account: Name
    password: Password


class PasswordToken(Wanted):
    account: Name
    password: Password


class NewPassword(Body):
    old: Password = Field("", description="The one so far; empty, if there was none.")
    new: Password


class ChallengeFor(Body):
    account: Name


class ChallengeText(BaseModel):
    challenge: str = Field(description="JSON text. `origin` in it must be this registry's URL, or do not sign.")
    payload_type: str = Field(description="A bare ed25519 signature is over DSSE's preauthentication of it and the text.")
    namespace: str = Field(description="`ssh-keygen -Y sign -n NAMESPACE` signs the text itself.")
    expires_in: int


class Signed(Wanted):
    challenge: Text
    key: Code = Field(description="Its fingerprint, SHA256:…")
    signature: Text = Field(description="base64 of 64 bytes, or an armoured SSH signature.")
    cookie: bool = Field(False, description="Sign a browser in, instead of making a token.")


class Proof(Body):
    challenge: Text
    key: Code
    signature: Text


class MadeToken(BaseModel):
    """``token`` is shown this once."""

    token: str
    id: str
    account: str
    name: str
    scopes: list[str]
    expires_at: str | None

    @classmethod
    def of(cls, secret: str, token: Token) -> MadeToken:
        return cls(token=secret, id=token.id, account=token.account, name=token.name, scopes=list(token.scopes),
                   expires_at=moment_text(token.expires_at))


class ShownToken(BaseModel):
    id: str
    name: str
    scopes: list[str]
    created_at: str | None
    expires_at: str | None
    expired: bool
    used_at: str | None


class ShownTokens(BaseModel):
    tokens: list[ShownToken]


class Membership(BaseModel):
    name: str
    role: RoleWord


class WhoAmI(BaseModel):
    """``account`` null: nobody. ``csrf``: to be sent as X-CSRF-Token by pages; null with a token."""

    account: str | None
    organisations: list[Membership]
    invitations: list[Membership]
    scopes: list[str]
    expires_at: str | None
    operator: bool
    token: str | None
    session: str | None
    csrf: str | None


class NewKey(Body):
    line: Text = Field(description="The line of a .pub file: ssh-ed25519 AAAA… comment")
    name: Annotated[str, Field(max_length=80)] = ""


class ShownKey(BaseModel):
    """``proven``: it has signed a challenge for this account; until then nothing is said to be signed by the account."""

    fingerprint: str
    name: str
    created_at: str | None
    used_at: str | None
    proven: bool

    @classmethod
    def of(cls, key: PublicKey) -> ShownKey:
        return cls(fingerprint=key.fingerprint, name=key.name, created_at=moment_text(key.created_at),
                   used_at=moment_text(key.used_at), proven=bool(key.proven_at))


class ShownKeys(BaseModel):
    keys: list[ShownKey]


class ShownSession(BaseModel):
    id: str
    how: str
    created_at: str | None
    seen_at: str | None
    address: str
    agent: str
    current: bool

    @classmethod
    def of(cls, session: Session, current: str) -> ShownSession:
        return cls(id=session.id, how=session.how, created_at=moment_text(session.created_at),
                   seen_at=moment_text(session.seen_at), address=session.address, agent=session.agent,
                   current=session.id == current)


class ShownSessions(BaseModel):
    sessions: list[ShownSession]


class DeviceCodes(BaseModel):
    """RFC 8628 section 3.2."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int
    interval: int


class DeviceCode(Body):
    device_code: Code


class DeviceProgress(BaseModel):
    """RFC 8628 section 3.5; ``token`` with ``granted``. ``interval``: seconds to wait before asking again."""

    progress: Literal["authorization_pending", "slow_down", "expired_token", "access_denied", "granted"]
    interval: int
    token: MadeToken | None = None


class UserCode(Body):
    user_code: Code


class DeviceAnswer(UserCode):
    """By who is signed in; or, from elsewhere, with a name and a password."""

    approve: bool
    account: Name = ""
    password: Password = ""


class WaitingDevice(BaseModel):
    user_code: str
    name: str
    scopes: list[str]
    address: str
    created_at: str | None


class NewOrganisation(Body):
    name: Name


class NewRole(Body):
    role: RoleWord


class Member(BaseModel):
    account: str
    role: RoleWord


class ShownOrganisation(BaseModel):
    name: str
    created_at: str | None
    members: list[Member]


class ShownProvider(BaseModel):
    name: str
    title: str
    start: str = Field(description="Where a browser goes to sign in; `?next=/path` comes back there.")


class ShownProviders(BaseModel):
    providers: list[ShownProvider]


class ShownEvent(BaseModel):
    at: str | None
    account: str
    address: str | None
    action: str
    subject: str | None
    outcome: str
    details: dict[str, str | int]


class ShownEvents(BaseModel):
    events: list[ShownEvent]


class GoThere(BaseModel):
    url: str = Field(description="Where the browser has to go.")
