"""Signing in, tokens, keys, and letting a program in, as a person does it; and what others cannot do in their name."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Page, expect
from test_for_everyone import violations
from world import PASSWORD

from glaas.accounts.model import Actor
from glaas.accounts.tokens import Grant


def sign_in(opens, name: str = "ada", path: str = "/login") -> Page:
    page = opens(path)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.wait_for_load_state()
    return page


def test_who_signs_in_sees_what_is_theirs_and_signs_out(opens, site) -> None:
    private = f"/job/{site.world.secret.jobs[0].head.id.hex()}"
    page = sign_in(opens, "bob", f"/login?next={private}")
    assert page.url.endswith(private)
    expect(page.get_by_role("heading", level=1)).to_have_text("anonymise.py")
    expect(page.get_by_text("privately")).to_be_visible()
    page.goto(f"/job/{site.world.open_job.head.id.hex()}")
    expect(page.get_by_role("link", name=re.compile("patients.parquet")).first).to_be_visible()
    page.goto("/account")
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    assert 404 == page.request.get(private, headers={"Accept": "text/html"}).status


def test_a_wrong_password_is_said_and_nothing_else(opens, site) -> None:
    page = opens("/login", quiet=401)
    page.get_by_label("Name").fill("nobody-here")
    page.get_by_label("Password").fill("wrong password here")
    with page.expect_response("**/login") as answer:
        page.get_by_role("main").get_by_role("button", name="Sign in").click()
    assert 401 == answer.value.status
    expect(page.get_by_role("alert")).to_contain_text("No account has this name and this password")


def test_a_token_is_made_shown_once_used_and_revoked(opens, site) -> None:
    page = sign_in(opens, path="/login?next=/account")
    page.get_by_text("Make a token").click()
    page.locator("form", has_text="It may").get_by_role("textbox", name="Name").fill("my laptop")
    page.get_by_role("button", name="Make it").click()
    secret = page.locator("[data-copy='the new token'] code").inner_text()
    read = httpx.get(f"{site.url}/user/ada.json", headers={"Authorization": f"Bearer {secret}"})
    assert (200, "ada") == (read.status_code, read.json()["name"])
    page.goto("/account")
    assert secret not in page.content()
    page.get_by_role("button", name="Revoke my laptop").click()
    page.wait_for_url("**/account")
    assert 401 == httpx.get(f"{site.url}/user/ada.json", headers={"Authorization": f"Bearer {secret}"}).status_code


def test_a_program_is_let_in_by_its_code(opens, site, accounts) -> None:
    secret, device = accounts.devices.start("roar on gpu1", "192.0.2.7")
    page = sign_in(opens, path=f"/device?user_code={device.user_code}")
    expect(page.get_by_text("roar on gpu1")).to_be_visible()
    expect(page.get_by_text("192.0.2.7")).to_be_visible()
    page.get_by_role("button", name="Let it in").click()
    expect(page.get_by_role("status")).to_contain_text("It is let in")
    granted = accounts.devices.poll(secret, Actor("", "192.0.2.7"))
    assert ("granted", "ada") == (granted.progress, granted.token.account)


def test_the_pages_of_an_account_are_for_screen_readers_too(opens, site, accounts) -> None:
    accounts.users.add("dora", Actor("(operator)"), password=PASSWORD)
    accounts.organisations.add("studio", "ada", Actor("(operator)"))
    accounts.organisations.invite("studio", "dora", "member", Actor("ada"))
    _, device = accounts.devices.start("roar on box", "192.0.2.9")
    page = sign_in(opens, "dora", "/login?next=/account")
    found = {}
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true })")
    found["account"] = violations(page)
    page.get_by_role("textbox", name="Name").first.fill("a token")
    page.get_by_role("button", name="Make it").click()
    page.wait_for_load_state()
    found["token"] = violations(page)
    page.goto(f"/device?user_code={device.user_code}")
    found["device"] = violations(page)
    page.goto("/account")
    page.get_by_role("button", name="Join studio").click()
    page.wait_for_url("**/account")
    page.goto("/org/studio")
    found["organisation"] = violations(page)
    page.set_viewport_size({"width": 360, "height": 740})
    for path in ("/account", "/device", "/org/studio"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
    assert {} == {name: wrong for name, wrong in found.items() if wrong}


def test_an_organisation_is_its_members_alone(opens, site) -> None:
    page = sign_in(opens)
    page.goto("/org/lab")
    expect(page.get_by_text("owner")).to_be_visible()
    assert 404 == httpx.get(f"{site.url}/org/lab").status_code


def cookie(site) -> dict[str, str]:
    answer = httpx.post(f"{site.url}/login", data={"name": "eve", "password": PASSWORD})
    assert 303 == answer.status_code
    line = answer.headers["set-cookie"]
    assert all(word in line for word in ("HttpOnly", "SameSite=Lax", "Path=/"))
    return {line.partition("=")[0]: line.partition("=")[2].partition(";")[0]}


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}])
def test_a_form_of_another_site_is_refused(site, headers) -> None:
    answer = httpx.post(f"{site.url}/login", data={"name": "eve", "password": PASSWORD}, headers=headers)
    assert (403, None) == (answer.status_code, answer.headers.get("set-cookie"))


@pytest.mark.parametrize("path", ["/account", "/logout", "/device"])
def test_a_form_without_the_session_s_token_is_refused(site, path) -> None:
    answer = httpx.post(f"{site.url}{path}", data={"do": "token", "name": "x", "scopes": "read", "days": "7", "csrf": "0" * 64},
                        cookies=cookie(site))
    assert 403 == answer.status_code


@pytest.mark.parametrize("after", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)",
                                   "/a\nb"])
def test_signing_in_leads_nowhere_else(site, after) -> None:
    answer = httpx.post(f"{site.url}/login", data={"name": "eve", "password": PASSWORD, "next": after})
    assert "/" == answer.headers["location"]


def test_who_signs_in_with_a_token_sees_theirs_and_manages_nothing(opens, site, accounts) -> None:
    secret, _ = accounts.tokens.add("bob", Grant("looks", ("read",)), Actor("bob"))
    page = opens("/login?next=/account")
    page.get_by_label("Name").fill("bob")
    page.get_by_label("Password").fill(secret)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    assert 200 == page.request.get(f"/job/{site.world.secret.jobs[0].head.id.hex()}").status
    csrf = page.locator("input[name=csrf]").first.get_attribute("value")
    before = len(accounts.tokens.of("bob"))
    waits = accounts.devices.start("box", "192.0.2.7")[1].user_code
    for path, form in (("/account", {"do": "token", "name": "more", "scopes": "admin", "days": "7"}),
                       ("/account", {"do": "password", "new": "another walk there"}),
                       ("/device", {"do": "approve", "code": waits})):
        answer = page.request.post(path, form={"csrf": csrf, **form}, headers={"Origin": site.url})
        assert "signed in with a token" in answer.text(), answer.text()
    assert before == len(accounts.tokens.of("bob"))


def test_a_password_is_changed(opens, site, accounts) -> None:
    accounts.users.add("pat", Actor("(operator)"), password=PASSWORD)
    page = sign_in(opens, "pat", "/login?next=/account")
    page.get_by_text("Change the password").click()
    page.get_by_label("The one so far").fill(PASSWORD)
    page.get_by_label("New password").fill("another walk there")
    page.get_by_role("button", name="Change it").click()
    page.wait_for_url("**/login?next=/account")
    assert accounts.sessions.of("pat") == []
    assert "pat" == accounts.signing.by_password("pat", "another walk there", "192.0.2.7").name
