"""Signing in by OpenID Connect: a real provider in a process of its own, real HTTP, real signatures."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from accounts_served import served
from argon2 import PasswordHasher

from glaas.accounts.accounts import Accounts
from glaas.accounts.limits import Limits, Rate
from glaas.accounts.model import OPERATOR, Actor
from glaas.accounts.oidc.settings import Provider, providers_of
from glaas.accounts.oidc.states import local_path
from glaas.accounts.passwords import Passwords
from glaas.accounts.sessions import csrf_token, link_token
from glaas.accounts.tables import TABLES
from glaas.server.config import read
from glaas.store import open_store
from lineage.errors import InvalidError

PASSWORD = "a walk in the rain"
BY = Actor(OPERATOR)
AUTH = "/api/v1/auth"
WHO = {"sub": "s-1", "preferred_username": "Ada Lovelace", "email": "ada@example.org", "email_verified": True}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    program = Path(__file__).with_name("openid_provider.py")
    with subprocess.Popen([sys.executable, program, "glaas", "s3cret"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


@pytest.fixture(autouse=True)
def honest(issuer: str) -> None:
    lie(issuer, {})


def lie(issuer: str, lies: dict[str, Any], **more: Any) -> None:
    """What the provider does differently from now on."""
    assert httpx.post(f"{issuer}/lie", json={"lies": lies, "who": WHO, **more}).status_code == 200


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[Accounts]:
    with closing(open_store(tmp_path / "store", TABLES)) as store:
        yield Accounts(store, passwords=Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)))


@pytest.fixture
def providers(issuer: str) -> tuple[Provider, ...]:
    return (Provider("open", issuer, "glaas", "s3cret", create=True),
            Provider("members", issuer, "glaas", "s3cret"),
            Provider("domain", issuer, "glaas", "s3cret", create=True, domains=("example.org",)),
            Provider("forgetful", issuer, "glaas", "wrong", create=True),
            Provider("elsewhere", issuer + "/", "glaas", "s3cret", create=True))


@pytest.fixture
def url(accounts: Accounts, providers: tuple[Provider, ...]) -> Iterator[str]:
    with served(accounts, Limits({"sign-in": Rate(0, 0)}), providers) as found:
        yield found


class Browser(httpx.Client):
    """Follows where it is sent, and keeps cookies."""

    def __init__(self, url: str) -> None:
        super().__init__(base_url=url)

    def to_provider(self, name: str, after: str = "/") -> str:
        """Where the provider sends the browser back to."""
        start = self.get(f"{AUTH}/oidc/{name}/start", params={"next": after})
        assert start.status_code == 303, start.text
        return httpx.get(start.headers["location"]).headers["location"]

    def sign_in(self, name: str = "open", after: str = "/") -> httpx.Response:
        return self.get(self.to_provider(name, after))

    @property
    def account(self) -> str | None:
        return self.get(f"{AUTH}/whoami").json()["account"]


@pytest.fixture
def browser(url: str) -> Iterator[Browser]:
    with Browser(url) as made:
        yield made


def refused(answer: httpx.Response, browser: Browser, status: int = 403) -> None:
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["message"]
    assert browser.account is None


def test_who_signs_in_there_gets_an_account_and_the_same_one_again(browser: Browser, url: str, accounts: Accounts) -> None:
    answer = browser.sign_in(after="/job/7f3a")
    assert (answer.status_code, answer.headers["location"]) == (303, "/job/7f3a")
    assert browser.account == "ada-lovelace"
    with Browser(url) as another:
        another.sign_in()
        assert another.account == "ada-lovelace"
    assert [user.name for user in accounts.users.everyone()] == ["ada-lovelace"]
    assert [one.how for one in accounts.sessions.of("ada-lovelace")] == ["open", "open"]
    assert [one.action for one in accounts.audit.events()] == ["sign-in", "sign-in", "user.add"]


def test_the_authorization_request_is_as_it_should_be(browser: Browser) -> None:
    start = browser.get(f"{AUTH}/oidc/open/start")
    query = {name: values[0] for name, values in parse_qs(urlsplit(start.headers["location"]).query).items()}
    assert {"state", "nonce", "code_challenge", "client_id", "redirect_uri", "response_type", "scope"} <= set(query)
    assert query["code_challenge_method"] == "S256" and query["redirect_uri"].endswith("/api/v1/auth/oidc/open/callback")
    cookie = start.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie
    assert not any(query[name] in cookie for name in ("state", "nonce", "code_challenge"))


LIES: tuple[dict[str, Any], ...] = (
    {"claims": {"nonce": "another"}}, {"claims": {"nonce": None}}, {"claims": {"iss": "https://evil.example"}},
    {"claims": {"aud": "somebody"}}, {"claims": {"aud": ["glaas", "somebody"]}}, {"claims": {"azp": "somebody"}},
    {"claims": {"aud": None}}, {"claims": {"exp": 1000}}, {"claims": {"exp": None}}, {"claims": {"exp": "soon"}},
    {"claims": {"iat": 4102444800}}, {"claims": {"sub": None}}, {"claims": {"sub": ""}}, {"claims": {"sub": ["s-1"]}},
    {"claims": {"sub": "x" * 256}}, {"alg": "none"}, {"alg": "HS256"}, {"alg": "other key"}, {"alg": "changed"},
    {"response_iss": "https://evil.example"}, {"error": "access_denied"})


def test_lies_let_nobody_in(browser: Browser, issuer: str, accounts: Accounts) -> None:
    for lies in LIES:
        lie(issuer, lies)
        answer = browser.sign_in()
        assert (answer.status_code, browser.account) == (403, None), lies
    assert accounts.users.everyone() == []
    assert [(one.action, one.outcome) for one in accounts.audit.events()] == [("sign-in", "denied")] * len(LIES)
    lie(issuer, {})
    browser.sign_in()
    assert browser.account == "ada-lovelace"


def test_several_audiences_with_us_as_the_authorized_party(browser: Browser, issuer: str) -> None:
    lie(issuer, {"claims": {"aud": ["glaas", "other"], "azp": "glaas"}})
    browser.sign_in()
    assert browser.account == "ada-lovelace"


def test_an_answer_counts_once_and_in_the_browser_that_asked(browser: Browser, url: str, accounts: Accounts) -> None:
    back = browser.to_provider("open")
    with Browser(url) as other:
        refused(other.get(back), other)
        other.to_provider("open")  # so that it has a cookie, of another sign-in
        refused(other.get(back), other)
    cookie = browser.cookies["glaas_oidc"]
    assert browser.get(back).status_code == 303
    with Browser(url) as thief:
        thief.cookies.set("glaas_oidc", cookie)
        refused(thief.get(back), thief)
    assert len(accounts.sessions.of("ada-lovelace")) == 1


def test_many_answers_at_once_make_one_session(browser: Browser, url: str, accounts: Accounts) -> None:
    back, cookie = browser.to_provider("open"), browser.cookies["glaas_oidc"]
    with ThreadPoolExecutor(5) as pool:
        statuses = list(pool.map(lambda _: httpx.get(back, headers={"Cookie": f"glaas_oidc={cookie}"}).status_code, range(5)))
    assert sorted(statuses) == [303, 403, 403, 403, 403]
    assert len(accounts.sessions.of("ada-lovelace")) == 1


def test_two_first_sign_ins_at_once_make_one_account(url: str, accounts: Accounts) -> None:
    def once(_: int) -> str | None:
        with Browser(url) as one:
            one.sign_in()
            return one.account

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(once, range(4))) == {"ada-lovelace"}
    assert len(accounts.users.everyone()) == 1


def test_a_state_that_is_not_ours(browser: Browser) -> None:
    back = httpx.URL(browser.to_provider("open"))
    state = back.params["state"]
    for changed in (state[:-4] + "AAAA", "AAAA" + state[4:], "", "é", "A" * 5000, state + "A", state[:-1]):
        refused(browser.get(back.copy_set_param("state", changed)), browser)
    assert browser.get(back).status_code == 303


def test_a_state_is_of_its_provider(browser: Browser) -> None:
    refused(browser.get(browser.to_provider("open").replace("/open/", "/members/")), browser)
    refused(browser.get(f"{AUTH}/oidc/nobody/start"), browser, 404)


def test_a_code_of_another_sign_in_is_of_no_use(browser: Browser, url: str) -> None:
    """PKCE: a stolen code does not fit another browser's verifier."""
    with Browser(url) as victim:
        stolen = httpx.URL(victim.to_provider("open")).params["code"]
    mine = httpx.URL(browser.to_provider("open"))
    refused(browser.get(mine.copy_set_param("code", stolen)), browser)


def test_an_account_is_not_taken_over_by_its_name(browser: Browser, accounts: Accounts) -> None:
    accounts.users.add("ada-lovelace", BY, password=PASSWORD)
    browser.sign_in()
    assert browser.account == "ada-lovelace-2"


def test_without_create_one_links_the_account_first(browser: Browser, accounts: Accounts) -> None:
    accounts.users.add("ada", BY, password=PASSWORD)
    refused(browser.sign_in("members"), browser, 401)
    csrf = browser.post(f"{AUTH}/session", json={"account": "ada", "password": PASSWORD}).json()["csrf"]
    assert browser.post(f"{AUTH}/oidc/members/link").status_code == 403
    there = browser.post(f"{AUTH}/oidc/members/link", headers={"X-CSRF-Token": csrf}).json()["url"]
    back = httpx.get(there).headers["location"]
    assert browser.get(back).headers["location"] == "/account"
    browser.cookies.clear()
    browser.sign_in("members")
    assert browser.account == "ada"
    csrf = browser.get(f"{AUTH}/whoami").json()["csrf"]
    assert browser.delete(f"{AUTH}/oidc/members/link", headers={"X-CSRF-Token": csrf}).status_code == 204
    browser.cookies.clear()
    refused(browser.sign_in("members"), browser, 401)


def test_the_account_page_links_without_scripts(browser: Browser, accounts: Accounts) -> None:
    accounts.users.add("ada", BY, password=PASSWORD)
    browser.post(f"{AUTH}/session", json={"account": "ada", "password": PASSWORD})
    place, cookie = f"{AUTH}/oidc/members/link", browser.cookies["glaas_session"]
    for proof in ("", "0" * 64, csrf_token(cookie), link_token("another")):
        assert browser.get(place, params={"proof": proof}).status_code == 403
    there = browser.get(place, params={"proof": link_token(cookie)})
    assert there.status_code == 303
    assert browser.get(httpx.get(there.headers["location"]).headers["location"]).headers["location"] == "/account"
    assert accounts.users.get("ada").links[0][1] == "s-1"


def test_a_link_is_of_who_asked_for_it(browser: Browser, accounts: Accounts) -> None:
    for name in ("ada", "bob"):
        accounts.users.add(name, BY, password=PASSWORD)
    csrf = browser.post(f"{AUTH}/session", json={"account": "ada", "password": PASSWORD}).json()["csrf"]
    there = browser.post(f"{AUTH}/oidc/members/link", headers={"X-CSRF-Token": csrf}).json()["url"]
    browser.post(f"{AUTH}/session", json={"account": "bob", "password": PASSWORD})
    assert browser.get(httpx.get(there).headers["location"]).status_code == 403
    assert [user.links for user in accounts.users.everyone()] == [(), ()]


def test_a_disabled_account_does_not_come_in_here_either(browser: Browser, accounts: Accounts) -> None:
    browser.sign_in()
    accounts.users.disable("ada-lovelace", BY)
    assert browser.account is None
    refused(browser.sign_in(), browser, 401)


def test_only_verified_addresses_of_the_domain_get_an_account(browser: Browser, issuer: str) -> None:
    for claims in ({"email": "ada@evil.example"}, {"email_verified": False}, {"email_verified": "true"}, {"email": None},
                   {"email": "ada@example.org.evil"}, {"email": "ada@sub.example.org"}):
        lie(issuer, {"claims": claims})
        refused(browser.sign_in("domain"), browser, 401)
    lie(issuer, {})
    browser.sign_in("domain")
    assert browser.account == "ada-lovelace"


def test_a_name_is_found_for_everybody(browser: Browser, issuer: str) -> None:
    for number, (who, name) in enumerate((
            ({}, "open"), ({"preferred_username": "ÆØ!"}, "open-2"), ({"preferred_username": "public"}, "public-1"),
            ({"email": "grace.h@navy.example", "email_verified": True}, "grace-h"), ({"preferred_username": 7}, "7"))):
        lie(issuer, {}, who={"sub": f"s-{number}", **who})
        browser.sign_in()
        assert browser.account == name


def test_keys_that_change_are_asked_for_again_but_not_at_every_lie(browser: Browser, url: str, issuer: str) -> None:
    def asked() -> int:
        return int(httpx.get(f"{issuer}/asked").json().get("/keys", 0))

    browser.sign_in()
    before = asked()
    lie(issuer, {}, new_key=True)
    with Browser(url) as another:
        another.sign_in()
        assert another.account == "ada-lovelace"
    assert asked() == before + 1
    lie(issuer, {"alg": "other key"})
    for _ in range(3):
        assert browser.sign_in().status_code == 403
    assert asked() == before + 1


def test_providers_that_are_not_what_they_should_be(browser: Browser, issuer: str) -> None:
    refused(browser.get(f"{AUTH}/oidc/elsewhere/start"), browser, 503)  # it says it is another
    refused(browser.sign_in("forgetful"), browser)
    lie(issuer, {"endpoint": "http://evil.example/authorize"})
    refused(browser.get(f"{AUTH}/oidc/domain/start"), browser, 503)


def test_providers_are_listed(browser: Browser) -> None:
    listed = browser.get(f"{AUTH}/oidc").json()["providers"]
    assert [one["name"] for one in listed] == ["open", "members", "domain", "forgetful", "elsewhere"]
    assert listed[0]["start"] == f"{AUTH}/oidc/open/start"
    assert "s3cret" not in str(listed)


@pytest.mark.parametrize(("asked", "given"), [
    ("/", "/"), ("/job/7?x=1#y", "/job/7?x=1#y"), ("//evil.example", "/"), ("https://evil.example", "/"),
    ("/\\evil.example", "/"), ("", "/"), ("javascript:alert(1)", "/"), ("/a\nb", "/"), ("/" + "x" * 2000, "/"),
    ("/\t/evil.example", "/")])
def test_one_comes_back_to_this_site_alone(asked: str, given: str) -> None:
    assert local_path(asked) == given


def test_the_configuration_names_providers(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    file = tmp_path / "glaas.toml"
    file.write_text('[[oidc]]\nname = "company"\nissuer = "https://login.example.org"\nclient_id = "glaas"\n'
                    'client_secret_file = "secret"\ncreate = true\ndomains = ["example.org"]\n')
    [provider] = read(file).oidc
    assert provider == Provider("company", "https://login.example.org", "glaas", "s3cret", create=True,
                                domains=("example.org",))
    assert "s3cret" not in repr(provider)
    right = {"name": "a", "issuer": "https://a.example", "client_id": "c"}
    for wrong in ({"issuer": "http://a.example"}, {"name": "A"}, {"scopes": ["email"]}, {"create": "yes"}, {"surprise": 1},
                  {"client_secret_file": "nowhere"}, {"domains": "example.org"}, {"client_id": 7}):
        with pytest.raises(InvalidError):
            providers_of([{**right, **wrong}], tmp_path)
    for tables in ([right, right], {"name": "a"}, ["a"], [{}]):
        with pytest.raises(InvalidError):
            providers_of(tables, tmp_path)
