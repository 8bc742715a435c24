"""Logging in at a real registry, in each way, and out again."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemas
from harness import BIN, ROOT, Project

sys.path.insert(0, str(ROOT / "tests/glaas"))

from served import Served

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def registry(place: Path) -> Iterator[Served]:
    directory = place / "login-registry"
    directory.mkdir()
    with Served(directory) as running:
        subprocess.run([BIN / "glaas", "user", "add", "ada", "--password-stdin", "--no-token", "--state-dir", running.state],
                       input=PASSWORD, text=True, check=True, cwd=ROOT, capture_output=True)
        yield running


@pytest.fixture
def person(tmp_path: Path) -> Project:
    """Without a daemon."""
    project = Project(tmp_path / "home", tmp_path / "no.sock")
    for name in ("GLAAS_URL", "GLAAS_TOKEN", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        project.environment.pop(name, None)
    return project


def document(project: Project, *arguments: str | Path, **options: Any) -> dict[str, Any]:
    found = json.loads(project.roar(*arguments, "--json", **options).stdout)
    assert schemas.problems(found) == []
    return found


def stored(project: Project) -> Path:
    return project.path / ".config/roar/registry.json"


def with_device(project: Project, registry: Served, *options: str, approve: bool = True) -> subprocess.CompletedProcess[str]:
    """On a terminal; somebody confirms the code elsewhere."""
    control, terminal = pty.openpty()
    with project.popen("login", registry.url, *options, stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       text=True) as process:
        os.close(terminal)
        said = ""
        while not (code := re.search(r"the code  (\S+)", said)):
            line = process.stderr.readline()
            assert line, said
            said += line
        assert f"{registry.url}/device?code={code[1]}" in said
        answer = httpx.post(f"{registry.url}/api/v1/auth/device/confirm", json={
            "user_code": code[1], "approve": approve, "account": "ada", "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        out, more = process.communicate(timeout=60)
        os.close(control)
    return subprocess.CompletedProcess([], process.returncode, out, said + more)


def test_a_code_is_confirmed_in_a_browser(person: Project, registry: Served) -> None:
    done = with_device(person, registry, "--admin")
    assert (done.returncode, done.stdout) == (0, f"you are ada at {registry.url}\n"), done.stderr
    assert stored(person).stat().st_mode & 0o777 == 0o600
    token = json.loads(stored(person).read_text())["registries"][registry.url]["token"]
    assert token not in done.stdout + done.stderr
    shown = document(person, "whoami")
    assert (shown["account"], shown["said_by"], shown["scopes"]) == ("ada", "login", ["admin", "read", "register"])

    made = document(person, "auth", "tokens", "add", "ci", "--may", "read", "--days", "30")
    row = next(row for row in made["tokens"] if row["name"] == "ci")
    assert (row["scopes"], made["added"].startswith("glaas_")) == (["read"], True)
    other = {"GLAAS_URL": registry.url, "GLAAS_TOKEN": made["added"]}
    assert document(person, "whoami", environment=other)["scopes"] == ["read"]
    assert "ci" in person.roar("auth", "tokens").stdout
    person.roar("auth", "tokens", "revoke", row["id"])
    refused = person.roar("whoami", environment=other, check=False)
    assert refused.returncode == 1

    assert [row["state"] for row in document(person, "auth")["registries"]] == ["ok"]
    ended = document(person, "logout")
    assert [row["ended"] for row in ended["registries"]] == [True]
    assert person.roar("whoami", environment={"GLAAS_URL": registry.url, "GLAAS_TOKEN": token}, check=False).returncode == 1
    assert "no registry is known here" in person.roar("whoami", check=False).stderr


def test_a_code_that_is_refused_lets_nobody_in(person: Project, registry: Served) -> None:
    done = with_device(person, registry, approve=False)
    assert (done.returncode, "not allowed" in done.stderr, stored(person).exists()) == (1, True, False)


def test_a_key_logs_in_and_the_agent_may_have_it(person: Project, registry: Served) -> None:
    token = registry.glaas("user", "add", "carol", "--scope", "read", "--scope", "register", "--scope", "admin").stdout
    file = person.write("token", token)
    with file.open() as opened:
        person.roar("login", registry.url, "--token-stdin", stdin=opened)
    key = person.path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    unknown = person.roar("login", registry.url, "--ssh-key", key, "--user", "carol", check=False)
    assert (unknown.returncode, "lets nobody in" in unknown.stderr) == (1, True)
    person.roar("auth", "keys", "add", key)
    [row] = document(person, "auth", "keys")["keys"]
    assert row["proven"]
    assert document(person, "whoami")["key"] == row["fingerprint"]
    person.roar("logout")
    assert document(person, "login", registry.url, "--ssh-key", key, "--user", "carol")["account"] == "carol"
    agent = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True).stdout
    variables = dict(re.findall(r"^(SSH_\w+)=([^;]+);", agent, re.MULTILINE))
    try:
        subprocess.run(["ssh-add", "-q", key], check=True, env={**os.environ, **variables})
        key.unlink()
        person.roar("login", registry.url, "--ssh-key", f"{key}.pub", "--user", "carol", environment=variables)
        assert document(person, "whoami")["account"] == "carol"
    finally:
        subprocess.run(["kill", variables["SSH_AGENT_PID"]], check=True)


def test_another_name_of_the_registry_has_nothing_signed(person: Project, registry: Served) -> None:
    """What it would sign could let somebody in at the registry that made the challenge."""
    key = person.path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    alias = registry.url.replace("127.0.0.1", "localhost")
    refused = person.roar("login", alias, "--ssh-key", key, "--user", "ada", check=False)
    assert (refused.returncode, f"calls itself {registry.url}: nothing was signed" in refused.stderr) == (1, True)


def test_a_token_comes_by_stdin(person: Project, registry: Served, tmp_path: Path) -> None:
    token = registry.glaas("user", "add", "bob").stdout.strip()
    file = tmp_path / "token"
    file.write_text(f"{token}\n")
    with file.open() as opened:
        assert document(person, "login", registry.url, "--token-stdin", stdin=opened)["account"] == "bob"
    assert document(person, "whoami")["account"] == "bob"
    file.write_text("glaas_nonsense\n")
    with file.open() as opened:
        refused = person.roar("login", registry.url, "--token-stdin", stdin=opened, check=False)
    assert refused.returncode == 1
    assert document(person, "whoami")["account"] == "bob", "what is stored is as it was"
    assert (person.roar("login", registry.url, check=False).returncode) == 2, "nobody is here to confirm a code"


def test_several_registries_and_one_usual_one(person: Project, registry: Served, place: Path) -> None:
    directory = place / "login-second"
    directory.mkdir(exist_ok=True)
    with Served(directory) as second:
        person.roar("login", registry.url, "--anonymous")
        assert document(person, "login", second.url, "--anonymous", "--no-default")["default"] is False
        assert document(person, "auth")["chosen"] == registry.url
        person.roar("auth", "use", second.url)
        assert [(row["registry"], row["default"], row["state"]) for row in document(person, "auth")["registries"]] == [
            (registry.url, False, "anonymous"), (second.url, True, "anonymous")]
        person.write(".roar.toml", f'[registry]\nurl = "{registry.url}"\n')
        assert (document(person, "auth")["chosen"], document(person, "auth")["said_by"]) == (registry.url, "project")
        person.write(".roar.toml", '[registry]\nurl = "https://registry.example.org"\n')
        refused = person.roar("whoami", check=False)
        assert (refused.returncode, "you have not logged in there" in refused.stderr) == (1, True), "a clone chooses none"
        assert "you have not logged in there" in person.roar("auth").stdout
        person.roar("logout", "--all")
        assert document(person, "auth")["registries"] == []


def test_nothing_secret_goes_where_it_should_not(person: Project, registry: Served, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("glaas_x\n")
    with file.open() as opened:
        refused = person.roar("login", "http://registry.example.org", "--token-stdin", stdin=opened, check=False)
    assert (refused.returncode, "everyone on the way could read it" in refused.stderr) == (1, True)
    person.roar("login", registry.url, "--anonymous")
    stored(person).chmod(0o644)
    refused = person.roar("whoami", check=False)
    assert (refused.returncode, "others can read or change it" in refused.stderr) == (1, True)
