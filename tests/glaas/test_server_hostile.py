"""A served registry against requests that mean it no good: each is refused in words, and it goes on."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import cbor2
import pytest
from blake3 import blake3
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_bundles import Box
from schemas import problems
from served import Served, file_of

from glaas.accounts import sshsig
from lineage import bundle, ids
from lineage.dsse import Envelope, Signature, preauthentication

BOX = Box(nonce=b"hostile" * 2 + b"!!")
JOBS = (BOX.job("python a.py", [], ["a=a"]), BOX.job("python b.py", ["a=a"], ["b=b"]))
GOOD = BOX.bundle(*JOBS)
FILE = file_of(GOOD)


class Target:
    """It registered nothing but what each test says."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.eve = served.token("eve")

    def refused(self, data: bytes) -> dict[str, str]:
        """The error, which is a document with a hint; and nothing was kept."""
        before = self.size()
        answer = self.served.register(self.eve, data)
        assert 400 <= answer.status_code < 500, answer.text
        assert [] == problems(answer.json())
        assert before == self.size()
        return dict(answer.json()["error"])

    def size(self) -> int:
        with self.served.client() as client:
            return int(client.get("/readyz").json()["log_size"])

    def raw(self, *pieces: bytes, cut: bool = False) -> bytes:
        """What comes back to these bytes on a connection of their own, until it ends; ``cut``: nothing more is sent."""
        host, port = self.served.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            answer = b""
            try:
                for piece in pieces:
                    connection.sendall(piece)
                if cut:
                    connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it has closed already
            try:
                while data := connection.recv(65536):
                    answer += data
            except ConnectionResetError:
                pass
        return answer

    def alive(self) -> None:
        with self.served.client() as client:
            assert 200 == client.get("/readyz").status_code


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    directory = tmp_path_factory.mktemp("hostile")
    config = directory / "glaas.toml"
    config.write_text("[limits]\nidle_seconds = 1\nbody_seconds = 3\n[rates]\nregister = [0, 0]\nread = [0, 0]\n")
    with Served(directory, "--config", str(config)) as served:
        yield Target(served)


def rebuilt(change: object) -> bytes:
    """The bundle with one part changed by ``change(value)``, all ids that follow made anew: only its content is a lie."""
    jobs = []
    for job in JOBS:
        _, record, chunks = ids.encode_job(job)
        value = cbor2.loads(record)
        change(value, chunks)  # type: ignore[operator]
        jobs.append((ids.encode(value), chunks))
    return file_of(bundle.build("job:" + "0" * 64, "", [BOX.record], jobs))


def test_a_flipped_bit_anywhere_is_found(target: Target) -> None:
    """Not in each place, that would take long: in forty, from the first byte to the last. (What the header says that the
    bundle is about is free text: another text makes another bundle, and no lie.)"""
    text = range(at := FILE.index(b"job:"), at + len("job:") + 64)
    for at in range(0, len(FILE), max(1, len(FILE) // 40)):
        if at in text:
            continue
        data = bytearray(FILE)
        data[at] ^= 1 << at % 8
        assert target.refused(bytes(data))["code"] in {"corrupt", "invalid"}


def test_a_bundle_that_is_cut_off(target: Target) -> None:
    for size in (0, 1, 2, 100, len(FILE) // 2, len(FILE) - 1):
        target.refused(FILE[:size])
    assert "followed by something" in target.refused(FILE + b"\x41x")["message"]


def test_a_part_under_another_id(target: Target) -> None:
    parts = dict(GOOD.parts)
    one, other = sorted(parts)[:2]
    parts[one], parts[other] = parts[other], parts[one]
    assert "corrupt" == target.refused(file_of(bundle.Raw(GOOD.header, parts)))["code"]


@pytest.mark.parametrize("change", [
    lambda value, _: value.update(counts={"input": 99}),
    lambda value, _: value.update(session=b"\1" * 32),
    lambda value, _: value.update(user=[0, "root"]),
    lambda value, _: value.update(number=-1),
    lambda value, _: value.update(started_at=1 << 63),
    lambda value, _: value.update(entries=[b"\1" * 32]),
    lambda value, _: value.update(kind="miracle"),
    lambda value, _: value.pop("argv"),
    lambda value, _: value.update(argv=[[[b"x"]]]),
])
def test_a_record_whose_id_is_right_and_whose_content_is_not(target: Target, change: object) -> None:
    assert target.refused(rebuilt(change))["code"] in {"corrupt", "invalid"}


def test_deep_and_long_values(target: Target) -> None:
    deep = b"\x81" * 200_000 + b"\x00"
    assert target.refused(ids.encode(deep))["code"] in {"corrupt", "invalid"}

    def with_deep_context(value: dict[str, object], chunks: dict[bytes, bytes]) -> None:
        context = b"\xa1\x61a" * 50_000 + b"\x00"
        chunks.pop(value["context"], None)
        chunks[blake3(context).digest()] = context
        value["context"] = blake3(context).digest()

    target.refused(rebuilt(with_deep_context))
    claimed = b"\x5b" + (1 << 40).to_bytes(8, "big")  # a byte string of a terabyte
    target.refused(claimed)
    target.refused(b"\x5a\xff\xff\xff\xff" + b"x" * 100)
    target.refused(b"\x9f" * 1000)


def test_a_bundle_of_too_many_parts(target: Target) -> None:
    chunks = sorted({blake3(at.to_bytes(4, "big")).digest() for at in range(bundle.MAX_CHUNKS + 1)})
    header = bundle.Header("job:" + "0" * 64, "", (), (), tuple(chunks))
    assert target.refused(ids.encode(header.encode()))["code"] in {"corrupt", "invalid"}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
          database=None)
@given(data=st.data())
def test_bytes_that_nobody_made(target: Target, data: st.DataObject) -> None:
    """Whatever is cut out of a bundle, put into it, or made up: never an error of the server's own."""
    start = data.draw(st.integers(0, len(FILE)))
    end = data.draw(st.integers(start, len(FILE)))
    inserted = data.draw(st.binary(max_size=60) | st.sampled_from([FILE[start:end], b"\x5f", b"\xff" * 9, b"\xd9\xd9\xf7"]))
    made = FILE[:start] + inserted + FILE[end:]
    answer = target.served.register(target.eve, made)
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert [] == problems(answer.json())
        assert answer.json()["error"]["message"]
    else:
        assert made == FILE  # nothing else is that bundle


@pytest.mark.parametrize(("request_", "answer"), [
    (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 300_000 + b"\r\n\r\n", b"HTTP/1.1 400 "),
    (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X-A: b\r\n" * 20_000 + b"\r\n", b"HTTP/1.1 400 "),
    (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", b"HTTP/1.1 400 "),
    (b"NONSENSE\r\n\r\n", b"HTTP/1.1 400 "),
    (b"POST /api/v1/bundles HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n", b"HTTP/1.1 400 "),
    (b"POST /api/v1/auth/token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999\r\nConnection: close\r\n\r\n{",
     b"HTTP/1.1 413 "),
    (b"GET /readyz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", b"HTTP/1.1 200 "),
    (b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", b"HTTP/1.1 421 "),
    (b"GET / HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\nConnection: close\r\n\r\n", b"HTTP/1.1 421 "),
    (b"GET /api/v1/jobs/%00%ff HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", b"HTTP/1.1 400 "),
    (b"GET /api/v1/jobs/" + b"%2e%2e%2f" * 20 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
     b"HTTP/1.1 404 "),
])
def test_requests_that_are_no_requests(target: Target, request_: bytes, answer: bytes) -> None:
    assert target.raw(request_).startswith(answer)
    target.alive()


def test_who_sends_slowly_is_not_waited_for(target: Target) -> None:
    """Here one second between two pieces: the server's limit in this test."""
    head = (b"POST /api/v1/bundles HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/octet-stream\r\n"
            b"Authorization: Bearer " + target.eve.encode() + b"\r\nContent-Length: 1000\r\n\r\n")
    host, port = target.served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(head + b"x")
        assert connection.recv(100).startswith(b"HTTP/1.1 408 ")
    target.alive()


def test_a_body_that_is_cut_off(target: Target) -> None:
    """The client is gone: nobody to answer to, and nothing is kept."""
    before = target.size()
    target.raw(b"POST /api/v1/bundles HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/octet-stream\r\n"
               b"Authorization: Bearer " + target.eve.encode() + b"\r\nContent-Length: %d\r\n\r\n" % len(FILE),
               FILE[:-10], cut=True)
    target.alive()
    assert before == target.size()


def test_wrong_kinds_of_content(target: Target) -> None:
    kinds = ("application/json", "text/html", "multipart/form-data; boundary=x", "", "application/x-www-form-urlencoded")
    with target.served.client(target.eve) as client:
        for kind in kinds:
            assert 400 == client.post("/api/v1/bundles", content=FILE, headers={"Content-Type": kind}).status_code
        packed = client.post("/api/v1/bundles", content=FILE, headers={"Content-Type": "application/octet-stream",
                                                                       "Content-Encoding": "gzip"})
    assert (400, "invalid") == (packed.status_code, packed.json()["error"]["code"])


def test_a_cookie_does_not_register(target: Target) -> None:
    """No page of another site can make a browser bring a bundle."""
    with target.served.client() as client:
        client.cookies.set("glaas_session", "anything")
        answer = client.post("/api/v1/bundles", content=FILE, headers={"Content-Type": "application/octet-stream"})
    assert 401 == answer.status_code


def test_answers_say_what_browsers_may_do(target: Target) -> None:
    with target.served.client() as client:
        answers = [client.get(path) for path in ("/", "/api/v1/log/head", "/healthz", "/nothing", "/api/docs")]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy or "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors" in policy or answer.headers["x-frame-options"] == "DENY"
        assert "nosniff" == answer.headers["x-content-type-options"]
        assert answer.headers["x-request-id"]
        assert "server" not in answer.headers


def test_a_signature_that_is_no_signature(target: Target) -> None:
    """It is of this bundle, and by the account's key if it names that one; else nothing of the bundle is taken."""
    key = Ed25519PrivateKey.generate()
    line = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    token = target.served.token("signer", "--scope", "read", "--scope", "register", "--scope", "admin")
    with target.served.client(token) as client:
        added = client.post("/api/v1/auth/keys", json={"line": line, "name": "mine"})
    assert added.status_code in {200, 201}, added.text
    box = Box(nonce=b"signed" * 2 + b"!!!!")
    raw = box.bundle(box.job("python signed.py", [], ["signed=signed"]))

    def enveloped(payload: bytes, signature: bytes, named: str) -> bytes:
        envelope = Envelope(bundle.PAYLOAD_TYPE, payload, (Signature(named, signature),))
        return file_of(raw._replace(envelope=envelope.text()))

    mine = sshsig.fingerprint(key.public_key().public_bytes_raw())
    right = key.sign(preauthentication(bundle.PAYLOAD_TYPE, raw.header))
    for data in (enveloped(raw.header, b"\0" * 64, mine), enveloped(raw.header, right[:-1], mine),
                 enveloped(b"something else", right, mine), file_of(raw._replace(envelope="[" * 100_000)),
                 file_of(raw._replace(envelope='{"payloadType": 7}')), file_of(raw._replace(envelope="{}"))):
        answer = target.served.register(token, data)
        assert (422, "corrupt") == (answer.status_code, answer.json()["error"]["code"])
    assert 201 == target.served.register(token, enveloped(raw.header, right, mine)).status_code
    assert 200 == target.served.register(token, enveloped(raw.header, b"\0" * 64, "SHA256:of-nobody-here")).status_code


def test_it_still_takes_what_is_right(target: Target) -> None:
    """After all that."""
    answer = target.served.register(target.eve, GOOD)
    assert {201, 200} >= {answer.status_code}
    assert {job.head.id.hex() for job in JOBS} == {*answer.json()["registered"], *answer.json()["known"]}
    log = target.served.log.read_text()
    assert "Traceback" not in log, log
    assert target.eve not in log
    assert json.dumps(answer.json())
