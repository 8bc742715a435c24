"""Parts of the server by themselves: addresses, configuration, what a defect looks like from outside."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from glaas.accounts.limits import Rate
from glaas.server import config
from glaas.server.bodies import Budget
from glaas.server.compression import accepts_gzip
from glaas.server.failing import Caught
from glaas.server.settings import Address, Settings, address, public_url
from glaas.server.statuses import BusyError
from glaas.server.wiring import peer_host
from lineage.errors import InvalidError


@pytest.mark.parametrize(("text", "expected"), [
    ("127.0.0.1:80", Address("127.0.0.1", 80)), ("localhost", Address("localhost", 8080)), (":9", Address("0.0.0.0", 9)),
    ("[::1]:80", Address("::1", 80)), ("[::]:0", Address("::", 0)), ("box.example:443", Address("box.example", 443)),
])
def test_addresses(text: str, expected: Address) -> None:
    assert expected == address(text)


@pytest.mark.parametrize("text", ["", "a:b", "a:70000", "http://a", "a/b", "a@b:80", "a:80?x"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(InvalidError):
        address(text)


def test_public_urls() -> None:
    assert "https://lineage.example:8443" == public_url("https://lineage.example:8443/")
    for text in ("lineage.example", "ftp://x", "https://x/path", "https://", "https://x?y"):
        with pytest.raises(InvalidError):
            public_url(text)


@pytest.mark.parametrize(("listen", "url", "taken", "refused"), [
    ("127.0.0.1:80", "", {"localhost", "127.0.0.1", "::1"}, {"evil.example"}),
    ("127.0.0.1:80", "https://lineage.example", {"lineage.example", "localhost"}, {"evil.example"}),
    ("0.0.0.0:80", "https://lineage.example", {"lineage.example", "0.0.0.0"}, {"evil.example"}),
])
def test_hosts_that_requests_may_name(listen: str, url: str, taken: set[str], refused: set[str]) -> None:
    hosts = Settings(Path("/state"), address(listen), public_url=url).hosts()
    assert taken <= hosts
    assert not refused & hosts
    assert not Settings(Path("/state"), address("0.0.0.0:80")).hosts()  # any


def test_configuration(tmp_path: Path) -> None:
    path = tmp_path / "glaas.toml"
    path.write_text("[limits]\nidle_seconds = 2.5\nhandlers = 3\n[quotas]\njobs_per_day = 7\n[rates]\nread = [1, 2.5]\n")
    found = config.read(path)
    assert (2.5, 3, 7, {"read": Rate(1, 2.5)}) == (found.limits.idle_seconds, found.limits.handlers,
                                                   found.quotas.jobs_per_day, dict(found.rates))


@pytest.mark.parametrize("text", [
    "[limit]\n", "[limits]\nhandler = 3\n", "[limits]\nhandlers = 2.5\n", "[limits]\nhandlers = true\n",
    "[limits]\nrequest = -1\n",
    "limits = 3\n", "[rates]\nread = 3\n", "[rates]\nread = [1]\n", "[rates]\nwrite = [1, 2]\n",
    "[quotas]\njobs_per_day = \"7\"\n",
    "[limits\n",
])
def test_configuration_that_means_nothing(tmp_path: Path, text: str) -> None:
    """What is misspelt does not silently leave a registry without a limit."""
    path = tmp_path / "glaas.toml"
    path.write_text(text)
    with pytest.raises(InvalidError) as refused:
        config.read(path)
    assert refused.value.hint


def test_a_budget() -> None:
    budget = Budget(10)
    budget.take(7)
    with pytest.raises(BusyError):
        budget.take(4)
    budget.give(7)
    budget.take(10)


@pytest.mark.parametrize(("peer", "host"), [
    ("ipv4:127.0.0.1:80", "127.0.0.1"), ("ipv6:[::1]:80", "::1"), ("ipv6:%5B2001:db8::1%5D:80", "2001:db8::1"),
    ("unix:/x", "/x"),
])
def test_what_grpc_calls_a_peer(peer: str, host: str) -> None:
    assert host == peer_host(peer)


@pytest.mark.parametrize(("header", "taken"), [
    ("gzip", True), ("deflate, gzip;q=0.5, br", True), ("GZIP", True), ("x-gzip", True), ("", False), ("br", False),
    ("gzip;q=0", False), ("gzip; q=0.0, br", False), ("notgzip", False),
])
def test_who_takes_gzip(header: str, taken: bool) -> None:
    assert taken == accepts_gzip(header)


def test_a_defect_is_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    """Who asked learns nothing of the inside; the log has it, with the request's id."""
    async def broken(_scope: Any, _receive: Any, _send: Any) -> None:
        raise RuntimeError("secret inside")

    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/x", "headers": [], "state": {"request_id": "abcdef01"}}
    asyncio.run(Caught(broken)(scope, None, send))  # type: ignore[arg-type]
    assert 500 == sent[0]["status"]
    answer = json.loads(sent[1]["body"])
    assert answer["error"]["hint"]
    assert "secret" not in json.dumps(answer)
    assert "abcdef01" in caplog.text and "secret inside" in caplog.text
