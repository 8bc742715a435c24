"""A picture as SVG (https://www.w3.org/TR/SVG2/): text in boxes, drawn without scripts, light or dark as its reader has it."""

from __future__ import annotations

import unicodedata
from importlib.resources import files
from xml.sax.saxutils import escape, quoteattr

from lineage.draw.layout import Layout, Point, Size, layered
from lineage.draw.picture import Edge, Node, Picture

_CHARACTER = 6.7  # width at 11 px of the fonts named below, with a little more for those of others
_LINE = 15.0
_PADDING = 9.0
_MARGIN = 24.0
_WIDEST = 46  # characters of a line
_LABEL = 26


def svg(picture: Picture) -> str:
    """The whole document. Nodes carry ``data-at`` (their place), edges ``data-source`` and ``data-target``."""
    sizes = [_size(node) for node in picture.nodes]
    gaps = [max(60.0, _width(_cut(edge.label, _LABEL)) + 44.0) for edge in picture.edges]
    layout = layered(sizes, [(edge.source, edge.target) for edge in picture.edges], gaps)
    width, height = layout.size.width + 2 * _MARGIN, layout.size.height + 2 * _MARGIN + (20 if picture.note else 0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="roar" role="img" aria-label={quoteattr(clean(picture.title))} '
        f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}">',
        f"<title>{_text(picture.title)}</title><style>{asset('picture.css')}</style>",
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z"/></marker></defs>',
        f'<g transform="translate({_MARGIN:g} {_MARGIN:g})">',
        *(_edge(at, edge, layout) for at, edge in enumerate(picture.edges)),
        *(_node(at, node, layout.places[at], sizes[at]) for at, node in enumerate(picture.nodes)),
        f'<text class="note" x="0" y="{layout.size.height + 26:.0f}">{_text(picture.note)}</text>' if picture.note else "",
        "</g></svg>\n",
    ]
    return "".join(parts)


def asset(name: str) -> str:
    """A file that lies beside this module."""
    return (files(__package__ or "lineage.draw") / name).read_text(encoding="utf-8")


def _size(node: Node) -> Size:
    widest = max(_width(_cut(line, _WIDEST)) for line in (node.title, *node.lines))
    return Size(widest + 2 * _PADDING, _LINE * (1 + len(node.lines)) + _PADDING)


def _node(at: int, node: Node, place: Point, size: Size) -> str:
    facts = "\n".join(f"{name}: {value}" for name, value in node.facts.items())
    lines = "".join(f'<text class="dim{" state" if row == len(node.lines) - 1 else ""}" x="{_PADDING:g}" '
                    f'y="{_LINE * (row + 2):g}">{_text(_cut(line, _WIDEST))}</text>' for row, line in enumerate(node.lines))
    return (f'<g class="node {node.kind} {node.look}" data-at="{at}" data-id={quoteattr(clean(node.id))} '
            f'transform="translate({place.x:.1f} {place.y:.1f})"><title>{_text(facts or node.title)}</title>'
            f'<rect class="box" width="{size.width:.1f}" height="{size.height:.1f}" '
            f'rx="{3 if node.kind == "artifact" else 7}"/>'
            f'<text class="title" x="{_PADDING:g}" y="{_LINE:g}">{_text(_cut(node.title, _WIDEST))}</text>{lines}</g>')


def _edge(at: int, edge: Edge, layout: Layout) -> str:
    route = layout.routes[at]
    path = [f"M{route[0].x:.1f} {route[0].y:.1f}"]
    for place in range(1, len(route)):
        before, here = route[place - 1], route[place]
        if place % 2:  # between layers; within one it runs straight
            middle = (before.x + here.x) / 2
            path.append(f"C{middle:.1f} {before.y:.1f} {middle:.1f} {here.y:.1f} {here.x:.1f} {here.y:.1f}")
        else:
            path.append(f"L{here.x:.1f} {here.y:.1f}")
    marker = "marker-start" if at in layout.turned else "marker-end"
    start, following = route[0], route[1]
    label = (f'<text text-anchor="middle" x="{(start.x + following.x) / 2:.1f}" y="{(start.y + following.y) / 2 - 4:.1f}">'
             f'{_text(_cut(edge.label, _LABEL))}</text>' if edge.label else "")
    return (f'<g class="edge" data-source="{edge.source}" data-target="{edge.target}"><title>{_text(edge.label)}</title>'
            f'<path d="{"".join(path)}" {marker}="url(#arrow)"/>{label}</g>')


def _width(text: str) -> float:
    return _CHARACTER * sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[:width - 1] + "…"


def _text(text: str) -> str:
    return escape(clean(text))


def clean(text: str) -> str:
    """Without what XML 1.0 does not allow (section 2.2), and what cannot be encoded."""
    return "".join(character if character in "\t\n" or (character.isprintable() and not "\ud800" <= character <= "\udfff")
                   else "\N{REPLACEMENT CHARACTER}" for character in text)

