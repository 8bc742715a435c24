"""Screen readers, keyboards, phones, dark rooms, and browsers without scripts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from test_pages import CY, ready

from glaas import web

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text()


def addresses(site) -> dict[str, str]:
    world = site.world
    return {
        "home": "/", "artifact": site.artifact(), "hot artifact": site.artifact(world.hot), "job": site.job(),
        "incomplete job": f"/job/{world.pipeline.jobs[3].head.id.hex()}?all=1",
        "failed job": f"/job/{world.pipeline.jobs[4].head.id.hex()}",
        "private input": f"/job/{world.open_job.head.id.hex()}", "session": site.session(),
        "large session": site.session("large"),
        "hostile session": site.session("hostile"), "hostile job": f"/job/{world.hostile.jobs[0].head.id.hex()}",
        "graph": f"{site.artifact()}/graph?direction=up",
        "diff of sessions": f"/diff?a=session:{world.pipeline.id.hex()}&b=session:{world.second.id.hex()}",
        "diff of jobs": f"/diff?a=job:{world.model_job.head.id.hex()}&b=job:{world.second.jobs[2].head.id.hex()}",
        "diff form": "/diff", "search": "/search?q=train", "nothing found": "/search?q=zzzzzz", "search form": "/search",
        "user": "/user/ada", "login": "/login", "log": "/log", "not found": "/nope"}


def violations(page: Page, options: str = "{resultTypes: ['violations']}") -> list[str]:
    """https://github.com/dequelabs/axe-core: WCAG 2.2 A and AA, and best practices.  Evaluated by the debugger, which no
    Content-Security-Policy keeps out."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found = page.evaluate(f"axe.run(document, {options})")["violations"]
    return [f"{one['id']}: {node['html'][:160]} {node['failureSummary'][:200]}" for one in found for node in one["nodes"][:3]]


@pytest.mark.parametrize("third", range(3))
def test_each_page_is_for_screen_readers_in_both_themes_and_for_phones(opens, site, third) -> None:
    """One visit a page: axe, then the contrasts of the other theme, then a phone's width."""
    context = None
    wrong: dict[str, list[str]] = {}
    for name, path in list(addresses(site).items())[third::3]:
        page = opens(path, status=404 if name == "not found" else 200, context=context)
        context = page.context
        if page.query_selector("[data-graph]"):
            ready(page)
        found = violations(page)
        page.evaluate("document.documentElement.dataset.theme = 'dark'")
        found += violations(page, "{runOnly: ['color-contrast', 'link-in-text-block'], resultTypes: ['violations']}")
        page.set_viewport_size({"width": 360, "height": 740})
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > 360:
            found.append(f"it is {width} wide on a phone of 360")
        if found:
            wrong[name] = found
        page.close()
    assert {} == wrong


def test_both_ways_to_the_dark_have_the_same_colours() -> None:
    sheet = (Path(web.__file__).parent / "static" / "site.css").read_text()
    wished, chosen = re.findall(r":root[^{}]*\{\s*color-scheme: dark;(.*?)\}", sheet, re.S)
    assert wished.split() == chosen.split()


def test_without_scripts_all_of_it_is_there(opens, site) -> None:
    page = opens(site.session(), java_script_enabled=False)
    picture = page.locator("noscript img, .picture img").first
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.complete && image.naturalWidth") > 100
    expect(page.get_by_role("button", name="Fit")).to_have_count(0)
    expect(page.get_by_role("row", name="python train.py")).to_be_visible()
    page.get_by_role("link", name="python train.py").click()
    expect(page.get_by_role("heading", name="Parameters")).to_be_visible()
    page.get_by_role("searchbox").fill("champion")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("heading", name="By label or tag")).to_be_visible()


def test_dark_is_chosen_and_remembered(opens, site) -> None:
    page = opens("/")
    paper = lambda: page.evaluate("getComputedStyle(document.body).backgroundColor")  # noqa: E731
    light = paper()
    page.get_by_role("button", name="Use dark colours").click()
    dark = paper()
    assert dark != light
    page.goto(site.artifact())
    assert dark == paper()
    page.get_by_role("button", name="Use light colours").click()
    assert light == paper()


def test_the_system_s_wish_for_dark_holds_without_a_choice(opens, site) -> None:
    assert "rgb(20, 23, 26)" == opens("/", color_scheme="dark").evaluate("getComputedStyle(document.body).backgroundColor")


def test_with_the_keyboard_alone(opens, site) -> None:
    page = ready(opens(site.session()))
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert "none" != outline
    page.keyboard.press("Enter")
    assert "main" == page.evaluate("document.activeElement.id")
    page.get_by_label("Find in the graph").focus()
    page.keyboard.type("train.py")
    expect(page.get_by_text("found, Enter goes there")).to_be_visible()
    page.keyboard.press("Enter")
    side = page.get_by_role("complementary", name="The chosen node")
    expect(side.get_by_role("heading")).to_contain_text("train.py")
    page.locator(".graph-canvas").focus()
    page.keyboard.press("ArrowRight")
    after = side.get_by_role("heading").inner_text()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Escape")
    expect(side).to_be_hidden()
    page.keyboard.press("ArrowRight")
    expect(side).to_be_visible()
    assert after
    page.keyboard.press("Enter")
    page.wait_for_url("**/artifact/*")


def test_what_follows_is_folded_and_files_are_left_out(opens, site) -> None:
    page = ready(opens(site.session()))
    shown = lambda: page.evaluate(f"{CY}.nodes().not('.away').length")  # noqa: E731
    every = shown()
    page.get_by_role("button", name="Files").click()
    assert 5 == shown()
    assert page.evaluate(f"{CY}.edges(':visible').length") >= 4
    page.get_by_role("button", name="Files").click()
    assert every == shown()
    page.evaluate(f"void {CY}.nodes('.job').filter(one => one.data('label').includes('preprocess.py'))[0].emit('tap')")
    page.get_by_role("button", name="Fold what follows").click()
    folded = shown()
    assert folded < every / 2
    page.get_by_role("button", name="Unfold what follows").click()
    assert every == shown()
    page.get_by_role("button", name="Only its lineage").click()
    assert shown() < every
    page.get_by_role("button", name="Show all").click()
    assert every == shown()


def test_a_graph_of_5000_nodes_is_drawn_as_fast_as_one_of_20(opens, site) -> None:
    """Frames while the graph is dragged, against those of a small one on the same machine in the same minute."""
    def median(name: str) -> float:
        page = ready(opens(site.session(name)))
        canvas = page.locator(".graph-canvas")
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.evaluate("""() => { window.frames_ = []; let last = performance.now();
            const tick = () => { const now = performance.now(); frames_.push(now - last); last = now;
                requestAnimationFrame(tick); };
            requestAnimationFrame(tick); }""")
        for at in range(50):
            page.mouse.move(x + (at % 25) * 6, y + at)
            page.wait_for_timeout(10)
        page.mouse.up()
        frames = sorted(page.evaluate("frames_"))
        assert 5000 == page.evaluate(f"{CY}.nodes().length") or name != "large"
        page.close()
        return frames[len(frames) // 2]

    assert median("large") < 4 * median("pipeline")
