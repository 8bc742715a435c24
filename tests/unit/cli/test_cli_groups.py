"""Many files as one line: in a job's page, its summary, a lineage and its inputs."""

from __future__ import annotations

import json

from samples import entry, job

from lineage import wire
from lineage.composite import tree_hash
from lineage.v1 import lineage_pb2, observe_pb2
from roarctl.render.jobs import job_lines
from roarctl.render.summary import summary
from roarctl.render.text import PLAIN


def shards(count: int = 30, directory: bytes = b"/p/set") -> list:
    return [entry(path=directory + b"/s-%03d.tar" % at, digest=bytes([at]) * 32, size=1000) for at in range(count)]


TREE = tree_hash((b"s-%03d.tar" % at, bytes([at]) * 32) for at in range(30)).hex()


def test_page_of_a_job() -> None:
    whole = job([*shards(), entry(path=b"/p/x.csv")])
    lines = job_lines(whole, PLAIN, present=lambda group: 1_000_000)
    assert "inputs: 31" in lines
    assert f"  set/s-{{000..029}}.tar  {TREE[:8]}   30 kB  30 files of the 1000000 there now; read" in lines
    assert "  x.csv                 aaaaaaaa  1.2 kB  read" in lines
    assert sum("s-0" in line for line in job_lines(whole, PLAIN, everything=True)) == 30


def test_summary_has_sets_only_where_all_are_known() -> None:
    whole = job([*shards(), entry("output", b"/p/model.pt")])
    entries = [wire.entry_to(one) for one in whole.entries]
    answer = observe_pb2.FinishResponse(final=True, job=wire.job_to(whole), entries=entries)
    lines = summary(answer, 3, b"/p", PLAIN)
    assert f"  in  set/s-{{000..029}}.tar  {TREE[:8]}   30 kB  30 files" in lines
    assert not any("more" in line for line in lines)
    del answer.entries[20:]
    lines = summary(answer, 3, b"/p", PLAIN)
    assert not any("{000" in line for line in lines)
    assert any("more in" in line for line in lines)


def test_run_asks_for_what_the_answer_had_no_room_for(roar, daemon) -> None:
    whole = job(shards())
    daemon.entries = [wire.entry_to(one) for one in whole.entries]
    daemon.answers["Observe/Finish"] = observe_pb2.FinishResponse(final=True, job=wire.job_to(whole),
                                                                  entries=daemon.entries[:10])
    assert "set/s-{000..029}.tar" in roar("run", "true").stderr


def graph() -> lineage_pb2.Graph:
    """30 shards, of which @1 made 15; @2 took all of them."""
    found = lineage_pb2.Graph(jobs=[wire.head_to(job(number=2).head), wire.head_to(job(number=1, run=b"\x07" * 16,
                                                                                       id=b"\x08" * 32).head)])
    found.artifacts.add(hash=b"\xff" * 32, path=b"/p/model.pt", size=5, role="data", produced=True)
    found.edges.add(job=0, artifact=0, output=True)
    for at, one in enumerate(shards(), 1):
        found.artifacts.add(hash=one.hash, path=one.path, size=one.size, role="data", produced=at <= 15)
        found.edges.add(job=0, artifact=at, maker=1 if at <= 15 else None)
        if at <= 15:
            found.edges.add(job=1, artifact=at, output=True)
    return found


def test_lineage_and_inputs(roar, daemon) -> None:
    daemon.answers["Lineage/Ancestors"] = graph()
    daemon.answers["Lineage/Resolve"] = lineage_pb2.ResolveResponse(kind="artifact", id=b"\xff" * 32, path=b"/p/model.pt")
    lines = roar("lineage", "@").stdout.splitlines()
    assert len(lines) == 3
    assert "/p/set/s-{000..014}.tar" in lines[1]
    assert "(15 files)  ← @1 0808080" in lines[1]
    assert "/p/set/s-{015..029}.tar" in lines[2]
    assert "(15 files, root)" in lines[2]
    said = roar("inputs", "@").stdout
    assert "data that no recorded job made: 15\n" in said
    assert "15 files, gone" in said
    assert len(json.loads(roar("inputs", "@", "--json").stdout)["inputs"]) == 15


def test_json_has_each_file_and_the_sets(roar, daemon) -> None:
    whole = job(shards())
    daemon.entries = [wire.entry_to(one) for one in whole.entries]
    daemon.answers["Lineage/Resolve"] = lineage_pb2.ResolveResponse(kind="job", id=whole.head.id)
    daemon.answers["Lineage/GetJob"] = wire.job_to(whole)
    document = json.loads(roar("show", "--json").stdout)
    assert len(document["inputs"]) == 30
    assert [(one["path"], one["files"], one["tree"], one["whole"]) for one in document["groups"]] == [
        ("/p/set/s-{000..029}.tar", 30, TREE, True)]
