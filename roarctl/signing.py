"""Keys: ed25519, as PEM or as OpenSSH has them, or in an ssh-agent. The cryptography is that of the `cryptography` library.

An agent is asked by its protocol (draft-ietf-sshm-ssh-agent): what it gives for an ed25519 key is the bare signature of the
bytes, which is what DSSE holds; so a key that never leaves its agent makes the same envelopes as a file.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage.dsse import Envelope, Signature, preauthentication
from lineage.errors import CorruptError, DeniedError, InvalidError, NotFoundError, UnavailableError, UnsupportedError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_KIND = b"ssh-ed25519"
_MAX_KEY = 64 << 10
_SIGN_REQUEST, _SIGN_RESPONSE = 13, 14
_AGENT_SECONDS = 60.0  # somebody may have to touch a key or to confirm
_ONLY = "keys are ed25519: `ssh-keygen -t ed25519`, or `openssl genpkey -algorithm ed25519`"


@dataclass(frozen=True, slots=True)
class Signer:
    """``key``: its fingerprint, as `ssh-keygen -l` shows it."""

    key: str
    sign: Callable[[bytes], bytes]

    def envelope(self, payload_type: str, payload: bytes) -> Envelope:
        signature = self.sign(preauthentication(payload_type, payload))
        return Envelope(payload_type, payload, (Signature(self.key, signature),))


@dataclass(frozen=True, slots=True)
class Trusted:
    """A public key, and whose it is as far as the person said so."""

    key: str
    who: str
    public: Ed25519PublicKey


def signer(path: Path) -> Signer:
    """For a private key's file, or for the public one (.pub) of a key that the ssh-agent has."""
    data = _read(path)
    if data.startswith(_KIND + b" "):
        blob = _blob(data.split()[1], path)
        return Signer(fingerprint(blob), lambda message: _ask_agent(blob, message))
    private = _private(data, path)
    return Signer(fingerprint(_blob_of(private.public_key())), private.sign)


def public_line(path: Path) -> str:
    """Of the key that ``signer`` takes, the line that others know it by."""
    data = _read(path)
    if data.startswith(_KIND + b" "):
        return data.decode("utf-8", "replace").strip()
    return f"{_KIND.decode()} {b64encode(_blob_of(_private(data, path).public_key())).decode()}"


def trusted_key(path: Path) -> Trusted:
    """A public key's file, PEM or OpenSSH."""
    data = _read(path)
    crypto = _cryptography()
    try:
        public = (crypto.load_pem_public_key(data) if data.lstrip().startswith(b"-----BEGIN") else
                  crypto.load_ssh_public_key(data))
    except (ValueError, crypto.UnsupportedAlgorithm) as error:
        raise InvalidError(f"{path} is not a public key: {error}", _ONLY) from error
    return _trusted(public, str(path), path)


def allowed_signers(path: Path) -> list[Trusted]:
    """The keys of an allowed signers file (ssh-keygen(1)) that are valid now and, where they have namespaces, for "roar"."""
    found = []
    for number, line in enumerate(_read(path).decode("utf-8", "replace").splitlines(), 1):
        words = line.split("#")[0].split() if line.lstrip().startswith("#") else line.split()
        if not words:
            continue
        at = next((index for index, word in enumerate(words) if word == _KIND.decode()), 0)
        options = ",".join(words[1:at])
        if at and len(words) > at + 1 and _is_valid(options, path, number):
            public = _cryptography().load_ssh_public_key(" ".join(words[at:at + 2]).encode())
            found.append(_trusted(public, words[0], path))
    if not found:
        raise InvalidError(f"{path} has no key that could be used now", _ONLY)
    return found


def verified(envelope: Envelope, keys: Iterable[Trusted]) -> Trusted | None:
    """Whose signature it has; None: of none of these keys."""
    crypto = _cryptography()
    for key in keys:
        for signature in envelope.signatures:
            try:
                key.public.verify(signature.value, envelope.signed)
            except crypto.InvalidSignature:
                continue
            return key
    return None


def fingerprint(blob: bytes) -> str:
    return "SHA256:" + b64encode(sha256(blob).digest()).decode().rstrip("=")


def _private(data: bytes, path: Path) -> Ed25519PrivateKey:
    crypto = _cryptography()
    load = crypto.load_ssh_private_key if b"OPENSSH PRIVATE KEY" in data else crypto.load_pem_private_key
    try:
        try:
            private = load(data, None)
        except TypeError:  # it has a passphrase
            private = load(data, _passphrase(path))
    except (ValueError, TypeError, crypto.UnsupportedAlgorithm) as error:
        raise InvalidError(f"{path} is not a private key that can be read: {error}", _ONLY) from error
    if not isinstance(private, crypto.Ed25519PrivateKey):
        raise InvalidError(f"{path} is a key of another kind", _ONLY)
    return private


def _passphrase(path: Path) -> bytes:
    import getpass
    import sys

    if not sys.stdin.isatty():
        raise DeniedError(f"{path} has a passphrase, and nobody is here to give it",
                          f"add it to your ssh-agent (`ssh-add {path}`) and give {path}.pub")
    return getpass.getpass(f"passphrase of {path}: ").encode()


def _trusted(public: Any, who: str, path: Path) -> Trusted:  # noqa: ANN401 - any kind of key
    if not isinstance(public, _cryptography().Ed25519PublicKey):
        raise InvalidError(f"{path} has a key of another kind", _ONLY)
    return Trusted(fingerprint(_blob_of(public)), who, public)


def _is_valid(options: str, path: Path, number: int) -> bool:
    if "cert-authority" in options:
        raise UnsupportedError(f"line {number} of {path} is of a certificate authority", "name the keys themselves")
    now = time.strftime("%Y%m%d%H%M%S", time.gmtime())
    for option in options.replace('"', "").split(","):
        name, _, value = option.partition("=")
        value = value.rstrip("Z")
        if (name == "valid-after" and now < value.ljust(14, "0")) or (name == "valid-before" and now >= value.ljust(14, "0")):
            return False
        if name == "namespaces" and "roar" not in options.replace('"', "").partition("namespaces=")[2].split(","):
            return False
    return True


def _blob_of(public: Ed25519PublicKey) -> bytes:
    raw = public.public_bytes_raw()
    return b"".join(struct.pack(">I", len(part)) + part for part in (_KIND, raw))


def _blob(text: bytes, path: Path) -> bytes:
    try:
        return b64decode(text, validate=True)
    except Base64Error as error:
        raise InvalidError(f"{path} is not a public key: {error}", _ONLY) from error


def _ask_agent(blob: bytes, message: bytes) -> bytes:
    """SSH_AGENTC_SIGN_REQUEST: key, data, flags; the answer has the kind of the signature, and its bytes."""
    address = os.environ.get("SSH_AUTH_SOCK")
    if not address:
        raise UnavailableError("there is no ssh-agent here (SSH_AUTH_SOCK is not set)",
                               "start one and `ssh-add` the key, or give the private key's file")
    body = bytes([_SIGN_REQUEST]) + _string(blob) + _string(message) + struct.pack(">I", 0)
    try:
        with socket.socket(socket.AF_UNIX) as agent:
            agent.settimeout(_AGENT_SECONDS)
            agent.connect(address)
            agent.sendall(struct.pack(">I", len(body)) + body)
            size = struct.unpack(">I", _exactly(agent, 4))[0]
            answer = _exactly(agent, min(size, _MAX_KEY))
    except OSError as error:
        raise UnavailableError(f"the ssh-agent does not answer: {error}", "is it running? `ssh-add -l`") from error
    if answer[:1] != bytes([_SIGN_RESPONSE]):
        raise NotFoundError("the ssh-agent does not have this key, or refused to sign", "`ssh-add -l` lists its keys")
    signature, _ = _taken(answer[1:])
    kind, rest = _taken(signature)
    value, _ = _taken(rest)
    if kind != _KIND:
        raise InvalidError("the ssh-agent signed with a key of another kind", _ONLY)
    return value


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _taken(data: bytes) -> tuple[bytes, bytes]:
    if len(data) < 4 or len(data) < 4 + (size := struct.unpack_from(">I", data)[0]):
        raise CorruptError("the ssh-agent's answer makes no sense", "is SSH_AUTH_SOCK an ssh-agent's?")
    return data[4:4 + size], data[4 + size:]


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise ConnectionError("it hung up")
        data += part
    return data


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_KEY)
    except OSError as error:
        raise NotFoundError(f"the key {path} cannot be read: {error.strerror}", "give the path of a key") from error


class _Cryptography:
    """What is used of the library, imported when it is."""

    def __init__(self) -> None:
        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import (
            load_pem_private_key,
            load_pem_public_key,
            load_ssh_private_key,
            load_ssh_public_key,
        )

        self.InvalidSignature, self.UnsupportedAlgorithm = InvalidSignature, UnsupportedAlgorithm
        self.Ed25519PrivateKey, self.Ed25519PublicKey = Ed25519PrivateKey, Ed25519PublicKey
        self.load_pem_private_key, self.load_pem_public_key = load_pem_private_key, load_pem_public_key
        self.load_ssh_private_key, self.load_ssh_public_key = load_ssh_private_key, load_ssh_public_key


def _cryptography() -> _Cryptography:
    try:
        return _Cryptography()
    except ImportError as error:
        raise UnsupportedError("signatures need the `cryptography` package", "pip install 'roar[sign]'") from error
