"""What an address names: whole ids, first digits of them, and what is done where those are not enough."""

from __future__ import annotations

import re

from glaas.web.answers import Elsewhere
from lineage.errors import NotFoundError
from lineage.service.references import by_reference
from lineage.service.view import View

_ID_DIGITS = 64
_RUN_DIGITS = 32
_DIGITS = re.compile(r"[0-9a-fA-F]{4,64}")


def identity(view: View, kind: str, text: str, after: str = "") -> bytes | Elsewhere:
    """The id, or the way to its full address (with ``after`` behind it).  AmbiguousError has what the digits could mean."""
    if not _DIGITS.fullmatch(text):
        raise NotFoundError(f"{text[:80]!r} is not the id of {'an artifact' if kind == 'artifact' else 'a ' + kind}",
                            "an id has 64 hex digits; the first 4 or more will do")
    if len(text) == _ID_DIGITS and text == text.lower():
        return bytes.fromhex(text)
    if kind == "job" and len(text) == _RUN_DIGITS:
        head = view.head(bytes.fromhex(text))
        if head.id is not None:
            return Elsewhere(f"/job/{head.id.hex()}{after}")
    named = by_reference(view, f"{kind}:{text.lower()}", b"")
    return Elsewhere(f"/{kind}/{named.id.hex()}{after}")
