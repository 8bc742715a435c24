"""Which registry is meant, and what is remembered of logins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lineage.errors import CorruptError, DeniedError, NotFoundError
from roarctl.registry import credentials, where
from roarctl.registry.credentials import Credentials, Login
from roarctl.settings import Settings, parse

ONE, OTHER = "https://one.example.org", "https://other.example.org"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CONFIG_HOME": str(tmp_path)}


def store(environment: dict[str, str], known: Credentials) -> Path:
    file = credentials.path(environment)
    credentials.save(known, file)
    return file


def project(url: str) -> Settings:
    return parse(f'[registry]\nurl = "{url}"\n'.encode())


def test_environment_then_project_then_login(environment: dict[str, str]) -> None:
    assert where.find(None, environment) is None
    known = Credentials(ONE, {ONE: Login("t1", "ada"), OTHER: Login("t2", "ada")})
    store(environment, known)
    found = where.find(None, environment)
    assert found is not None and (found.address.url, found.token, found.said_by) == (ONE, "t1", "login")
    found = where.find(project(OTHER), environment)
    assert found is not None and (found.address.url, found.token, found.said_by) == (OTHER, "t2", "project")
    found = where.find(project(OTHER), {**environment, "GLAAS_URL": ONE})
    assert found is not None and (found.address.url, found.token, found.said_by) == (ONE, "t1", "environment")
    found = where.find(None, {**environment, "GLAAS_URL": f"{ONE}/", "GLAAS_TOKEN": "own"})
    assert found is not None and (found.token, found.account) == ("own", "")
    found = where.find(None, {**environment, "GLAAS_URL": "https://third.example.org"})
    assert found is not None and found.token == "", "a token is for the registry that gave it"


def test_a_project_chooses_only_among_logins(environment: dict[str, str]) -> None:
    for known in (Credentials(), Credentials(ONE, {ONE: Login("t1")})):
        store(environment, known)
        with pytest.raises(NotFoundError, match="you have not logged in there"):
            where.find(project(OTHER), environment)


def test_what_is_stored_is_its_owners_alone(environment: dict[str, str]) -> None:
    known = Credentials(ONE, {ONE: Login("t1", "ada"), OTHER: Login("", "", insecure=True)})
    file = store(environment, known)
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert credentials.load(file) == known
    assert "t1" not in repr(known)
    assert credentials.load(file.with_name("none")) == Credentials()
    file.chmod(0o640)
    with pytest.raises(DeniedError, match="others can read"):
        credentials.load(file)
    file.chmod(0o600)
    for text in ("", "{}", '{"schema": "roar.registries/2"}', json.dumps({"schema": "roar.registries/1", "registries": []}),
                 json.dumps({"schema": "roar.registries/1", "registries": {"x": {"what": 1}}})):
        file.write_text(text)
        with pytest.raises(CorruptError):
            credentials.load(file)


def test_the_usual_one_is_always_one_of_those_that_are_there() -> None:
    known = Credentials().with_login(ONE, Login("1"), default=False)
    assert known.default == ONE
    known = known.with_login(OTHER, Login("2"), default=True)
    assert known.default == OTHER
    assert known.without(OTHER) == Credentials(ONE, {ONE: Login("1")})
    assert known.without(OTHER).without(ONE) == Credentials()
