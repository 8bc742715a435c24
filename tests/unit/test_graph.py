"""The rule of provenance, and walks that stay within their limits, over a real store."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from recorder import ADA, BOB, digest, everyone, record

from lineage.graph import Edge, Graph, Limits, Node, Start, ancestors, descendants
from lineage.ids import path_number
from lineage.records import JobHead
from lineage.store import Link
from roard.store import Store


def number(store: Store, head: JobHead) -> int:
    found = store.job_number(head.id or b"")
    assert found is not None
    return found


def numbers(store: Store, *heads: JobHead) -> set[int]:
    return {number(store, head) for head in heads}


def node(store: Store, text: str) -> Node:
    path, content = text.split("=")
    artifact = store.artifact_number(digest(content))
    assert artifact is not None
    return Node(artifact, path_number(path.encode()))


def start(store: Store, text: str) -> Start:
    found = node(store, text)
    return Start(artifact=found.artifact, path=found.path)


def test_a_chain_is_followed_to_its_roots_and_back(store: Store) -> None:
    prep = record(store, ["/raw=a", "/prep.py=p"], ["/clean=b"])
    train = record(store, ["/clean=b", "/train.py=t"], ["/model=c", "/log=l"])
    record(store, ["/unrelated=x"], ["/other=y"])
    up = ancestors(store, start(store, "/model=c"), Limits(), everyone)
    assert set(up.jobs) == numbers(store, prep, train)
    assert up.roots == {node(store, text) for text in ("/raw=a", "/prep.py=p", "/train.py=t")}
    assert set(up.edges) == {
        Edge(number(store, job), node(store, text), output) for job, text, output in [
            (train, "/model=c", True), (train, "/clean=b", False), (train, "/train.py=t", False),
            (prep, "/clean=b", True), (prep, "/raw=a", False), (prep, "/prep.py=p", False)]}
    down = descendants(store, start(store, "/raw=a"), Limits(), everyone)
    assert set(down.jobs) == numbers(store, prep, train)
    assert set(down.nodes) == {node(store, text) for text in ("/raw=a", "/clean=b", "/model=c", "/log=l")}
    assert down.roots == {node(store, "/raw=a")}
    assert up.truncated == down.truncated == ""


def test_a_walk_can_start_from_a_job(store: Store) -> None:
    prep = record(store, ["/raw=a"], ["/clean=b"])
    train = record(store, ["/clean=b"], ["/model=c"])
    assert ancestors(store, Start(job=number(store, train)), Limits(), everyone).jobs == [
        number(store, train), number(store, prep)]
    assert descendants(store, Start(job=number(store, prep)), Limits(), everyone).jobs == [
        number(store, prep), number(store, train)]


def makers_of(store: Store, graph: Graph, text: str) -> set[int]:
    return {edge.job for edge in graph.edges if edge.output and edge.node == node(store, text)}


def test_the_same_path_is_preferred_to_a_later_maker_elsewhere(store: Store) -> None:
    here = record(store, outputs=["/here=same"])
    record(store, outputs=["/there=same"])
    reader = record(store, ["/here=same"], ["/out=o"])
    graph = ancestors(store, Start(job=number(store, reader)), Limits(), everyone)
    assert set(graph.jobs) == numbers(store, reader, here)


def test_of_several_makers_at_the_path_the_latest_before_the_reader_counts(store: Store) -> None:
    record(store, ["/seed=1"], ["/f=same"])
    second = record(store, ["/seed=2"], ["/f=same"])
    reader = record(store, ["/f=same"], ["/out=o"])
    record(store, ["/seed=3"], ["/f=same"])
    graph = ancestors(store, Start(job=number(store, reader)), Limits(), everyone)
    assert makers_of(store, graph, "/f=same") == numbers(store, second)
    assert graph.roots == {node(store, "/seed=2")}


def test_content_that_was_moved_keeps_its_maker(store: Store) -> None:
    record(store, outputs=["/first=same"])
    maker = record(store, outputs=["/second=same"])
    reader = record(store, ["/moved=same"], ["/out=o"])
    graph = ancestors(store, Start(job=number(store, reader)), Limits(), everyone)
    assert set(graph.jobs) == numbers(store, reader, maker)
    assert Edge(number(store, reader), node(store, "/second=same"), False) in graph.edges, "joined at the maker's path"


def test_of_an_artifact_the_latest_maker_counts_at_its_path_if_that_is_known(store: Store) -> None:
    here = record(store, outputs=["/here=same"])
    there = record(store, outputs=["/there=same"])
    assert ancestors(store, start(store, "/here=same"), Limits(), everyone).jobs == [number(store, here)]
    anywhere = Start(artifact=node(store, "/here=same").artifact)
    assert ancestors(store, anywhere, Limits(), everyone).jobs == [number(store, there)]


def test_a_root_has_no_ancestors_and_a_leaf_no_descendants(store: Store) -> None:
    record(store, ["/raw=a"], ["/clean=b"])
    up = ancestors(store, start(store, "/raw=a"), Limits(), everyone)
    assert (up.jobs, up.nodes, up.roots) == ([], [node(store, "/raw=a")], {node(store, "/raw=a")})
    down = descendants(store, start(store, "/clean=b"), Limits(), everyone)
    assert (down.jobs, down.nodes, down.roots) == ([], [node(store, "/clean=b")], set())


def test_descendants_are_those_whose_own_ancestor_this_is(store: Store) -> None:
    first = record(store, ["/seed=1"], ["/f=same"])
    mine = record(store, ["/f=same"], ["/one=1st"])
    second = record(store, ["/seed=2"], ["/f=same"])
    theirs = record(store, ["/f=same"], ["/two=2nd"])
    for maker, reader in [(first, mine), (second, theirs)]:
        graph = descendants(store, Start(job=number(store, maker)), Limits(), everyone)
        assert set(graph.jobs) == numbers(store, maker, reader)
    content = descendants(store, start(store, "/f=same"), Limits(), everyone)
    assert set(content.jobs) == numbers(store, mine, theirs), "content is content, whoever made it"


def test_up_and_down_agree(store: Store) -> None:
    heads = [record(store, ["/a=0"], ["/a=1", "/b=0"]), record(store, ["/b=0"], ["/a=0"]),
             record(store, ["/c=0"], ["/b=1"]), record(store, ["/a=1", "/b=1"], ["/c=1", "/a=0"]),
             record(store, ["/c=1"], ["/c=0"]),
             record(store, ["/x=0", "/a=1"], ["/d=1"])]
    all_jobs = numbers(store, *heads)
    up = {(job, found) for job in all_jobs for found in ancestors(store, Start(job=job), Limits(), everyone).jobs}
    down = {(found, job) for job in all_jobs for found in descendants(store, Start(job=job), Limits(), everyone).jobs}
    assert up == down


def test_a_copy_is_reached_through_the_job_that_copied(store: Store) -> None:
    copy = record(store, ["/a=same"], ["/b=same"], argv="cp a b")
    reader = record(store, ["/b=same"], ["/out=o"])
    graph = descendants(store, start(store, "/a=same"), Limits(), everyone)
    assert graph.jobs == [number(store, copy), number(store, reader)]
    assert [edge.node for edge in graph.edges if edge.job == number(store, reader) and not edge.output] == [
        node(store, "/b=same")]


def test_a_job_that_leaves_what_it_read_ends_the_walk_where_it_began(store: Store) -> None:
    touch = record(store, ["/f=same"], ["/f=same"])
    again = record(store, ["/f=same"], ["/f=same"])
    graph = ancestors(store, Start(job=number(store, again)), Limits(), everyone)
    assert set(graph.jobs) == numbers(store, touch, again)
    graph = descendants(store, Start(job=number(store, touch)), Limits(), everyone)
    assert set(graph.jobs) == numbers(store, touch, again)
    assert descendants(store, start(store, "/f=same"), Limits(), everyone).truncated == ""


def test_what_others_did_is_not_there(store: Store) -> None:
    mine = record(store, outputs=["/shared=same"])
    record(store, outputs=["/shared=same"], user=BOB)
    record(store, ["/shared=same"], ["/bobs=b"], user=BOB)
    reader = record(store, ["/shared=same"], ["/out=o"])
    ada = ADA.uid.__eq__
    assert set(ancestors(store, Start(job=number(store, reader)), Limits(), ada).jobs) == numbers(store, mine, reader)
    assert set(descendants(store, Start(job=number(store, mine)), Limits(), ada).jobs) == numbers(store, mine, reader)
    assert len(descendants(store, start(store, "/shared=same"), Limits(), everyone).jobs) == 2


@dataclass
class Chain:
    """A graph made of numbers: job n reads artifacts n - 1 … n - width and makes artifact n.  It counts its calls."""

    length: int
    width: int = 1
    calls: dict[str, int] = field(default_factory=dict)

    def _count(self, name: str) -> None:
        self.calls[name] = self.calls.get(name, 0) + 1

    def inputs(self, jobs: Sequence[int]) -> Mapping[int, Sequence[Link]]:
        self._count("inputs")
        return {job: [Link(job - back, 0) for back in range(1, self.width + 1) if job > back] for job in jobs}

    def outputs(self, jobs: Sequence[int]) -> Mapping[int, Sequence[Link]]:
        self._count("outputs")
        return {job: [Link(job, 0)] for job in jobs}

    def producers(self, artifacts: Sequence[int]) -> Mapping[int, Sequence[Link]]:
        self._count("producers")
        return {artifact: [Link(artifact, 0)] for artifact in artifacts}

    def consumers(self, artifacts: Sequence[int]) -> Mapping[int, Sequence[Link]]:
        self._count("consumers")
        return {artifact: [Link(artifact + on, 0) for on in range(1, self.width + 1) if artifact + on <= self.length]
                for artifact in artifacts}

    def untils(self, jobs: Sequence[int]) -> Mapping[int, int]:
        self._count("untils")
        return {job: job + 1 for job in jobs}

    def owners(self, jobs: Sequence[int]) -> Mapping[int, int]:
        self._count("owners")
        return dict.fromkeys(jobs, 0)


@pytest.mark.parametrize(("walk", "first"), [(ancestors, 100), (descendants, 1)])
def test_depth_is_a_limit_that_is_said(walk, first) -> None:
    graph = walk(Chain(100), Start(job=first), Limits(depth=3), everyone)
    assert len(graph.jobs) == 4
    assert graph.truncated == "depth"
    whole = walk(Chain(100), Start(job=first), Limits(depth=99), everyone)
    assert (len(whole.jobs), whole.truncated) == (100, "")
    short = walk(Chain(100), Start(job=first), Limits(depth=98), everyone)
    assert (len(short.jobs), short.truncated) == (99, "depth")


def test_from_an_artifact_its_maker_is_one_job_away() -> None:
    graph = ancestors(Chain(100), Start(artifact=50), Limits(depth=1), everyone)
    assert (graph.jobs, graph.truncated) == ([50], "depth")
    graph = descendants(Chain(100), Start(artifact=50), Limits(depth=1), everyone)
    assert (graph.jobs, graph.truncated) == ([51], "depth")


@pytest.mark.parametrize(("walk", "first"), [(ancestors, 1000), (descendants, 1)])
def test_nodes_are_a_limit_that_is_said_and_every_edge_has_its_ends(walk, first) -> None:
    graph = walk(Chain(1000, width=5), Start(job=first), Limits(nodes=50), everyone)
    assert len(graph.jobs) + len(graph.nodes) == 50
    assert graph.truncated == "nodes"
    assert {edge.job for edge in graph.edges} <= set(graph.jobs)
    assert {edge.node for edge in graph.edges} <= set(graph.nodes)


@pytest.mark.parametrize(("walk", "first"), [(ancestors, 10**9), (descendants, 1)])
def test_time_is_a_limit_that_is_said(walk, first) -> None:
    began = time.monotonic()
    graph = walk(Chain(10**9), Start(job=first), Limits(depth=10**9, nodes=10**9, seconds=0.2), everyone)
    assert graph.truncated == "time"
    assert time.monotonic() - began >= 0.2
    assert graph.jobs


@pytest.mark.parametrize(("walk", "first"), [(ancestors, 500), (descendants, 1)])
def test_the_store_is_asked_once_a_level(walk, first) -> None:
    chain = Chain(500, width=50)
    graph = walk(chain, Start(job=first), Limits(), everyone)
    assert len(graph.jobs) == 500
    assert max(chain.calls.values()) <= 2 * 12, "10 levels of 50 jobs; owners may be asked for makers and for readers"


def test_content_that_everybody_makes_is_no_trap(tmp_path: Path) -> None:
    """An empty file: made by all, read by all.  Each reader has one maker, and the walk is not quadratic."""
    with Store.open(tmp_path / "store") as store:
        heads = [record(store, [f"/run{index - 1}/log=", f"/data{index - 1}={index - 1}"],
                        [f"/run{index}/log=", f"/data{index}={index}"]) for index in range(300)]
        graph = descendants(store, Start(job=number(store, heads[0])), Limits(), everyone)
        assert set(graph.jobs) == numbers(store, *heads)
        assert len([edge for edge in graph.edges if not edge.output]) == 2 * 299
