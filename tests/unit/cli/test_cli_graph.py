"""Graphs as networkx and pandas have them."""

from __future__ import annotations

import io

import networkx
import pandas
from samples import BEGAN, job, pipeline

from lineage import wire
from lineage.records import JobHead
from lineage.v1 import lineage_pb2
from roarctl.client import Graph, Log


def head(number: int, **fields) -> JobHead:
    return job(id=bytes([number]) * 32, run=bytes([number]) * 16, number=number, **fields).head


def name(number: int) -> str:
    return f"job:{bytes([number]).hex() * 32}"


def content(number: int) -> str:
    return f"artifact:{bytes([number]).hex() * 32}"


def graph(message: lineage_pb2.Graph | None = None, **fields) -> Graph:
    return Graph.of(message or pipeline(), start=content(105), **fields)


def test_records_come_typed():
    typed = graph()
    assert [one.number for one in typed.jobs] == [1, 2, 3, 4, 5, 6]
    assert typed.artifacts[0]._asdict() == {
        "hash": b"d" * 32, "path": b"/p/raw.csv", "size": 1, "role": "data", "produced": False}
    assert typed.edges[0]._asdict() == {"job": 0, "artifact": 0, "output": False, "maker": None}
    assert (typed.start, typed.changed, typed.truncated) == (content(105), False, "")


def test_networkx_follows_the_data():
    made = graph().to_networkx()
    assert (made.number_of_nodes(), made.number_of_edges()) == (13, 14)
    jobs = {made.nodes[one]["number"] for one in networkx.ancestors(made, content(105)) if made.nodes[one]["kind"] == "job"}
    assert jobs == {1, 2, 3, 5, 6}, "the copy too: it left the same content"
    assert made.edges[name(1), content(101)] == {"kind": "output"}
    assert made.edges[content(101), name(2)] == {"kind": "input", "maker": name(1)}
    assert made.edges[content(100), name(1)] == {"kind": "input"}
    assert made.nodes[content(104)] == {
        "kind": "artifact", "label": "model.pt", "hash": content(104)[9:], "size": 10_000, "role": "data", "produced": True,
        "path": "/p/model.pt", "paths": 1}
    assert (made.nodes[name(4)]["command"], made.nodes[name(4)]["exit_code"]) == ("ls", 2)


def test_one_content_at_two_paths_is_one_node():
    message = pipeline()
    message.artifacts.add(hash=b"d" * 32, path=b"/p/copy.csv", size=1, role="data", produced=True)
    message.edges.add(job=5, artifact=7, output=True)
    made = graph(message).to_networkx()
    assert made.number_of_nodes() == 13
    assert (made.nodes[content(100)]["path"], made.nodes[content(100)]["paths"], made.nodes[content(100)]["produced"]) == (
        "/p/raw.csv", 2, True)
    assert list(graph(message).to_pandas().artifacts["path"]).count("/p/copy.csv") == 1


def test_what_has_no_hash_belongs_to_its_job():
    message = lineage_pb2.Graph(jobs=[wire.head_to(head(1)), wire.head_to(head(2))])
    for at in (0, 1):
        message.artifacts.add(path=b"/p/\xff", produced=True)
        message.edges.add(job=at, artifact=at, output=True)
    made = graph(message).to_networkx()
    assert made.number_of_nodes() == 4
    assert made.nodes[f"unhashed:{'01' * 32}:/p/\udcff"] == {
        "kind": "artifact", "label": "\udcff", "produced": True, "path": "/p/\udcff", "paths": 1}


def test_job_that_runs_goes_by_its_run():
    running = job(id=None, ended_at=None, exit_code=None).head
    message = lineage_pb2.Graph(jobs=[wire.head_to(running)])
    made = graph(message).to_networkx()
    assert list(made) == [f"job:{'01' * 16}"]
    assert "ended_at" not in made.nodes[f"job:{'01' * 16}"]
    row = graph(message).to_pandas().jobs.iloc[0]
    assert (row["state"], row["ended_at"] is pandas.NaT, row["exit_code"] is pandas.NA) == ("running", True, True)


def test_writers_of_networkx_take_it():
    made = graph().to_networkx()
    file = io.BytesIO()
    networkx.write_graphml(made, file)
    file.seek(0)
    read = networkx.read_graphml(file)
    assert (dict(read.nodes(data=True)), set(read.edges)) == (dict(made.nodes(data=True)), set(made.edges))
    assert networkx.node_link_data(made)["graph"]["start"] == content(105)


def test_tables_join():
    jobs, artifacts, edges = graph().to_pandas()
    assert (len(jobs), len(artifacts), len(edges)) == (6, 7, 14)
    assert set(edges["job"]) <= set(jobs["name"])
    assert set(edges["artifact"]) == set(artifacts["name"])
    made = edges[edges["kind"] == "output"].merge(jobs, left_on="job", right_on="name")
    assert set(made.loc[made["path"] == "/p/clean.parquet", "number"]) == {1, 6}
    taken = edges[(edges["kind"] == "input") & edges["maker"].notna()]
    assert list(taken["maker"]) == [name(1), name(2), name(3), name(2), name(1)]
    assert artifacts["size"].sum() == 1_111_111


def test_columns_have_their_types_without_rows_too():
    kinds = [[str(kind) for kind in frame.dtypes] for frame in graph().to_pandas()]
    assert [[str(kind) for kind in frame.dtypes] for frame in graph(lineage_pb2.Graph()).to_pandas()] == kinds
    assert dict(zip(graph().to_pandas().jobs.columns, kinds[0], strict=True)) | {
        "started_at": "datetime64[ns, UTC]", "seconds": "float64", "exit_code": "Int64", "complete": "bool"} == dict(
            zip(graph().to_pandas().jobs.columns, kinds[0], strict=True))


def test_log_as_a_table():
    frame = Log((head(2, argv=(b"echo", b"a b")), head(1, signal=9, exit_code=None)), truncated=False).to_pandas()
    assert list(frame["number"]) == [2, 1]
    assert list(frame["command"]) == ["echo 'a b'", "python train.py"]
    assert list(frame["seconds"]) == [192.0, 192.0]
    assert frame["started_at"][0].value == BEGAN
    assert (frame["exit_code"].isna().tolist(), frame["signal"].tolist()[1]) == ([False, True], 9)
