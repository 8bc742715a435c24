"""The key that signs a log's heads: made at the first start, in the state directory, for its owner alone to read."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lineage.errors import InvalidError, UnavailableError
from lineage.transparency import checked_origin, verifier_key

NAME = "log.key"
_NEXT, _ORIGIN = "log.key.next", "log.name"
_HINT = "an ed25519 key in PEM: `openssl genpkey -algorithm ed25519`"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """``origin``: the log's name, which its heads begin with."""

    origin: str
    private: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def generate(cls, origin: str = "") -> SigningKey:
        private = Ed25519PrivateKey.generate()
        return cls(checked_origin(origin) if origin else default_origin(private), private)

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    @property
    def verifier(self) -> str:
        """As people pass it on."""
        return verifier_key(self.origin, self.public)

    def sign(self, text: str) -> bytes:
        return self.private.sign(text.encode())


def default_origin(private: Ed25519PrivateKey) -> str:
    """A name that no other log has, of a log that was given none."""
    return f"glaas/{private.public_key().public_bytes_raw()[:8].hex()}"


def load(path: Path, origin: str = "") -> SigningKey:
    """The key of a file. InvalidError for what is no private ed25519 key without a passphrase."""
    try:
        private = serialization.load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise UnavailableError(f"the log's key {path} cannot be read: {error.strerror}", "run as who owns it") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidError(f"{path} is not a private key that can be read: {error}", _HINT) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise InvalidError(f"{path} is a key of another kind", _HINT)
    return SigningKey(checked_origin(origin) if origin else default_origin(private), private)


def load_or_make(state: Path) -> SigningKey:
    """The state directory's key. Of two that start at once, both get the one that came first."""
    path = state / NAME
    if not path.exists():
        with contextlib.suppress(FileExistsError):
            write(path, Ed25519PrivateKey.generate())
    return load(path, name_of(state))


def name_of(state: Path) -> str:
    """What the log is to be called, of which nobody has seen anything yet; empty: what ``default_origin`` says."""
    try:
        return (state / _ORIGIN).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def set_name(state: Path, origin: str) -> None:
    """InvalidError for what cannot name a log."""
    (state / _ORIGIN).write_text(checked_origin(origin) + "\n", encoding="utf-8")


def prepared(state: Path) -> SigningKey:
    """A new key, that waits beside the one in use; the one that waits already, where a change was interrupted."""
    waiting = state / _NEXT
    if not waiting.exists():
        write(waiting, Ed25519PrivateKey.generate())
    return load(waiting)


def adopt(state: Path) -> None:
    """The key that waits becomes the one in use; the one before is gone."""
    (state / _NEXT).replace(state / NAME)
    _sync(state)


def of_state(state: Path, wanted: bytes = b"") -> SigningKey:
    """The state directory's key. ``wanted``: the public key that the log is signed by: where it is the one that waits, a change
    was interrupted after the log knew of it, and is completed."""
    key = load_or_make(state)
    if wanted and wanted != key.public and (state / _NEXT).exists() and load(state / _NEXT).public == wanted:
        adopt(state)
        key = load(state / NAME)
    return key


def write(path: Path, private: Ed25519PrivateKey, *, replace: bool = False) -> None:
    """Whole or not at all, mode 0600. FileExistsError where there is one already, unless it is to be replaced."""
    data = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    temporary = path.with_name(f".{path.name}.{token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            temporary.replace(path)
        else:
            os.link(temporary, path)  # unlike a rename, it fails where there is one
    finally:
        temporary.unlink(missing_ok=True)
    _sync(path.parent)


def _sync(place: Path) -> None:
    directory = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
