"""`roar inputs`: the roots of a lineage, and where they are now."""

from __future__ import annotations

import json
import os

import pytest
from blake3 import blake3
from samples import graph_head

from lineage.v1 import lineage_pb2, records_pb2


@pytest.fixture
def lineage(daemon, roar):
    """raw.csv and prep.py → @1 → clean.csv → @2 → model.pt, with files on disk."""
    graph = lineage_pb2.Graph(jobs=[graph_head(2, "python", "train.py"), graph_head(1, "python", "prep.py")])
    for name, role, produced in (("model.pt", "data", True), ("clean.csv", "data", True), ("raw.csv", "data", False),
                                 ("prep.py", "source", False)):
        path = roar.project / name
        path.write_text(name)
        graph.artifacts.add(hash=blake3(name.encode()).digest(), path=os.fsencode(path), size=len(name), role=role,
                            produced=produced)
    graph.edges.add(job=0, artifact=0, output=True)
    graph.edges.add(job=0, artifact=1, maker=1)
    graph.edges.add(job=1, artifact=1, output=True)
    graph.edges.add(job=1, artifact=2)
    graph.edges.add(job=1, artifact=3)
    daemon.answers["Lineage/Ancestors"] = graph
    daemon.answers["Lineage/Resolve"] = lineage_pb2.ResolveResponse(
        kind="artifact", id=graph.artifacts[0].hash, path=graph.artifacts[0].path)
    return daemon


def test_roots_data_before_source(roar, lineage):
    assert roar("inputs", "model.pt").stdout.splitlines() == [
        "data that no recorded job made: 1",
        f"  raw.csv  {blake3(b'raw.csv').hexdigest()[:8]}  7 B  as recorded  → @1 (prep.py)",
        "source that no recorded job made: 1",
        f"  prep.py  {blake3(b'prep.py').hexdigest()[:8]}  7 B  as recorded  → @1 (prep.py)"]
    assert lineage.requests("Lineage/Ancestors")[0].depth == 0


def test_direct_inputs_say_who_made_them(roar, lineage):
    said = roar("inputs", "model.pt", "--direct").stdout
    assert said.splitlines()[0] == "made by recorded jobs: 1"
    assert "← @1 0101010 (prep.py)" in said
    assert "raw.csv" not in said
    assert lineage.requests("Lineage/Ancestors")[0].depth == 2


def test_what_is_gone_may_be_elsewhere(roar, lineage):
    (roar.project / "raw.csv").rename(roar.project / "moved.csv")
    (roar.project / "prep.py").write_text("edited!")
    lineage.answers["Lineage/GetArtifact"] = lambda request: records_pb2.Artifact(hash=request.hash, consumers=[
        records_pb2.Sighting(entry=records_pb2.Entry(path=os.fsencode(roar.project / name)))
        for name in ("raw.csv", "gone", "moved.csv")])
    said = roar("inputs", "model.pt").stdout
    assert "gone, but found at moved.csv" in said
    assert "edited since" in said
    inputs = json.loads(roar("inputs", "model.pt", "--json").stdout)["inputs"]
    assert [(one["state"], one["found_at"] and os.path.basename(one["found_at"]["path"])) for one in inputs] == [
        ("missing", "moved.csv"), ("edited", None)]


def test_a_root_and_a_session(roar, lineage):
    lineage.answers["Lineage/Ancestors"] = lineage_pb2.Graph()
    done = roar("inputs", "model.pt", "--direct")
    assert (done.returncode, "no recorded job made model.pt" in done.stderr) == (1, True)
    lineage.answers["Lineage/Resolve"] = lineage_pb2.ResolveResponse(kind="session", id=b"s" * 32)
    assert roar("inputs", "session:7373").returncode == 2
