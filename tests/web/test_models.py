"""What pages are made of, worked out from records without a server."""

from __future__ import annotations

import time

import pytest
from world import large, pipeline, sweep

from glaas.web import drawing, words
from glaas.web.contexts import code_of, environment, facts, packages, repositories
from glaas.web.files import file_rows
from glaas.web.heads import job_row
from glaas.web.pages.account import _within
from glaas.web.pages.artifact import provenance
from glaas.web.pages.home import newest_sessions
from glaas.web.pages.job import parameters
from lineage.dag import session_dag
from lineage.errors import NotFoundError
from lineage.records import Session
from lineage.v1 import lineage_pb2 as pb
from lineage.wire import head_to


def graph_of(jobs) -> pb.Graph:
    by_run = {job.head.run: job.entries for job in jobs}
    dag = session_dag([job.head for job in jobs], lambda head: by_run[head.run])
    return pb.Graph(
        jobs=[head_to(head) for head in dag.jobs],
        artifacts=[pb.GraphArtifact(hash=one.hash or b"", path=one.path, size=one.size, role=one.role, produced=one.produced)
                   for one in dag.artifacts],
        edges=[pb.GraphEdge(job=edge.job, artifact=edge.artifact, output=edge.output, maker=edge.maker) for edge in dag.edges])


def test_every_box_has_a_place_and_none_is_on_another() -> None:
    data = drawing.data(graph_of(pipeline().jobs))
    boxes = [(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for _, _, _, _, x, y, w, h, *_ in data["nodes"]]
    assert len(boxes) == len(set(boxes)) > 10
    for at, a in enumerate(boxes):
        assert not any(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3] for b in boxes[at + 1:])
    for source, target in data["edges"]:
        assert boxes[source][2] < boxes[target][0]  # from left to right


def test_long_edges_do_not_take_the_layout_s_time() -> None:
    """A chain of 1,500 where everything also leads to its end: a million points without a bound."""
    count = 1500
    edges = [(at, at + 1) for at in range(count - 1)] + [(at, count - 1) for at in range(count - 3)]
    kept = drawing.near(count, edges)
    assert set(edges[:count - 1]) <= set(kept)
    assert sum(target - source - 1 for source, target in kept) <= drawing.MOST_POINTS
    assert edges == sorted(drawing.near(count, edges[:count - 1])) + edges[count - 1:]


def test_pictures_of_large_graphs_stay_small() -> None:
    svg = drawing.svg_of(graph_of(large(600).jobs), "600 jobs")
    assert svg.count('class="node job') == drawing.MOST_JOBS
    assert "the first 400 of 600 jobs" in svg


def test_a_drawing_is_made_once(monkeypatch) -> None:
    drawings, graph = drawing.Drawings(), graph_of(sweep(40).jobs)
    first = drawings.data(graph)
    monkeypatch.setattr(drawing, "data", lambda _: pytest.fail("made again"))
    assert drawings.data(pb.Graph.FromString(graph.SerializeToString())) is first


def test_parameters_are_read_from_the_command() -> None:
    rows = dict(parameters(pipeline().jobs[2].head))
    assert {"program": "python", "script": "train.py", "--epochs": "30", "--lr": "0.05", "--seed": "7",
            "optimizer.name": "adam"} == rows


def test_files_of_a_set_are_one_row() -> None:
    rows, more = file_rows(pipeline().jobs[2].of_kind("output"), b"/home/ada/pipeline")
    assert (0, ["checkpoints/shard-{000..023}.bin", "model.pkl"]) == (more, sorted(row.path for row in rows))
    shards = next(row for row in rows if row.files)
    assert (24, 24, "96 MB") == (shards.files, len(shards.members), shards.size)


def test_sources_have_links_to_their_code_where_nothing_was_changed() -> None:
    made = pipeline()
    entry = next(entry for entry in made.jobs[2].entries if entry.role == "source")
    git = {**made.jobs[2].context["git"], "dirty": False}
    expected = f"https://github.com/ada/pipeline/blob/{git['commit']}/train.py"
    assert (expected, "", "") == (code_of({"git": git})(entry), code_of(made.jobs[2].context)(entry), code_of({})(entry))
    assert "" == code_of({"git": git})(entry._replace(path=b"/elsewhere/train.py"))


@pytest.mark.parametrize("context", [
    {}, {"git": None}, {"git": 7, "packages": "x", "hardware": [], "environment": None, "python": {"version": None}},
    {"packages": [None, {"name": None}], "repositories": [{}, 3], "gpus": [{}], "network": [{}], "seeds": [{}],
     "trackers": [None],
     "hardware": {"memory": "much", "gpus": [{}]}, "resources": {"wall_seconds": "long"}, "container": [],
     "scheduler": {"name": None}},
])
def test_a_context_of_any_shape_makes_rows(context) -> None:
    for made in (repositories(context), facts(context), packages(context, "packages"), environment(context)):
        assert isinstance(made, list | tuple)


def test_what_is_known_of_an_artifact() -> None:
    jobs = pipeline().jobs
    assert ["unknown", "known", "partial", "known"] == [
        provenance(heads).look for heads in ((), [jobs[0].head], [jobs[3].head], [jobs[3].head, jobs[0].head])]


def test_text_of_strangers_is_one_line_that_shows_everything() -> None:
    assert "a\\nb\\u202ec\\xff" == words.line(b"a\nb\xe2\x80\xaec\xff")
    assert words.LONGEST >= len(words.line("x" * 10**6))
    assert len(words.command([b"x" * 10**7] * 3)) <= 160
    assert words.path(b"/p/" + b"d/" * 2000 + b"name.txt").endswith("name.txt")
    assert words.when(1 << 100) is None
    assert job_row(pipeline().jobs[4].head).outcome == words.Outcome("failed with 1", "failed")


class Sessions:
    """A view that knows sessions alone."""

    def session(self, identity: bytes, project: bytes) -> Session:
        del project
        if identity == b"gone":
            raise NotFoundError("gone")
        head = pipeline().jobs[0].head
        return Session(identity, head.user, head.host, b"/p", 0, identity, 1)


def test_small_sessions_are_found_behind_one_of_very_many_jobs() -> None:
    many, few = large(1250).jobs, pipeline().jobs
    heads = sorted((job.head for job in (*many, *few)), key=lambda head: -head.started_at)
    looked = 0

    def before(until: int):
        nonlocal looked
        for head in heads:
            if not until or head.started_at < until:
                looked += 1
                yield head

    found = newest_sessions(Sessions(), before)
    assert [many[0].head.session, few[0].head.session] == [session.id for session, _ in found]
    assert looked < len(many) / 2


@pytest.mark.parametrize("path", ["//evil", "/\\evil", "https://evil", "evil", "/a\nb", "/a\\b", "", "/" + "x" * 600])
def test_only_paths_of_this_site_are_gone_to(path) -> None:
    assert "/" == _within(path)
    assert "/job/1?a=b" == _within("/job/1?a=b")


def test_a_drawing_of_5000_nodes_costs_like_its_size() -> None:
    def cost(jobs: int) -> float:
        graph = graph_of(large(jobs).jobs)
        begin = time.process_time()
        drawing.data(graph)
        return time.process_time() - begin

    assert cost(1250) < 40 * max(cost(125), 0.001)
