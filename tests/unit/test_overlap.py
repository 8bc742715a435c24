"""Jobs that overlap: what each took is found wherever it came from, and the walks agree with the rule, both ways."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from recorder import ADA, BOB, begin, digest, ended, entries, everyone

from lineage.dag import session_dag
from lineage.graph import NOBODY, OUTPUT, Graph, Limits, Start, ancestors, descendants
from lineage.ids import path_number
from lineage.records import JobHead, User
from roard.store import Store


def finish(store: Store, head: JobHead, inputs: list[str], outputs: list[str], ended_at: int | None = None) -> JobHead:
    return store.finish_job(ended(head, entries(inputs, outputs), ended_at=ended_at))


def number(store: Store, head: JobHead) -> int:
    found = store.job_number(head.id or b"")
    assert found is not None
    return found


def jobs_above(store: Store, head: JobHead) -> set[int]:
    return set(ancestors(store, Start(job=number(store, head)), Limits(), everyone).jobs) - {number(store, head)}


def test_what_a_job_took_from_one_that_still_ran_is_found_once_that_has_finished(store: Store) -> None:
    train = begin(store)
    evaluate = finish(store, begin(store), ["/ckpt=1"], ["/score=s"])
    assert jobs_above(store, evaluate) == set()
    train = finish(store, train, ["/data=d"], ["/ckpt=1", "/model=m"])
    assert jobs_above(store, evaluate) == {number(store, train)}
    below = descendants(store, Start(job=number(store, train)), Limits(), everyone)
    assert below.jobs == [number(store, train), number(store, evaluate)]


def test_a_job_can_take_what_one_made_that_began_after_it(store: Store) -> None:
    server = begin(store)
    maker = finish(store, begin(store), [], ["/spool/1=x"])
    server = finish(store, server, ["/spool/1=x"], ["/out=y"])
    assert jobs_above(store, server) == {number(store, maker)}


def test_a_job_that_began_after_the_reader_had_finished_made_nothing_of_it(store: Store) -> None:
    reader = finish(store, begin(store), ["/f=x"], ["/out=y"])
    record_later = finish(store, begin(store), [], ["/f=x"])
    assert jobs_above(store, reader) == set()
    assert descendants(store, Start(job=number(store, record_later)), Limits(), everyone).jobs == [
        number(store, record_later)]


def test_a_job_that_never_ran_leaves_a_gap_and_no_more(store: Store) -> None:
    maker, never, reader = begin(store), begin(store), begin(store)
    store.forget_job(never.run)
    reader = finish(store, reader, ["/f=x"], ["/out=y"])
    maker = finish(store, maker, [], ["/f=x"])
    assert jobs_above(store, reader) == {number(store, maker)}
    assert number(store, reader) == number(store, maker) + 2


def test_jobs_that_took_each_others_are_a_ring_that_is_walked_once(store: Store) -> None:
    one, two = begin(store), begin(store)
    one = finish(store, one, ["/b=b"], ["/a=a"])
    two = finish(store, two, ["/a=a"], ["/b=b"])
    both = {number(store, one), number(store, two)}
    for walk in (ancestors, descendants):
        for head in (one, two):
            graph = walk(store, Start(job=number(store, head)), Limits(), everyone)
            assert (set(graph.jobs), len(graph.jobs), len(graph.edges), graph.roots) == (both, 2, 4, set())


def test_readers_that_copied_from_each_other_are_found_from_what_they_read(store: Store) -> None:
    """Each rewrote the file as it was while the other did: each has the other for its maker."""
    one, two = begin(store), begin(store)
    one = finish(store, one, ["/f=x"], ["/f=x"])
    two = finish(store, two, ["/f=x"], ["/f=x"])
    start = Start(artifact=store.artifact_number(digest("x")), path=path_number(b"/f"))
    for walk in (ancestors, descendants):
        assert set(walk(store, start, Limits(), everyone).jobs) == {number(store, one), number(store, two)}


# -- against the rule, word by word -----------------------------------------------------------------------------------

PATHS, CONTENTS = ["/a", "/b", "/c"], ["x", "y", "z"]
Pair = tuple[str, str]  # path, content
Ends = set[tuple[int, str, str, bool]]  # job, path, content, is it an output


@dataclass
class Ran:
    number: int
    until: int
    uid: int
    inputs: set[Pair]
    outputs: set[Pair]
    head: JobHead


@dataclass
class History:
    """Finished jobs by number, and the rule of provenance as its sentence says it."""

    jobs: dict[int, Ran] = field(default_factory=dict)
    visible: Callable[[int], bool] = everyone

    def maker(self, job: Ran, path: str, content: str) -> tuple[int, str] | None:
        made = [(maker.number, at) for maker in self.jobs.values() for at, what in maker.outputs
                if what == content and maker is not job and maker.number < job.until and self.visible(maker.uid)]
        here = [maker for maker in made if maker[1] == path]
        return max(here or made, key=lambda maker: (maker[0], path_number(maker[1].encode())), default=None)

    def taken(self, job: Ran) -> set[tuple[str, str, int]]:
        """(path of the node, content, maker) of all inputs."""
        found = ((path, content, self.maker(job, path, content)) for path, content in job.inputs)
        return {(maker[1] if maker else path, content, maker[0] if maker else NOBODY) for path, content, maker in found}

    def above(self, start: int) -> tuple[set[int], Ends]:
        found, ends, stack = {start}, set(), [self.jobs[start]]
        while stack:
            job = stack.pop()
            for path, content, maker in self.taken(job):
                ends.add((job.number, path, content, False))
                if maker:
                    ends.add((maker, path, content, True))
                    if maker not in found:
                        found.add(maker)
                        stack.append(self.jobs[maker])
        return found, ends

    def below(self, starts: set[int]) -> tuple[set[int], Ends]:
        found, ends, stack = set(starts), set(), list(starts)
        while stack:
            job = stack.pop()
            ends |= {(job, path, content, True) for path, content in self.jobs[job].outputs}
            for reader in self.jobs.values():
                if not self.visible(reader.uid):
                    continue
                for path, content, maker in self.taken(reader):
                    if maker == job:
                        ends.add((reader.number, path, content, False))
                        if reader.number not in found:
                            found.add(reader.number)
                            stack.append(reader.number)
        return found, ends


def random_history(store: Store, chance: random.Random, users: list[User], jobs: int) -> History:
    """Jobs begin, finish and are forgotten in any order.  The clock counts what happens."""
    history, running, clock, given = History(), [], 0, 0

    def some() -> set[Pair]:
        return {(chance.choice(PATHS), chance.choice(CONTENTS)) for _ in range(chance.randrange(4))}

    while given < jobs or running:
        clock += 1
        if given < jobs and (not running or chance.random() < 0.5):
            given += 1
            running.append((given, begin(store, chance.choice(users), started_at=clock)))
            continue
        order, head = running.pop(chance.randrange(len(running)))
        if chance.random() < 0.1:
            store.forget_job(head.run)
            continue
        inputs, outputs = some(), some()
        done = finish(store, head, [f"{path}={content}" for path, content in sorted(inputs)],
                      [f"{path}={content}" for path, content in sorted(outputs)], clock)
        assert number(store, done) == order
        history.jobs[order] = Ran(order, given + 1, head.user.uid, inputs, outputs, done)
    return history


@dataclass
class Names:
    """A store's numbers as the words of the test."""

    store: Store

    def __post_init__(self) -> None:
        self.contents = {self.store.artifact_number(digest(content)): content for content in CONTENTS}
        self.paths = {path_number(path.encode()): path for path in PATHS}

    def ends(self, graph: Graph) -> Ends:
        found = [(edge.job, self.paths[edge.node.path], self.contents[edge.node.artifact], edge.output)
                 for edge in graph.edges]
        assert len(set(found)) == len(found), "each edge once"
        return set(found)

    def taken(self, graph: Graph) -> set[tuple[int, str, str, int]]:
        return {(job, self.paths[graph.keys[place][1]], self.contents[graph.keys[place][0]], maker)
                for job, place, maker in graph.rows() if maker != OUTPUT}


@pytest.mark.parametrize("seed", range(60))
def test_walks_follow_the_rule_both_ways(store: Store, seed: int) -> None:
    chance = random.Random(seed)
    history = random_history(store, chance, [ADA, ADA, BOB] if seed % 2 else [ADA], chance.randrange(2, 14))
    history.visible = ADA.uid.__eq__ if seed % 4 == 1 else everyone
    names, up, down = Names(store), set(), set()
    mine = [job for job in history.jobs.values() if history.visible(job.uid)]
    for job in mine:
        graph = ancestors(store, Start(job=job.number), Limits(), history.visible)
        assert (set(graph.jobs), names.ends(graph)) == history.above(job.number)
        assert names.taken(graph) == {(one, *taken) for one in graph.jobs for taken in history.taken(history.jobs[one])}
        up |= {(job.number, above) for above in graph.jobs}
        graph = descendants(store, Start(job=job.number), Limits(), history.visible)
        assert (set(graph.jobs), names.ends(graph)) == history.below({job.number})
        assert all(maker == NOBODY or (reader, path, content, maker) in {
            (reader, *taken) for taken in history.taken(history.jobs[reader])}
            for reader, path, content, maker in names.taken(graph))
        down |= {(below, job.number) for below in graph.jobs}
    assert up == down
    for artifact, content in names.contents.items():
        readers = {job.number for job in mine if any(what == content for _, what in job.inputs)}
        if artifact is not None:
            graph = descendants(store, Start(artifact=artifact), Limits(), history.visible)
            assert set(graph.jobs) == history.below(readers)[0]


@pytest.mark.parametrize("seed", range(100, 130))
def test_the_dag_of_a_session_follows_the_same_rule(store: Store, seed: int) -> None:
    history = random_history(store, random.Random(seed), [ADA], 10)
    ran = sorted(history.jobs.values(), key=lambda job: job.number)
    dag = session_dag([job.head for job in ran], lambda head: store.entries(head.id or b""))
    contents = {digest(content): content for content in CONTENTS}
    numbers = [job.number for job in ran]
    found = {(numbers[edge.job], contents[dag.artifacts[edge.artifact].hash],
              NOBODY if edge.maker is None else numbers[edge.maker]) for edge in dag.edges if not edge.output}
    # Without the path: of content at two paths of one job, either will do.
    expected = {(job.number, content, maker) for job in ran for _, content, maker in history.taken(job)}
    assert found == expected
    assert set(dag.job_edges) == {(numbers.index(maker), numbers.index(job)) for job, _, maker in expected if maker}
