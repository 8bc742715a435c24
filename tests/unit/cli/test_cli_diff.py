"""`roar diff` as a program: references, exit status, documents."""

from __future__ import annotations

import json

import pytest
from samples import STEP, entry, job

from lineage import wire
from lineage.errors import NotFoundError
from lineage.v1 import lineage_pb2

ONE = job(steps=(STEP,))
OTHER = job(steps=(STEP,), id=b"\x08" * 32, run=b"\x09" * 16, number=4, argv=(b"python", b"train.py", b"--lr=2"))


@pytest.fixture
def jobs(daemon):
    """@3 and @4, which differ in a parameter and are of one session."""
    ids = {"@3": ONE.head.id, "@4": OTHER.head.id}
    by_id = {ONE.head.id: ONE, OTHER.head.id: OTHER}
    daemon.entries = [wire.entry_to(entry("output", b"/p/out.txt"))]
    daemon.answers.update({
        "Lineage/Resolve": lambda request: lineage_pb2.ResolveResponse(kind="job", id=ids[request.reference]),
        "Lineage/GetJob": lambda request: wire.job_to(by_id[request.id])})
    return daemon


@pytest.mark.parametrize(("a", "b", "code", "kind"), [
    ("@3", "@3", 0, "job"), ("@3", "@4", 1, "job"), ("@3/0", "@4/0", 0, "step"), ("@3[0]", "@3/0", 0, "step")])
def test_exit_status(roar, jobs, a, b, code, kind):
    done = roar("diff", a, b, "--json")
    assert (done.returncode, done.stderr) == (code, "")
    document = json.loads(done.stdout)
    assert (document["schema"], document["kind"], document["same"]) == ("roar.diff/1", kind, code == 0)
    people = roar("diff", a, b)
    assert (people.returncode, people.stderr) == (code, "")
    assert "\x1b" not in people.stdout
    assert {request.reference for request in jobs.requests("Lineage/Resolve")} <= {"@3", "@4"}


def test_what_differs_and_only_that(roar, jobs):
    done = roar("diff", "@3", "@4")
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["A", "@3", "7f3a9c1", "python", "train.py"], ["B", "@4", "0808080", "python", "train.py", "--lr=2"],
        ["parameters"], ["--lr", "-", "→", "2"], ["the", "outputs", "are", "the", "same", "all", "the", "same"]]


def test_errors_are_not_taken_for_a_difference(roar, jobs, tmp_path):
    for line in (("@3", "@4/7"), ("@3/0", "@4"), ("@3",)):
        done = roar("diff", *line)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr
    jobs.answers["Lineage/Resolve"] = NotFoundError("no such job", "`roar log`")
    done = roar("diff", "@3", "@9", "--json")
    assert (done.returncode, json.loads(done.stderr)["error"]["code"]) == (2, "not_found")
    jobs.answers["Lineage/Resolve"] = lineage_pb2.ResolveResponse(kind="odd", id=b"x")
    assert roar("diff", "@3", "@4").returncode == 2  # a defect of ours, or of the daemon's


def test_without_a_daemon(roar, no_daemon):
    assert roar("diff", "@3", "@4").returncode == 2
