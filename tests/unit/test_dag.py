"""The graph of one session, from its records alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from recorder import ADA, HOST, PROJECT, digest, entries, entry

from lineage.dag import Dag, session_dag
from lineage.records import Entry, JobHead, Role


def dag_of(*jobs: Iterable[Entry], roles: Iterable[Role] | None = ("data", "source"), max_nodes: int = 0,
           times: Sequence[tuple[int, int | None]] = ()) -> Dag:
    """``times``: when each began and ended; without, one after the other."""
    times = times or [(index, index + 1) for index in range(len(jobs))]
    heads = [JobHead(bytes([index]) * 32, bytes([index]) * 16, b"s" * 32, index + 1, ADA, HOST, (b"true",), b"/",
                     PROJECT, *times[index], 0, None, False, True, ()) for index in range(len(jobs))]
    return session_dag(heads, lambda head: jobs[head.number - 1], roles=roles, max_nodes=max_nodes)


def edges(dag: Dag) -> set[tuple[int, str, bool]]:
    """(n of @n, path, is it an output)."""
    return {(dag.jobs[edge.job].number, dag.artifacts[edge.artifact].path.decode(), edge.output) for edge in dag.edges}


def test_jobs_are_joined_by_what_one_left_and_another_took() -> None:
    prep, train = entries(["/raw=a"], ["/clean=b"]), entries(["/clean=b"], ["/model=c"])
    dag = dag_of(prep, train, entries(["/model=c", "/raw=a"]))
    assert dag.job_edges == [(0, 1), (1, 2)]
    assert edges(dag) == {(1, "/raw", False), (1, "/clean", True), (2, "/clean", False), (2, "/model", True),
                          (3, "/model", False), (3, "/raw", False)}
    assert {one.path: one.produced for one in dag.artifacts} == {b"/raw": False, b"/clean": True, b"/model": True}
    assert {one.hash for one in dag.artifacts} == {digest("a"), digest("b"), digest("c")}


def test_same_path_with_other_content_joins_nothing() -> None:
    dag = dag_of(entries(outputs=["/f=one"]), entries(["/f=two"]))
    assert dag.job_edges == []
    assert [(one.path, one.produced) for one in dag.artifacts] == [(b"/f", True), (b"/f", False)]


def test_the_same_path_is_preferred_then_the_latest() -> None:
    here, there = entries(outputs=["/here=x"]), entries(outputs=["/there=x"])
    assert dag_of(here, there, entries(["/here=x"])).job_edges == [(0, 2)]
    moved = dag_of(here, there, entries(["/moved=x"]))
    assert moved.job_edges == [(1, 2)]
    assert (3, "/there", False) in edges(moved)
    assert dag_of(here, here, entries(["/here=x"])).job_edges == [(1, 2)]


def test_a_job_that_comes_later_made_nothing_for_an_earlier_one() -> None:
    dag = dag_of(entries(["/f=x"]), entries(outputs=["/f=x"]))
    assert dag.job_edges == []


def test_jobs_that_overlap_feed_each_other_whichever_began_first() -> None:
    reads, makes = entries(["/f=x"], ["/out=o"]), entries(outputs=["/f=x"])
    assert dag_of(reads, makes, times=[(0, 9), (1, 2)]).job_edges == [(1, 0)]
    assert dag_of(makes, reads, times=[(0, 9), (1, 2)]).job_edges == [(0, 1)]
    assert dag_of(reads, makes, times=[(0, 5), (5, 6)]).job_edges == [], "it began when the other had ended"
    assert dag_of(reads, makes, times=[(0, None), (5, 6)]).job_edges == [(1, 0)]


def test_of_overlapping_makers_the_latest_to_begin_counts_and_is_said() -> None:
    makes = entries(outputs=["/f=x"])
    dag = dag_of(makes, entries(["/f=x"], ["/f=x"]), makes, makes, times=[(0, 9), (1, 4), (2, 8), (5, 6)])
    assert dag.job_edges == [(2, 1)]
    assert [(edge.job, edge.maker) for edge in dag.edges if not edge.output] == [(1, 2)]


def test_jobs_that_took_each_others_are_a_cycle() -> None:
    dag = dag_of(entries(["/b=b"], ["/a=a"]), entries(["/a=a"], ["/b=b"]), times=[(0, 9), (1, 8)])
    assert dag.job_edges == [(1, 0), (0, 1)]
    assert all(artifact.produced for artifact in dag.artifacts)


def test_a_clock_that_was_set_back_separates_no_jobs() -> None:
    assert dag_of(entries(outputs=["/f=x"]), entries(["/f=x"]), times=[(100, 110), (50, 60)]).job_edges == [(0, 1)]


def test_content_that_everybody_makes_is_no_trap() -> None:
    jobs = [entries(["/log="], [f"/log{index}="]) for index in range(250)]
    assert dag_of(*jobs).job_edges == [(index, index + 1) for index in range(249)]


def test_a_job_does_not_feed_itself() -> None:
    dag = dag_of(entries(["/f=x"], ["/f=x"]), entries(["/f=x"]))
    assert dag.job_edges == [(0, 1)]
    assert len(dag.artifacts) == 1


def test_only_shown_roles_unless_told_otherwise() -> None:
    job = (*entries(["/raw=a"]), entry("input", "/lib", "l", "system"), entry("output", "/train.py", "s", "source"),
           entry("scratch", "/tmp", "t"), entry("removed", "/gone", None))
    assert {one.path for one in dag_of(job).artifacts} == {b"/raw", b"/train.py"}
    assert {one.path for one in dag_of(job, roles=None).artifacts} == {b"/raw", b"/train.py", b"/lib"}
    assert {one.path for one in dag_of(job, roles=["system"]).artifacts} == {b"/lib"}


def test_what_could_not_be_hashed_is_shown_and_joins_nothing() -> None:
    dag = dag_of([entry("output", "/f", None)], [entry("input", "/f", None)])
    assert [(one.hash, one.path, one.produced) for one in dag.artifacts] == [(None, b"/f", True), (None, b"/f", False)]
    assert dag.job_edges == []


def test_a_session_without_jobs_is_an_empty_graph() -> None:
    assert dag_of() == Dag()


def test_too_many_nodes_are_cut_and_that_is_said() -> None:
    jobs = [entries([f"/f{index}={index}"], [f"/f{index + 1}={index + 1}"]) for index in range(10)]
    whole = dag_of(*jobs)
    assert (len(whole.jobs), len(whole.artifacts), whole.truncated) == (10, 11, "")
    assert dag_of(*jobs, max_nodes=21) == whole
    cut = dag_of(*jobs, max_nodes=20)
    assert (len(cut.jobs), len(cut.artifacts), cut.truncated) == (9, 10, "nodes")
