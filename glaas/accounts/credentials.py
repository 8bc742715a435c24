"""Random secrets that people and programs show to be let in, and what is kept of them: a hash.  Pure but for the randomness.

A secret has 256 random bits, so that a fast hash keeps it safe in a store that is read by somebody; passwords do not, and
are in ``passwords``.
"""

from __future__ import annotations

import re
import secrets
import zlib

from blake3 import blake3

PREFIX = "glaas_"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM, _CHECK = 43, 6  # 62**43 > 2**256, 62**6 > 2**32
_TOKEN = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_RANDOM + _CHECK}}}")
#: Without vowels, so without words; none looks like another (RFC 8628 section 6.1).
_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_CODE_LENGTH = 8


def new_token() -> str:
    """``glaas_``, 43 characters of 256 random bits, and 6 of a check sum, so that scanners of leaks can tell it from chance."""
    body = _base62(secrets.randbits(256), _RANDOM)
    return PREFIX + body + _check(body)


def is_token(text: str) -> bool:
    """Whether it has a token's form, check sum included: what has not is refused without asking the store."""
    return _TOKEN.fullmatch(text) is not None and _check(text[len(PREFIX):-_CHECK]) == text[-_CHECK:]


def new_secret() -> str:
    """256 random bits for a cookie or a code, as URL-safe text."""
    return secrets.token_urlsafe(32)


def new_id() -> str:
    """Names a token among its account's; says nothing of its secret."""
    return secrets.token_hex(6)


def hashed(purpose: str, secret: str) -> bytes:
    """What is stored of a secret, and what it is found by.  ``purpose`` keeps the kinds apart: a cookie is no token."""
    return blake3(secret.encode("utf-8", "surrogatepass"), derive_key_context=f"glaas 2026 {purpose}").digest()


def keyed(key: bytes, purpose: str, data: bytes) -> bytes:
    """A MAC of 32 bytes: only who has ``key`` (32 bytes) could have made it."""
    return blake3(purpose.encode() + b"\0" + data, key=key).digest()


def new_user_code() -> str:
    """What a person types: ``BCDF-GHJK``, 34 bits."""
    text = "".join(secrets.choice(_CODE_LETTERS) for _ in range(_CODE_LENGTH))
    return f"{text[:4]}-{text[4:]}"


def user_code(text: str) -> str:
    """As it was shown, however it was typed; empty for what cannot be one."""
    plain = "".join(each for each in text.upper() if each.isalnum())
    if len(plain) != _CODE_LENGTH or not set(plain) <= set(_CODE_LETTERS):
        return ""
    return f"{plain[:4]}-{plain[4:]}"


def _check(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECK)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
