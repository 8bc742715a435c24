"""The picture that other sites show beside a link (1200 by 630, https://ogp.me): as SVG, and as PNG by Pillow, since none
of them takes SVG."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple
from xml.sax.saxutils import escape

from PIL import Image, ImageDraw, ImageFont

from lineage.draw.svg import clean
from lineage.text import cut

WIDTH, HEIGHT = 1200, 630
_LEFT = 80
_PAPER, _INK, _SOFT, _MARK = "#fbfaf8", "#1d2126", "#565e68", "#0b6e7f"
_LOOKS = {"known": ("provenance known", "#17683a"), "partial": ("provenance known in part", "#8a5200"),
          "unknown": ("provenance unknown", "#565e68")}


class Drawn(NamedTuple):
    """``look`` as of ``pages.artifact.Known``; ``text`` says the same as the picture, for who cannot see it."""

    name: str
    digest: str
    look: str
    text: str
    command: str
    size: str


class _Line(NamedTuple):
    text: str
    top: int  # of its baseline
    size: int
    colour: str


def _lines(card: Drawn) -> Iterator[_Line]:
    yield _Line("glaas", 110, 40, _MARK)
    for at, text in enumerate(textwrap.wrap(clean(cut(card.name, 60)), 30, break_on_hyphens=False)[:2] or ["?"]):
        yield _Line(text, 225 + at * 80, 68, _INK)
    yield _Line(f"{card.digest[:32]}{'  ' + card.size if card.size else ''}", 385, 32, _SOFT)
    for at, text in enumerate(textwrap.wrap(clean(cut(card.command, 110)), 58, break_on_hyphens=False)[:2]):
        yield _Line(f"{'made by ' if not at else ''}{text}", 445 + at * 44, 32, _SOFT)
    yield _Line(_LOOKS[card.look][0], 568, 36, _LOOKS[card.look][1])


def svg(card: Drawn) -> str:
    rows = "".join(f'<text x="{_LEFT}" y="{line.top}" font-size="{line.size}" fill="{line.colour}">{escape(line.text)}</text>'
                   for line in _lines(card))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'role="img">'
            f'<title>{escape(clean(card.text))}</title><rect width="{WIDTH}" height="{HEIGHT}" fill="{_PAPER}"/>'
            f'<rect width="16" height="{HEIGHT}" fill="{_LOOKS[card.look][1]}"/>'
            f'<g font-family="system-ui,DejaVu Sans,sans-serif" font-weight="500">{rows}</g></svg>\n')


def png(card: Drawn) -> bytes:
    image = Image.new("RGB", (WIDTH, HEIGHT), _PAPER)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 16, HEIGHT), fill=_LOOKS[card.look][1])
    for line in _lines(card):
        draw.text((_LEFT, line.top), line.text, fill=line.colour, font=_font(line.size), anchor="ls")
    file = io.BytesIO()
    image.quantize(64).save(file, "PNG", optimize=True)
    return file.getvalue()


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow brings one; it needs nothing of the system."""
    return ImageFont.load_default(size)
