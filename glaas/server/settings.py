"""What an operator chooses, and the limits that hold where nothing is chosen."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from glaas.accounts.limits import Action, Rate
from glaas.accounts.oidc.settings import Provider
from glaas.server.usage import Quotas
from lineage import bundle
from lineage.errors import InvalidError

DEFAULT_PORT, MAX_PORT = 8080, 65535
_FORM = "give HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080"
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class Address(NamedTuple):
    """``port`` 0: any free one."""

    host: str
    port: int

    @property
    def text(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def next(self) -> Address:
        """The port beside it."""
        return Address(self.host, self.port + 1 if 0 < self.port < MAX_PORT else 0)

    @property
    def loopback(self) -> bool:
        return is_loopback(self.host)

    @property
    def everywhere(self) -> bool:
        """All addresses of the machine (0.0.0.0, ::)."""
        try:
            return ipaddress.ip_address(self.host).is_unspecified
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes and seconds.  ``handlers``: requests that are answered at the same time, the others wait.  ``verifiers``: processes
    that check and store bundles; ``waiting_bundles``: how many more may wait for one; ``bundle_memory``: bytes of all
    bundles that are being received or wait."""

    request: int = 1 << 20
    bundle: int = bundle.MAX_BYTES + (8 << 20)  # heads of its parts, and what is said of things
    body_seconds: float = 120.0
    idle_seconds: float = 20.0  # between two pieces of a body, and for a request's headers
    call_seconds: float = 30.0
    register_seconds: float = 600.0  # a large bundle, behind others
    handlers: int = 24
    connections: int = 2000
    verifiers: int = field(default_factory=lambda: max(1, min(8, (os.cpu_count() or 1) - 1)))
    waiting_bundles: int = 32
    bundle_memory: int = 256 << 20


@dataclass(frozen=True, slots=True)
class Settings:
    """``grpc_elsewhere``: any free port will do where that of ``grpc`` is taken.

    ``store``: "" is the LMDB store in the state directory.  ``public_url``: what people open, without a slash at its end;
    empty: the address it listens on.  ``behind_proxy``: X-Forwarded-For and -Proto are believed."""

    state: Path
    listen: Address
    grpc: Address | None = None
    grpc_elsewhere: bool = False
    store: str = ""
    public_url: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    behind_proxy: bool = False
    access_log: str = ""
    limits: Limits = field(default_factory=Limits)
    quotas: Quotas = field(default_factory=Quotas)
    rates: Mapping[Action, Rate] = field(default_factory=dict)
    oidc: tuple[Provider, ...] = ()

    @property
    def tls(self) -> bool:
        return bool(self.tls_cert)

    @property
    def https(self) -> bool:
        """Do people reach it by https, whoever ends TLS?"""
        return self.tls or self.public_url.startswith("https:")

    def hosts(self) -> frozenset[str]:
        """The names that a request may be for; empty: any, where it listens on all addresses and has no public URL.

        Without this check a page elsewhere whose name is made to lead here (DNS rebinding) reads a registry on loopback."""
        public = urlsplit(self.public_url).hostname
        if public is None and not self.listen.loopback:
            return frozenset()
        names = {self.listen.host} | ({public} if public else set())
        return frozenset(names | _LOOPBACK_NAMES)


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def address(text: str, default_port: int = DEFAULT_PORT) -> Address:
    """HOST:PORT, HOST, :PORT or [IPV6]:PORT.  InvalidError for anything else."""
    try:
        parts = urlsplit("//" + text)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise InvalidError(f"{text!r} is no address: {error}", _FORM) from error
    if parts.path or parts.query or parts.username is not None or not (host or text.startswith(":")):
        raise InvalidError(f"{text!r} is no address", _FORM)
    return Address(host or "0.0.0.0", default_port if port is None else port)  # noqa: S104 - :PORT asks for it


def public_url(text: str) -> str:
    """InvalidError for what is no URL of a site."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or parts.path.strip("/"):
        raise InvalidError(f"{text!r} is not the URL of a registry", "give https://NAME, without a path")
    return f"{parts.scheme}://{parts.netloc}"
