"""A picture as one page that needs nothing else: it can be mailed, and opened in ten years.

Without scripts it is the picture, to be scrolled. With them: drag and wheel move and scale it, a box that is chosen shows
its facts and lights up all that it came from and all that was made from it, and words find boxes.
"""

from __future__ import annotations

import json
from xml.sax.saxutils import escape

from lineage.draw.picture import Picture
from lineage.draw.svg import asset, clean, svg

_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
"""

def page(picture: Picture) -> str:
    """The whole document; all that comes from records is text in it, never markup or script."""
    facts = json.dumps([{"title": node.title, "facts": dict(node.facts)} for node in picture.nodes])
    safe = facts.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")  # nothing may end the element
    title = escape(clean(picture.title))
    note = f"<p>{escape(clean(picture.note))}</p>" if picture.note else ""
    return (f"{_HEAD}<title>{title}</title><style>{asset('page.css')}</style></head><body><header><h1>{title}</h1>{note}"
            '<p id="count" aria-live="polite"></p><input id="words" type="search" placeholder="Find (/)" '
            'aria-label="Find boxes by words"><button id="fit" type="button">Fit</button></header>'
            f'<main><div id="view">{svg(picture)}</div><aside hidden aria-label="About the chosen box"></aside></main>'
            f'<script type="application/json" id="facts">{safe}</script>'
            f"<script>{asset('page.js')}</script></body></html>\n")
