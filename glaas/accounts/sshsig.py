"""ed25519 keys as OpenSSH writes them, and signatures: bare ones, and those of `ssh-keygen -Y sign`.

The layout of both: RFC 4253 section 6.6, RFC 8709, and OpenSSH's PROTOCOL.sshsig.  Everything here is hostile input.
"""

from __future__ import annotations

import hashlib
import re
import struct
from base64 import b64decode, b64encode
from binascii import Error as Base64Error

from lineage.errors import InvalidError

NAMESPACE = "glaas"
_KIND = b"ssh-ed25519"
_MAGIC = b"SSHSIG"
_MAX_TEXT = 4096
_ARMOUR = re.compile(r"\s*-----BEGIN SSH SIGNATURE-----\s+([A-Za-z0-9+/=\s]+?)\s*-----END SSH SIGNATURE-----\s*")
_HASHES = {b"sha256": hashlib.sha256, b"sha512": hashlib.sha512}
_ONLY = "keys are ed25519: `ssh-keygen -t ed25519`, and the line of its .pub file"


def public_key(line: str) -> tuple[bytes, str]:
    """(the key's 32 bytes, its comment) of a line ``ssh-ed25519 AAAA… comment``.  InvalidError for anything else."""
    words = line.split(None, 2) if len(line) <= _MAX_TEXT and "\n" not in line.strip() else []
    if len(words) < 2 or words[0] != _KIND.decode():
        raise InvalidError("this is not the public key of an ed25519 key", _ONLY)
    blob = _decoded(words[1])
    kind, rest = _taken(blob)
    raw, rest = _taken(rest)
    if kind != _KIND or len(raw) != 32 or rest:
        raise InvalidError("this is not the public key of an ed25519 key", _ONLY)
    return raw, words[2].strip() if len(words) > 2 else ""


def blob(public: bytes) -> bytes:
    return _string(_KIND) + _string(public)


def key_hash(public: bytes) -> bytes:
    return hashlib.sha256(blob(public)).digest()


def fingerprint(public: bytes) -> str:
    """As `ssh-keygen -l` shows it."""
    return "SHA256:" + b64encode(key_hash(public)).decode().rstrip("=")


def hash_of(text: str) -> bytes:
    """The 32 bytes of a fingerprint.  InvalidError for what is none."""
    body = text.removeprefix("SHA256:")
    found = _decoded(body + "=" * (-len(body) % 4)) if len(body) == 43 else b""
    if len(found) != 32:
        raise InvalidError(f"{text[:60]!r} is not a key's fingerprint", "as `ssh-keygen -l` shows it: SHA256:…")
    return found


def is_signed(public: bytes, bare: bytes, message: bytes, signature: str) -> bool:
    """``signature``: base64 of 64 bytes over ``bare``, or what `ssh-keygen -Y sign -n glaas` writes, over ``message``."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        armoured = _ARMOUR.fullmatch(signature) if len(signature) <= _MAX_TEXT else None
        value, signed = _unarmoured(armoured[1], public, message) if armoured else (_decoded(signature), bare)
        Ed25519PublicKey.from_public_bytes(public).verify(value, signed)
    except (InvalidSignature, InvalidError, ValueError):
        return False
    return True


def _unarmoured(text: str, public: bytes, message: bytes) -> tuple[bytes, bytes]:
    """(signature, what it is over): PROTOCOL.sshsig, "Signed Data".  InvalidError for what is no such signature."""
    data = _decoded("".join(text.split()))
    if not data.startswith(_MAGIC + struct.pack(">I", 1)):
        raise InvalidError("this is no SSH signature", _ONLY)
    key, rest = _taken(data[10:])
    namespace, rest = _taken(rest)
    reserved, rest = _taken(rest)
    algorithm, rest = _taken(rest)
    signature, rest = _taken(rest)
    kind, value = _taken(signature)
    value, more = _taken(value)
    if key != blob(public) or namespace != NAMESPACE.encode() or kind != _KIND or algorithm not in _HASHES or rest or more:
        raise InvalidError("this is an SSH signature of something else", _ONLY)
    digest = _HASHES[algorithm](message).digest()
    return value, _MAGIC + b"".join(_string(part) for part in (namespace, reserved, algorithm, digest))


def _decoded(text: str) -> bytes:
    if len(text) > _MAX_TEXT:
        raise InvalidError("this is too long for a key or a signature", _ONLY)
    try:
        return b64decode(text, validate=True)
    except (Base64Error, ValueError) as error:
        raise InvalidError(f"this is not base64: {error}", _ONLY) from error


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _taken(data: bytes) -> tuple[bytes, bytes]:
    if len(data) < 4 or len(data) < 4 + (size := struct.unpack_from(">I", data)[0]):
        raise InvalidError("this key or signature ends too early", _ONLY)
    return data[4:4 + size], data[4 + size:]
