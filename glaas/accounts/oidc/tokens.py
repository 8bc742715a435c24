"""ID tokens: who signed in, as the provider signed it (OpenID Connect Core 1.0 section 3.1.3.7)."""

from __future__ import annotations

import hmac
from typing import Any, NamedTuple

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from glaas.accounts.oidc.provider import Discovered
from glaas.accounts.oidc.settings import Provider
from lineage.errors import DeniedError

#: Signatures by a key pair alone: neither "none" nor a secret that is also the client's.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
_LEEWAY = 60  # seconds that clocks may differ
_MAX_SUBJECT = 255  # section 2
_MAX_TOKEN = 1 << 16
_AGAIN = "sign in once more; tell the operator if it stays"


class Claims(NamedTuple):
    """``email`` only where the provider says that it is verified."""

    subject: str
    username: str
    email: str


def verified(value: object, provider: Provider, discovered: Discovered, nonce: str, now: int) -> Claims:
    """``now``: seconds.  DeniedError: it is not what the provider signed for this registry, now, and this sign-in."""
    if not isinstance(value, str) or not value.isascii() or len(value) > _MAX_TOKEN:
        raise DeniedError("the provider gave no ID token", _AGAIN)
    try:
        try:
            claims = _decoded(value, discovered.keys())
        except (InvalidKeyIdError, ValueError):  # it may have new keys
            claims = _decoded(value, discovered.keys(newer=True))
        jwt.JWTClaimsRegistry(
            now, _LEEWAY, iss={"essential": True, "value": provider.issuer}, exp={"essential": True}, iat={"essential": True},
            sub={"essential": True}, aud={"essential": True}, nonce={"essential": True}).validate(claims)
    except (JoseError, ValueError, TypeError) as error:
        raise DeniedError(f"the provider's ID token is not valid: {type(error).__name__}", _AGAIN) from error
    audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if provider.client_id not in audience or claims.get("azp", provider.client_id) != provider.client_id or (
            len(audience) > 1 and "azp" not in claims):
        raise DeniedError("the provider's ID token is for somebody else", _AGAIN)
    if not hmac.compare_digest(str(claims["nonce"]).encode("utf-8", "replace"), nonce.encode()):
        raise DeniedError("the provider's ID token is of another sign-in", _AGAIN)
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= _MAX_SUBJECT:
        raise DeniedError("the provider's ID token does not say who it is", _AGAIN)
    email = claims.get("email") if claims.get("email_verified") is True else ""
    return Claims(subject, str(claims.get("preferred_username") or "")[:100], str(email or "")[:255])


def _decoded(value: str, keys: KeySet) -> dict[str, Any]:
    return dict(jwt.decode(value, keys, algorithms=ALGORITHMS).claims)
