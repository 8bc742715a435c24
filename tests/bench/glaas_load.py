#!/usr/bin/env python3
"""Many boxes register with a registry while many readers look things up; boxes are killed, servers are killed and come back.

    glaas_load.py [--boxes N] [--readers N] [--seconds S] [--database lmdb|postgres] [--replicas N] [--json FILE]

A box is a process with some senders; it writes down what the registry acknowledged.  A bundle is sent again, to any replica,
until it is.  In the end everything that was acknowledged must be there: each job, each file, each entry in the log; and at no
time may a reader be told that something acknowledged is unknown.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "glaas"))
from glaas_shapes import files
from made_bundles import Box
from pgserver import PostgresServer
from served import Served

from lineage.v1 import lineage_pb2, registry_pb2

SENDERS = 2  # of one box
JOBS = 5  # in a bundle
NO_RATES = "[rates]\nregister = [0, 0]\nread = [0, 0]\n"
DOWN = (OSError, http.client.HTTPException)


class Client:
    """One connection to any of the servers; ``addresses``: a file that says where they are now."""

    def __init__(self, addresses: Path, token: str, seed: int) -> None:
        self._addresses = addresses
        self._token = token
        self._chance = random.Random(seed)
        self._connection: http.client.HTTPConnection | None = None

    def call(self, method: str, message: bytes) -> tuple[int, bytes]:
        """(status, body).  One of DOWN where nobody answers."""
        try:
            if self._connection is None:
                url = urlsplit(self._chance.choice(json.loads(self._addresses.read_text())))
                self._connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=60)
            self._connection.request("POST", f"/lineage.v1.{method}", message, {
                "Content-Type": "application/proto", "Authorization": f"Bearer {self._token}"})
            answer = self._connection.getresponse()
            body = answer.read()
            if answer.will_close:
                self.close()
        except DOWN:
            self.close()
            raise
        else:
            return answer.status, body

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


@dataclass
class Acknowledged:
    """One line of a box's notes."""

    bundle: str
    leaf: int
    jobs: list[str]
    file: str  # the hash of an output
    seconds: float
    tries: int

    @classmethod
    def read(cls, notes: Path) -> list[Acknowledged]:
        """Whole lines; a box that was killed may have left half of one, which it did not get to know as acknowledged."""
        return [cls(**json.loads(line)) for line in notes.read_text().split("\n")[:-1]]


def box(number: int, addresses: Path, token: str, notes: Path, seconds: float) -> None:
    """Registers until it is over, and notes each acknowledgement before the next bundle."""
    until = time.monotonic() + seconds
    lock = threading.Lock()

    def send(sender: int) -> None:
        client = Client(addresses, token, number * 100 + sender)
        session = Box(nonce=os.urandom(16))
        name = session.session.hex()[:8]
        while time.monotonic() < until:
            first = session.count
            jobs = [session.job(f"work.py {first + at}", [f"{first + at}.in={name}-{first + at - 1}", "data.parquet=shared"],
                                [f"{first + at}.out={name}-{first + at}"]) for at in range(JOBS)]
            raw = session.bundle(*jobs)
            message = registry_pb2.RegisterBundleRequest(bundle=files([raw])[0], space="public").SerializeToString()
            began, tries = time.monotonic(), 0
            answer = None
            while answer is None and time.monotonic() < until + 60:
                tries += 1
                try:
                    status, body = client.call("Registry/RegisterBundle", message)
                except DOWN:
                    time.sleep(random.uniform(0.02, 0.2))
                    continue
                if status == 200:
                    answer = registry_pb2.RegisterBundleResponse.FromString(body)
                elif status in {429, 500, 502, 503, 504}:
                    client.close()
                    time.sleep(random.uniform(0.02, 0.2))
                else:
                    sys.exit(f"box {number}: {status} {body[:300]!r}")
            if answer is None:
                sys.exit(f"box {number}: nobody answered for a minute")
            line = Acknowledged(answer.bundle.hex(), answer.leaf, [job.head.id.hex() for job in jobs if job.head.id],
                                next(one.hash.hex() for one in jobs[-1].entries if one.kind == "output" and one.hash),
                                time.monotonic() - began, tries)
            assert answer.bundle == raw.id
            with lock, notes.open("a") as file:
                file.write(json.dumps(line.__dict__) + "\n")

    threads = [threading.Thread(target=send, args=(at,)) for at in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@dataclass
class Report:
    """``lost``: what was acknowledged and is not there; ``wrong``: other answers that may not be."""

    bundles: int = 0
    jobs: int = 0
    reads: int = 0
    seconds: float = 0.0
    tries: int = 0
    killed_boxes: int = 0
    killed_servers: int = 0
    restarted_servers: int = 0
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    register_ms: dict[str, float] = field(default_factory=dict)
    read_ms: dict[str, float] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        yield (f"{self.bundles:,} bundles of {self.jobs:,} jobs acknowledged ({self.jobs / self.seconds:,.0f} jobs/s), "
               f"{self.reads:,} reads ({self.reads / self.seconds:,.0f}/s), in {self.seconds:.0f} s")
        yield (f"{self.killed_boxes} boxes killed, {self.killed_servers} servers killed, {self.restarted_servers} restarted; "
               f"{self.tries - self.bundles} sendings had to be repeated")
        for what, found in (("register", self.register_ms), ("read", self.read_ms)):
            yield f"{what:9}" + "  ".join(f"{name} {value:,.1f} ms" for name, value in found.items())
        yield f"lost: {len(self.lost)}, wrong answers: {len(self.wrong)}"


def distribution(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds) or [0.0]
    return {name: ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000
            for name, part in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("most", 1.0))}


class Load:
    """``hurt``: how often something is killed, in seconds."""

    def __init__(self, directory: Path, servers: list[Served], token: str, boxes: int, readers: int) -> None:
        self.directory = directory
        self.servers = servers
        self.token = token
        self.report = Report()
        self._boxes, self._readers = boxes, readers
        self._addresses = directory / "addresses"
        self._notes: list[Path] = []
        self._processes: list[subprocess.Popen[bytes]] = []
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._read_seconds: list[float] = []
        self._say_where()

    def run(self, seconds: float, hurt: float) -> Report:
        until = time.monotonic() + seconds
        began = time.monotonic()
        for _ in range(self._boxes):
            self._start(seconds)
        readers = [threading.Thread(target=self._read, args=(at,)) for at in range(self._readers)]
        for reader in readers:
            reader.start()
        hurts = 0
        while until - time.monotonic() > hurt:
            time.sleep(hurt)
            self._hurt(hurts, until - time.monotonic())
            hurts += 1
        for process in self._processes:
            code = process.wait(seconds + 150)
            if code not in {0, -signal.SIGKILL}:
                self.report.wrong.append(f"a box ended with {code}")
        self.report.seconds = time.monotonic() - began
        self._over.set()
        for reader in readers:
            reader.join()
        self._check()
        return self.report

    def _start(self, seconds: float) -> None:
        number = len(self._notes)
        notes = self.directory / f"notes{number}"
        notes.touch()
        self._notes.append(notes)
        self._processes.append(subprocess.Popen(
            [sys.executable, __file__, "--box", str(number), str(self._addresses), str(notes), "--seconds", str(seconds)],
            env={**os.environ, "GLAAS_TOKEN": self.token}))

    def _hurt(self, turn: int, left: float) -> None:
        """A box; a server, killed; a box; a server, told to end."""
        if turn % 2 == 0:
            victim = self._processes[turn // 2 % len(self._processes)]
            victim.kill()
            self.report.killed_boxes += 1
            self._start(max(1.0, left))
            return
        server = self.servers[turn // 2 % len(self.servers)]
        kill = turn // 2 % 2 == 0
        self.report.killed_servers += kill
        self.report.restarted_servers += not kill
        server.stop(signal.SIGKILL if kill else signal.SIGTERM)
        server.start()
        self._say_where()

    def _say_where(self) -> None:
        new = self._addresses.with_suffix(".new")
        new.write_text(json.dumps([server.url for server in self.servers]))
        new.rename(self._addresses)

    def _read(self, number: int) -> None:
        with closing(Client(self._addresses, self.token, 7000 + number)) as client:
            self._read_with(client, random.Random(number))

    def _read_with(self, client: Client, chance: random.Random) -> None:
        sizes: dict[Path, int] = {}
        known: list[str] = []
        while not self._over.is_set():
            notes = chance.choice(self._notes)
            if notes.stat().st_size > sizes.get(notes, 0):
                sizes[notes] = notes.stat().st_size
                known += [one.file for one in Acknowledged.read(notes)[-20:]]
            if not known:
                time.sleep(0.02)
                continue
            digest = chance.choice(known[-2000:])
            request = lineage_pb2.GetArtifactRequest(hash=bytes.fromhex(digest), limit=3)
            began = time.monotonic()
            try:
                status, body = client.call("Lineage/GetArtifact", request.SerializeToString())
            except DOWN:
                time.sleep(0.02)
                continue
            with self._lock:
                self._read_seconds.append(time.monotonic() - began)
                if status == 404:
                    self.report.lost.append(f"a reader was told that {digest[:12]} is unknown")
                elif status not in {200, 429, 500, 502, 503, 504}:
                    self.report.wrong.append(f"{status}: {body[:200]!r}")
            time.sleep(chance.uniform(0, 0.01))

    def _check(self) -> None:
        """Everything acknowledged, job by job, and its place in the log."""
        found = [one for notes in self._notes for one in Acknowledged.read(notes)]
        with closing(Client(self._addresses, self.token, 1)) as client:
            self._check_with(client, found)

    def _check_with(self, client: Client, found: list[Acknowledged]) -> None:
        report = self.report
        jobs = sorted({job for one in found for job in one.jobs})
        for at in range(0, len(jobs), 5000):
            part = [bytes.fromhex(job) for job in jobs[at:at + 5000]]
            request = registry_pb2.KnownRequest(space="public", jobs=part)
            status, body = client.call("Registry/Known", request.SerializeToString())
            assert status == 200, body
            there = set(registry_pb2.KnownResponse.FromString(body).jobs)
            report.lost += [f"job {job.hex()[:12]}" for job in part if job not in there]
        status, body = client.call("Registry/GetTreeHead", b"")
        assert status == 200, body
        size = registry_pb2.TreeHead.FromString(body).size
        for one in random.Random(3).sample(found, min(len(found), 200)):
            asked = registry_pb2.InclusionRequest(bundle=bytes.fromhex(one.bundle))
            status, body = client.call("Registry/GetInclusion", asked.SerializeToString())
            if status != 200 or registry_pb2.InclusionProof.FromString(body).index >= size:
                report.lost.append(f"the log's entry on bundle {one.bundle[:12]}: {status}")
        report.bundles, report.jobs, report.tries = len(found), len(jobs), sum(one.tries for one in found)
        report.reads = len(self._read_seconds)
        report.register_ms = distribution([one.seconds for one in found])
        report.read_ms = distribution(self._read_seconds)


def load(directory: Path, database: str, replicas: int, boxes: int, readers: int, seconds: float, hurt: float) -> Report:
    """``replicas``: several processes that serve one PostgreSQL; LMDB has one."""
    with ExitStack() as held:
        (directory / "config.toml").write_text(NO_RATES)
        options = ["--config", str(directory / "config.toml"), "--grpc-listen", "none"]
        where: list[str] = []
        if database == "postgres":
            where = ["--store", held.enter_context(closing(PostgresServer())).url()]
        servers = []
        for number in range(replicas if where else 1):
            (directory / f"replica{number}").mkdir()
            server = Served(directory / f"replica{number}", *options, *where)
            if number:  # replicas of one registry sign with one key
                shutil.copytree(servers[0].state, server.state, ignore=shutil.ignore_patterns("*.lock", "lock*"))
            servers.append(held.enter_context(server))
        token = servers[0].glaas("user", "add", "ada", *where).stdout.split()[-1]
        return Load(directory, servers, token, boxes, readers).run(seconds, hurt)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boxes", type=int, default=8)
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--hurt", type=float, default=5, metavar="SECONDS", help="between two killings")
    parser.add_argument("--database", choices=("lmdb", "postgres"), default="lmdb")
    parser.add_argument("--replicas", type=int, default=2, help="with PostgreSQL")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--box", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.box:
        number, addresses, notes = options.box
        box(int(number), Path(addresses), os.environ["GLAAS_TOKEN"], Path(notes), options.seconds)
        return
    with tempfile.TemporaryDirectory(prefix="glaas-load-") as directory:
        report = load(Path(directory), options.database, options.replicas, options.boxes, options.readers, options.seconds,
                      options.hurt)
    print("\n".join(report.lines()))
    if options.json:
        options.json.write_text(json.dumps(report.__dict__, indent=1))
    sys.exit(bool(report.lost or report.wrong))


if __name__ == "__main__":
    main()
