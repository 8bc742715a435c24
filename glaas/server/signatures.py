"""The signature that may come with a bundle: it is of this bundle, and where it names a key of the account, by that key.

One by a key that the account does not have here is kept as it is: it says nothing until somebody who knows the key looks."""

from __future__ import annotations

import json
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from lineage import bundle, dsse
from lineage.errors import CorruptError, InvalidError

MAX_BYTES = 4 << 20  # a bundle of 5,000 jobs has a header of 2 MB, and the envelope has it in base64
_HINT = "nothing of it was taken; sign it again, or send it without a signature"


def check(raw: bundle.Raw, keys: Mapping[str, bytes]) -> None:
    """``keys``: the account's, by fingerprint.  CorruptError for an envelope that is of something else, or is forged."""
    if not raw.envelope:
        return
    if len(raw.envelope) > MAX_BYTES:
        raise InvalidError("the bundle's signature is too large", f"{MAX_BYTES >> 20} MB at most")
    try:
        document = json.loads(raw.envelope)
    except (ValueError, RecursionError) as error:
        raise CorruptError("the bundle's signature is not JSON", _HINT) from error
    if not dsse.is_envelope(document):
        raise CorruptError("the bundle's signature is no DSSE envelope", _HINT)
    envelope = dsse.parse(document)
    if envelope.payload_type != bundle.PAYLOAD_TYPE or envelope.payload != raw.header:
        raise CorruptError("the bundle's signature is of something else", _HINT)
    for signature in envelope.signatures:
        public = keys.get(signature.key)
        if public is not None and not _holds(public, signature.value, envelope.signed):
            raise CorruptError(f"the bundle's signature was not made by {signature.key}, which it names", _HINT)


def _holds(public: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
