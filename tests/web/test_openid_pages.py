"""Signing in at an OpenID provider, and linking an account to it, in a browser that runs no scripts."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from harness import BIN, ROOT
from playwright.sync_api import Browser, Page, expect

PASSWORD = "a walk in the rain"


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    program = ROOT / "tests/glaas/openid_provider.py"
    with subprocess.Popen([sys.executable, program, "glaas", "s3cret"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        issuer = process.stdout.readline().strip()
        httpx.post(f"{issuer}/lie", json={"who": {"sub": "s-1", "preferred_username": "Grace Hopper"}})
        yield issuer
        process.terminate()


@pytest.fixture(scope="module")
def registry(provider: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    state = tmp_path_factory.mktemp("openid")
    config = state / "glaas.toml"
    config.write_text(f'[[oidc]]\nname = "company"\ntitle = "Company & Co"\nissuer = "{provider}"\nclient_id = "glaas"\n'
                      'client_secret = "s3cret"\ncreate = true\n')
    subprocess.run([BIN / "glaas", "user", "add", "ada", "--password-stdin", "--no-token", "--state-dir", state / "state"],
                   input=PASSWORD, text=True, check=True, cwd=ROOT)
    command = [BIN / "glaas", "serve", "--state-dir", state / "state", "--listen", "127.0.0.1:0", "--grpc-listen", "none"]
    with subprocess.Popen([*command, "--config", config], stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if ready := re.search(r"READY, open (\S+)/\n", line):
                break
        yield ready[1]
        process.terminate()


@pytest.fixture
def page(browser: Browser, registry: str) -> Iterator[Page]:
    context = browser.new_context(base_url=registry, java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_an_account_is_linked_and_then_signs_in_there(page: Page) -> None:
    page.goto("/login?next=/account")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Let Company & Co sign you in").click()
    expect(page).to_have_url(re.compile("/account$"))
    expect(page.get_by_text("signs you in")).to_be_visible()
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.goto("/login?next=/account")
    page.get_by_role("link", name="Sign in with Company & Co").click()
    expect(page).to_have_url(re.compile("/account$"))
    expect(page.get_by_role("heading", name="ada")).to_be_visible()
    page.get_by_role("button", name="Remove Company & Co").click()
    expect(page.get_by_role("link", name="Let Company & Co sign you in")).to_be_visible()


def test_who_is_new_gets_an_account(page: Page) -> None:
    page.goto("/login?next=/account")
    page.get_by_role("link", name="Sign in with Company & Co").click()
    expect(page.get_by_role("heading", name="grace-hopper")).to_be_visible()
