"""Files that come from and go to the same jobs are one node of a graph."""

from __future__ import annotations

from blake3 import blake3

from lineage.composite import tree_hash
from lineage.folding import folded
from lineage.v1 import lineage_pb2, records_pb2


def graph(*edges: tuple[int, str, bool], files: int = 40) -> lineage_pb2.Graph:
    """Edges (job, name, output); ``shards`` as a name stands for all of them."""
    made = lineage_pb2.Graph(jobs=[records_pb2.JobHead(number=at) for at in range(4)])
    places: dict[str, int] = {}
    outputs = {name for _, name, output in edges if output}
    for job, name, output in edges:
        for each in [f"d/s-{at}.pt" for at in range(files)] if name == "shards" else [name]:
            if each not in places:
                places[each] = len(made.artifacts)
                made.artifacts.add(hash=blake3(each.encode()).digest(), path=f"/p/{each}".encode(), size=10, role="data",
                                   produced=name in outputs)
            made.edges.add(job=job, artifact=places[each], output=output)
    return made


def nodes(made: lineage_pb2.Graph) -> list[tuple[str, int]]:
    return [(one.path.decode(), one.files) for one in made.artifacts]


def edges(made: lineage_pb2.Graph) -> set[tuple[int, str, bool]]:
    return {(edge.job, made.artifacts[edge.artifact].path.decode(), edge.output) for edge in made.edges}


def test_a_set_is_one_node_with_the_hash_of_its_tree() -> None:
    made = folded(graph((0, "shards", True), (1, "shards", False), (1, "train.py", False)))
    assert nodes(made) == [("/p/d/s-{0..39}.pt", 40), ("/p/train.py", 0)]
    assert edges(made) == {(0, "/p/d/s-{0..39}.pt", True), (1, "/p/d/s-{0..39}.pt", False), (1, "/p/train.py", False)}
    assert made.artifacts[0].size == 400
    assert made.artifacts[0].hash == tree_hash((f"s-{at}.pt".encode(), blake3(f"d/s-{at}.pt".encode()).digest())
                                                    for at in range(40))


def test_a_file_that_another_job_took_too_stands_alone() -> None:
    made = folded(graph((0, "shards", True), (1, "shards", False), (2, "d/s-7.pt", False)))
    assert nodes(made) == [("/p/d/s-{0..39}.pt", 39), ("/p/d/s-7.pt", 0)]


def test_few_files_and_the_one_that_was_asked_about_stay() -> None:
    few = graph((0, "shards", True), files=5)
    assert folded(few) is few
    made = folded(graph((0, "shards", True)), keep=blake3(b"d/s-3.pt").digest())
    assert ("/p/d/s-3.pt", 0) in nodes(made)
