"""What the machine's owner says of forwarding: the [registry] table of the daemon's configuration."""

from __future__ import annotations

import pwd
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from lineage.errors import InvalidError

Forward: TypeAlias = Literal["never", "asked", "all"]
FORWARD: tuple[Forward, ...] = get_args(Forward)
KEYS = ("forward", "url", "token_file", "user", "scope", "scopes", "insecure")
ANY_ORGANISATION = "org:*"
#: Who sends where nobody is named: an account for just this, else the one that owns nothing.
ACCOUNTS = ("roar-forward", "nobody")
_SCOPE = re.compile(r"private|public|org:[a-z0-9][a-z0-9._-]{0,99}")


class Asked(NamedTuple):
    """What a project wants. ``scope`` empty: the machine's; ``registry`` empty: whichever the machine has."""

    scope: str
    registry: str


class Account(NamedTuple):
    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Forwarding:
    """``url`` empty: this machine has no registry. ``scope``: where a project names none. ``scopes``: those that projects may
    name besides, since a project's settings come with what one clones; "org:*" is any organisation's. "private" they always
    may. ``insecure``: the token may travel in the clear."""

    forward: Forward = "asked"
    url: str = ""
    token_file: Path = Path("/etc/roar/registry-token")
    user: str = ""
    scope: str = "private"
    scopes: tuple[str, ...] = ()
    insecure: bool = False

    @property
    def active(self) -> bool:
        return bool(self.url) and self.forward != "never"

    def scope_of(self, asked: Asked | None) -> str | None:
        """The scope in which a job that begins is to be sent; None: it is not. Whether the scope is allowed is looked at when
        it is sent, so that who asked learns of it. InvalidError for what is no scope."""
        if asked is not None and asked.scope and not _SCOPE.fullmatch(asked.scope):
            raise InvalidError(f"{asked.scope[:40]!r} does not say who may see it", "it is private, public or org:NAME")
        if not self.active or (asked is None and self.forward != "all"):
            return None
        if asked is not None and asked.registry and plain(asked.registry) != plain(self.url):
            return None  # the project means another one
        return (asked.scope if asked is not None else "") or self.scope

    def allows(self, scope: str) -> bool:
        return (scope in ("private", self.scope, *self.scopes)
                or (scope.startswith("org:") and ANY_ORGANISATION in self.scopes))

    def account(self) -> Account:
        """InvalidError where it is not there, or is root."""
        for name in (self.user,) if self.user else ACCOUNTS:
            try:
                found = pwd.getpwnam(name)
            except KeyError:
                continue
            if 0 in (found.pw_uid, found.pw_gid):
                raise InvalidError(f"{name} may not forward: what speaks to a registry is never root",
                                   "[registry] user names an account of its own: see systemd/roar.sysusers")
            return Account(name, found.pw_uid, found.pw_gid)
        raise InvalidError(f"there is no account {self.user or ' or '.join(ACCOUNTS)}",
                           "systemd-sysusers makes one from systemd/roar.sysusers; or name another: [registry] user")


def plain(url: str) -> str:
    """An address as it is compared."""
    scheme, sign, rest = url.strip().partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{sign}{host}".lower() + (slash + path).rstrip("/")


def read(table: Mapping[str, Any], where: object) -> Forwarding:
    """From the table, whose keys are known. InvalidError names what is wrong; ``where`` it stands."""
    def refuse(key: str, hint: str) -> InvalidError:
        return InvalidError(f"{where}: registry.{key} = {table[key]!r}", hint)

    for key in ("url", "token_file", "user", "scope", "forward"):
        if key in table and (not isinstance(table[key], str) or not table[key].strip()):
            raise refuse(key, "some text")
    if table.get("forward", "asked") not in FORWARD:
        raise refuse("forward", f"one of {', '.join(FORWARD)}")
    if "url" in table and not re.fullmatch(r"https?://[!-~]+", table["url"]):
        raise refuse("url", "like https://registry.example.org")
    if "scope" in table and not _SCOPE.fullmatch(table["scope"]):
        raise refuse("scope", "private, public or org:NAME")
    scopes = table.get("scopes", [])
    if not isinstance(scopes, list) or not all(
            isinstance(one, str) and (one == ANY_ORGANISATION or _SCOPE.fullmatch(one)) for one in scopes):
        raise refuse("scopes", f'a list of public, org:NAME and "{ANY_ORGANISATION}"')
    if not isinstance(table.get("insecure", False), bool):
        raise refuse("insecure", "true or false")
    if "token_file" in table and not table["token_file"].startswith("/"):
        raise refuse("token_file", "an absolute path")
    if table and "url" not in table and table.get("forward") != "never":
        raise InvalidError(f"{where}: [registry] has no url", "like https://registry.example.org")
    if table.get("forward") == "all" and "url" not in table:
        raise InvalidError(f"{where}: [registry] has no url", "like https://registry.example.org")
    found = Forwarding(**{**table, "scopes": tuple(scopes),
                          "token_file": Path(table.get("token_file", Forwarding.token_file))})
    if found.active and found.user:
        found.account()
    return found
