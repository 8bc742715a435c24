"""What a page is besides its looks: JSON, headers, cards, badges, addresses that stay, and text that is only text."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import urlsplit
from xml.etree import ElementTree

import httpx
import pytest
from PIL import Image
from playwright.sync_api import expect
from test_for_everyone import addresses

from glaas.web.pages.artifact import SIGHTINGS, WALKED

#: Whom the pages of this registry may lead to.
HOSTS = {"", "127.0.0.1", "github.com", "www.rfc-editor.org"}


@pytest.fixture(scope="module")
def client(site):
    with httpx.Client(base_url=site.url, timeout=60) as opened:
        yield opened


def test_each_page_has_its_policy_and_no_script_or_style_inside(client, site) -> None:
    for name, path in addresses(site).items():
        answer = client.get(path)
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy, name
        assert "default-src 'none'" in policy, name
        assert "nosniff" == answer.headers["x-content-type-options"], name
        looking = Looking()
        looking.feed(answer.text)
        assert [] == looking.wrong, name


class Looking(HTMLParser):
    """Finds what no page may have."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        own = (given.get("src") or "").startswith("/static/")
        if tag in {"style", "iframe", "object", "embed", "base"} or (tag == "script" and not own):
            self.wrong.append(f"<{tag}>")
        self.wrong += [name for name in given if name == "style" or name.startswith("on")]
        for name in ("href", "src", "action"):
            found = urlsplit(given.get(name) or "")
            if found.scheme not in {"", "http", "https"} or (found.netloc.partition(":")[0] not in HOSTS):
                self.wrong.append(f"{name}={given[name]}")


@pytest.mark.parametrize("kind", ["artifact", "job", "session"])
def test_the_same_as_json_by_suffix_or_by_accept(client, site, kind) -> None:
    path = {"artifact": site.artifact(), "job": site.job(), "session": site.session()}[kind]
    by_suffix, by_accept = client.get(f"{path}.json"), client.get(path, headers={"Accept": "application/json"})
    assert by_suffix.json() == by_accept.json()
    assert f"roar.{kind}/1" == by_suffix.json()["schema"]
    both = client.get(path, headers={"Accept": "text/html,application/json;q=0.9"})
    assert "text/html; charset=utf-8" == both.headers["content-type"]


@pytest.mark.parametrize(("path", "schema"), [
    ("/index.json", "roar.log/1"), ("/search.json?q=train", "roar.search/1"), ("/user/ada.json", "glaas.account/1"),
    ("/log.json", "glaas.head/1")])
def test_json_of_the_other_pages(client, path, schema) -> None:
    assert schema == client.get(path).json()["schema"]


def test_a_comparison_as_json(client, site) -> None:
    a, b = site.world.model_job.head.id.hex(), site.world.second.jobs[2].head.id.hex()
    document = client.get(f"/diff.json?a=job:{a}&b=job:{b}").json()
    assert ("roar.diff/1", False) == (document["schema"], document["same"])
    assert {"name": "--lr", "change": "changed", "a": "0.05", "b": "0.1",
            "incidental": False} in document["differences"]["parameters"]


def test_errors_are_documents_for_programs(client) -> None:
    answer = client.get("/artifact/" + "0" * 64 + ".json")
    assert (404, "not_found") == (answer.status_code, answer.json()["error"]["code"])


def test_addresses_stay(client, site) -> None:
    answer = client.get(site.artifact()[:20])
    assert (303, site.artifact()) == (answer.status_code, answer.headers["location"])
    assert f'<link rel="canonical" href="{site.url}{site.artifact()}">' in client.get(site.artifact()).text


def test_digits_that_several_begin_with_are_listed(client, site) -> None:
    jobs = [job.head.id.hex() for job in site.world.large.jobs]
    digits = next(one[:4] for one in jobs if sum(other.startswith(one[:4]) for other in jobs) == 1)
    assert 303 == client.get(f"/job/{digits}").status_code
    several = sorted(job[:4] for job in jobs)
    twice = next((one for one, other in pairwise(several) if one == other), None)
    if twice is None:
        pytest.skip("no two of these 1,250 ids begin alike")
    answer = client.get(f"/job/{twice}")
    assert 300 == answer.status_code
    assert answer.text.count(f'href="/job/{twice}') >= 2


def test_a_card_for_other_sites(client, site) -> None:
    page = client.get(site.artifact()).text
    found = dict(re.findall(r'<meta (?:property|name)="((?:og|twitter):[^"]+)" content="([^"]*)">', page))
    assert "model.pkl" in found["og:title"]
    assert found["og:description"].startswith("Provenance known")
    picture = client.get(found["og:image"].removeprefix(site.url))
    image = Image.open(io.BytesIO(picture.content))
    assert ("image/png", (1200, 630)) == (picture.headers["content-type"], image.size)
    assert len(image.getcolors() or []) > 2
    ElementTree.fromstring(client.get(f"{site.artifact()}/card.svg").text)


@pytest.mark.parametrize(("which", "says"),
                         [("model", "provenance: known"), ("nothing", "provenance: unknown"), ("partly", "in part")])
def test_a_badge_says_it(client, site, which, says) -> None:
    from world import digest
    hashes = {"model": site.world.model, "nothing": bytes(32), "partly": digest("metrics 0.05")}
    answer = client.get(f"/badge/{hashes[which].hex()}.svg")
    assert (200, "image/svg+xml") == (answer.status_code, answer.headers["content-type"])
    assert says in (ElementTree.fromstring(answer.text).get("aria-label") or "")
    assert re.search(r"max-age=\d+", answer.headers["cache-control"])
    assert "cross-origin" == answer.headers["cross-origin-resource-policy"]


def test_a_badge_tells_nobody_of_what_is_private(client, site) -> None:
    from world import digest
    assert "unknown" in client.get(f"/badge/{digest('patients').hex()}.svg").text


def test_hostile_names_are_only_text(opens, client, site) -> None:
    """Whatever a name, a command, a label or a branch holds: nothing of it runs, and what cannot be seen is shown."""
    world = site.world
    page = opens(f"/job/{world.hostile.jobs[0].head.id.hex()}")
    for text in ("<script>alert(1)</script>.csv", "evil\\u202egnp.exe", "not-utf8-\\xff\\xfe.bin",
                 "new\\nline\\tand\\x1b[31mred.txt",
                 "日本語のファイル名.parquet", "{{7*7}}.html", "<img src=x onerror=alert(1)>"):
        expect(page.get_by_text(text).first).to_be_attached()
    assert 0 == page.locator("main img, main script, main i, main b, a[href^='javascript']").count()
    assert len(page.content()) < 400_000
    for path in (f"/session/{world.hostile.id.hex()}", f"/artifact/{world.hostile.jobs[0].of_kind('output')[0].hash.hex()}",
                 f"/session/{world.hostile.id.hex()}/graph.svg", f"/session/{world.hostile.id.hex()}/drawing.json",
                 f"/artifact/{world.hostile.jobs[0].of_kind('output')[0].hash.hex()}/card.svg"):
        body = client.get(path).text
        assert "\u202e" not in body, path
        assert path.endswith(".json") or "<script>alert" not in body, path
    ElementTree.fromstring(client.get(f"/session/{world.hostile.id.hex()}/graph.svg").text)
    assert "<script>" not in client.get("/search", params={"q": "<script>alert(1)</script>"}).text
    assert "<script>" not in client.get("/diff", params={"a": "<script>alert(1)</script>", "b": "\"><script>"}).text
    assert "<script>" not in client.get("/<script>alert(1)</script>").text


def test_a_page_about_what_a_thousand_jobs_came_from_lists_some_of_them(client, site) -> None:
    """Lists and walks have limits, and say so: a page costs the same whatever a file was used for."""
    first = next(entry for entry in site.world.large.jobs[0].entries if entry.kind == "output")
    page = client.get(site.artifact(first.hash)).text
    assert 0 < len(set(re.findall(r"/job/[0-9a-f]{64}", page))) <= 2 * SIGHTINGS + WALKED < len(site.world.large.jobs)
    assert "There is more below" in page


def test_static_files_are_kept_for_good_and_nothing_else_is_there(client) -> None:
    page = client.get("/").text
    sheet = re.search(r'href="(/static/site\.css\?v=\w+)"', page)[1]
    assert "immutable" in client.get(sheet).headers["cache-control"]
    for path in ("/static/../routes.py", "/static/%2e%2e%2froutes.py", "/static/nope", "/static/"):
        assert 404 == client.get(path).status_code
