"""`glaas user`, `token`, `org`, `audit` as an operator types them, beside a registry that serves."""

from __future__ import annotations

import io
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemas
from google.protobuf.message import Message
from harness import BIN, PATIENCE, ROOT
from made_bundles import Box
from served import Served, file_of

from glaas.main import main
from lineage.v1 import registry_pb2 as pb

TOKEN = re.compile(r"glaas_[0-9A-Za-z]{49}\n")
PASSWORD = "a walk in the rain"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("registry"), "--grpc-listen", "none").start()
    yield served
    served.stop()


def glaas(state: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([BIN / "glaas", *arguments, "--state-dir", state], input=stdin, capture_output=True, text=True,
                          cwd=ROOT, timeout=60 * PATIENCE)


def who(registry: Served, token: str) -> str | None:
    with registry.client(token.strip()) as client:
        answer = client.get("/api/v1/auth/whoami")
        return answer.json()["account"] if answer.status_code == 200 else None


def test_an_account_and_its_token_while_it_serves(registry: Served) -> None:
    made = glaas(registry.state, "user", "add", "ada")
    assert TOKEN.fullmatch(made.stdout), made
    assert made.stdout.strip() not in made.stderr and "ada has an account" in made.stderr
    assert who(registry, made.stdout) == "ada"
    further = registry.glaas("token", "add", "ada", "--name", "ci", "--scope", "read", "--expires", "90d").stdout
    assert who(registry, further) == "ada"
    tokens = json.loads(registry.glaas("token", "list", "ada", "--json").stdout)
    assert schemas.problems(tokens) == []
    assert [(one["name"], one["scopes"], one["expires_at"] is None) for one in tokens["tokens"]] == [
        ("ci", ["read"], False), ("made with the account", ["read", "register"], True)]
    registry.glaas("token", "revoke", "ada", tokens["tokens"][0]["id"][:8])
    assert (who(registry, further), who(registry, made.stdout)) == (None, "ada")
    registry.glaas("user", "disable", "ada")
    assert who(registry, made.stdout) is None
    registry.glaas("user", "enable", "ada")
    assert who(registry, made.stdout) == "ada"


def test_a_password_from_stdin_signs_in(registry: Served) -> None:
    made = glaas(registry.state, "user", "add", "pat", "--password-stdin", "--no-token", stdin=PASSWORD + "\nmore\n")
    assert (made.returncode, made.stdout) == (0, "")
    with registry.client() as client:
        body = {"account": "pat", "password": PASSWORD}
        assert client.post("/api/v1/auth/token", json=body).status_code == 201
        changed = glaas(registry.state, "user", "password", "pat", "--password-stdin", stdin="another walk there\n")
        assert changed.returncode == 0
        assert client.post("/api/v1/auth/token", json=body).status_code == 401


def test_a_mistake_says_what_to_type(registry: Served, monkeypatch: pytest.MonkeyPatch,
                                     capsys: pytest.CaptureFixture[str]) -> None:
    """In this process, since they are many."""
    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["glaas", *arguments, "--state-dir", str(registry.state)])
        monkeypatch.setattr("sys.stdin", io.StringIO())
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        return end.value.code, captured.out, captured.err

    registry.glaas("user", "add", "max")
    for line, code, words in (
            (("user", "add", "max"), 1, "glaas token add max"), (("user", "add", "Max"), 2, "did you mean max?"),
            (("user", "add", "new", "--scope", "root"), 2, "read, register, admin"),
            (("user", "add", "new", "--expires", "2020-01-01"), 2, "give a time to come"),
            (("user", "add", "new", "--expires", "whenever"), 2, "90m"),
            (("user", "add", "new", "--no-token"), 2, "--password-stdin"),
            (("user", "add", "new", "--password-stdin"), 2, "first line"),
            (("user", "password", "max"), 2, "--password-stdin"), (("user", "delete", "max"), 1, "--yes"),
            (("token", "revoke", "max", "zz"), 1, "glaas token list max"),
            (("org", "add", "o", "--owner", "nobody"), 1, "user list"),
            (("user", "add-key", "max", "/nowhere.pub"), 1, ".pub")):
        done = run(*line)
        assert done[:2] == (code, "") and words in done[2], (line, done)
    assert "new" not in run("user", "list")[1]
    error = json.loads(run("token", "list", "nobody", "--json")[2])
    assert schemas.problems(error) == [] and error["error"]["code"] == "not_found"


def test_organisations_and_deletion(registry: Served) -> None:
    token = registry.glaas("user", "add", "org1").stdout
    registry.glaas("user", "add", "org2")
    registry.glaas("org", "add", "lab", "--owner", "org1")
    registry.glaas("org", "member", "add", "lab", "org2", "--role", "maintainer")
    found = json.loads(registry.glaas("org", "list", "--json").stdout)
    assert schemas.problems(found) == []
    assert found["organisations"][0]["members"] == [{"name": "org1", "role": "owner"}, {"name": "org2", "role": "maintainer"}]
    assert glaas(registry.state, "user", "delete", "org1", "--yes").returncode == 1  # the last owner
    registry.glaas("org", "member", "add", "lab", "org2", "--role", "owner")
    assert "would delete org1: 1 token, 0 keys, 1 membership" in registry.glaas("user", "delete", "org1", "--dry-run").stderr
    assert who(registry, token) == "org1"
    registry.glaas("user", "delete", "org1", "--yes")
    assert who(registry, token) is None
    assert glaas(registry.state, "user", "add", "org1").returncode == 1
    registry.glaas("org", "member", "add", "lab", "max2", check=False)
    assert "org2 (owner)" in registry.glaas("org", "list").stdout
    assert glaas(registry.state, "org", "member", "remove", "lab", "org2").returncode == 1


def test_the_audit_log_is_shown(registry: Served) -> None:
    secret = registry.glaas("user", "add", "eve").stdout.strip()
    with registry.client() as client:
        client.post("/api/v1/auth/token", json={"account": "eve", "password": "guess"})
    document = json.loads(registry.glaas("audit", "--account", "eve", "--since", "1h", "--json").stdout)
    assert schemas.problems(document) == []
    assert [(one["action"], one["outcome"]) for one in document["events"]] == [
        ("user.add", "ok"), ("token.add", "ok"), ("sign-in", "denied")]
    assert document["events"][2]["address"] == "127.0.0.1"
    shown = registry.glaas("audit", "-n", "0").stdout
    assert "eve" in shown and secret not in shown and "guess" not in shown
    assert registry.glaas("audit", "--account", "nobody-yet").stdout == "nothing yet\n"
    assert schemas.problems(json.loads(registry.glaas("user", "list", "--json").stdout)) == []


def test_registrations_are_in_the_audit_log(registry: Served) -> None:
    ada, looks = (registry.glaas("user", "add", "reg").stdout.strip(),
                  registry.glaas("token", "add", "reg", "--scope", "read").stdout.strip())
    box = Box(nonce=b"audit" * 3 + b"!")
    job = box.job("python train.py", ["data.csv=data"], ["model.pt=model"])

    def call(method: str, message: Message, token: str) -> int:
        with registry.client(token) as client:
            return client.post(f"/lineage.v1.Registry/{method}", content=message.SerializeToString(),
                               headers={"Content-Type": "application/proto"}).status_code

    data = file_of(box.bundle(job))
    assert call("RegisterBundle", pb.RegisterBundleRequest(bundle=data), looks) == 403
    assert call("RegisterBundle", pb.RegisterBundleRequest(bundle=data[:-9] + b"x" * 9), ada) in {400, 500}
    for _ in range(2):  # the second time nothing is new
        assert call("RegisterBundle", pb.RegisterBundleRequest(bundle=data), ada) == 200
    assert call("SetScope", pb.SetScopeRequest(jobs=[job.head.id], space="public"), ada) == 200
    assert call("ForgetJobs", pb.ForgetJobsRequest(jobs=[job.head.id]), ada) == 200
    assert call("ForgetJobs", pb.ForgetJobsRequest(jobs=[job.head.id]), ada) == 200
    events = json.loads(registry.glaas("audit", "--account", "reg", "--json").stdout)["events"][3:]
    assert [(one["action"], one["outcome"], one["address"]) for one in events] == [
        ("register", "denied", "127.0.0.1"), ("register", "failed", "127.0.0.1"), ("register", "ok", "127.0.0.1"),
        ("scope", "ok", "127.0.0.1"), ("forget", "ok", "127.0.0.1")]
    assert events[2]["details"] == {"space": "user:reg", "jobs": 1}
    assert events[3]["subject"] == job.head.id.hex() and events[4]["subject"] is None


def test_an_accounts_registrations_are_taken_back(registry: Served) -> None:
    """The log goes on to verify; what somebody else registered of the same stays."""
    gone, other = (registry.token(name) for name in ("gone", "other"))
    box = Box(nonce=b"forget" * 2 + b"!!!!")
    jobs = [box.job(f"python step{number}.py", [], [f"out{number}=out{number}"]) for number in range(4)]
    assert registry.register(gone, box.bundle(*jobs[:3]), "private").status_code == 201
    assert registry.register(gone, box.bundle(jobs[3]), "public").status_code == 201
    assert registry.register(other, box.bundle(jobs[0]), "public").status_code == 201

    def seen(token: str) -> list[bool]:
        with registry.client(token) as client:
            return [client.get(f"/api/v1/jobs/{job.head.id.hex()}").status_code == 200 for job in jobs]

    assert (seen(gone), seen("")) == ([True] * 4, [True, False, False, True])
    assert "would forget 4 jobs" in registry.glaas("forget", "gone", "--dry-run").stderr
    assert glaas(registry.state, "forget", "gone").returncode == 1  # nobody said yes
    assert glaas(registry.state, "forget", "gone", "ffffffffff", "--yes").returncode == 1
    assert "forgot 1 job" in registry.glaas("forget", "gone", jobs[1].head.id.hex()[:12], "--yes").stderr
    assert seen(gone) == [True, False, True, True]
    assert "forgot 3 jobs" in registry.glaas("forget", "gone", "--yes").stderr
    assert (seen(gone), seen(other)) == ([True, False, False, False], [True, False, False, False])
    assert "nothing registered" in registry.glaas("forget", "gone", "--yes").stderr
    events = json.loads(registry.glaas("audit", "--account", "gone", "--json").stdout)["events"]
    assert [(one["action"], one["account"], one["details"]) for one in events[-2:]] == [
        ("forget", "(operator)", {"jobs": 1}), ("forget", "(operator)", {"jobs": 3})]
    assert registry.glaas("log", "verify").returncode == 0


def test_an_account_before_it_ever_served(tmp_path: Path) -> None:
    state = tmp_path / "new" / "state"
    made = glaas(state, "user", "add", "ada")
    assert made.returncode == 0, made.stderr
    assert state.stat().st_mode & 0o077 == 0
    registry = Served(tmp_path / "new", "--grpc-listen", "none").start()
    try:
        assert who(registry, made.stdout) == "ada"
    finally:
        registry.stop()


def test_an_ssh_key_by_the_operator(registry: Served, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "box", "-f", tmp_path / "key"], check=True)
    registry.glaas("user", "add", "kay")
    said = registry.glaas("user", "add-key", "kay", str(tmp_path / "key.pub")).stderr
    assert "SHA256:" in said and "(box)" in said
    assert glaas(registry.state, "user", "add-key", "kay", str(tmp_path / "key")).returncode == 2  # the private one


def test_the_store_may_be_a_database(where: str, tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([BIN / "glaas", *arguments, "--store", where], capture_output=True, text=True, cwd=tmp_path,
                              timeout=60 * PATIENCE)

    assert TOKEN.fullmatch(run("user", "add", "ada").stdout)
    assert "ada" in run("user", "list").stdout
