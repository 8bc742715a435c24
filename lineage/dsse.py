"""DSSE envelopes (https://github.com/secure-systems-lab/dsse/blob/master/protocol.md), without the cryptography: who signs
and who verifies is given bytes."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from lineage.errors import CorruptError

_URL_SAFE = str.maketrans("-_", "+/")


class Signature(NamedTuple):
    """``key`` names the key that it claims to be of; nobody need believe it."""

    key: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]

    @property
    def signed(self) -> bytes:
        return preauthentication(self.payload_type, self.payload)

    def document(self) -> dict[str, Any]:
        return {"payloadType": self.payload_type, "payload": b64encode(self.payload).decode(),
                "signatures": [{"keyid": each.key, "sig": b64encode(each.value).decode()} for each in self.signatures]}

    def text(self) -> str:
        return json.dumps(self.document(), separators=(",", ":"))


def preauthentication(payload_type: str, payload: bytes) -> bytes:
    """What is signed: PAE of the protocol, section "Signature Definition"."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def is_envelope(document: object) -> bool:
    return isinstance(document, dict) and "payloadType" in document and "signatures" in document


def parse(document: Mapping[str, Any]) -> Envelope:
    """CorruptError for what is no envelope."""
    try:
        signatures = tuple(Signature(str(each.get("keyid", "")), _bytes(each["sig"])) for each in document["signatures"])
        return Envelope(str(document["payloadType"]), _bytes(document["payload"]), signatures)
    except (KeyError, TypeError, AttributeError, ValueError, Base64Error) as error:
        raise CorruptError(f"this is not a DSSE envelope: {error}", "it has payload, payloadType and signatures") from error


def _bytes(text: str) -> bytes:
    """The protocol wants both kinds of base64 read."""
    return b64decode(text.translate(_URL_SAFE), validate=True)
