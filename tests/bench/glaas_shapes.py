"""Lineage as registries get it, of jobs that were not run: a few plain shapes, and a world of many projects.

What a shape gives is (jobs, the content whose history is asked for); ``bundles`` makes of jobs what boxes send."""

from __future__ import annotations

import io
import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "glaas"))
from made_bundles import PROJECT, Box, entry

from lineage import bundle, ids
from lineage.records import Entry, Host, Job, User

#: What every job takes besides: alike in all of them, so that it is one chunk.
PACKAGES = [entry("input", f"/usr/lib/python3/package{at}/__init__.py=package{at}", "package") for at in range(40)]
Shape = tuple[list[Job], str]


def chain(box: Box, length: int, name: str = "") -> Shape:
    """Each job takes what the one before it made.  ``name``: contents of shapes with other names are others."""
    jobs = [box.job(f"step.py --stage {at}", [f"c/{at}.bin=c{name}{at}"], [f"c/{at + 1}.bin=c{name}{at + 1}"])
            for at in range(length)]
    return jobs, f"c{name}{length}"


def fan_in(box: Box, parts: int, name: str = "") -> Shape:
    """Many shards, each made of a raw file; one job takes them all."""
    jobs = [box.job(f"shard.py raw/{at}.csv", [f"raw/{at}.csv=raw{name}{at}"], [f"shards/{at}.tar=shard{name}{at}"])
            for at in range(parts)]
    jobs.append(box.job("merge.py shards", [f"shards/{at}.tar=shard{name}{at}" for at in range(parts)],
                        [f"merged.bin=merged{name}"]))
    return jobs, f"merged{name}"


def sweep(box: Box, runs: int, name: str = "") -> Shape:
    """One data set, many trainings that read it and the same code; one job takes what all of them measured."""
    jobs = [box.job("prep.py raw.csv", [f"sweep/raw.csv=sraw{name}"], [f"sweep/clean.parquet=sclean{name}"])]
    jobs += [box.job(f"train.py --lr 0.{at}", [f"sweep/clean.parquet=sclean{name}", "train.py=code"],
                     [f"runs/{at}/model.pt=model{name}{at}", f"runs/{at}/metrics.json=metrics{name}{at}"])
             for at in range(runs)]
    jobs.append(box.job("choose.py runs", [f"runs/{at}/metrics.json=metrics{name}{at}" for at in range(runs)],
                        [f"best.json=best{name}"]))
    return jobs, f"best{name}"


def layered(box: Box, layers: int, width: int, takes: int = 3, seed: int = 5, name: str = "") -> Shape:
    """Each job takes a few files that jobs of the layer before it made, by chance; the last one takes a whole layer."""
    chance = random.Random(seed)
    jobs = []
    for layer in range(layers):
        for at in range(width):
            taken = chance.sample(range(width), min(takes, width))
            jobs.append(box.job(f"layer.py {layer} {at}", [f"l/{layer}/{one}.npy=l{name}{layer}-{one}" for one in taken],
                                [f"l/{layer + 1}/{at}.npy=l{name}{layer + 1}-{at}"]))
    jobs.append(box.job("last.py", [f"l/{layers}/{at}.npy=l{name}{layers}-{at}" for at in range(width)],
                        [f"l/end.npy=end{name}"]))
    return jobs, f"end{name}"


class World:
    """Projects on many boxes that share data sets.  Data sets are chosen by Zipf's law: a few are read by nearly everyone.

    A project's story: a job prepares a data set, some dozen train on what it made (a sweep, with the project's code), one
    evaluates, and what it found is what others start from, now and then.  Ten edges a job, about; every job has an empty
    log file among its outputs every fourth time, whose content is the same everywhere."""

    DATA_SETS = 2_000
    SWEEP = 12

    def __init__(self, seed: int = 1) -> None:
        self._chance = random.Random(seed)
        self._weights = [1 / (rank + 1) for rank in range(self.DATA_SETS)]
        self._models: list[str] = []
        self._projects = 0
        self.jobs = self.edges = 0

    def projects(self) -> Iterator[tuple[Box, list[Job]]]:
        """One after the other, without end."""
        while True:
            yield self._project()

    def _project(self) -> tuple[Box, list[Job]]:
        self._projects += 1
        number = self._projects
        chance = self._chance
        host = Host(f"gpu{number % 997}", "6.1", "x86_64")
        user = User(1000 + number % 4001, f"user{number % 4001}")
        box = Box(user, host, PROJECT + b"/p%d" % number, number.to_bytes(16, "big"))
        sets = chance.choices(range(self.DATA_SETS), self._weights, k=3)
        start = [f"/data/set{one}/part-{part}.parquet=set{one}.{part}" for one in dict.fromkeys(sets) for part in range(2)]
        if self._models and chance.random() < 0.5:  # of some other project
            start.append(f"base.pt={chance.choice(self._models[-500:])}")
        code = [f"{name}.py=code{name}{number // 3}" for name in ("train", "model", "data")]
        began = 1_600_000_000 + number * 60
        jobs = [self._job(box, f"prep.py --project p{number}", [*start, *code[2:]],
                          [f"clean/{part}.npy=clean{number}.{part}" for part in range(4)], began)]
        for run in range(self.SWEEP):
            takes = [*code, *(f"clean/{part}.npy=clean{number}.{part}" for part in range(4))]
            jobs.append(self._job(box, f"train.py --lr 0.{run} --seed {number}", takes,
                                  [f"runs/{run}/model.pt=model{number}.{run}", f"runs/{run}/metrics.json=metrics{number}.{run}",
                                   *([f"runs/{run}/stderr.log="] if run % 4 == 0 else [])], began + 2 + run))
        models = [f"runs/{run}/model.pt=model{number}.{run}" for run in range(self.SWEEP)]
        jobs.append(self._job(box, "evaluate.py runs", models, [f"best.pt=best{number}"], began + 40))
        self._models.append(f"best{number}")
        return box, jobs

    def _job(self, box: Box, command: str, takes: Sequence[str], makes: Sequence[str], at: int) -> Job:
        self.jobs += 1
        self.edges += len(takes) + len(makes)
        return box.job(command, takes, makes, at=at, more=PACKAGES[:self.jobs % 3 * 20])


def project_of(path: str) -> bytes:
    return PROJECT + b"/" + path.encode()


def bundles(box: Box, jobs: Sequence[Job], size: int = 100) -> Iterator[tuple[bundle.Raw, bundle.Content]]:
    """As they are made, with what ``bundle.content`` would say of them."""
    session = ids.decode_session(box.record)
    for at in range(0, len(jobs), size):
        part = jobs[at:at + size]
        raw = box.bundle(*part)
        header = bundle.decode_header(raw.header)
        by_id = {job.head.id: job for job in part}
        yield raw, bundle.Content(raw.id, header, {box.session: session}, tuple(by_id[identity] for identity in header.jobs))


def together(projects: Sequence[tuple[Box, list[Job]]]) -> tuple[bundle.Raw, bundle.Content]:
    """One bundle of several sessions."""
    jobs = [job for _, part in projects for job in part]
    raw = bundle.build(f"session:{projects[0][0].session.hex()}", "", [box.record for box, _ in projects],
                       [ids.encode_job(job)[1:] for job in jobs])
    header = bundle.decode_header(raw.header)
    by_id = {job.head.id: job for job in jobs}
    sessions = {box.session: ids.decode_session(box.record) for box, _ in projects}
    return raw, bundle.Content(raw.id, header, sessions, tuple(by_id[identity] for identity in header.jobs))


def files(raws: Iterable[bundle.Raw]) -> list[bytes]:
    """As they are sent."""
    found = []
    for raw in raws:
        file = io.BytesIO()
        bundle.write(raw, file)
        found.append(file.getvalue())
    return found


def some_projects(world: World, count: int) -> list[tuple[Box, list[Job]]]:
    return list(islice(world.projects(), count))


def edges_of(jobs: Iterable[Job]) -> Iterator[tuple[bytes, bytes, bool, int]]:
    """(job, artifact, is it an output?, when the job began) of what the registry links: for a database of edge rows."""
    for job in jobs:
        for one in job.entries:
            if _is_linked(one):
                yield job.head.id or b"", one.hash or b"", one.kind == "output", job.head.started_at


def _is_linked(one: Entry) -> bool:
    return one.hash is not None and one.kind in {"input", "output"} and one.role != "package"
