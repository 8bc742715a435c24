"""A served registry over time: many at once, ends that come suddenly, limits, and what its operator sees of it."""

from __future__ import annotations

import datetime
import ipaddress
import json
import os
import re
import signal
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from made_bundles import Box
from pgserver import PostgresServer
from served import Served, file_of

from lineage.records import Job
from lineage.v1 import registry_pb2, registry_pb2_grpc

OPEN = "[rates]\nregister = [0, 0]\nread = [0, 0]\nsearch = [0, 0]\n"


def made(box: Box, number: int) -> tuple[Job, bytes]:
    job = box.job(f"python step.py {number}", [], [f"out{number}={box.nonce.hex()} {number}"])
    return job, file_of(box.bundle(job))


def configured(directory: Path, text: str) -> tuple[str, str]:
    path = directory / "glaas.toml"
    path.write_text(text)
    return "--config", str(path)


def test_what_was_acknowledged_outlives_a_kill(tmp_path: Path) -> None:
    """Four clients register until the server is killed; everything that it had said yes to is there afterwards."""
    options = configured(tmp_path, OPEN)
    served = Served(tmp_path, *options).start()
    token = served.token("ada")
    acknowledged: list[bytes] = []
    enough = threading.Event()

    def bring(worker: int) -> None:
        box = Box(nonce=bytes([worker]) * 16)
        for number in range(10_000):
            job, data = made(box, number)
            try:
                answer = served.register(token, data)
            except httpx.HTTPError:
                return
            if answer.status_code == 201:
                acknowledged.append(job.head.id or b"")
            if len(acknowledged) >= 40:
                enough.set()

    threads = [threading.Thread(target=bring, args=(worker,)) for worker in range(1, 5)]
    for thread in threads:
        thread.start()
    assert enough.wait(100)
    served.stop(signal.SIGKILL)
    for thread in threads:
        thread.join()
    with served, served.client(token) as client:
        known = client.post("/lineage.v1.Registry/Known", headers={"Content-Type": "application/proto"},
                            content=registry_pb2.KnownRequest(jobs=acknowledged).SerializeToString())
        assert set(acknowledged) == set(registry_pb2.KnownResponse.FromString(known.content).jobs)
        size = client.get("/readyz").json()["log_size"]
        assert len(acknowledged) <= size
        growth = client.get(f"/api/v1/log/consistency?first=1&second={size}")
        assert 200 == growth.status_code


def test_many_at_once(tmp_path: Path) -> None:
    """Eight register, eight read; nobody is refused, and each finds what they brought."""
    with Served(tmp_path, *configured(tmp_path, OPEN)) as served:
        token = served.token("ada")

        def both(worker: int) -> int:
            box, found = Box(nonce=bytes([worker]) * 16), 0
            with served.client(token) as client:
                for number in range(5):
                    job, data = made(box, number)
                    assert 201 == client.post("/api/v1/bundles", content=data,
                                              headers={"Content-Type": "application/octet-stream"}).status_code
                    found += client.get(f"/api/v1/jobs/{(job.head.id or b'').hex()}").status_code == 200
            return found

        with ThreadPoolExecutor(8) as pool:
            assert [5] * 8 == list(pool.map(both, range(1, 9)))


def test_a_verifier_that_is_killed(tmp_path: Path) -> None:
    """As the kernel does where memory ends: the server starts another."""
    with Served(tmp_path) as served:
        token, box = served.token("ada"), Box()
        assert 201 == served.register(token, made(box, 1)[1]).status_code
        assert served.process is not None
        pid = served.process.pid
        tasks = Path(f"/proc/{pid}/task").iterdir()
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
        assert children
        for child in children:
            os.kill(child, signal.SIGKILL)
        answers = [served.register(token, made(box, number)[1]).status_code for number in (2, 3, 4)]
        assert set(answers[:-1]) <= {201, 503}
        assert 201 == answers[-1]


def test_who_asks_too_much_is_told_when_to_come_back(tmp_path: Path) -> None:
    text = "[rates]\nread = [1, 5]\n[quotas]\njobs_per_day = 3\n"
    with Served(tmp_path, *configured(tmp_path, text)) as served:
        token = served.token("ada")
        with served.client() as client:
            answers = [client.get("/api/v1/log/head") for _ in range(12)]
        assert {200, 429} == {answer.status_code for answer in answers}
        late = next(answer for answer in answers if answer.status_code == 429)
        assert int(late.headers["retry-after"]) >= 1
        assert "unavailable" == late.json()["error"]["code"]
        box = Box()
        statuses = [served.register(token, made(box, number)[1]) for number in range(4)]
        assert [201, 201, 201, 429] == [answer.status_code for answer in statuses]
        assert int(statuses[-1].headers["retry-after"]) > 1
        assert "3 jobs" in statuses[-1].json()["error"]["message"]
        served.stop()
        served.start()  # today's count is remembered
        assert 429 == served.register(token, made(box, 9)[1]).status_code


def test_metrics_and_the_access_log(tmp_path: Path) -> None:
    """An operator sees what happened, and no secrets, hashes of private things in labels, or what people searched for."""
    log = tmp_path / "access.log"
    with Served(tmp_path, "--access-log", str(log)) as served:
        token = served.token("ada")
        job, data = made(Box(), 1)
        served.register(token, data)
        served.register(token, data[:-1])
        with served.client(token) as client:
            client.get(f"/api/v1/jobs/{(job.head.id or b'').hex()}")
            client.get("/api/v1/search?q=verysecretwords", headers={"X-Request-Id": "given-by-a-proxy"})
            numbers = client.get("/metrics").text
    value = dict(re.findall(r"^(glaas_\w+(?:\{.*\})?) (\S+)$", numbers, re.MULTILINE))
    assert ("1.0", "1.0") == (value["glaas_bundles_total"], value["glaas_jobs_total"])
    assert "1.0" == value['glaas_refused_total{code="corrupt"}']
    assert "1.0" == value['glaas_requests_total{method="POST",route="/api/v1/bundles",status="201"}']
    assert "1.0" == value['glaas_requests_total{method="GET",route="/api/v1/jobs/{id}",status="200"}']
    assert "0.0" == value["glaas_waiting_bundles"]
    assert float(value["glaas_register_seconds_count"]) >= 1
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {"POST /api/v1/bundles 201 ada", "POST /api/v1/bundles 422 ada"} <= {
        f"{line['method']} {line['path']} {line['status']} {line['account']}" for line in lines}
    assert "given-by-a-proxy" in {line["id"] for line in lines}
    assert token not in log.read_text() and "verysecretwords" not in log.read_text()
    assert token not in numbers and (job.head.id or b"").hex() not in numbers


def test_what_a_proxy_says_is_believed_only_where_there_is_one(tmp_path: Path) -> None:
    """Of X-Forwarded-For the last address: those before it are what its client wrote there."""
    for options, client in ((("--behind-proxy", "--public-url", "https://lineage.example"), "203.0.113.9"), ((), "127.0.0.1")):
        directory = tmp_path / str(len(options))
        directory.mkdir()
        log = directory / "access.log"
        with Served(directory, "--access-log", str(log), *options) as served:
            at = served.url if not options else _listening(served)
            answer = httpx.get(f"{at}/api/v1/log/head", headers={
                "X-Forwarded-For": "192.0.2.1, 203.0.113.9", "X-Forwarded-Proto": "https", "Host": "localhost"})
        assert 200 == answer.status_code
        assert bool(options) == ("strict-transport-security" in answer.headers)
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        assert [client] == [line["client"] for line in lines if line["path"] == "/api/v1/log/head"]


def _listening(served: Served) -> str:
    """Where it listens, when what it says is another name."""
    assert served.process is not None
    inodes = set()
    for entry in Path(f"/proc/{served.process.pid}/fd").iterdir():
        try:
            inodes.add(os.readlink(entry))
        except OSError:
            continue
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
            url = f"http://127.0.0.1:{int(fields[1].split(':')[1], 16)}"
            try:
                if httpx.get(f"{url}/healthz").status_code == 200:
                    return url
            except httpx.HTTPError:
                continue  # that is gRPC's
    raise AssertionError("it listens nowhere")


def test_https(tmp_path: Path) -> None:
    """Its own certificate, for HTTP and gRPC alike."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256()))
    (tmp_path / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "key.pem").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    with Served(tmp_path, "--tls-cert", str(tmp_path / "cert.pem"), "--tls-key", str(tmp_path / "key.pem")) as served:
        assert served.url.startswith("https://")
        context = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
        answer = httpx.get(f"{served.url}/.well-known/glaas", verify=context)
        assert "strict-transport-security" in answer.headers
        credentials = grpc.ssl_channel_credentials((tmp_path / "cert.pem").read_bytes())
        with grpc.secure_channel(answer.json()["grpc"], credentials) as channel:
            assert "" == registry_pb2_grpc.RegistryStub(channel).WhoAmI(registry_pb2.WhoAmIRequest(), timeout=60).name


def test_replicas_on_one_database(tmp_path: Path, postgres: PostgresServer) -> None:
    """Two servers, one state directory (the log's key is in it), one database: what one took in the other shows."""
    options = ("--store", postgres.url())
    directories = [tmp_path / name for name in ("one", "two")]
    for directory in directories:
        directory.mkdir()
    one, two = (Served(directory, *options) for directory in directories)
    two.state = one.state
    with one, two:
        token = one.token("ada", *options)
        job, data = made(Box(), 1)
        assert 201 == one.register(token, data).status_code
        with two.client(token) as client:
            assert 200 == client.get(f"/api/v1/jobs/{(job.head.id or b'').hex()}").status_code
            assert client.get("/api/v1/log/head").json()["size"] == 1
        heads = {httpx.get(f"{served.url}/.well-known/glaas").json()["log"]["key"] for served in (one, two)}
        assert len(heads) == 1
