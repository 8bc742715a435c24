"""Pictures of graphs: where things stand, and that what is written there stays text."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from lineage.draw.layout import Layout, Size, layered
from lineage.draw.page import page
from lineage.draw.picture import Edge, Node, Picture
from lineage.draw.svg import svg

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</script><script>alert(1)</script><img src=x onerror='alert(2)'>&amp;\x00\x1b[31m\ud800]]>"


@st.composite
def graphs(draw) -> tuple[list[Size], list[tuple[int, int]]]:
    count = draw(st.integers(1, 25))
    sizes = draw(st.lists(st.builds(Size, st.integers(20, 300), st.integers(10, 80)), min_size=count, max_size=count))
    ends = st.integers(0, count - 1)
    edges = draw(st.lists(st.tuples(ends, ends).filter(lambda pair: pair[0] != pair[1]), max_size=50, unique=True))
    return sizes, edges


def overlapping(sizes: list[Size], layout: Layout) -> list[tuple[int, int]]:
    boxes = [(place.x, place.y, place.x + size.width, place.y + size.height)
             for place, size in zip(layout.places, sizes, strict=True)]
    return [(one, other) for one in range(len(boxes)) for other in range(one)
            if boxes[one][0] < boxes[other][2] and boxes[other][0] < boxes[one][2]
            and boxes[one][1] < boxes[other][3] - 1e-6 and boxes[other][1] < boxes[one][3] - 1e-6]


@settings(deadline=None)
@given(graphs())
def test_boxes_do_not_overlap_and_edges_run_from_side_to_side(graph) -> None:
    sizes, edges = graph
    layout = layered(sizes, edges)
    assert overlapping(sizes, layout) == []
    for at, (source, target) in enumerate(edges):
        if at in layout.turned:
            source, target = target, source  # noqa: PLW2901 - it is drawn the other way round
        route = layout.routes[at]
        assert route[0].x == layout.places[source].x + sizes[source].width
        assert route[-1].x == layout.places[target].x
        assert layout.places[source].y <= route[0].y <= layout.places[source].y + sizes[source].height
        assert [point.x for point in route] == sorted(point.x for point in route), "it never runs back"
    for place, size in zip(layout.places, sizes, strict=True):
        assert place.x >= 0 and place.x + size.width <= layout.size.width + 1e-6
        assert place.y >= -1e-6 and place.y + size.height <= layout.size.height + 1e-6


@settings(deadline=None)
@given(graphs())
def test_only_cycles_are_turned(graph) -> None:
    sizes, edges = graph
    acyclic = [(min(pair), max(pair)) for pair in edges]
    assert layered(sizes, list(dict.fromkeys(acyclic))).turned == set()


def test_a_chain_is_straight_and_a_root_stands_next_to_who_needs_it() -> None:
    box = Size(100, 40)
    chain = layered([box] * 4, [(0, 1), (1, 2), (3, 2)])
    assert chain.places[0].x < chain.places[1].x < chain.places[2].x
    assert chain.places[3].x == chain.places[1].x
    assert len({place.y for place in layered([box] * 5, [(0, 1), (1, 2), (2, 3), (3, 4)]).places}) == 1


def test_nothing_to_draw() -> None:
    assert layered([], []).places == []
    ET.fromstring(svg(Picture("empty", [], [])))


def hostile() -> Picture:
    nodes = [Node(HOSTILE, "job", HOSTILE, [HOSTILE, ""], "failed", {HOSTILE: HOSTILE}), Node("b", "artifact", "b.csv")]
    return Picture(HOSTILE, nodes, [Edge(0, 1, HOSTILE)], HOSTILE)


def test_svg_is_well_formed_and_holds_text_alone() -> None:
    root = ET.fromstring(svg(hostile()))
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "title", "style", "defs", "marker", "path", "g", "text", "rect"}
    texts = [element.text or "" for element in root.iter(f"{SVG}text")]
    assert any(text.startswith("</script>") for text in texts)
    assert not re.search("[\x00\x1b]", "".join(texts))


def test_page_has_the_scripts_that_are_its_own() -> None:
    text = page(hostile())
    scripts = re.findall(r"<script(?: [^>]*)?>(.*?)</script>", text, re.DOTALL)
    assert len(scripts) == 2, "the facts, and the page's own"
    assert json.loads(scripts[0])[0]["title"] == HOSTILE
    assert "<img" not in text
    text.encode()
