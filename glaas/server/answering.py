"""Documents as HTTP answers: what caches may keep, and who else's pages may read."""

from __future__ import annotations

import json
from hashlib import blake2b

from starlette.requests import Request
from starlette.responses import Response

from lineage.document import Document

_SHORT = "public, max-age=60"
#: The bytes of a record are named by their hash. Not for longer: who takes a job back wants caches to forget it, too.
_LASTING = "public, max-age=86400, immutable"
_OWN = "private, no-cache"


def is_anonymous(request: Request) -> bool:
    """Was it answered as to anybody?  Known once the wiring was asked who it is."""
    return bool(request.scope.get("state", {}).get("account") == "")


def document_answer(request: Request, document: Document, status: int = 200) -> Response:
    content = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return bytes_answer(request, content, "application/json", status=status)


def bytes_answer(request: Request, content: bytes, kind: str, *, lasting: bool = False, status: int = 200) -> Response:
    """``lasting``: the address names just these bytes.  304 where the client has them (RFC 9110 section 13.1.2)."""
    anonymous = is_anonymous(request)
    tag = f'W/"{blake2b(content, digest_size=16).hexdigest()}"'  # weak: compressed or not, it is the same
    headers = {"ETag": tag, "Vary": "Authorization, Cookie",
               "Cache-Control": (_LASTING if lasting else _SHORT) if anonymous else _OWN}
    if anonymous:
        headers["Access-Control-Allow-Origin"] = "*"
    given = request.headers.get("if-none-match", "")
    if given and tag in {one.strip() for one in given.split(",")}:
        return Response(status_code=304, headers=headers)
    return Response(content, status, headers, kind)
