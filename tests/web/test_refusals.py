"""Pages for what went wrong: they say what, and what to do now, and nothing of the server's inside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from glaas.accounts.limits import Rate
from glaas.server.app import create_app
from glaas.server.settings import Settings, address
from glaas.server.wiring import Wiring, wired

HTML = {"Accept": "text/html"}


@pytest.fixture
def wiring(tmp_path: Path) -> Iterator[Wiring]:
    rates = {"search": Rate(0.001, 2)}
    with wired(Settings(state=tmp_path, listen=address("127.0.0.1:0"), rates=rates)) as made:
        yield made


@pytest.fixture
def client(wiring: Wiring) -> Iterator[TestClient]:
    with TestClient(create_app(wiring), base_url="http://127.0.0.1", raise_server_exceptions=False) as opened:
        yield opened


def test_an_empty_registry_is_friendly(client) -> None:
    assert "Nothing public is registered here yet" in client.get("/", headers=HTML).text
    assert "Nothing that you may see matches" in client.get("/search?q=model", headers=HTML).text


@pytest.mark.parametrize("path", ["/search?q=x", "/diff?a=aaaa&b=bbbb", "/artifact/aaaa/graph"])
def test_who_asks_too_much_is_told_to_wait(client, path) -> None:
    for _ in range(2):
        assert 429 != client.get(path, headers=HTML).status_code
    answer = client.get(path, headers=HTML)
    assert (429, "That was a lot at once") == (answer.status_code, answer.text.partition("<h1>")[2].partition("</h1>")[0])
    assert int(answer.headers["retry-after"]) > 0
    assert "unavailable" == client.get(path, headers={"Accept": "application/json"}).json()["error"]["code"]


def test_a_defect_of_ours_tells_nothing_of_the_inside(client, wiring, monkeypatch, caplog) -> None:
    def broken(viewer: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(wiring.registry, "view", broken)
    answer = client.get("/artifact/" + "0" * 64, headers=HTML)
    assert (500, True) == (answer.status_code, "Something broke on our side" in answer.text)
    assert "secret detail" not in answer.text
    assert "secret detail" in caplog.text
    assert "secret detail" not in client.get("/artifact/" + "0" * 64 + ".json").text


@pytest.mark.parametrize(("path", "status", "says"), [
    ("/artifact/" + "0" * 64, 404, "their first digits"), ("/artifact/xyz", 404, "an id has 64 hex digits"),
    ("/org/lab", 404, "sign in"), ("/diff?a=@1&b=@2", 400, "only where the job was recorded"),
    ("/diff?a=artifact:aaaa&b=bbbb", 404, "aaaa")])
def test_what_is_not_there_or_makes_no_sense(client, path, status, says) -> None:
    answer = client.get(path, headers=HTML)
    assert (status, True) == (answer.status_code, says.lower() in answer.text.lower())


def test_a_form_that_is_too_large_is_not_read(client) -> None:
    assert 413 == client.post("/login", content=b"name=" + b"x" * 100_000).status_code
