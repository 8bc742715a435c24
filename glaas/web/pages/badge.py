"""What other sites embed: `/badge/HASH.svg`, and the pictures of cards.  Both say what everybody may know, whoever asks."""

from __future__ import annotations

from xml.sax.saxutils import escape

from glaas.store.viewer import Viewer
from glaas.web import carddraw, words
from glaas.web.answers import PICTURE_POLICY, Data, Elsewhere, picture
from glaas.web.pages.artifact import card, name_of, provenance, use
from glaas.web.pages.naming import identity
from glaas.web.site import Asked
from lineage import wire
from lineage.errors import NotFoundError
from lineage.service.service import artifact_message

SECONDS = 300
_WIDTHS = {"known": 48.0, "in part": 48.0, "unknown": 60.0}
_COLOURS = {"known": "#17683a", "partial": "#8a5200", "unknown": "#565e68"}
_LEFT = 78.0


def badge(asked: Asked) -> Data:
    """Also for a hash that nobody registered: "unknown" is the answer, not an error."""
    text = asked.part().removesuffix(".svg")
    view = asked.site.wiring.registry.view(Viewer())
    look = "unknown"
    try:
        found = identity(view, "artifact", text)
        if isinstance(found, bytes):
            look = provenance(wire.head_from(one.job) for one in artifact_message(view, found, 3).producers).look
    except NotFoundError:
        pass
    return picture(badge_svg(look), SECONDS, public=True)


def badge_svg(look: str) -> str:
    word = {"known": "known", "partial": "in part", "unknown": "unknown"}[look]
    right = _WIDTHS[word]
    width = _LEFT + right
    label = escape(f"provenance: {word}")
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="20" role="img" aria-label="{label}">'
            f'<title>{label}</title>'
            f'<clipPath id="r"><rect width="{width:g}" height="20" rx="4"/></clipPath><g clip-path="url(#r)">'
            f'<rect width="{_LEFT:g}" height="20" fill="#2b3138"/><rect x="{_LEFT:g}" width="{right:g}" height="20" '
            f'fill="{_COLOURS[look]}"/></g><g fill="#fff" text-anchor="middle" '
            'font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
            f'<text x="{_LEFT / 2:g}" y="14">provenance</text><text x="{_LEFT + right / 2:g}" y="14">{word}</text></g></svg>\n')


def card_picture(asked: Asked) -> Data | Elsewhere:
    view = asked.site.wiring.registry.view(Viewer())
    kind = "png" if asked.request.url.path.endswith(".png") else "svg"
    found = identity(view, "artifact", asked.part(), f"/card.{kind}")
    if isinstance(found, Elsewhere):
        return found
    message = artifact_message(view, found, 3)
    known = provenance(wire.head_from(one.job) for one in message.producers)
    name = name_of(message, found)
    size = message.size if message.HasField("size") else None
    makers = [use(one) for one in message.producers]
    words_of = carddraw.Drawn(name, found.hex(), known.look, card(name, known, size, makers, found).text,
                              makers[0].job.command if makers else "", words.size(size))
    headers = {"Cache-Control": f"public, max-age={SECONDS}", "Cross-Origin-Resource-Policy": "cross-origin",
               "Content-Security-Policy": PICTURE_POLICY}
    if kind == "png":
        return Data(carddraw.png(words_of), "image/png", headers)
    return Data(carddraw.svg(words_of).encode("utf-8", "replace"), "image/svg+xml", headers)
