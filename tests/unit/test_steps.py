"""The graph of one job's steps, from its record alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorder import digest
from stepped import exchanging, made, piped, rewritten, stepped, used

from lineage.records import Entry, Job
from lineage.steps import StepGraph, Version, job_versions, step_graph, uses_by_step


def edges(graph: StepGraph) -> list[tuple[int, int, list[str]]]:
    """(from, to, versions as path#number)"""
    return [(edge.source, edge.target, [name(graph.versions[at]) for at in edge.versions]) for edge in graph.edges]


def name(version: Version) -> str:
    return f"{version.path.decode().removeprefix('/p/')}#{version.number}"


def nodes(graph: StepGraph) -> list[int]:
    return [step.index for step in graph.steps]


def of(*entries: Entry, steps: int = 6) -> Job:
    return stepped(["x"] * steps, *entries)


def versions(*entries: Entry) -> list[tuple[str, str, set[int], set[int]]]:
    return [(name(one), one.kind, one.writers, one.readers) for one in job_versions(of(*entries))]


def test_shell_pipeline_goes_through_its_pipes() -> None:
    graph = step_graph(piped())
    assert nodes(graph) == [0, 1, 2, 3]
    assert edges(graph) == [(1, 2, ["pipe:[71]#1"]), (2, 3, ["pipe:[72]#1"])]
    assert {name(one) for one in graph.versions} == {
        "pipeline.sh#0", "in.csv#0", "pipe:[71]#1", "pipe:[72]#1", "out.csv#1"}


def test_file_that_is_written_twice_and_read_between_is_two_versions() -> None:
    graph = step_graph(rewritten())
    assert edges(graph) == [(1, 2, ["x.tmp#1"]), (3, 4, ["x.tmp#2"])]
    assert nodes(graph) == [1, 2, 3, 4], "the shell itself used nothing"


def test_only_the_last_version_of_an_output_has_its_hash() -> None:
    before, first, last = job_versions(of(
        used("input", "/p/x", "0", content="old"), used("output", "/p/x", "0r 0w 1r 2w", content="new")))
    assert (before.kind, before.hash, before.readers) == ("input", digest("old"), {0})
    assert (first.number, first.kind, first.hash, first.size) == (1, "scratch", None, None)
    assert (last.number, last.kind, last.hash, last.size) == (2, "output", digest("new"), 1)


def test_step_that_changes_a_file_in_place_reads_the_version_before() -> None:
    graph = step_graph(of(used("input", "/p/x", "1"), used("output", "/p/x", "1r 1w 2r 2w 3r", access="truncate write")))
    assert [(name(one), one.writers, one.readers) for one in graph.versions] == [
        ("x#0", set(), {1}), ("x#1", {1}, {2}), ("x#2", {2}, {3})]
    assert edges(graph) == [(1, 2, ["x#1"]), (2, 3, ["x#2"])]


def test_those_who_append_make_one_version_which_is_of_all_of_them() -> None:
    graph = step_graph(of(used("output", "/p/log", "1w 2w 1w 3r")))
    assert edges(graph) == [(1, 3, ["log#1"]), (2, 3, ["log#1"])]
    assert versions(used("output", "/p/log", "1w 2w")) == [("log#1", "output", {1, 2}, set())]


def test_what_is_appended_after_a_reader_keeps_what_was_there() -> None:
    """A file that was moved, too: moving it writes it."""
    graph = step_graph(of(used("output", "/p/log", "1w 2r 3w 4r")))
    assert edges(graph) == [(1, 2, ["log#1"]), (1, 3, ["log#1"]), (3, 4, ["log#2"])]
    truncated = step_graph(of(used("output", "/p/log", "1w 2r 3w 4r", access="create truncate write")))
    assert edges(truncated) == [(1, 2, ["log#1"]), (3, 4, ["log#2"])]


@pytest.mark.parametrize(("uses", "found"), [
    ("1w 1w", [({1}, set())]), ("1w 1r 1w", [({1}, {1})]), ("1w 2w 1r 1w", [({1, 2}, {1}), ({1}, set())]),
    ("1w 1r 2w", [({1}, {1}), ({2}, set())]), ("1w 2r 1w", [({1}, {2}), ({1}, set())]),
    ("1w 2r 2w 2w", [({1}, {2}), ({2}, set())]), ("1w 2r 3r 2r", [({1}, {2, 3})])])
def test_where_a_version_ends(uses: str, found: list[tuple[set[int], set[int]]]) -> None:
    entry = used("output", "/p/x", uses, access="create truncate write")
    assert [(one.writers, one.readers) for one in job_versions(of(entry))] == found


def test_compilers_in_parallel_meet_in_the_archive() -> None:
    graph = step_graph(made(3))
    assert nodes(graph) == list(range(9))
    assert edges(graph) == [
        (1, 2, ["/tmp/cc000000.s#1"]), (2, 7, ["0.o#1"]), (3, 4, ["/tmp/cc000001.s#1"]), (4, 7, ["1.o#1"]),
        (5, 6, ["/tmp/cc000002.s#1"]), (6, 7, ["2.o#1"]), (7, 8, ["lib.a#1"])]


def test_steps_that_exchange_make_a_cycle() -> None:
    assert [(source, target) for source, target, _ in edges(step_graph(exchanging()))] == [(0, 1), (0, 2), (1, 0), (1, 2)]


def test_all_who_write_a_pipe_feed_all_who_read_it_but_themselves() -> None:
    graph = step_graph(of(used("pipe", "/p/fifo", "1r 1w 2w 3r 1w", "data")))
    assert edges(graph) == [(1, 3, ["fifo#1"]), (2, 1, ["fifo#1"]), (2, 3, ["fifo#1"])]


def test_pipes_to_the_outside_and_private_temporary_files_are_no_ones_lineage() -> None:
    job = of(used("pipe", "pipe:[1]", "1w"), used("pipe", "pipe:[2]", "2r"),
             used("scratch", "/tmp/tmp.aaaaaa", "3w 3r", "temporary"),
             used("output", "/p/__pycache__/x.pyc", "4w 5r", "temporary"))
    assert step_graph(job) == StepGraph()
    assert nodes(step_graph(job, roles=None)) == [0, 1, 2, 3, 4, 5]
    assert edges(step_graph(job, roles=["temporary"])) == [(4, 5, ["__pycache__/x.pyc#1"])]


def test_pipes_are_shown_where_they_lead_from_or_to_what_is_shown() -> None:
    """Who makes up what it writes is in the graph, programs that only ask each other (as launchers do) are not."""
    made_up = [used("pipe", "pipe:[1]", "0w 1r"), used("pipe", "pipe:[2]", "1w 2r"), used("output", "/p/x", "2w")]
    asking = [used("pipe", "pipe:[3]", "3w 4r"), used("input", "/etc/passwd", "3", "system")]
    assert edges(step_graph(of(*made_up, *asking))) == [(0, 1, ["pipe:[1]#1"]), (1, 2, ["pipe:[2]#1"])]
    assert step_graph(of(*asking)) == StepGraph()


def test_what_a_step_alone_made_and_removed_is_not_shown() -> None:
    job = of(used("scratch", "/p/x", "1w 1r"), used("scratch", "/p/y", "2w"),
             used("output", "/p/z", "3w 3r 4w", access="truncate write"))
    assert [name(one) for one in step_graph(job).versions] == ["z#2"]
    assert [name(one) for one in step_graph(job, roles=None).versions] == ["x#1", "y#1", "z#1", "z#2"]


def test_one_name_that_several_files_had_one_after_the_other() -> None:
    assert versions(used("output", "/p/x", "3w"), used("scratch", "/p/x", "1w 2r"), used("input", "/p/x", "0")) == [
        ("x#0", "input", set(), {0}), ("x#1", "scratch", {1}, {2}), ("x#2", "output", {3}, set())]


def test_what_was_there_before_is_known_by_its_inode_then_by_its_path() -> None:
    moved = job_versions(of(used("input", "/p/old", "1", inode=7), used("output", "/p/new", "1r 2r 2w", inode=7)))
    assert [(name(one), one.readers) for one in moved] == [("old#0", {1, 2}), ("new#1", set())]
    unseen = job_versions(of(used("output", "/p/new", "1r 1w", inode=8)))
    assert [(name(one), one.kind, one.hash, one.readers) for one in unseen] == [
        ("new#0", "input", None, {1}), ("new#1", "output", digest("/p/new"), set())]


def test_what_was_removed_and_devices() -> None:
    assert versions(used("removed", "/p/gone", "1w", access="unlink"), used("device", "/dev/null", "2r")) == [
        ("gone#1", "removed", {1}, set())]


def test_paths_are_bytes() -> None:
    graph = step_graph(of(used("scratch", b"/p/\xff", "1w 2r")))
    assert [graph.versions[at].path for edge in graph.edges for at in edge.versions] == [b"/p/\xff"]


def test_a_job_without_steps_or_files_is_an_empty_graph() -> None:
    assert step_graph(stepped([])) == step_graph(of()) == StepGraph()


def test_uses_by_step() -> None:
    found = uses_by_step(job_versions(rewritten()))
    assert 0 not in found
    assert (found[1].read, len(found[1].wrote)) == ([0], 1)


def test_too_many_steps_are_cut_and_that_is_said() -> None:
    whole = step_graph(made(100), max_steps=203)
    assert (len(whole.steps), whole.truncated) == (203, "")
    cut = step_graph(made(100), max_steps=5)
    assert (nodes(cut), cut.truncated) == ([0, 1, 2, 3, 4], "nodes")
    assert [(source, target) for source, target, _ in edges(cut)] == [(1, 2), (3, 4)]
    assert {name(one) for one in cut.versions} == {
        "Makefile#0", "0.c#0", "1.c#0", "all.h#0", "/tmp/cc000000.s#1", "/tmp/cc000001.s#1", "0.o#1", "1.o#1"}


def test_a_pipe_between_everyone_is_left_out_and_the_files_stay() -> None:
    tokens = " ".join(f"{step}w {step}r" for step in range(30))
    job = of(used("pipe", "pipe:[9]", tokens), used("output", "/p/x", "1w 2r"), steps=30)
    graph = step_graph(job, max_edges=30 * 29)
    assert (edges(graph), graph.truncated) != ([(1, 2, ["x#1"])], "edges"), "the pipe alone fits"
    graph = step_graph(job, max_edges=100)
    assert (edges(graph), graph.truncated) == ([(1, 2, ["x#1"])], "edges")


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4), st.booleans()), max_size=20), st.booleans())
def test_every_edge_is_of_a_version_that_was_written_before_it_was_taken(
        uses: list[tuple[int, int, bool]], truncated: bool) -> None:
    """By a second reading of the rule, in the order of time: at each use, what it takes is known already."""
    current: dict[int, tuple[int, set[int], set[int]]] = {}  # by path: number, writers, readers
    histories: dict[int, list[str]] = {}
    expected: set[tuple[int, int, str]] = set()
    for path, step, wrote in uses:
        histories.setdefault(path, []).append(f"{step}{'w' if wrote else 'r'}")
        number, writers, readers = current.setdefault(path, (0, set(), set()))
        begins = wrote and not (writers and (not readers or readers == writers == {step}))
        if not wrote or (begins and not truncated):
            expected |= {(writer, step, f"{path}#{number}") for writer in writers - {step}}
        if begins:
            current[path] = (number + 1, {step}, set())
        else:
            (writers if wrote else readers).add(step)
    words = "create truncate write" if truncated else "create write"
    graph = step_graph(of(*(used("output", f"/p/{path}", " ".join(text), access=words) for path, text in histories.items())))
    assert {(source, target, one) for source, target, names in edges(graph) for one in names} == expected
