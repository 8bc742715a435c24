"""A registry that runs, and a machine that has only a file: what `roar verify` can show of it."""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import BIN, PATIENCE
from made_bundles import Box
from schemas import problems
from served import Served

from lineage import bundle
from lineage.records import Job
from lineage.v1 import registry_pb2 as pb


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("registry")) as running:
        yield running


class Person:
    """With an account, a machine without roard, and what `roar` keeps."""

    def __init__(self, registry: Served, name: str, home: Path) -> None:
        self.registry, self.home = registry, home
        self.token = registry.glaas("user", "add", name).stdout.split()[-1] if name else ""
        home.mkdir()

    def call(self, method: str, request: object, answer: type) -> object:
        with self.registry.client(self.token) as client:
            done = client.post(f"/lineage.v1.{method}", content=request.SerializeToString(),
                               headers={"Content-Type": "application/proto"})
        assert 200 == done.status_code, done.text
        return answer.FromString(done.content)

    def register(self, box: Box, *jobs: Job, space: str = "private") -> None:
        file = io.BytesIO()
        bundle.write(box.bundle(*jobs), file)
        request = pb.RegisterBundleRequest(bundle=file.getvalue(), space=space)
        self.call("Registry/RegisterBundle", request, pb.RegisterBundleResponse)

    def verify(self, *words: str) -> tuple[int, dict[str, list[str]], str]:
        """(exit code, outcomes by what was checked, everything that was said)"""
        done = subprocess.run(
            [BIN / "roar", "verify", *words, "--json"], capture_output=True, text=True, cwd=self.home, timeout=60 * PATIENCE,
            stdin=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", ""), "HOME": str(self.home),
                 "GLAAS_URL": self.registry.url, "GLAAS_TOKEN": self.token, "ROARD_SOCKET": "/nonexistent"})
        assert not done.stdout or problems(json.loads(done.stdout)) == []
        found: dict[str, list[str]] = {}
        for check in json.loads(done.stdout)["checks"] if done.stdout else []:
            found.setdefault(check["of"], []).append(check["outcome"])
        return done.returncode, found, done.stdout + done.stderr


HELD = {"record": ["held"], "ids": ["held"], "log": ["held"], "key": ["held"]}


def test_a_file_is_enough(registry: Served, tmp_path: Path) -> None:
    """From its content to the signature, on a machine that never saw the job; and no further once it is taken back."""
    ada, bob = Person(registry, "ada", tmp_path / "ada"), Person(registry, "bob", tmp_path / "bob")
    box = Box()
    job = box.job("python train.py", ["data.csv=some data"], ["model.pt=the weights", 'model.json={"layers": 3}'])
    ada.register(box, job)
    for person in (ada, bob):
        (person.home / "model.pt").write_text("the weights")
        (person.home / "model.json").write_text('{"layers": 3}')
    assert (0, HELD) == ada.verify("model.json")[:2]  # not every JSON is a statement
    assert (0, HELD) == ada.verify("model.pt")[:2]
    assert 1 == bob.verify("model.pt")[0]
    ada.call("Registry/SetScope", pb.SetScopeRequest(jobs=[job.head.id], space="public"), pb.SetScopeResponse)
    assert (0, HELD) == bob.verify("model.pt")[:2]
    code, found, text = bob.verify("--log")
    assert (0, {"log": ["held"], "key": ["held"], "history": ["unknown"]}) == (code, found), text
    ada.call("Registry/ForgetJobs", pb.ForgetJobsRequest(jobs=[job.head.id]), pb.ForgetJobsResponse)
    assert 1 == ada.verify("model.pt")[0]
    code, found, text = bob.verify("--log")
    assert (0, ["held"]) == (code, found["history"]), text
    assert 0 == registry.glaas("log", "verify").returncode


def test_a_receipt_that_names_what_one_may_not_see_is_not_given(registry: Served, tmp_path: Path) -> None:
    cy, dan = Person(registry, "cy", tmp_path / "cy"), Person(registry, "dan", tmp_path / "dan")
    box = Box(nonce=b"c" * 16)
    hidden, shown = box.job("prepare", [], ["clean.csv=clean"]), box.job("train", ["clean.csv=clean"], ["out.bin=of cy"])
    cy.register(box, hidden, shown)
    cy.call("Registry/SetScope", pb.SetScopeRequest(jobs=[shown.head.id], space="public"), pb.SetScopeResponse)
    for person, status in ((cy, 200), (dan, 404)):
        with registry.client(person.token) as client:
            got = client.get("/api/v1/log/receipt", params={"job": shown.head.id.hex()})
        assert status == got.status_code, got.text
        assert (hidden.head.id.hex() in got.text) == (status == 200)


def test_a_registry_that_was_set_back_is_found(tmp_path: Path) -> None:
    """Restored from an old backup, it has a history that is not the one it showed: a client says so, with both heads kept."""
    first, second = tmp_path / "first", tmp_path / "second"
    for place in (first, second):
        place.mkdir()
    box = Box(nonce=b"e" * 16)
    jobs = [box.job(f"python {number}", [], [f"out{number}=content {number}"]) for number in range(3)]
    with Served(first) as registry:
        eve = Person(registry, "eve", tmp_path / "eve")
        eve.register(box, jobs[0])
        registry.glaas("backup", str(tmp_path / "backups"))
        eve.register(box, jobs[1])
        assert 0 == eve.verify("--log")[0]
    restored = subprocess.run([BIN / "glaas", "restore", tmp_path / "backups", "--state-dir", second / "state"], timeout=100)
    assert 0 == restored.returncode
    with Served(second) as registry:
        eve.registry = registry
        eve.register(box, jobs[2])
        code, found, text = eve.verify("--log")
        assert (1, ["failed"]) == (code, found["history"]), text
        [evidence] = (eve.home / ".local/share/roar/logs").glob("*.evidence-*.json")
        heads = json.loads(evidence.read_text())["heads"]
        assert ["2", "2"] == [note.split("\n")[1] for note in heads]
        assert heads[0].split("\n")[2] != heads[1].split("\n")[2]
