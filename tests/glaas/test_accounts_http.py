"""The accounts' JSON API over real HTTP: signing in and out, tokens, keys, devices, organisations, and what is refused."""

from __future__ import annotations

import json
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from accounts_served import served
from argon2 import PasswordHasher

from glaas.accounts import sshsig
from glaas.accounts.accounts import Accounts
from glaas.accounts.challenges import signed_bytes
from glaas.accounts.limits import Limits, Rate
from glaas.accounts.model import OPERATOR, Actor
from glaas.accounts.passwords import Passwords
from glaas.accounts.tables import TABLES
from glaas.store import open_store
from roarctl.signing import Signer, signer

PASSWORD = "a walk in the rain"
BY = Actor(OPERATOR)
AUTH = "/api/v1/auth"


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[Accounts]:
    """On LMDB alone: test_accounts.py holds what the databases have to do with it."""
    with closing(open_store(tmp_path / "store", TABLES)) as store:
        made = Accounts(store, passwords=Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)))
        for name in ("ada", "bob"):
            made.users.add(name, BY, password=PASSWORD)
        yield made


@pytest.fixture
def url(accounts: Accounts) -> Iterator[str]:
    with served(accounts, Limits()) as found:
        yield found


@pytest.fixture
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url) as client:
        yield client


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ssh") / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ada@box", "-f", path], check=True)
    return path


def token(http: httpx.Client, account: str = "ada", **wanted: Any) -> str:
    answer = http.post(f"{AUTH}/token", json={"account": account, "password": PASSWORD, **wanted})
    assert answer.status_code == 201, answer.text
    return answer.json()["token"]


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, str]:
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["code"] == code and error["message"]
    return error


def sign(key: Path, text: str) -> dict[str, str]:
    """As `roar login --key` does."""
    one: Signer = signer(key)
    return {"challenge": text, "key": one.key, "signature": b64encode(one.sign(signed_bytes(text))).decode()}


def test_a_password_makes_a_token(http: httpx.Client) -> None:
    secret = token(http, name="laptop", scopes=["read"], expires_in=3600)
    me = http.get(f"{AUTH}/whoami", headers=bearer(secret)).json()
    assert (me["account"], me["scopes"], me["csrf"], me["operator"]) == ("ada", ["read"], None, False)
    assert me["expires_at"] is not None
    [shown] = http.get(f"{AUTH}/tokens", headers=bearer(secret)).json()["tokens"]
    assert (shown["id"], shown["name"]) == (me["token"], "laptop")
    assert secret not in json.dumps(shown)
    assert http.get(f"{AUTH}/whoami").json()["account"] is None


def test_wrong_passwords_are_refused_alike_and_then_slowed_down(http: httpx.Client) -> None:
    answers = [http.post(f"{AUTH}/token", json={"account": name, "password": password})
               for name, password in (("ada", "wrong"), ("nobody", PASSWORD), ("Ada\n", PASSWORD), ("bob", ""))]
    assert len({answer.text for answer in answers}) == 1
    refused(answers[0], 401, "denied")
    assert answers[0].headers["www-authenticate"] == "Bearer"
    while (answer := http.post(f"{AUTH}/token", json={"account": "ada", "password": "wrong"})).status_code == 401:
        pass
    refused(answer, 429, "unavailable")
    assert int(answer.headers["retry-after"]) >= 1


NO_BODIES = (b"", b"[]", b"{", b'{"account": "ada"}', b'{"account": "ada", "password": 7}',
             b'{"account": "ada", "password": "x", "admin": true}',
             b'{"account": "ada", "password": "\\ud800"}',
             b'{"account": "a' + b"a" * 5000 + b'", "password": ""}',
             b'{"account": "ada", "password": "x", "scopes": ["root"]}',
             b'{"account": "ada", "password": "x", "expires_in": -5}', b"\xff\xfe")


def test_bodies_that_make_no_sense(http: httpx.Client) -> None:
    for body in NO_BODIES:
        refused(http.post(f"{AUTH}/token", content=body, headers={"Content-Type": "application/json"}), 400, "invalid")


def test_a_form_of_another_site_is_no_sign_in(http: httpx.Client) -> None:
    body = json.dumps({"account": "ada", "password": PASSWORD})
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        refused(http.post(f"{AUTH}/session", content=body, headers={"Content-Type": kind}), 400, "invalid")
    refused(http.post(f"{AUTH}/session", content=body, headers={
        "Content-Type": "application/json", "Sec-Fetch-Site": "cross-site"}), 403, "denied")


def test_a_session_needs_its_csrf_token_to_change_anything(http: httpx.Client, url: str) -> None:
    answer = http.post(f"{AUTH}/session", json={"account": "ada", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Secure" not in cookie
    csrf = answer.json()["csrf"]
    assert http.get(f"{AUTH}/whoami").json()["account"] == "ada"
    refused(http.post(f"{AUTH}/tokens", json={"name": "x"}), 403, "denied")
    refused(http.post(f"{AUTH}/tokens", json={"name": "x"}, headers={"X-CSRF-Token": csrf, "Sec-Fetch-Site": "same-site"}), 403,
            "denied")
    made = http.post(f"{AUTH}/tokens", json={"name": "x"}, headers={"X-CSRF-Token": csrf})
    assert made.status_code == 201
    assert [one["current"] for one in http.get(f"{AUTH}/sessions").json()["sessions"]] == [True]
    assert http.post(f"{AUTH}/logout", headers={"X-CSRF-Token": csrf}).status_code == 204
    stolen = cookie.split(";")[0]
    assert httpx.get(f"{url}{AUTH}/whoami", headers={"Cookie": stolen}).json()["account"] is None


def test_a_token_makes_no_stronger_one(http: httpx.Client) -> None:
    usual, admin = token(http), token(http, scopes=["read", "admin"], expires_in=3600)
    refused(http.post(f"{AUTH}/tokens", json={"name": "x"}, headers=bearer(usual)), 403, "denied")
    refused(http.post(f"{AUTH}/tokens", json={"name": "x"}, headers=bearer(admin)), 403, "denied")  # it may not register
    made = http.post(f"{AUTH}/tokens", json={"name": "x", "scopes": ["read"], "expires_in": None}, headers=bearer(admin)).json()
    assert made["expires_at"] == http.get(f"{AUTH}/whoami", headers=bearer(admin)).json()["expires_at"]
    for path in ("keys", "password"):
        refused(http.post(f"{AUTH}/{path}", json={"line": "x"} if path == "keys" else {"new": "x" * 12}, headers=bearer(usual)),
                403, "denied")


def test_tokens_end_themselves_and_others_with_admin(http: httpx.Client) -> None:
    usual, other, admin = token(http), token(http), token(http, scopes=["read", "admin"])
    identity = {secret: http.get(f"{AUTH}/whoami", headers=bearer(secret)).json()["token"] for secret in (usual, other)}
    refused(http.delete(f"{AUTH}/tokens/{identity[other]}", headers=bearer(usual)), 403, "denied")
    assert http.delete(f"{AUTH}/tokens/{identity[usual]}", headers=bearer(usual)).status_code == 204
    refused(http.get(f"{AUTH}/whoami", headers=bearer(usual)), 401, "denied")
    assert http.delete(f"{AUTH}/tokens/{identity[other]}", headers=bearer(admin)).status_code == 204
    assert http.post(f"{AUTH}/logout", headers=bearer(admin)).status_code == 204
    refused(http.get(f"{AUTH}/whoami", headers=bearer(admin)), 401, "denied")


def test_nobody_has_nothing(http: httpx.Client) -> None:
    for path in ("tokens", "keys", "sessions", "audit"):
        refused(http.get(f"{AUTH}/{path}"), 401, "denied")
    refused(http.post(f"{AUTH}/keys/challenge"), 401, "denied")
    refused(http.post("/api/v1/organisations", json={"name": "lab"}), 401, "denied")


def test_an_ssh_key_signs_in_once_per_challenge(http: httpx.Client, accounts: Accounts, key: Path) -> None:
    accounts.keys.add("ada", key.with_suffix(".pub").read_text(), BY)
    text = http.post(f"{AUTH}/ssh/challenge", json={"account": "ada"}).json()["challenge"]
    assert json.loads(text)["origin"] == str(http.base_url).rstrip("/")
    signed = sign(key, text)
    made = http.post(f"{AUTH}/ssh/verify", json={**signed, "name": "box"})
    assert http.get(f"{AUTH}/whoami", headers=bearer(made.json()["token"])).json()["account"] == "ada"
    refused(http.post(f"{AUTH}/ssh/verify", json=signed), 403, "denied")
    assert accounts.keys.who_has(signed["key"]) == ["ada"]


def test_many_answers_to_one_challenge_make_one_token(http: httpx.Client, url: str, accounts: Accounts, key: Path) -> None:
    accounts.keys.add("ada", key.with_suffix(".pub").read_text(), BY)
    signed = sign(key, http.post(f"{AUTH}/ssh/challenge", json={"account": "ada"}).json()["challenge"])
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: httpx.post(f"{url}{AUTH}/ssh/verify", json=signed).status_code, range(5)))
    assert sorted(answers) == [200, 403, 403, 403, 403]
    assert len(accounts.tokens.of("ada")) == 1


def test_ssh_keygen_signs_in(http: httpx.Client, accounts: Accounts, key: Path, tmp_path: Path) -> None:
    """Without any program of ours."""
    accounts.keys.add("ada", key.with_suffix(".pub").read_text(), BY)
    made = http.post(f"{AUTH}/ssh/challenge", json={"account": "ada"}).json()
    for namespace, status in (("file", 401), (made["namespace"], 200)):
        message = tmp_path / namespace
        message.write_text(made["challenge"])
        subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", key, message], check=True, capture_output=True)
        fingerprint = subprocess.run(["ssh-keygen", "-lf", key], check=True, capture_output=True, text=True).stdout.split()[1]
        answer = http.post(f"{AUTH}/ssh/verify", json={
            "challenge": made["challenge"], "key": fingerprint, "signature": message.with_suffix(".sig").read_text()})
        assert answer.status_code == status, answer.text


def test_signatures_that_let_nobody_in(http: httpx.Client, accounts: Accounts, key: Path, tmp_path: Path) -> None:
    accounts.keys.add("ada", key.with_suffix(".pub").read_text(), BY)
    accounts.keys.add("bob", key.with_suffix(".pub").read_text(), BY)  # anybody can add anybody's
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other], check=True)

    def challenge(account: str = "ada") -> str:
        return http.post(f"{AUTH}/ssh/challenge", json={"account": account}).json()["challenge"]

    def tried(**body: str) -> httpx.Response:
        return http.post(f"{AUTH}/ssh/verify", json=body)

    one = signer(key)
    refused(tried(**{**sign(other, challenge()), "key": one.key}), 401, "denied")
    refused(tried(**sign(other, challenge())), 401, "denied")
    refused(tried(**sign(key, challenge("nobody"))), 401, "denied")
    text = challenge("bob")
    bare = b64encode(one.sign(text.encode())).decode()
    refused(tried(challenge=text, key=one.key, signature=bare), 401, "denied")  # not what was to be signed
    refused(tried(**{**sign(key, text), "signature": "!"}), 401, "denied")
    changed = text.replace('"bob"', '"ada"')
    refused(tried(**sign(key, changed)), 403, "denied")
    refused(tried(**sign(key, text + " ")), 403, "denied")
    refused(tried(**sign(key, "{}")), 403, "denied")
    refused(tried(**sign(key, "[" * 900)), 403, "denied")
    elsewhere = accounts.signing.challenge("ada", "https://other.example").text
    refused(tried(**sign(key, elsewhere)), 403, "denied")
    prove = accounts.signing.challenge("ada", str(http.base_url).rstrip("/"), "prove-key").text
    refused(tried(**sign(key, prove)), 403, "denied")
    assert accounts.tokens.of("ada") == []
    assert accounts.keys.who_has(one.key) == []


def test_an_old_challenge_is_over(accounts: Accounts, key: Path) -> None:
    accounts.keys.add("ada", key.with_suffix(".pub").read_text(), BY)
    text = accounts.signing.challenge("ada", "https://r.example").text
    later = Accounts(accounts.store, lambda: accounts.clock() + 121 * 10**9, accounts.passwords)
    with pytest.raises(Exception, match="expired"):
        later.signing.by_key(**_named(sign(key, text)), origin="https://r.example", address="")


def _named(signed: dict[str, str]) -> dict[str, str]:
    return {"text": signed["challenge"], "fingerprint": signed["key"], "signature": signed["signature"]}


def test_keys_are_added_proven_listed_and_removed(http: httpx.Client, accounts: Accounts, key: Path) -> None:
    admin = bearer(token(http, scopes=["read", "admin"]))
    added = http.post(f"{AUTH}/keys", json={"line": key.with_suffix(".pub").read_text()}, headers=admin).json()
    assert (added["name"], added["proven"], added["fingerprint"]) == ("ada@box", False, signer(key).key)
    assert accounts.keys.who_has(added["fingerprint"]) == []
    refused(http.post(f"{AUTH}/keys", json={"line": key.with_suffix(".pub").read_text()}, headers=admin), 409, "conflict")
    text = http.post(f"{AUTH}/keys/challenge", headers=admin).json()["challenge"]
    assert http.post(f"{AUTH}/keys/prove", json=sign(key, text), headers=admin).status_code == 204
    assert accounts.keys.who_has(added["fingerprint"]) == ["ada"]
    assert [one["proven"] for one in http.get(f"{AUTH}/keys", headers=admin).json()["keys"]] == [True]
    assert http.delete(f"{AUTH}/keys/{added['fingerprint']}", headers=admin).status_code == 204
    assert http.get(f"{AUTH}/keys", headers=admin).json()["keys"] == []
    for line in ("", "ssh-rsa AAAA", "ssh-ed25519 AAAA", "ssh-ed25519 !", "ssh-ed25519 " + "A" * 4000,
                 'command="x" ' + key.with_suffix(".pub").read_text()):
        refused(http.post(f"{AUTH}/keys", json={"line": line}, headers=admin), 400, "invalid")


def test_fingerprints_are_those_of_openssh(key: Path) -> None:
    shown = subprocess.run(["ssh-keygen", "-lf", key], check=True, capture_output=True, text=True).stdout.split()[1]
    public, comment = sshsig.public_key(key.with_suffix(".pub").read_text())
    assert (sshsig.fingerprint(public), comment) == (shown, "ada@box")


def test_a_device_is_let_in_over_http(http: httpx.Client) -> None:
    started = http.post(f"{AUTH}/device", json={"name": "roar on box", "scopes": ["read"]}).json()
    assert started["verification_uri"] == f"{str(http.base_url).rstrip('/')}/device"
    code = {"device_code": started["device_code"]}
    assert http.post(f"{AUTH}/device/poll", json=code).json() == {
        "progress": "authorization_pending", "interval": 5, "token": None}
    assert http.post(f"{AUTH}/device/poll", json=code).json()["progress"] == "slow_down"
    refused(http.post(f"{AUTH}/device/confirm", json={"user_code": started["user_code"], "approve": True}), 401, "denied")
    usual, admin = bearer(token(http)), bearer(token(http, scopes=["admin"]))
    refused(http.post(f"{AUTH}/device/look", json={"user_code": started["user_code"]}, headers=usual), 403, "denied")
    shown = http.post(f"{AUTH}/device/look", json={"user_code": started["user_code"]}, headers=admin).json()
    assert (shown["name"], shown["scopes"], shown["address"]) == ("roar on box", ["read"], "127.0.0.1")
    refused(http.post(f"{AUTH}/device/confirm", json={"user_code": "BCDF-GHJK", "approve": True, "account": "ada",
                                                      "password": "wrong"}), 401, "denied")
    answer = {"user_code": started["user_code"], "approve": True, "account": "ada", "password": PASSWORD}
    assert http.post(f"{AUTH}/device/confirm", json=answer).status_code == 200
    refused(http.post(f"{AUTH}/device/confirm", json=answer), 409, "conflict")


def test_organisations_over_http(http: httpx.Client) -> None:
    ada, bob = (bearer(token(http, name_, scopes=["read", "register", "admin"])) for name_ in ("ada", "bob"))
    place = "/api/v1/organisations"
    assert http.post(place, json={"name": "lab"}, headers=ada).status_code == 201
    refused(http.get(f"{place}/lab", headers=bob), 404, "not_found")
    refused(http.put(f"{place}/lab/members/bob", json={"role": "owner"}, headers=bob), 403, "denied")
    assert http.put(f"{place}/lab/members/bob", json={"role": "member"}, headers=ada).status_code == 204
    assert http.get(f"{AUTH}/whoami", headers=bob).json()["invitations"] == [{"name": "lab", "role": "member"}]
    assert http.post(f"{place}/lab/join", headers=bob).status_code == 204
    me = http.get(f"{AUTH}/whoami", headers=bob).json()
    assert (me["organisations"], me["invitations"]) == ([{"name": "lab", "role": "member"}], [])
    assert http.put(f"{place}/lab/members/bob", json={"role": "reader"}, headers=ada).status_code == 204
    assert http.get(f"{place}/lab", headers=bob).json()["members"] == [
        {"account": "ada", "role": "owner"}, {"account": "bob", "role": "reader"}]
    refused(http.delete(f"{place}/lab/members/ada", headers=ada), 409, "conflict")
    assert http.delete(f"{place}/lab/members/bob", headers=bob).status_code == 204
    refused(http.post(f"{place}/lab/join", headers=bob), 403, "denied")


def test_a_new_password_ends_browsers_and_needs_the_old_one(http: httpx.Client, accounts: Accounts) -> None:
    csrf = {"X-CSRF-Token": http.post(f"{AUTH}/session", json={"account": "ada", "password": PASSWORD}).json()["csrf"]}
    refused(http.post(f"{AUTH}/password", json={"old": "wrong", "new": "another walk there"}, headers=csrf), 401, "denied")
    refused(http.post(f"{AUTH}/password", json={"old": PASSWORD, "new": "short"}, headers=csrf), 400, "invalid")
    assert http.post(f"{AUTH}/password", json={"old": PASSWORD, "new": "another walk there"}, headers=csrf).status_code == 204
    assert accounts.sessions.of("ada") == []
    assert http.post(f"{AUTH}/session", json={"account": "ada", "password": "another walk there"}).status_code == 200


def test_ones_own_events_are_shown(http: httpx.Client) -> None:
    admin = bearer(token(http, scopes=["admin"]))
    token(http, "bob")
    events = http.get(f"{AUTH}/audit", headers=admin).json()["events"]
    assert [one["action"] for one in events] == ["token.add", "sign-in", "user.add"]
    assert events[0]["address"] == "127.0.0.1" and PASSWORD not in json.dumps(events)


def test_load_is_limited_by_address(accounts: Accounts) -> None:
    with served(accounts, Limits({"sign-in": Rate(0.001, 3)})) as url, httpx.Client(base_url=url) as http:
        statuses = [http.post(f"{AUTH}/ssh/challenge", json={"account": "ada"}).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]


def test_the_description_names_what_is_asked_and_answered(http: httpx.Client) -> None:
    document = http.get("/api/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["tags"], path
            good = next(iter(operation["responses"]))
            content = operation["responses"][good].get("content", {})
            assert good in {"204", "303"} or "schema" in content["application/json"], (path, method)
            assert operation["security"] == [{"HTTPBearer": []}]
    assert {"/api/v1/auth/token", "/api/v1/auth/device/poll", "/api/v1/auth/oidc/{provider}/callback"} <= set(document["paths"])
