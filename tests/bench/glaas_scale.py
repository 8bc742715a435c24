#!/usr/bin/env python3
"""How the cost of what a registry does grows with what it holds: round trips, rows, bytes, the keys that are asked most.

    glaas_scale.py [--edges N] [--database lmdb|postgres] [--directory DIR] [--shards N] [--json FILE]

One registry is filled with a world of projects (``glaas_shapes.World``) to 10^4, 10^5, … N edges, and measured at each: every
call of the store is counted (one call is one statement, one round trip at most), and each home that it names.  Counts do not
depend on the machine; the times beside them do.  docs/scale.md has the table of one run to 10^7.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "glaas"))
from glaas_counting import CountingStore, Counts, shares
from glaas_shapes import World, bundles, layered, together
from made_bundles import Box, digest
from pgserver import PostgresServer

from glaas.log.journal import TABLES as LOG_TABLES
from glaas.log.journal import Journal
from glaas.log.keys import SigningKey
from glaas.log.log import Log
from glaas.registry.registry import Registry
from glaas.registry.tables import TABLES
from glaas.store import open_store
from glaas.store.keyed import KeyedStore
from glaas.store.viewer import PUBLIC, Viewer, own_space
from lineage import bundle
from lineage.graph import ancestors
from lineage.service.graphs import walk_message
from lineage.service.references import by_reference
from lineage.service.service import artifact_message
from lineage.v1 import lineage_pb2 as pb

MIXED = {"lookup": 60, "page": 20, "walk 2,000": 5, "search": 10, "newest": 5}  # of a hundred reads
SAMPLES = 200
AT_ONCE_FROM = 50_000


@dataclass
class Operation:
    calls: float
    rows: float
    kilobytes: float
    milliseconds: float
    worst: float  # the 99th percentile of the times


@dataclass
class Size:
    edges: int
    jobs: int
    seconds: float  # that filling took, since the size before
    operations: dict[str, Operation] = field(default_factory=dict)
    tables: dict[str, tuple[int, int]] = field(default_factory=dict)  # rows, bytes
    hottest: list[tuple[str, float]] = field(default_factory=list)  # table, part of all writes, or of all reads
    spread: dict[int, float] = field(default_factory=dict)  # by machines, the busiest one's load in parts of the mean


class Simulation:
    def __init__(self, store: KeyedStore, seed: int = 1) -> None:
        self.store = CountingStore(store)
        self.registry = Registry(self.store, Journal(Log(self.store, SigningKey.generate("scale.test"))))
        self.world = World(seed)
        self.chance = random.Random(seed)
        self._projects = self.world.projects()
        self._known: list[bytes] = []  # some of the contents that are there
        self._deep = 0

    def fill(self, edges: int) -> Iterator[int]:
        """Says how many there are, now and then.  Several projects at once where there are many to come: that is quicker."""
        at_once = 20 if edges > AT_ONCE_FROM else 1
        while self.world.edges < edges:
            self._register(at_once)
            if self.world.jobs % 1400 == 0:
                yield self.world.edges

    def _register(self, projects: int = 1) -> None:
        self._keep(*self._made(projects))

    def _keep(self, account: str, space: str, raw: bundle.Raw, content: bundle.Content) -> None:
        self.registry.keep(account, space, raw, content)

    def _made(self, projects: int = 1) -> tuple[str, str, bundle.Raw, bundle.Content]:
        found = [next(self._projects) for _ in range(projects)]
        account = found[0][0].user.name
        space = own_space(account) if self.chance.random() < 0.2 else PUBLIC
        if space == PUBLIC and self.chance.random() < 2000 / (1 + self.world.jobs // 14):
            self._known += [one.hash for _, jobs in found for job in jobs for one in job.entries
                            if one.hash is not None and one.role == "data" and one.size]
        if len(self._known) > 50_000:
            self._known = self.chance.sample(self._known, 25_000)
        return account, space, *together(found)

    def viewer(self) -> Viewer:
        name = f"user{self.chance.randrange(4001)}"
        return Viewer(name, frozenset({PUBLIC, own_space(name), "org:lab"}))

    # -- operations ---------------------------------------------------------------------------------------------------

    def lookup(self) -> None:
        """Of a hash: is it known, and what is it?"""
        view = self.registry.view(self.viewer())
        artifact_message(view, by_reference(view, self.chance.choice(self._known).hex(), b"").id, 1)

    def page(self, content: bytes | None = None) -> None:
        """What an artifact's page shows: who made and used it, who registered that, its nearest history."""
        viewer = self.viewer()
        view = self.registry.view(viewer)
        shown = artifact_message(view, content or self.chance.choice(self._known), 20)
        self.registry.registrations(viewer, [one.job.id for one in (*shown.producers, *shown.consumers)])
        walk_message(view, pb.GraphRequest(artifact=shown.hash, depth=3, max_nodes=200), ancestors)

    def popular(self) -> None:
        self.page(digest("set0.0"))

    def walk(self) -> None:
        walk_message(self.registry.view(self.viewer()), pb.GraphRequest(artifact=digest(f"end{self._deep}"), max_nodes=100_000),
                     ancestors)

    def search(self) -> None:
        self.registry.search(self.viewer(), self.chance.choice(["train seed", "evaluate", "metrics json", "clean npy"]))

    def newest(self) -> None:
        heads = self.registry.view(self.viewer()).store.newest_heads(lambda _: True)
        for _ in zip(range(20), heads, strict=False):
            pass

    def add_deep(self) -> None:
        """A history of 2,000 jobs, whatever else there is."""
        self._deep += 1
        box = Box(nonce=b"deep" + self._deep.to_bytes(12, "big"))
        jobs, _ = layered(box, 20, 100, name=str(self._deep))
        for raw, content in bundles(box, jobs, 1000):
            self.registry.keep("ada", PUBLIC, raw, content)

    def measure(self, size: Size, shards: tuple[int, ...], samples: int = SAMPLES) -> None:
        self.add_deep()
        new = [self._made() for _ in range(samples + 1)]
        actions: dict[str, tuple[Callable[[], None], int]] = {
            "register 14 jobs": (lambda: self._keep(*new.pop()), samples), "lookup": (self.lookup, 5 * samples),
            "page": (self.page, samples),
            "page of the most used": (self.popular, 5), "walk 2,000": (self.walk, 5), "search": (self.search, 20),
            "newest": (self.newest, 20)}
        reads: Counter[tuple[str, bytes]] = Counter()
        writes: Counter[tuple[str, bytes]] = Counter()
        for name, (action, times) in actions.items():
            action()
            self.store.counts, taken = Counts(), []
            for _ in range(times):
                began = time.perf_counter()
                action()
                taken.append((time.perf_counter() - began) * 1000)
            counts = self.store.counts
            rows, read = counts.rows_read + counts.rows_written, counts.bytes_read + counts.bytes_written
            size.operations[name] = Operation(counts.calls / times, rows / times, read / times / 1024,
                                              statistics.median(taken), sorted(taken)[int(len(taken) * 0.99)])
            if name.startswith("register"):
                writes.update(counts.written)
            for home, count in counts.homes.items() if name in MIXED else ():
                reads[home] += max(1, count * MIXED[name] * samples // (times * 10))
        for what, homes in (("writes", writes), ("reads", reads)):
            total = sum(homes.values())
            size.hottest += [(f"{table}: {what}", count / total) for (table, _), count in homes.most_common(3)]
        both = reads + writes
        size.spread = {number: shares(both, number)[0] for number in shards}


def tables_of(store: KeyedStore, server: PostgresServer | None) -> dict[str, tuple[int, int]]:
    """By table: rows, and bytes on disk with the indexes."""
    if server is not None:
        import psycopg

        with psycopg.connect(server.url()) as connection:
            found = connection.execute("select relname, greatest(reltuples, 0)::bigint, pg_total_relation_size(oid) from "
                                       "pg_class where relkind = 'r' and relname like 'glaas_%'").fetchall()
        return {name.removeprefix("glaas_"): (rows, size) for name, rows, size in found if rows}
    env, opened = store._env, store._opened  # type: ignore[attr-defined]
    with env.begin() as txn:
        stats = {name: txn.stat(table) for name, table in opened.items()}
    return {name: (one["entries"], one["psize"] * (one["branch_pages"] + one["leaf_pages"] + one["overflow_pages"]))
            for name, one in stats.items() if one["entries"]}


def simulate(store: KeyedStore, sizes: list[int], server: PostgresServer | None, shards: tuple[int, ...] = (4, 16, 64),
             say: Callable[[str], None] = lambda _: None, samples: int = SAMPLES,
             done: Callable[[list[Size]], None] = lambda _: None) -> list[Size]:
    simulation, found = Simulation(store), []
    for edges in sizes:
        began = time.perf_counter()
        for there in simulation.fill(edges):
            say(f"{there:,} edges, {simulation.world.jobs / (time.perf_counter() - began):,.0f} jobs/s")
        size = Size(simulation.world.edges, simulation.world.jobs, time.perf_counter() - began)
        if server is not None:
            import psycopg

            with psycopg.connect(server.url(), autocommit=True) as connection:
                connection.execute("analyze")
        simulation.measure(size, shards, samples)
        size.tables = tables_of(store, server)
        found.append(size)
        done(found)
    return found


def shown(sizes: list[Size]) -> Iterator[str]:
    """Markdown, as docs/scale.md has it."""
    heads = [f"10^{len(str(size.edges)) - 1}" for size in sizes]
    yield "| operation | " + " | ".join(f"{head}: calls · rows · kB · ms (p99)" for head in heads) + " |"
    yield "|---|" + "---|" * len(sizes)
    for name in sizes[0].operations:
        cells = [size.operations[name] for size in sizes]
        yield f"| {name} | " + " | ".join(f"{one.calls:.1f} · {one.rows:,.0f} · {one.kilobytes:,.0f} · "
                                          f"{one.milliseconds:.1f} ({one.worst:.1f})" for one in cells) + " |"
    yield ""
    last = sizes[-1]
    jobs = last.tables["edges"][0]
    edges = last.tables["users"][0] + last.tables["makers"][0]
    yield f"Table ({jobs:,} jobs, {edges:,} edges) | rows a job | bytes a job, on disk | bytes a row"
    yield "---|---|---|---"
    for name, (rows, size) in sorted(last.tables.items(), key=lambda one: -one[1][1]):
        yield f"{name} | {rows / jobs:.2f} | {size / jobs:,.0f} | {size / rows:,.0f}"
    yield f"all | | {sum(size for _, size in last.tables.values()) / jobs:,.0f} |"
    yield ""
    for size in sizes:
        hot = ", ".join(f"{name} {share:.2%}" for name, share in size.hottest)
        spread = ", ".join(f"{number} machines: {load:.2f}" for number, load in size.spread.items())
        yield (f"{size.edges:,} edges: filled in {size.seconds:.0f} s; hottest homes: {hot}; "
               f"the busiest of {spread} times the mean")


def main() -> None:
    gc.set_threshold(100_000, 20, 20)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edges", type=int, default=100_000)
    parser.add_argument("--database", choices=("lmdb", "postgres"), default="lmdb")
    parser.add_argument("--directory", type=Path, help="where the registry is made (and removed afterwards)")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    sizes = [10 ** power for power in range(4, 12) if 10 ** power <= options.edges]
    with ExitStack() as held:
        server = None
        directory = Path(tempfile.mkdtemp(prefix="glaas-scale-", dir=options.directory))
        held.callback(shutil.rmtree, directory, ignore_errors=True)
        if options.database == "postgres":
            server = held.enter_context(closing(PostgresServer()))
        where = server.url() if server is not None else directory / "store"
        store = held.enter_context(closing(open_store(where, (*TABLES, *LOG_TABLES))))
        simulate(store, sizes, server, say=lambda text: print(text, file=sys.stderr, flush=True),
                 done=lambda found: show(found, options.json))


def show(found: list[Size], file: Path | None) -> None:
    """After each size: the next one takes ten times as long."""
    print("\n".join(shown(found)), flush=True)
    if file:
        file.write_text(json.dumps([{**one.__dict__, "operations": {name: each.__dict__ for name, each in
                                                                  one.operations.items()}} for one in found], indent=1))


if __name__ == "__main__":
    main()
