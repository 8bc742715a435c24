"""`/log`: the head of the transparency log, and what it is good for."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from glaas.web import words
from glaas.web.answers import Page
from glaas.web.site import Asked
from lineage.transparency import TreeHead


def page(asked: Asked) -> Page:
    head = asked.site.wiring.log.head()
    return Page("log.html", "Transparency log", {
        "head": head, "when": words.when(head.at), "root": head.root.hex(), "key": b64encode(head.key).decode(),
        "signature": b64encode(head.signature).decode(), "note": words.text(head.text),
    }, lambda: _document(head))


def _document(head: TreeHead) -> dict[str, Any]:
    return {"schema": "glaas.log-head/1", "head": {
        "origin": head.origin, "size": head.size, "root": head.root.hex(), "at": head.at,
        "signature": b64encode(head.signature).decode(), "key": b64encode(head.key).decode(), "note": head.text}}
