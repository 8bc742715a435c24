"""The pages as a reader has them, in a real browser."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect


def ready(page: Page) -> Page:
    page.wait_for_selector("[data-graph][data-ready]")
    return page


CY = "document.querySelector('.graph-canvas')._cyreg.cy"


def click_node(page: Page, label: str) -> None:
    """Once the page stands still: how long that takes is the machine's matter."""
    canvas, side = page.locator(".graph-canvas"), page.get_by_role("complementary", name="The chosen node")
    canvas.scroll_into_view_if_needed()
    for _ in range(20):
        x, y = page.evaluate(f"""() => {{
            const at = {CY}.nodes().filter(one => one.data('label') === '{label}')[0].renderedPosition();
            const box = document.querySelector('.graph-canvas').getBoundingClientRect();
            return [box.x + at.x, box.y + at.y]; }}""")
        page.mouse.click(x, y)
        page.wait_for_timeout(250)
        if side.is_visible():
            return


def test_from_a_word_to_an_artifact_its_job_its_session_and_by_the_graph_to_a_file(opens, site) -> None:
    page = opens("/")
    page.keyboard.press("/")
    page.keyboard.type("champion")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=champion")
    page.get_by_role("link", name=re.compile(site.world.model.hex()[:12])).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("model.pkl")
    expect(page.get_by_text("provenance known", exact=True)).to_be_visible()
    page.get_by_role("link", name="python train.py").first.click()
    page.wait_for_url(f"**{site.job()}")
    expect(page.get_by_role("heading", level=1)).to_have_text("train.py")
    page.get_by_role("link", name=site.world.pipeline.id.hex()[:10]).click()
    page.wait_for_url(f"**{site.session()}")
    click_node(ready(page), "model.pkl")
    expect(page.get_by_role("complementary", name="The chosen node")).to_contain_text("171 kB")
    page.get_by_role("link", name="Open its page").click()
    page.wait_for_url(f"**{site.artifact()}")


def test_an_artifact_says_where_it_came_from_and_what_became_of_it(opens, site) -> None:
    page = opens(site.artifact())
    up = page.get_by_role("region", name="Where it came from")
    for name in ("train.parquet", "measurements.csv", "generate.py", "preprocess.py"):
        expect(up.get_by_role("link", name=name, exact=True).first).to_be_visible()
    down = page.get_by_role("region", name="What was made from it")
    expect(down.get_by_role("link", name="metrics.json")).to_be_visible()
    expect(page.get_by_text("name: champion")).to_be_visible()
    expect(page.get_by_text("Chosen for the release.")).to_be_visible()
    page.get_by_label("Levels").select_option("1")
    page.wait_for_url("**depth=1")
    expect(page.get_by_role("link", name="measurements.csv")).to_have_count(0)


def test_a_job_shows_all_that_its_record_says(opens, site) -> None:
    page = opens(site.job())
    for text in ("python train.py --epochs 30 --lr=0.05", "The record is complete", "optimizer.name", "CUDA_VISIBLE_DEVICES",
                 "AMD EPYC 7763", "scikit-learn", "nvidia-smi -L", "for all to see"):
        expect(page.get_by_text(text).first).to_be_visible()
    commit = page.get_by_role("link", name="3f9c1d7e5a2b")
    expect(commit).to_have_attribute("href",
                                     f"https://github.com/ada/pipeline/commit/{'3f9c1d7e5a2b4c6d8e0f1a2b3c4d5e6f7a8b9c0d'}")
    expect(page.get_by_text("checkpoints/shard-{000..023}.bin")).to_be_visible()
    page.get_by_role("link", name="and 300 of packages and system").click()
    expect(page.get_by_role("heading", name="Inputs 302")).to_be_visible()


def test_an_incomplete_record_says_why(opens, site) -> None:
    page = opens(f"/job/{site.world.pipeline.jobs[3].head.id.hex()}")
    expect(page.get_by_text("The record is known to miss something")).to_be_visible()
    expect(page.get_by_text("1 input changed while it was read")).to_be_visible()


def test_what_is_private_is_there_without_its_name(opens, site) -> None:
    page = opens(f"/job/{site.world.open_job.head.id.hex()}")
    expect(page.get_by_role("row", name=re.compile("a private artifact"))).to_be_visible()
    assert "patients" not in page.content()
    opens(f"/job/{site.world.secret.jobs[0].head.id.hex()}", status=404)


def test_two_sessions_are_compared_and_say_why_they_differ(opens, site) -> None:
    page = opens(site.session())
    page.get_by_role("textbox", name="Another session: its id").fill(site.world.second.id.hex()[:12])
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("region", name="Why")).to_contain_text("--lr is 0.05 → 0.1")
    page.get_by_role("link", name="code, parameters, environment, outputs").click()
    expect(page.get_by_role("row", name=re.compile("--lr changed 0.05 0.1"))).to_be_visible()


def test_digits_lead_to_the_whole_id_and_several_are_listed(opens, site) -> None:
    page = opens(f"/artifact/{site.world.model.hex()[:10]}")
    assert page.url.endswith(site.artifact())
    page = opens("/artifact/zzz", status=404)
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing is known under that address")
