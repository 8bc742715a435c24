"""Why two things differ: what a walk up both lineages finds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from compared import Makers, Project, digest, entry
from hypothesis import given
from hypothesis import strategies as st

from lineage.compare.causes import find_causes
from lineage.compare.model import counts
from lineage.compare.sentences import cause_text, top_text
from lineage.compare.subjects import compare, job_subject, step_subject
from lineage.errors import NotFoundError


@pytest.fixture
def project() -> Project:
    return Project()


def pipeline(project: Project, raw="r1", prepare="p1", features="f1", lr="0.1", model="m1", metrics="s1", **context):
    """The last of three jobs."""
    project.run("python prepare.py", f"prepare.py={prepare} raw.csv={raw}", f"features.csv={features}", **context)
    project.run(f"python train.py --lr {lr}", f"train.py=t1 features.csv={features}", f"model.pkl={model}", **context)
    return project.run("python evaluate.py", f"evaluate.py=e1 model.pkl={model}", f"metrics.json={metrics}", **context)


def causes(project: Project, a, b, **options):
    return find_causes([(a, b)], Makers(project), **options)


def found(project: Project, a, b) -> list[tuple[str, list[str], int]]:
    return [(cause.category, [name(change) for change in cause.changes], len(cause.chain))
            for cause in causes(project, a, b).found]


def name(change) -> str:
    return getattr(change, "name", None) or change.path.decode()


def test_first_cause_two_jobs_up(project):
    a, b = pipeline(project), pipeline(project, prepare="p2", features="f2", model="m2", metrics="s2")
    assert found(project, a, b) == [("code", ["prepare.py"], 2)]
    (cause,) = causes(project, a, b).found
    assert [link.change.path for link in cause.chain] == [b"model.pkl", b"features.csv"]
    assert (cause.a.name, cause.b.name) == ("@1", "@4")
    text = cause_text(cause, {}, top_text(compare(a, b, Makers(project)).changes))
    assert text == ("metrics.json differs because model.pkl does (@2 → @5), because features.csv does (@1 → @4), "
                    "because prepare.py changed")


def test_what_made_no_difference_is_no_cause(project):
    """prepare.py changed, but made the same features."""
    a, b = pipeline(project), pipeline(project, prepare="p2", lr="0.2", model="m2", metrics="s2")
    assert found(project, a, b) == [("parameters", ["--lr"], 1)]


def test_independent_causes_are_ranked(project):
    a = pipeline(project, hardware={"cpu": "one"})
    b = pipeline(project, raw="r2", prepare="p2", features="f2", lr="0.2", model="m2", metrics="s2", packages=["numpy==2"],
                 hardware={"cpu": "two"})
    assert found(project, a, b) == [("code", ["prepare.py"], 2), ("parameters", ["--lr"], 1), ("inputs", ["raw.csv"], 2),
                                    ("packages", ["numpy"], 2), ("machine", ["cpu"], 2)]
    assert [cause.strength for cause in causes(project, a, b).found] == ["difference"] * 4 + ["possible"]


def test_nothing_explains_it(project):
    a, b = pipeline(project), pipeline(project, model="m2", metrics="s2")
    assert found(project, a, b) == [("nondeterminism", [], 1)]
    (cause,) = causes(project, a, b).found
    assert "nothing that was recorded explains why model.pkl differs" in cause_text(cause, {}, "metrics.json differs")
    assert "train.py may be nondeterministic" in cause_text(cause, {}, "metrics.json differs")


def test_input_that_one_side_made_and_the_other_had(project):
    a = pipeline(project)
    b = project.run("python evaluate.py", "evaluate.py=e1 model.pkl=elsewhere", "metrics.json=s2")
    (cause,) = causes(project, a, b).found
    text = cause_text(cause, {}, "metrics.json differs")
    assert text.endswith("model.pkl changed (@2 made the first, no recorded job the second)")


def test_renamed_intermediate_that_a_parameter_names(project):
    project.run("python prepare.py --out f-1.csv", "prepare.py=1", "f-1.csv=f1")
    a = project.run("python train.py --data f-1.csv --log x.txt", "train.py=1 f-1.csv=f1", "model.pkl=m1")
    project.run("python prepare.py --out f-2.csv", "prepare.py=2", "f-2.csv=f2")
    b = project.run("python train.py --data f-2.csv --log x.txt", "train.py=1 f-2.csv=f2", "model.pkl=m2")
    assert found(project, a, b) == [("code", ["prepare.py"], 1)]  # --data and --out only name what differs


def test_moved_input_is_no_cause(project):
    a = project.run("python train.py", "train.py=1 old/data.csv=d", "model.pkl=m1")
    b = project.run("python train.py", "train.py=1 new/data.csv=d", "model.pkl=m2")
    assert found(project, a, b) == [("nondeterminism", [], 0)]


def test_generated_code_is_followed_to_what_generated_it(project):
    project.run("python generate.py --n 1", "generate.py=1", "made.py=c1")
    a = project.run("python made.py", "made.py=c1", "out.txt=o1")
    project.run("python generate.py --n 2", "generate.py=1", "made.py=c2")
    b = project.run("python made.py", "made.py=c2", "out.txt=o2")
    assert found(project, a, b) == [("parameters", ["--n"], 1)]


def project_first(project: Project):
    return job_subject(project.jobs[0])


def test_compiled_module_is_known_by_its_source(project):
    def cached(content):
        return entry("input", b"/p/__pycache__/helper.cpython-311.pyc", digest(content), role="temporary")

    def made(content):
        return cached(content)._replace(kind="output")

    project.run("python use.py", "use.py=1 helper.py=h1", "out.txt=o1", more=[made("c1")])
    a = project.run("python use.py", "use.py=1", "out.txt=o1", more=[cached("c1")])
    assert compare(project_first(project), a, Makers(project)).files("code") == ()
    project.run("python use.py", "use.py=1 helper.py=h2", "out.txt=o2", more=[made("c2")])
    b = project.run("python use.py", "use.py=1", "out.txt=o2", more=[cached("c2")])
    assert found(project, a, b) == [("code", ["helper.py"], 0)]


def test_long_chains_and_limits(project):
    def chain(word: str):
        last = None
        for at in range(50):
            last = project.run(f"step{at}", f"f{at}=x{word}{at}", f"f{at + 1}=x{word}{at + 1}")
        return last

    a, b = chain("a"), chain("b")
    assert found(project, a, b) == [("inputs", ["f0"], 49)]
    limited = causes(project, a, b, max_pairs=10)
    assert (limited.truncated, limited.pairs, limited.found) == (True, 10, ())


def test_jobs_that_took_from_each_other(project):
    """Overlapping jobs can make a cycle."""
    class Ring:
        def maker(self, job, wanted):
            return project.jobs[(job.head.number + 1) % 4]

    for at in range(4):
        project.run("loop", f"x=x{at}", f"x=x{at + 1}")
    found_there = find_causes([(step_subject(project.jobs[0], 0), step_subject(project.jobs[1], 0))], Ring())
    assert not found_there.truncated


def test_job_that_still_runs_and_missing_step(project):
    a, b = project.run("python t.py", "t.py=1"), project.run("python t.py", running=True)
    comparison = compare(a, b, Makers(project))
    assert comparison.changes == ()
    assert comparison.notes == ("@2: it still runs: what it reads and writes is known when it ends",)
    with pytest.raises(NotFoundError, match="no step 3"):
        step_subject(a.job, 3)


def test_what_the_machine_and_the_terminal_say(project):
    ours = {"environment": {"WINDOWID": "1", "OMP_NUM_THREADS": "1", "VENV": "/p/.venv"}, "seeds": {"numpy": 1},
            "conda": {"packages": [{"name": "mkl", "version": "1"}, {"name": "x", "version": "1"}]}, "resources": {"wall": 1}}
    theirs = {"environment": {"WINDOWID": "2", "OMP_NUM_THREADS": "2", "VENV": "/q/.venv"}, "seeds": {"numpy": 2},
              "conda": {"packages": [{"name": "mkl", "version": "2"}, {"name": "x", "version": "1"}]}, "resources": {"wall": 2},
              "container": {"image": "x"}}
    a, other = project.run("python t.py", "t.py=1", **ours), Project("/q", "bob")
    b = other.run("python t.py", "t.py=1", **theirs)
    comparison = compare(a, b, Makers(project, other))
    told = {(change.category, change.name): (change.a, change.b) for change in comparison.changes if counts(change)}
    assert told == {("environment", "OMP_NUM_THREADS"): ("1", "2"), ("context", "seeds.numpy"): (1, 2),
                    ("context", "conda.packages.mkl"): ("1", "2")}
    assert {change.name for change in comparison.changes if not counts(change)} == {"WINDOWID", "host.user"}
    assert comparison.notes == ("container was recorded only for B",)  # both are @1


def test_programs_inside_a_job(project):
    def job(*lines: str):
        subject = project.run("sh all.sh", "all.sh=1", "out.txt=" + lines[0])
        steps = [replace(subject.job.steps[0], index=at, argv=tuple(word.encode() for word in line.split()))
                 for at, line in enumerate(("sh all.sh", *lines))]
        project.jobs[-1] = replace(subject.job, steps=tuple(steps))
        return job_subject(project.jobs[-1])

    a = job("python prepare.py --share 0.2", "sort x", "sort y", "gcc /tmp/tmpab12cd34", "python -c multiprocessing.x 3")
    b = job("sort y", "python prepare.py --share 0.3", "sort x", "gcc /tmp/tmpzz98zz98", "python -c multiprocessing.x 4", "ls")
    changes = compare(a, b, Makers(project)).of("parameters")
    assert [(change.name, change.a, change.b, change.incidental) for change in changes] == [
        ("prepare.py --share", "0.2", "0.3", False), ("step ls", None, "ls", True)]
    assert found(project, a, b) == [("parameters", ["prepare.py --share"], 0)]


def test_command_behind_a_wrapper_is_told_once(project):
    def job(words: str):
        subject = project.run(f"python3 {words}", "t.py=1", "out.txt=" + words.rpartition(" ")[2])
        steps = [replace(subject.job.steps[0], index=at, argv=tuple(word.encode() for word in f"{start} {words}".split()))
                 for at, start in enumerate(("python3", "bash pyenv exec python3", "/real/python3"))]
        return job_subject(replace(subject.job, steps=tuple(steps)))

    changes = compare(job("t.py --n 1"), job("t.py --n 2"), Makers(project)).of("parameters")
    assert [change.name for change in changes] == ["--n"]


contents = st.sampled_from(["1", "2"])


@given(st.lists(contents, min_size=6, max_size=6), st.lists(contents, min_size=6, max_size=6))
def test_itself_and_the_other_way_round(one, other):
    project = Project()
    names = ("raw", "prepare", "features", "lr", "model", "metrics")
    a, b = (pipeline(project, **dict(zip(names, values, strict=True))) for values in (one, other))
    makers = Makers(project)
    assert compare(a, a, makers).changes == ()
    assert causes(project, a, a).found == ()
    there, back = compare(a, b, makers), compare(b, a, makers)
    assert there.differs == back.differs
    assert sorted((change.category, change.kind) for change in there.changes) == sorted(
        (change.category, change.kind) for change in back.changes)
    assert found(project, a, b) == found(project, b, a)
    if one[4] != other[4] and one[2] == other[2] and one[3] == other[3]:
        assert ("nondeterminism", [], 1) in found(project, a, b)
