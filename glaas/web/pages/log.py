"""`/log`: the head of the transparency log, and what it is good for."""

from __future__ import annotations

from base64 import b64encode

from glaas.server.log_documents import head_document
from glaas.web import words
from glaas.web.answers import Page
from glaas.web.site import Asked


def page(asked: Asked) -> Page:
    head = asked.site.wiring.log.head()
    return Page("log.html", "Transparency log", {
        "head": head, "when": words.when(head.at), "root": head.root.hex(), "key": b64encode(head.key).decode(),
        "signature": b64encode(head.signature).decode(), "note": words.text(head.text),
    }, lambda: head_document(asked.site.wiring))
