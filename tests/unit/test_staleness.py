"""What would have to run again, from a session's graph and what is on disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from recorder import digest, entries
from test_dag import dag_of

from lineage.dag import DagArtifact
from lineage.records import Entry
from lineage.staleness import State, to_run_again


def again(*jobs: Iterable[Entry], disk: Mapping[str, str | None] | None = None) -> dict[int, list[tuple[str, str, int | None]]]:
    """By n of @n, the causes: (code, path, n of @n). ``disk``: contents that are not those left or taken last."""
    dag = dag_of(*jobs)
    left: dict[bytes, bytes | None] = {}
    for edge in sorted(dag.edges, key=lambda edge: edge.output):  # what was left last, else what was taken last
        left[dag.artifacts[edge.artifact].path] = dag.artifacts[edge.artifact].hash
    left.update({path.encode(): None if content is None else digest(content) for path, content in (disk or {}).items()})

    def state(artifact: DagArtifact) -> State:
        now = left.get(artifact.path)
        return "missing" if now is None else "same" if now == artifact.hash else "edited"

    return {dag.jobs[one.job].number: [(cause.code, cause.path.decode(), None if cause.job is None else cause.job + 1)
                                       for cause in one.causes] for one in to_run_again(dag, state)}


PREP = entries(["/raw=a", "/prep.py=p"], ["/clean=b"])
TRAIN = entries(["/clean=b", "/train.py=t"], ["/model=m"])
REPORT = entries(["/model=m"], ["/report=r"])


def test_nothing_where_nothing_changed() -> None:
    assert again(PREP, TRAIN, REPORT) == {}


def test_what_was_edited_and_all_that_came_from_it() -> None:
    assert again(PREP, TRAIN, REPORT, disk={"/prep.py": "q"}) == {
        1: [("edited", "/prep.py", None)], 2: [("upstream", "/clean", 1)], 3: [("upstream", "/model", 2)]}
    assert again(PREP, TRAIN, REPORT, disk={"/train.py": "q"}) == {
        2: [("edited", "/train.py", None)], 3: [("upstream", "/model", 2)]}


def test_what_is_between_and_was_edited() -> None:
    assert again(PREP, TRAIN, REPORT, disk={"/clean": "by hand"}) == {
        2: [("edited", "/clean", None)], 3: [("upstream", "/model", 2)]}


def test_what_was_made_anew() -> None:
    assert again(PREP, TRAIN, entries(["/raw=a2"], ["/clean=b2"])) == {2: [("remade", "/clean", 3)]}
    assert again(PREP, TRAIN, PREP) == {}, "the same content came out"
    assert again(PREP, TRAIN, PREP, disk={"/clean": "by hand"}) == {2: [("edited", "/clean", None)]}


def test_jobs_whose_work_was_done_again_are_history() -> None:
    again_trained = entries(["/clean=b", "/train.py=t2"], ["/model=m2"])
    assert again(PREP, TRAIN, again_trained, disk={"/train.py": "t2"}) == {}


def test_end_products_that_are_gone_and_what_their_makers_need() -> None:
    assert again(PREP, TRAIN, REPORT, disk={"/report": None}) == {3: [("gone", "/report", None)]}
    assert again(PREP, TRAIN, REPORT, disk={"/clean": None}) == {}, "its consumer has run"
    found = again(PREP, TRAIN, REPORT, disk={"/report": None, "/model": None, "/clean": None})
    assert found[1] == [("needed", "/clean", 2)]
    assert found[2][0] == ("needed", "/model", 3)
    assert found[3][0] == ("gone", "/report", None)


def test_a_file_that_a_job_changes_itself_is_no_cause() -> None:
    assert again(entries(["/log=1"], ["/log=2"]), entries(["/log=2"], ["/log=3"])) == {}


def test_a_lost_root_is_said_where_it_is_needed() -> None:
    dag = dag_of(PREP, TRAIN)
    states: dict[bytes, State] = {b"/raw": "missing", b"/prep.py": "edited"}
    found = to_run_again(dag, lambda artifact: states.get(artifact.path, "same"))
    assert [(one.job, one.lost) for one in found] == [(0, [b"/raw"]), (1, [])]
    assert to_run_again(dag, lambda artifact: "missing" if artifact.path == b"/raw" else "same") == []


def test_a_cycle_comes_to_an_end() -> None:
    dag = dag_of(entries(["/b=b"], ["/a=a"]), entries(["/a=a"], ["/b=b"]), times=[(0, 9), (1, 8)])
    assert {one.job for one in to_run_again(dag, lambda _: "edited")} <= {0, 1}
