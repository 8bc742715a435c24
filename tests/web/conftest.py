"""A registry that really serves, filled once, and Debian's Chromium looking at it."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from world import PASSWORD, World, made_world

from glaas.accounts.accounts import Accounts
from glaas.accounts.model import Actor
from glaas.registry.registry import Registry
from glaas.server.settings import Settings, address
from glaas.server.wiring import TABLES, opened
from glaas.store import open_store

CHROMIUM = "/usr/bin/chromium"
OPERATOR = Actor("(operator)")


@dataclass(frozen=True)
class Site:
    url: str
    world: World
    state: Path

    def artifact(self, digest: bytes | None = None) -> str:
        return f"/artifact/{(digest or self.world.model).hex()}"

    def job(self) -> str:
        return f"/job/{(self.world.model_job.head.id or b'').hex()}"

    def session(self, name: str = "pipeline") -> str:
        return f"/session/{getattr(self.world, name).id.hex()}"


def fill(state: Path) -> World:
    world = made_world()
    with opened(Settings(state=state, listen=address("127.0.0.1:0"))) as parts:
        accounts = Accounts(parts.store)
        for name in ("ada", "bob", "eve"):
            accounts.users.add(name, OPERATOR, password=PASSWORD)
        accounts.organisations.add("lab", "ada", OPERATOR)
        registry: Registry = parts.registry
        for account, space, session in world.registered:
            registry.register(account, space, session.raw(), said=session.said)
    return world


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    state = tmp_path_factory.mktemp("registry")
    world = fill(state)
    command = [sys.executable, "-c", "from glaas.main import main; main()", "serve", "--state-dir", str(state), "--listen",
               "127.0.0.1:0", "--grpc-listen", "none"]
    log = (state / "stderr").open("w+")
    served = subprocess.Popen(command, stderr=log, env={**os.environ, "PYTHONWARNINGS": "default"})
    try:
        yield Site(_ready(served, state / "stderr"), world, state)
    finally:
        served.terminate()
        served.wait(20)
        log.close()
    assert "Traceback" not in (state / "stderr").read_text()


def _ready(served: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and served.poll() is None:
        found = re.search(r"READY, open (http://[^/\s]+)", log.read_text())
        if found:
            return found[1]
        time.sleep(0.05)
    raise AssertionError(f"it does not serve: {log.read_text()}")


@pytest.fixture
def accounts(site: Site) -> Iterator[Accounts]:
    """The same store, from another process: LMDB allows several."""
    with closing(open_store(str(site.state / "store"), TABLES)) as store:
        yield Accounts(store)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip("no chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


Open = Callable[..., Page]


@pytest.fixture
def opens(browser: Browser, site: Site) -> Iterator[Open]:
    """``opens(path, **options of a context)`` is a page; what its console says is a failure of the test."""
    contexts: list[BrowserContext] = []
    said: list[str] = []

    def open_(path: str, *, status: int = 200, quiet: int = 0, context: BrowserContext | None = None,
              **options: object) -> Page:
        """``quiet``: a status that a later answer may have."""
        if context is None:
            context = browser.new_context(base_url=site.url, **options)  # type: ignore[arg-type]
            contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        expected = f"status of {quiet or status}"  # Chromium's console names each answer that is an error
        page.on("console", lambda message: said.append(message.text) if message.type in {"error", "warning"}
                and expected not in message.text else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        answer = page.goto(path)
        assert answer is not None
        assert status == answer.status, path
        return page

    yield open_
    for context in contexts:
        with contextlib.suppress(Exception):
            context.close()
    assert said == []
