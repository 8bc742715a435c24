"""Addresses of registries, and what may be sent to them."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple
from urllib.parse import urlsplit

from lineage.errors import InvalidError

_PORTS = {"http": 80, "https": 443}
_FORM = "an address is like https://registry.example.org, or http://127.0.0.1:8080"


class Address(NamedTuple):
    """``prefix``: what comes before every path, without a slash at its end."""

    scheme: str
    host: str
    port: int
    prefix: str

    @classmethod
    def parse(cls, text: str) -> Address:
        """InvalidError for what is no address of HTTP."""
        bare = text.strip()
        if "://" not in bare:
            bare = f"{'http' if is_loopback(_host_of(bare)) else 'https'}://{bare}"
        if any(ord(one) <= 0x20 or ord(one) > 0x7E for one in bare):  # urlsplit would leave some of them out
            raise InvalidError(f"{text!r} is not an address of a registry", _FORM)
        try:
            parts = urlsplit(bare)
            port = parts.port
        except ValueError as error:
            raise InvalidError(f"{text} is not an address", _FORM) from error
        if parts.scheme not in _PORTS or not parts.hostname:
            raise InvalidError(f"{text} is not an address of a registry", _FORM)
        if parts.username is not None or parts.query or parts.fragment:
            raise InvalidError("an address of a registry has no name, password or question in it",
                               "`roar login` asks for what is secret")
        return cls(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], parts.path.rstrip("/"))

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """In the one form in which it is remembered."""
        return f"{self.scheme}://{self.authority}{self.prefix}"

    @property
    def is_private(self) -> bool:
        """Nobody on the way reads what is sent: it is encrypted, or does not leave this machine."""
        return self.scheme == "https" or is_loopback(self.host)

    def check_secret(self, *, insecure: bool) -> None:
        """DeniedError where a token would travel in the clear, unless that was asked for."""
        if not self.is_private and not insecure:
            from lineage.errors import DeniedError

            raise DeniedError(f"a token is not sent to {self.url}: everyone on the way could read it",
                              "give an address with https; or, in a network that you trust: roar login URL --insecure, "
                              "GLAAS_INSECURE=1")


def is_loopback(host: str) -> bool:
    if host in {"localhost", "localhost."}:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host_of(bare: str) -> str:
    authority = bare.partition("/")[0]
    return authority[1:].partition("]")[0] if authority.startswith("[") else authority.partition(":")[0]
