#!/usr/bin/env python3
"""How quick a registry is, beside plain edge rows with recursive SQL in the same run: medians, and ratios to that.

    bench_glaas.py [--edges N] [--runs N] [--quick] [--json FILE] [PART ...]

Parts: register, http, walk, lookup.  A walk is measured twice: as far as the recursive query goes (which jobs, which files),
and as the whole answer of the service (with each job's head, each file's path, size and role).  ``--edges``: how many the
registry holds for lookups (default 10^5; 10^7 takes an hour or more to fill, one database after the other).  Machines are
shared and noisy: believe ratios of one run, not milliseconds; ``alone`` is by the processor's time of a process that works by
itself (LMDB).
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "glaas"))
from glaas_baseline import Baseline, Postgres, Sqlite
from glaas_scale import Simulation
from glaas_shapes import Shape, World, bundles, chain, edges_of, fan_in, files, layered, some_projects, sweep
from made_bundles import Box, digest
from pgserver import PostgresServer
from served import Served

from glaas.log.journal import TABLES as LOG_TABLES
from glaas.log.journal import Journal
from glaas.log.keys import SigningKey
from glaas.log.log import Log
from glaas.registry.registry import Registry
from glaas.registry.tables import TABLES
from glaas.store import open_store
from glaas.store.keyed import KeyedStore
from glaas.store.viewer import PUBLIC, Viewer
from lineage import bundle
from lineage.graph import Limits, Start, ancestors
from lineage.records import Job
from lineage.service.graphs import walk_message
from lineage.service.service import artifact_message
from lineage.v1 import lineage_pb2 as pb
from lineage.v1 import registry_pb2
from storage import collector

PARTS = ("register", "http", "walk", "lookup")
ANYONE = Viewer()
ALL = Limits(1000, 1_000_000, 60.0)
#: Depths stay below the service's limit of 1,000.
SMALL: tuple[tuple[Callable[..., Shape], tuple[int, ...]], ...] = (
    (chain, (900,)), (fan_in, (1000,)), (sweep, (1000,)), (layered, (20, 50)))
LARGE: tuple[tuple[Callable[..., Shape], tuple[int, ...]], ...] = ((layered, (40, 1250)),)


@dataclass
class Figure:
    """``value``: a median, in ``unit``; ``ratio``: how many times the baseline's (of times below 1: quicker); ``alone``: what
    it would be if nothing else ran on the machine, by the processor's time (of one process: not where a server works too)."""

    part: str
    what: str
    where: str
    value: float
    unit: str
    ratio: float | None = None
    target: str = ""
    alone: float | None = None

    def line(self) -> str:
        ratio = "" if self.ratio is None else f"{self.ratio:6.2f} x"
        alone = "" if self.alone is None else f"{self.alone:,.1f}"
        return (f"{self.part:9} {self.what:44} {self.where:22} {self.value:10,.1f} {self.unit:7} {ratio:9} {alone:>9}  "
                f"{self.target}").rstrip()


@dataclass
class Bench:
    """``databases``: by name, a registry's store; ``baselines``: the first one is what ratios are to."""

    directory: Path
    server: PostgresServer | None
    databases: dict[str, KeyedStore]
    baselines: list[Baseline]
    runs: int = 5
    figures: list[Figure] = field(default_factory=list)

    def say(self, *arguments: object, **more: object) -> None:
        figure = Figure(*arguments, **more)  # type: ignore[arg-type]
        self.figures.append(figure)
        print(figure.line(), flush=True)

    def registry(self, name: str) -> Registry:
        store = self.databases[name]
        return Registry(store, Journal(Log(store, SigningKey.generate("bench.test"))))

    # -- parts --------------------------------------------------------------------------------------------------------

    def register(self, jobs: int) -> None:
        """Bundles as files, read, verified and stored; each is one transaction, there as here."""
        for size, sent in ((100, bundles_of_100(jobs)), (14, bundles_of_projects(jobs))):
            done, edges = jobs_in(sent), [list(edges_of(part)) for _, part in sent]
            rates = {}
            for baseline in self.baselines:
                rates[baseline.name] = done / seconds_of(
                    lambda baseline=baseline, edges=edges: [baseline.add(each) for each in edges])
            base = rates[self.baselines[0].name]
            for name in self.databases:
                registry = self.registry(name)
                taken, alone = timed(lambda registry=registry, sent=sent: [
                    registry.register("ada", PUBLIC, bundle.read(io.BytesIO(data))) for data, _ in sent])
                target = {"lmdb": "≥ 2,000", "postgres": "≥ 1,000"}.get(name, "") if size == 100 else ""
                self.say("register", f"jobs, {size} in a bundle", name, done / taken, "jobs/s", done / taken / base, target,
                         done / alone if name == "lmdb" else None)
            for name, rate in rates.items():
                self.say("register", f"edges alone of jobs, {size} a transaction", name, rate, "jobs/s", rate / base)

    def http(self, jobs: int, senders: int = 3) -> None:
        """The same through a real `glaas serve`, with all that it does besides."""
        for name in self.databases:
            sent = bundles_of_100(jobs, f"http {name}")
            with self._served(name) as (served, token):
                began = time.perf_counter()
                send_all(served, token, [data for data, _ in sent], senders)
                rate = jobs_in(sent) / (time.perf_counter() - began)
                target = {"lmdb": "≥ 2,000", "postgres": "≥ 1,000"}.get(name, "")
                self.say("http", f"register, 100 jobs in a bundle, {senders} senders", name, rate, "jobs/s", None, target)
                hashes = [one.hash.hex() for _, part in sent for job in part for one in job.entries
                          if one.kind == "output" and one.hash][:300]
                with served.client(token) as client:
                    for what, path in (("artifact page", "/artifact/"), ("artifact as JSON", "/api/v1/artifacts/")):
                        if client.get(path + hashes[0]).status_code != 200:
                            continue
                        taken = [seconds_of(lambda path=path, each=each: client.get(path + each)) for each in hashes]
                        self.say("http", f"{what}, at its client", name, statistics.median(taken) * 1000, "ms", None, "≤ 50")

    def walk(self, shapes: tuple[tuple[Callable[..., Shape], tuple[int, ...]], ...], target: str) -> None:
        for shape, arguments in shapes:
            box = Box(nonce=f"{shape.__name__} {arguments}".encode()[:16].ljust(16))
            jobs, content = shape(box, *arguments, name=f"{arguments}")
            start = digest(content)
            for baseline in self.baselines:
                baseline.add(edges_of(jobs))
                baseline.settle()
            for name in self.databases:
                keep(self.registry(name), box, jobs)
            self._settle()
            answers = {baseline.name: baseline.ancestors(start) for baseline in self.baselines}
            base = median_of(lambda start=start: self.baselines[0].ancestors(start), self.runs)
            what = f"{shape.__name__}: {len(answers[self.baselines[0].name][1]):,} jobs, " \
                   f"{len(answers[self.baselines[0].name][0]):,} files"
            for name in self.databases:
                registry = self.registry(name)
                answers[name] = walked(registry, start)
                for text, work in ((what, walked), ("   … with heads and paths", graph)):
                    runs = [timed(lambda registry=registry, start=start, work=work: work(registry, start))
                            for _ in range(self.runs)]
                    taken, alone = (statistics.median(column) for column in zip(*runs, strict=True))
                    self.say("walk", text, name, taken * 1000, "ms", taken / base, target,
                             alone * 1000 if name == "lmdb" else None)
            for baseline in self.baselines:
                taken = base if baseline is self.baselines[0] else median_of(
                    lambda baseline=baseline, start=start: baseline.ancestors(start), self.runs)
                self.say("walk", what, baseline.name, taken * 1000, "ms", taken / base)
            first, *others = answers.values()
            assert all(first == other for other in others), f"{what}: the answers differ"

    def lookup(self, edges: int, samples: int = 1000) -> None:
        """Of a hash: is it known, what is it, the newest job that made it.  Slowest of a hundred."""
        world = World(2)
        for _, jobs in projects_up_to(world, edges):
            for baseline in self.baselines:
                baseline.add(edges_of(jobs))
        for baseline in self.baselines:
            baseline.settle()
        base: dict[str, float] = {}
        for name, store in self.databases.items():
            simulation = Simulation(store, seed=2)
            for _ in simulation.fill(edges):
                pass
            self._settle()
            hashes = [simulation.chance.choice(simulation._known) for _ in range(samples)]
            for baseline in self.baselines if not base else ():
                base[baseline.name] = hundredth(lambda each, baseline=baseline: baseline.lookup(each), hashes)
            first = base[self.baselines[0].name]
            view = lambda registry=simulation.registry: registry.view(ANYONE)  # noqa: E731
            what = f"by hash of {simulation.world.edges:,} edges, p99"
            found = hundredth(lambda each, view=view: answer(view(), each), hashes)
            alone = hundredth(lambda each, view=view: answer(view(), each), hashes, time.process_time)
            self.say("lookup", what, name, found * 1000, "ms", found / first, "≤ 10",
                     alone * 1000 if name == "lmdb" else None)
            found = hundredth(lambda _, simulation=simulation: simulation.page(), hashes[:300])
            self.say("lookup", "what an artifact's page shows, p99", name, found * 1000, "ms", found / first, "≤ 50")
            found = hundredth(lambda _, simulation=simulation: simulation.popular(), hashes[:20])
            self.say("lookup", "   … of the most used file", name, found * 1000, "ms", found / first, "≤ 50")
        for name, taken in base.items():
            self.say("lookup", "by hash, p99", name, taken * 1000, "ms", taken / base[self.baselines[0].name])

    # -- their parts --------------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """PostgreSQL's statistics come with time; a benchmark does not wait for them."""
        if self.server is not None:
            import psycopg

            with psycopg.connect(self.server.url(), autocommit=True) as connection:
                connection.execute("analyze")

    @contextmanager
    def _served(self, name: str) -> Iterator[tuple[Served, str]]:
        directory = Path(tempfile.mkdtemp(dir=self.directory))
        options = []
        if name == "postgres" and self.server is not None:
            import psycopg

            with psycopg.connect(self.server.url(), autocommit=True) as connection:
                connection.execute("create database served")
            options = ["--store", self.server.url(database="served")]
        rates = directory / "limits.toml"
        rates.write_text(NO_RATES)
        with Served(directory, *options, "--config", str(rates)) as served:
            token = served.glaas("user", "add", "ada", *options).stdout.split()[-1]
            yield served, token


NO_RATES = "[rates]\nregister = [0, 0]\nread = [0, 0]\n"


def seconds_of(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the clock, and of this process on a processor."""
    began, worked = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - worked


def median_of(work: Callable[[], object], runs: int) -> float:
    return statistics.median(seconds_of(work) for _ in range(runs))


def hundredth(work: Callable[[bytes], object], hashes: list[bytes], clock: Callable[[], float] = time.perf_counter) -> float:
    """The time that one of a hundred takes longer than."""
    taken = []
    for each in hashes:
        began = clock()
        work(each)
        taken.append(clock() - began)
    return sorted(taken)[int(len(taken) * 0.99)]


def answer(view: object, digest_: bytes) -> object:
    return artifact_message(view, digest_, 1)  # type: ignore[arg-type]


def bundles_of_100(jobs: int, name: str = "") -> list[tuple[bytes, list[Job]]]:
    """Each of one session, of jobs with three inputs and an output, and twenty packages."""
    found = []
    for at in range(max(1, jobs // 100)):
        box = Box(nonce=f"{name}{at}".encode().ljust(16))
        made, _ = layered(box, 4, 25, name=f"{name}{at}-")
        found.append((files([box.bundle(*made)])[0], made))
    return found


def bundles_of_projects(jobs: int) -> list[tuple[bytes, list[Job]]]:
    return [(files([box.bundle(*made)])[0], made) for box, made in some_projects(World(9), max(1, jobs // 14))]


def projects_up_to(world: World, edges: int) -> Iterator[tuple[Box, list[Job]]]:
    for found in world.projects():
        yield found
        if world.edges >= edges:
            return


def jobs_in(sent: list[tuple[bytes, list[Job]]]) -> int:
    return sum(len(part) for _, part in sent)


def keep(registry: Registry, box: Box, jobs: list[Job]) -> None:
    for raw, content in bundles(box, jobs, 1000):
        registry.keep("ada", PUBLIC, raw, content)


def walked(registry: Registry, start: bytes) -> tuple[set[bytes], set[bytes]]:
    """(artifacts, jobs), by their ids, as the recursive queries answer."""
    store = registry.store(ANYONE)
    found = ancestors(store, Start(artifact=store.artifact_number(start)), ALL, lambda _: True)
    return {store.artifact_hash(artifact) for artifact, _ in found.keys}, set(map(store.job_id, found.jobs))


def graph(registry: Registry, start: bytes) -> pb.Graph:
    return walk_message(registry.view(ANYONE), pb.GraphRequest(artifact=start, max_nodes=100_000), ancestors)


def send_all(served: Served, token: str, data: list[bytes], senders: int) -> None:
    """Each sender has a connection; every answer is a success."""
    waiting, refused = iter(data), []
    lock = threading.Lock()

    def send() -> None:
        with served.client(token) as client:
            while True:
                with lock:
                    each = next(waiting, None)
                if each is None:
                    return
                request = registry_pb2.RegisterBundleRequest(bundle=each, space="public")
                answer = client.post("/lineage.v1.Registry/RegisterBundle", content=request.SerializeToString(),
                                     headers={"Content-Type": "application/proto"})
                if answer.status_code != 200:
                    refused.append(answer.text)

    threads = [threading.Thread(target=send) for _ in range(senders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not refused, refused[0]


@contextmanager
def bench(directory: Path, *, durable: bool = True, postgres: bool = True, runs: int = 5) -> Iterator[Bench]:
    with ExitStack() as held:
        server = held.enter_context(closing(PostgresServer(durable=durable))) if postgres else None
        tables = (*TABLES, *LOG_TABLES)
        databases = {"lmdb": held.enter_context(closing(open_store(directory / "store", tables)))}
        baselines: list[Baseline] = [held.enter_context(closing(Sqlite(directory / "plain.sqlite")))]
        if server is not None:
            databases["postgres"] = held.enter_context(closing(open_store(server.url(), tables)))
            baselines.insert(0, held.enter_context(closing(Postgres(server.url()))))
        yield Bench(directory, server, databases, baselines, runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; default: all")
    parser.add_argument("--edges", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run?")
    parser.add_argument("--directory", type=Path, help="where databases are made (and removed afterwards)")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    parts = options.parts or list(PARTS)
    if not set(parts) <= set(PARTS):
        parser.error(f"parts are {', '.join(PARTS)}")
    collector.relax()
    directory = Path(tempfile.mkdtemp(prefix="glaas-bench-", dir=options.directory))
    try:
        with bench(directory, runs=options.runs) as one:
            print(f"{'part':9} {'what':44} {'where':22} {'median':>10} {'':7} {'ratio':9} {'alone':>9}  target")
            if "register" in parts:
                one.register(200 if options.quick else 4000)
            if "http" in parts:
                one.http(200 if options.quick else 6000)
            if "walk" in parts:
                one.walk(SMALL, "≤ 50")
                if not options.quick:
                    one.walk(LARGE, "≤ 1,000")
            if "lookup" in parts:
                one.lookup(2_000 if options.quick else options.edges)
            if options.json:
                options.json.write_text(json.dumps([figure.__dict__ for figure in one.figures], indent=1))
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
