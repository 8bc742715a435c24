"""The client's HTTP, against servers that misbehave."""

from __future__ import annotations

import copy
import json
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lineage.errors import (
    AmbiguousError,
    CorruptError,
    DeniedError,
    InvalidError,
    NotFoundError,
    RoarError,
    UnavailableError,
)
from lineage.v1 import lineage_pb2, records_pb2
from roarctl.registry.address import Address
from roarctl.registry.client import RegistryClient, error_of
from roarctl.registry.http import MAX_ANSWER, Transport, _proxy

REQUEST = lineage_pb2.GetJobRequest(id=b"\x01" * 32)
JOB = records_pb2.Job(head=records_pb2.JobHead(number=3))
PAGES = [lineage_pb2.EntryPage(entries=[records_pb2.Entry(path=b"/p/%d" % at)]) for at in range(3)]


class Request(BaseHTTPRequestHandler):
    """``answers``: what the server does, one after the other; the last one again and again."""

    protocol_version = "HTTP/1.1"
    answers: list[Callable[[Request], None]]
    seen: list[Request]

    def do_POST(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append(copy.copy(self))  # one handler has all requests of a connection
        (self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])(self)

    do_GET = do_POST  # noqa: N815

    def answer(self, status: int, body: bytes, kind: str = "application/proto", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def serving(*answers: Callable[[Request], None], tls: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[Request]]]:
    seen: list[Request] = []
    handler = type("Handler", (Request,), {"answers": list(answers), "seen": seen})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # of clients that do not trust it
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def client(url: str, token: str = "secret", **options: object) -> RegistryClient:
    return RegistryClient(Transport(Address.parse(url), token, **options))  # type: ignore[arg-type]


def ok(request: Request) -> None:
    request.answer(200, JOB.SerializeToString())


def refused(code: str, status: int, **more: object) -> Callable[[Request], None]:
    document = {"error": {"code": code, "message": "no such job", "hint": "look", **more}}
    return lambda request: request.answer(status, json.dumps(document).encode(), "application/json")


def envelopes(*messages: tuple[int, bytes]) -> Callable[[Request], None]:
    body = b"".join(struct.pack(">BI", flags, len(data)) + data for flags, data in messages)
    return lambda request: request.answer(200, body, "application/connect+proto")


def ask(registry: RegistryClient) -> records_pb2.Job:
    return registry.call("Lineage/GetJob", REQUEST, records_pb2.Job)


def pages(registry: RegistryClient) -> list[lineage_pb2.EntryPage]:
    return list(registry.stream("Lineage/ListEntries", lineage_pb2.ListEntriesRequest(), lineage_pb2.EntryPage))


def test_a_call_is_one_of_the_connect_protocol_and_the_connection_is_kept() -> None:
    parts = [(0, page.SerializeToString()) for page in PAGES]
    with serving(ok, envelopes(*parts, (2, b"{}")), ok) as (url, seen), client(f"{url}/glaas/") as registry:
        assert ask(registry) == JOB
        assert pages(registry) == PAGES
        assert ask(registry) == JOB
        assert [one.path for one in seen] == ["/glaas/lineage.v1.Lineage/GetJob", "/glaas/lineage.v1.Lineage/ListEntries",
                                              "/glaas/lineage.v1.Lineage/GetJob"]
        assert lineage_pb2.GetJobRequest.FromString(seen[0].body) == REQUEST
        assert (seen[0].headers["Authorization"], seen[0].headers["Content-Type"]) == ("Bearer secret", "application/proto")
        assert len({one.client_address for one in seen}) == 1, "on one connection"


@pytest.mark.parametrize(("answer", "kind", "words"), [
    (refused("not_found", 404), NotFoundError, "no such job"),
    (refused("ambiguous", 409, candidates=["job:1"]), AmbiguousError, "no such job"),
    (refused("denied", 403), DeniedError, "no such job"),
    (lambda request: request.answer(404, b'{"code": "not_found", "message": "m"}', "application/json"), NotFoundError, "m"),
    (lambda request: request.answer(400, b'{"code":"unknown","message":"m","details":[{"debug":{"code":"corrupt","message":'
                                         b'"whole","hint":"h"}}]}', "application/json"), CorruptError, "whole"),
    (lambda request: request.answer(200, b"<html>", "text/html"), UnavailableError, "does not answer as a registry"),
    (lambda request: request.answer(200, b"\xff\xff"), CorruptError, "cannot be read"),
    (lambda request: request.answer(418, b"tea", "text/plain"), UnavailableError, "status 418"),
    (lambda request: request.answer(404, b"[1]", "application/json"), UnavailableError, "status 404")])
def test_errors_come_back_as_what_they_are(answer: Callable[[Request], None], kind: type[RoarError], words: str) -> None:
    with serving(answer) as (url, _), client(url) as registry, pytest.raises(kind, match=words) as raised:
        ask(registry)
    assert type(raised.value) is kind


def test_a_stream_ends_with_its_error_and_never_in_the_middle() -> None:
    page = (0, PAGES[0].SerializeToString())
    end = json.dumps({"error": {"code": "x", "message": "m", "details": [
        {"debug": {"code": "not_found", "message": "gone", "hint": ""}}]}}).encode()
    for answer, kind, words in ((envelopes(page, (2, end)), NotFoundError, "gone"),
                                (envelopes(page), UnavailableError, "broke off"),
                                (envelopes(page, (1, b"zip")), CorruptError, "not asked for"),
                                (lambda request: request.answer(200, struct.pack(">BI", 0, MAX_ANSWER + 1),
                                                                "application/connect+proto"), CorruptError, "not asked for"),
                                (refused("not_found", 404), NotFoundError, "no such job")):
        with serving(answer) as (url, _), client(url) as registry, pytest.raises(kind, match=words):
            pages(registry)


def test_a_stream_that_nobody_reads_to_its_end_leaves_the_next_call_alone() -> None:
    parts = [(0, page.SerializeToString()) for page in PAGES]
    with serving(envelopes(*parts, (2, b"")), ok) as (url, seen), client(url) as registry:
        stream = registry.stream("Lineage/ListEntries", lineage_pb2.ListEntriesRequest(), lineage_pb2.EntryPage)
        assert next(stream) == PAGES[0]
        assert ask(registry) == JOB, "while the stream is open"
        stream.close()
        assert ask(registry) == JOB
        assert len({one.client_address for one in seen}) == 2


def test_what_may_be_done_twice_is_tried_again() -> None:
    def broken(request: Request) -> None:
        request.close_connection = True

    busy = [lambda request: request.answer(503, b"{}", "application/json", Retry_After="0")]
    with serving(broken, *busy, ok) as (url, seen), client(url) as registry:
        assert ask(registry) == JOB
        assert len(seen) == 3
    with serving(broken, ok) as (url, seen), client(url) as registry, pytest.raises(UnavailableError, match="be reached"):
        registry.document("POST", "/token", {}, idempotent=False)
    assert len(seen) == 1, "nobody knows whether it was done"
    with serving(*busy) as (url, seen), client(url, tries=2) as registry, pytest.raises(UnavailableError):
        ask(registry)
    assert len(seen) == 2


def test_who_is_asked_for_patience_has_it() -> None:
    """Beyond the tries of what fails, for streams too; not beyond the time that there is."""
    def later(seconds: int) -> Callable[[Request], None]:
        return lambda request: request.answer(429, b"{}", "application/json", Retry_After=str(seconds))

    whole = envelopes((0, PAGES[0].SerializeToString()), (2, b"{}"))
    busy = envelopes((2, b'{"error": {"code": "resource_exhausted", "message": "too many"}}'))
    with serving(busy, whole) as (url, seen), client(url, tries=1) as registry:
        assert pages(registry) == PAGES[:1]
    with serving(later(1), ok, later(1), whole, later(3600)) as (url, seen), client(url, tries=1) as registry:
        assert ask(registry) == JOB
        assert pages(registry) == PAGES[:1]
        for impatient in (ask, pages):
            with pytest.raises(UnavailableError, match=r"cannot answer now|status 429"):
                impatient(registry)
        assert len(seen) == 6


def test_a_connection_that_was_idle_for_too_long_is_replaced() -> None:
    def last(request: Request) -> None:
        ok(request)
        request.close_connection = True

    with serving(last, ok) as (url, seen), client(url, tries=1) as registry:
        assert ask(registry) == ask(registry) == JOB
        assert len({one.client_address for one in seen}) == 2


def test_answers_are_bounded() -> None:
    def endless(request: Request) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "application/proto")
        request.send_header("Content-Length", str(MAX_ANSWER * 2))
        request.end_headers()
        block = bytes(1 << 20)
        try:
            for _ in range(2 * (MAX_ANSWER >> 20)):
                request.wfile.write(block)
        except OSError:
            request.close_connection = True

    with serving(endless) as (url, _), client(url) as registry, pytest.raises(CorruptError, match="more than 64 MB"):
        ask(registry)


def test_silence_has_a_limit() -> None:
    release = threading.Event()

    def silent(request: Request) -> None:
        release.wait(30)
        request.close_connection = True

    with serving(silent) as (url, _):
        registry = RegistryClient(Transport(Address.parse(url), tries=1), patience=0.2)
        try:
            with pytest.raises(UnavailableError, match="did not answer in time"):
                ask(registry)
        finally:
            release.set()


def test_a_redirection_is_not_followed() -> None:
    with serving(ok) as (elsewhere, seen):
        def away(request: Request) -> None:
            request.answer(302, b"", Location=elsewhere)

        with serving(away) as (url, _), client(url) as registry, pytest.raises(InvalidError, match="not followed"):
            ask(registry)
        assert seen == []


def test_a_token_is_not_sent_in_the_clear() -> None:
    for url in ("http://registry.example.org", "http://192.0.2.1:8080", "http://127.0.0.1.example.org"):
        with pytest.raises(DeniedError, match="everyone on the way could read it"):
            Transport(Address.parse(url), "secret")
        Transport(Address.parse(url))
        Transport(Address.parse(url), "secret", insecure=True)
    for url in ("https://registry.example.org", "http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost"):
        Transport(Address.parse(url), "secret")
    with pytest.raises(InvalidError, match="no token has"):
        Transport(Address.parse("https://x"), "a\r\nHost: y")


@pytest.mark.parametrize(("text", "url"), [
    ("registry.example.org", "https://registry.example.org"), ("127.0.0.1:8080", "http://127.0.0.1:8080"),
    ("localhost", "http://localhost"), ("[::1]:80/", "http://[::1]"), ("HTTPS://Example.org:443/a/", "https://example.org/a"),
    ("http://x:81", "http://x:81")])
def test_addresses_have_one_form(text: str, url: str) -> None:
    assert Address.parse(text).url == url
    assert Address.parse(url).url == url


@pytest.mark.parametrize("text", ["", "ftp://x", "http://", "https://u:p@x", "https://x?y", "https://x#y", "http://x:port",
                                  "https://x/a b", "https://\nx"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidError):
        Address.parse(text)


def test_proxies_are_those_of_the_environment() -> None:
    address = Address.parse("https://registry.example.org")
    assert _proxy(address, {}) is None
    found = _proxy(address, {"HTTPS_PROXY": "http://proxy:3128"})
    assert found is not None and (found.host, found.port) == ("proxy", 3128)
    assert _proxy(address, {"http_proxy": "http://proxy:3128"}) is None
    assert _proxy(address, {"all_proxy": "proxy:1"}) is not None
    for excused in ("*", "example.org", ".example.org", "other, registry.example.org"):
        assert _proxy(address, {"https_proxy": "http://proxy:1", "no_proxy": excused}) is None
    assert _proxy(address, {"https_proxy": "http://proxy:1", "no_proxy": "ample.org"}) is not None
    assert _proxy(Address.parse("http://127.0.0.1:1"), {"http_proxy": "http://proxy:1"}) is None
    with pytest.raises(InvalidError, match="proxy"):
        _proxy(address, {"https_proxy": "socks5://proxy:1"})


def test_a_proxy_is_told_the_whole_address() -> None:
    with serving(ok) as (url, seen):
        transport = Transport(Address.parse("http://registry.example.org/g"), environment={"http_proxy": url})
        with RegistryClient(transport) as registry:
            assert ask(registry) == JOB
        assert seen[0].path == "http://registry.example.org/g/lineage.v1.Lineage/GetJob"
        assert seen[0].headers["Host"] == "registry.example.org"


def test_who_does_not_prove_to_be_the_registry_is_not_spoken_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key,
                    "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serving(ok, tls=context) as (plain, seen):
        url = plain.replace("http://127.0.0.1", "https://localhost")
        with client(url, tries=1) as registry, pytest.raises(UnavailableError, match="does not prove that it is who it claims"):
            ask(registry)
        assert seen == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with client(url) as registry:
            assert ask(registry) == ask(registry) == JOB
        assert len({one.client_address for one in seen}) == 1
        with client(url.replace("localhost", "127.0.0.1"), tries=1) as registry, pytest.raises(UnavailableError, match="prove"):
            ask(registry)


def test_an_error_without_words_is_an_error_all_the_same() -> None:
    assert isinstance(error_of({"error": "x"}, 403, "https://x"), DeniedError)
    assert isinstance(error_of({}, 599, "https://x"), RoarError)
