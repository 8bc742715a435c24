"""From records to a plan."""

from __future__ import annotations

import os

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st
from made_records import COMMIT, INCOMPLETE, PYTHON, ROOT, digest, entry, job

from lineage.errors import InvalidError, NotFoundError
from lineage.records import BUILD, Job, Step
from lineage.reproduce.environments import Package
from lineage.reproduce.order import makers, ordered
from lineage.reproduce.plan import make_plan, select


def pipeline() -> list[Job]:
    return [
        job(1, "python prep.py", [("raw.csv", "raw"), ("prep.py", "p")], [("clean.csv", "clean")]),
        job(2, "python train.py", [("clean.csv", "clean")], [("model.pt", "model")]),
        job(3, "python eval.py", [("model.pt", "model"), ("raw.csv", "raw")], [("metrics.json", "m")])]


def commands(jobs: list[Job]) -> list[str]:
    return [os.fsdecode(b" ".join(step.head.argv)) for step in make_plan(jobs).steps]


def test_steps_come_after_what_they_take_in_whatever_order_the_records_came() -> None:
    expected = ["python prep.py", "python train.py", "python eval.py"]
    assert commands(pipeline()) == commands(pipeline()[::-1]) == expected
    plan = make_plan(pipeline())
    assert [[(os.path.basename(one.path), one.maker) for one in step.inputs] for step in plan.steps] == [
        [(b"raw.csv", None), (b"prep.py", None)], [(b"clean.csv", 1)], [(b"model.pt", 2), (b"raw.csv", None)]]
    assert [os.path.basename(one.path) for one in plan.roots] == [b"raw.csv", b"prep.py"]


def test_builds_come_first_unless_they_need_a_step() -> None:
    jobs = [*pipeline(), job(4, "make", [], [("ext.so", "so")], kind=BUILD),
            job(5, "pack", [("clean.csv", "clean")], [("packed", "z")], kind=BUILD)]
    assert commands(jobs) == ["make", "python prep.py", "pack", "python train.py", "python eval.py"]


def test_jobs_that_took_each_others_output_come_as_they_began() -> None:
    ring = [job(1, "a", [("y", "1")], [("x", "1x")], ended_at=99), job(2, "b", [("x", "1x")], [("y", "1")], ended_at=99)]
    assert commands(ring) == ["a", "b"]


def test_the_latest_maker_at_the_same_path_is_the_one() -> None:
    jobs = [job(1, "a", [], [("m", "same")]), job(2, "b", [], [("copy", "same")]), job(3, "c", [], [("m", "same")]),
            job(4, "d", [("m", "same"), ("moved", "same")])]
    step = make_plan(jobs).steps[3]
    assert [(os.path.basename(one.path), one.maker, os.path.basename(one.maker_path)) for one in step.inputs] == [
        (b"m", 3, b"m"), (b"moved", 3, b"m")]


def test_an_empty_file_is_only_what_was_made_at_its_path() -> None:
    jobs = [job(1, "a", [], [("log", "")]), job(2, "b", [("pkg/__init__.py", ""), ("log", "")])]
    assert [one.maker for one in make_plan(jobs).steps[1].inputs] == [None, 1]


def test_a_content_without_a_hash_comes_from_who_wrote_the_path_last() -> None:
    jobs = [job(1, "a", [], [("s", None)]), job(2, "b", [], [("s", None)]), job(3, "c", [("s", None)])]
    assert make_plan(jobs).steps[2].inputs[0].maker == 2


def test_what_a_later_job_made_was_not_taken() -> None:
    jobs = [job(1, "a", [("x", "1")]), job(2, "b", [], [("x", "1")])]
    assert [one.maker for step in make_plan(jobs).steps for one in step.inputs] == [None]


@given(st.lists(st.tuples(st.sets(st.integers(0, 8), max_size=3), st.booleans()), min_size=1, max_size=9))
def test_every_order_has_all_jobs_and_respects_what_it_can(shapes: list[tuple[set[int], bool]]) -> None:
    jobs = [job(at + 1, f"j{at}", [(f"f{one}", f"c{one}") for one in needs], [(f"f{at}", f"c{at}")],
                kind=BUILD if build else "", ended_at=1_000) for at, (needs, build) in enumerate(shapes)]
    taken = makers(jobs)
    order = ordered(jobs, taken)
    assert sorted(order) == list(range(len(jobs)))
    if all(maker.job < at for at, made in enumerate(taken) for maker in made.values()):  # no ring
        place = {at: number for number, at in enumerate(order)}
        assert all(place[maker.job] < place[at] for at, made in enumerate(taken) for maker in made.values())


def test_selected_steps_keep_their_numbers_and_need_what_the_others_made() -> None:
    plan = select(make_plan(pipeline()), [2, 3])
    assert [(step.number, [one.maker for one in step.inputs]) for step in plan.steps] == [(2, [None]), (3, [2, None])]
    assert {os.path.basename(one.path) for one in plan.roots} == {b"clean.csv", b"raw.csv"}
    with pytest.raises(InvalidError, match="no step 4"):
        select(plan, [4])


def test_nothing_to_run_is_an_error() -> None:
    with pytest.raises(NotFoundError, match="no recorded job made this"):
        make_plan([])


def test_environments_are_shared_where_versions_agree() -> None:
    other = {**PYTHON, "version": "3.12.1"}
    jobs = [job(1, "python a", python=PYTHON, packages=["numpy==1.0", "six==1"]),
            job(2, "python b", python=PYTHON, packages=["numpy==1.0", "Pandas==2"]),
            job(3, "python c", python=PYTHON, packages=["NumPy==2.0"]),
            job(4, "python d", python=other, packages=["numpy==1.0"]),
            job(5, "sort x")]
    plan = make_plan(jobs)
    assert [step.environment for step in plan.steps] == [0, 0, 1, 2, None]
    assert plan.environments[0].packages == (Package("numpy", "1.0"), Package("Pandas", "2"), Package("six", "1"))
    assert plan.environments[0].prefix == f"{ROOT}/.venv"
    assert plan.environments[2].version == "3.12.1"


def test_a_python_inside_a_shell_job_counts_too() -> None:
    inner = Step(1, 0, 7, (b"python3", b"x.py"), b"/usr/bin/python3.11", 1, 2, 0, None)
    plan = make_plan([job(1, ["sh", "-c", "python3 x.py"], steps=[inner], packages=["six==1"])])
    assert (plan.environments[0].version, plan.environments[0].packages) == ("3.11", (Package("six", "1"),))


def test_what_a_build_installed_is_asked_of_no_index() -> None:
    path = f"{ROOT}/.venv/lib/python3.11/site-packages/mine/__init__.py"
    built = job(1, "pip install .", python=PYTHON, kind=BUILD, more=[entry("output", path, "x", "package")])
    used = job(2, "python t.py", python=PYTHON, packages=["mine==0.1", "six==1"],
               more=[entry("input", path, "x", "package", package="mine==0.1")])
    assert make_plan([built, used]).environments[0].packages == (Package("six", "1"),)


def test_what_belongs_to_git_the_venv_and_the_person_is_not_needed() -> None:
    jobs = [job(1, "python t.py", [("data.csv", "d")], python=PYTHON, more=[
        entry("input", ".venv/pyvenv.cfg", "c", "config"), entry("input", ".git/config", "c", "config"),
        entry("input", "/home/ada/.netrc", "s", "config"), entry("input", "settings.yaml", "y", "config"),
        entry("input", "/usr/lib/libc.so.6", "l", "system"), entry("input", "/tmp/tmpab12cd34", "t", "temporary")])]
    assert [os.path.basename(one.path) for one in make_plan(jobs).roots] == [b"data.csv", b"settings.yaml"]


def test_inside_and_outside_of_projects() -> None:
    jobs = [job(1, "a", [("/data/raw", "r")], [("/scratch/out", "o"), ("in", "i")], more=[entry("scratch", "deep/er/x", "s")],
                cwd=f"{ROOT}/src"),
            job(2, "b", [("/home/ada/other/f", "f")], cwd="/home/ada/other", project="/home/ada/other", git={})]
    plan = make_plan(jobs)
    assert [(project.root, project.name) for project in plan.projects] == [
        (ROOT.encode(), "work"), (b"/home/ada/other", "other")]
    assert [os.path.basename(made.path) for made in plan.steps[0].outside] == [b"out"]
    assert plan.steps[0].inputs[0].project is None
    assert plan.steps[1].inputs[0].project == 1
    assert plan.steps[0].directories == tuple(f"{ROOT}{end}".encode() for end in ("", "/deep/er", "/src"))
    assert plan.steps[0].code is not None
    assert (plan.steps[0].code.commit, plan.steps[1].code) == (COMMIT, None)


def test_copies_of_projects_with_one_name_have_two() -> None:
    jobs = [job(1, "a", cwd="/a/work", project="/a/work"), job(2, "b", cwd="/b/work", project="/b/work")]
    assert [project.name for project in make_plan(jobs).projects] == ["work", "work-2"]


def test_what_may_be_missing_is_said() -> None:
    plan = make_plan([job(1, "a", exit_code=3, **INCOMPLETE)], ["the lineage is longer"])
    assert plan.warnings == (
        "the lineage is longer", "the record of step 1 is incomplete, so there may be more that it needs: 3 events were lost",
        "step 1 ended with exit code 3 when it was recorded")


def test_hashes_are_what_they_are() -> None:
    assert digest("x") == blake3(b"x").digest()
