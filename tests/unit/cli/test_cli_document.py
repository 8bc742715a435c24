"""Records as JSON documents: every key, exact bytes, exact times."""

from __future__ import annotations

import base64
import json

from samples import BEGAN, SESSION, STEP, entry, incomplete, job, pipeline
from stepped import piped, rewritten, stepped, used

from lineage import document, wire
from lineage.records import ACCESSES
from lineage.steps import step_graph
from lineage.v1 import records_pb2

CONTRACT = {
    "schema", "kind", "id", "argv", "cwd", "exit_code", "signal", "started_at", "ended_at", "user", "host", "complete",
    "incomplete_reasons", "inputs", "outputs", "scratch", "steps", "git", "packages", "environment", "hardware",
    "resources"}


def test_job_has_every_key_even_without_context():
    value = document.job_document(job())
    assert set(value) >= CONTRACT
    assert (value["git"], value["packages"], value["environment"], value["hardware"]) == (None, [], {}, {})
    assert value["state"] == "finished"
    json.dumps(value)


def test_job_by_its_values():
    value = document.job_document(job(
        [entry(), entry("output", b"/p/model.pt", b"\xbb" * 32, access=("create", "write"))], {"git": {"commit": "c"}},
        [STEP], **incomplete("an input changed")))
    assert value["id"] == "7f3a9c1d" * 8
    assert value["argv"] == ["python", "train.py"]
    assert value["started_at"] == "2026-11-23T08:00:00.123456789Z"
    assert value["ended_at"] == "2026-11-23T08:03:12.123456789Z"
    assert value["user"] == {"uid": 1000, "name": "ada"}
    assert value["incomplete_reasons"] == [{"code": "changed", "message": "an input changed", "count": 1}]
    assert value["git"] == {"commit": "c"}
    assert [one["path"] for one in value["inputs"]] == ["/p/data.csv"]
    assert value["outputs"] == [{
        "path": "/p/model.pt", "hash": "bb" * 32, "hash_reason": None, "size": 1200, "role": "data",
        "access": ["create", "write"], "steps": [0], "package": None, "target": None, "device": None, "inode": None,
        "history": []}]
    assert value["steps"][0]["executable"] == "/usr/bin/python3"


def test_entry_says_in_order_who_wrote_and_who_read():
    value = document.entry_document(entry("output", device=2049, inode=7, history=(1, 2, 3)))
    assert (value["device"], value["inode"]) == (2049, 7)
    assert value["history"] == [{"step": 0, "access": "write"}, {"step": 1, "access": "read"},
                                {"step": 1, "access": "write"}]


def test_running_job_has_no_id():
    value = document.job_document(job(id=None, ended_at=None, exit_code=None))
    assert (value["id"], value["state"], value["ended_at"], value["run"]) == (None, "running", None, "01" * 16)


def test_bytes_that_are_not_utf8_are_kept():
    value = document.entry_document(entry(path=b"/p/\xff\n", target=b"\xfe"))
    assert value["path"] == "/p/�\n"
    assert base64.b64decode(value["path_b64"]) == b"/p/\xff\n"
    assert base64.b64decode(value["target_b64"]) == b"\xfe"
    argv = document.head_document(job(argv=(b"cat", b"\xff")).head)
    assert [base64.b64decode(argument) for argument in argv["argv_b64"]] == [b"cat", b"\xff"]
    assert "path_b64" not in document.entry_document(entry(path="/p/ü".encode()))


def test_hash_that_is_missing_has_its_reason():
    value = document.entry_document(entry(digest=None, hash_reason="changed while it was read", access=ACCESSES))
    assert (value["hash"], value["hash_reason"]) == (None, "changed while it was read")


def test_times_before_the_epoch_and_none():
    assert document.time_text(None) is None
    assert document.time_text(-1) == "1969-12-31T23:59:59.999999999Z"
    assert document.time_text(BEGAN) == "2026-11-23T08:00:00.123456789Z"


def test_session_and_log():
    value = document.session_document(SESSION, [job().head])
    assert (value["schema"], value["job_count"], len(value["jobs"])) == ("roar.session/1", 3, 1)
    log = document.log_document([job().head], {}, truncated=True)
    assert (log["schema"], log["truncated"], log["jobs"][0]["number"]) == ("roar.log/1", True, 3)


def test_artifact():
    whole = job([entry()])
    value = document.artifact_document(records_pb2.Artifact(hash=b"\xaa" * 32, consumers=[
        records_pb2.Sighting(job=wire.head_to(whole.head), entry=wire.entry_to(whole.entries[0]))]))
    assert (value["kind"], value["id"], value["size"], value["producers"]) == ("artifact", "aa" * 32, None, [])
    assert value["consumers"][0]["entry"]["path"] == "/p/data.csv"
    assert value["consumers"][0]["job"]["number"] == 3


def test_dag_goes_from_job_to_job():
    value = document.dag_document(pipeline(), SESSION)
    numbers = [(edge["from_number"], edge["to_number"], [artifact["path"] for artifact in edge["artifacts"]])
               for edge in value["edges"]]
    assert numbers == [
        (1, 2, ["/p/clean.parquet"]), (1, 6, ["/p/clean.parquet"]), (2, 3, ["/p/train.parquet"]),
        (2, 5, ["/p/test.parquet"]), (3, 5, ["/p/model.pt"])]
    assert [node["number"] for node in value["nodes"]] == [1, 2, 3, 4, 5, 6]
    assert {edge["from"] for edge in value["edges"]} <= {node["id"] for node in value["nodes"]}


def test_dag_takes_the_daemons_word_for_who_made_what():
    """A content that several jobs left behind, one of them later: only the daemon knows which overlapped."""
    graph = pipeline()
    graph.edges.add(job=3, artifact=1, output=True)
    assert (3, 5) not in {(edge.source, edge.target) for edge in document.dag_edges(graph)}
    graph.edges.add(job=0, artifact=5, maker=4)
    value = document.dag_document(graph, SESSION)
    assert [(edge["from_number"], edge["to_number"]) for edge in value["edges"]][-1] == (5, 1)


def test_graph_edges_name_jobs_and_artifacts():
    value = document.graph_document(pipeline(), {"kind": "artifact", "id": "69" * 32}, "up")
    assert value["schema"] == "roar.lineage/1"
    assert {"from": "05" * 32, "to": "69" * 32, "kind": "output"} in value["edges"]
    assert {"from": "64" * 32, "to": "01" * 32, "kind": "input"} in value["edges"]
    assert value["truncated"] is None


def test_steps_have_what_they_took_and_made():
    steps = document.job_document(rewritten())["steps"]
    assert steps[2]["inputs"] == [{"path": "/p/x.tmp", "version": 1}]
    assert steps[3]["inputs"] == [{"path": "/p/in.csv", "version": 0}]
    assert steps[3]["outputs"] == [{"path": "/p/x.tmp", "version": 2}]
    assert (steps[0]["inputs"], steps[0]["outputs"]) == ([], [])


def test_graph_of_steps():
    whole = piped()
    value = document.steps_document(whole.head, step_graph(whole, roles=None))
    assert (value["schema"], value["job"]["number"], value["truncated"]) == ("roar.steps/1", 3, None)
    assert value["nodes"] == document.job_document(whole)["steps"]
    assert value["edges"] == [
        {"from": 1, "to": 2, "artifacts": [{"path": "pipe:[71]", "version": 1}]},
        {"from": 2, "to": 3, "artifacts": [{"path": "pipe:[72]", "version": 1}]}]
    found = {one["path"]: one for one in value["artifacts"]}
    assert found["/p/out.csv"] == {
        "path": "/p/out.csv", "version": 1, "kind": "output", "role": "data", "hash": whole.of_kind("output")[0].hash.hex(),
        "size": 1, "writers": [3], "readers": []}
    assert (found["/usr/lib/libc.so.6"]["version"], found["/usr/lib/libc.so.6"]["readers"]) == (0, [0, 1, 2, 3])
    json.dumps(value)


def test_names_of_versions_keep_their_bytes():
    whole = stepped(["a", "b"], used("scratch", b"/p/\xff", "0w 1r"))
    value = document.steps_document(whole.head, step_graph(whole))
    named = [value["edges"][0]["artifacts"], value["nodes"][0]["outputs"], document.job_document(whole)["steps"][1]["inputs"]]
    assert named == [[{"path": "/p/\ufffd", "path_b64": base64.b64encode(b"/p/\xff").decode(), "version": 1}]] * 3
