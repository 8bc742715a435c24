"""A registry's accounts, by its JSON API: letting this machine in, and what an account has."""

from __future__ import annotations

import json
import socket
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from lineage.dsse import preauthentication
from lineage.errors import CorruptError, DeniedError, InvalidError, UnavailableError

if TYPE_CHECKING:
    from roarctl.registry.client import RegistryClient

_API = "/api/v1/auth"
USUAL = ("read", "register")
_CHALLENGE = "application/vnd.roar.challenge+json"
_MOST_PATIENCE = 3600.0  # seconds that a person may take


class Made(NamedTuple):
    """A token, shown this once."""

    token: str
    account: str
    id: str
    expires_at: str | None


def machine() -> str:
    """What a token is called: what it is for."""
    return f"roar on {socket.gethostname()}"[:80]


def check_registry(registry: RegistryClient) -> None:
    """UnavailableError where something else answers there: nothing is sent to it."""
    found = registry.document("GET", "/.well-known/glaas")
    if found.get("name") != "glaas":
        raise UnavailableError(f"{registry.url} is not a registry", "is the address right?")


def by_key(registry: RegistryClient, account: str, key: Path, scopes: Sequence[str]) -> Made:
    """For who has an SSH key that the account knows. DeniedError where the registry has another one's challenge signed."""
    from roarctl import signing

    signer = signing.signer(key)
    asked = registry.document("POST", f"{_API}/ssh/challenge", {"account": account})
    signature = _signed(registry, signer, asked, "sign-in", account)
    answer = registry.document("POST", f"{_API}/ssh/verify", {
        "name": machine(), "scopes": list(scopes), "challenge": asked["challenge"], "key": signer.key,
        "signature": signature}, idempotent=False)
    return _made(answer)


def by_device(registry: RegistryClient, scopes: Sequence[str], show: Callable[[str, str], None]) -> Made:
    """For who has a browser somewhere (RFC 8628). ``show``: (code, page) to the person. DeniedError: they said no."""
    started = registry.document("POST", f"{_API}/device", {"name": machine(), "scopes": list(scopes)}, idempotent=False)
    show(_text(started, "user_code"), _text(started, "verification_uri_complete"))
    wait = _seconds(started, "interval")
    deadline = time.monotonic() + min(_seconds(started, "expires_in"), _MOST_PATIENCE)
    while time.monotonic() < deadline:
        time.sleep(wait)
        try:
            answer = registry.document("POST", f"{_API}/device/poll", {"device_code": _text(started, "device_code")},
                                       idempotent=False)
        except UnavailableError:
            continue  # section 3.5: a connection may fail meanwhile
        progress, wait = answer.get("progress"), max(wait, _seconds(answer, "interval"))
        if progress == "granted" and isinstance(answer.get("token"), dict):
            return _made(answer["token"])
        if progress == "access_denied":
            raise DeniedError("it was not allowed", "`roar login` asks again")
        if progress == "expired_token":
            break
    raise DeniedError("nobody said yes in time", "`roar login` shows a new code")


def log_out(registry: RegistryClient) -> None:
    """Ends the token that is used for it."""
    registry.document("POST", f"{_API}/logout")


def tokens(registry: RegistryClient) -> list[dict[str, Any]]:
    return _rows(registry.document("GET", f"{_API}/tokens"), "tokens")


def add_token(registry: RegistryClient, name: str, scopes: Sequence[str], days: int | None) -> Made:
    """``days`` None: until it is revoked."""
    wanted = {"name": name, "scopes": list(scopes), "expires_in": days * 86400 if days is not None else None}
    return _made(registry.document("POST", f"{_API}/tokens", wanted, idempotent=False))


def revoke(registry: RegistryClient, token: str) -> None:
    registry.document("DELETE", f"{_API}/tokens/{quote(token, safe='')}")


def keys(registry: RegistryClient) -> list[dict[str, Any]]:
    return _rows(registry.document("GET", f"{_API}/keys"), "keys")


def add_key(registry: RegistryClient, key: Path) -> str:
    """Adds a key and proves that one has it; its fingerprint."""
    from roarctl import signing

    signer = signing.signer(key)
    if signer.key not in {row.get("fingerprint") for row in keys(registry)}:
        registry.document("POST", f"{_API}/keys", {"line": signing.public_line(key), "name": machine()})
    asked = registry.document("POST", f"{_API}/keys/challenge")
    signature = _signed(registry, signer, asked, "prove-key")
    registry.document("POST", f"{_API}/keys/prove", {"challenge": asked["challenge"], "key": signer.key,
                                                     "signature": signature}, idempotent=False)
    return signer.key


def remove_key(registry: RegistryClient, fingerprint: str) -> None:
    registry.document("DELETE", f"{_API}/keys/{quote(fingerprint, safe='')}")


def _signed(registry: RegistryClient, signer: Any, asked: dict[str, Any], purpose: str, account: str = "") -> str:  # noqa: ANN401
    """A challenge names the registry that made it: another's is never signed, or that one could be fooled with it."""
    text = _text(asked, "challenge")
    try:
        challenge = json.loads(text)
        origin, what, whose = challenge["origin"], challenge["purpose"], challenge["account"]
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptError(f"{registry.url} asks to sign something that is no challenge", "is the address right?") from error
    if origin != registry.url:
        raise DeniedError(f"{registry.url} calls itself {str(origin)[:200]}: nothing was signed",
                          "if that is the same registry, give that address: roar login URL")
    if what != purpose or (account and whose != account):
        raise DeniedError(f"{registry.url} asks to sign something else than was meant: nothing was signed", "ask its operator")
    return b64encode(signer.sign(preauthentication(_CHALLENGE, text.encode()))).decode()


def _made(answer: dict[str, Any]) -> Made:
    expires = answer.get("expires_at")
    return Made(_text(answer, "token"), _text(answer, "account"), _text(answer, "id"), str(expires) if expires else None)


def _rows(answer: dict[str, Any], name: str) -> list[dict[str, Any]]:
    rows = answer.get(name)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise CorruptError("the registry's answer cannot be read", "is it of another version?")
    return rows


def _text(answer: dict[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise CorruptError("the registry's answer cannot be read", "is it of another version?")
    return value


def _seconds(answer: dict[str, Any], name: str) -> float:
    value = answer.get(name)
    if not isinstance(value, int | float) or not 0 < value < 1e6:
        raise InvalidError("the registry's answer cannot be read", "is it of another version?")
    return float(value)
