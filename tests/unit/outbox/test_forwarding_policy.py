"""What the machine's owner allows, the token, and the pace."""

from __future__ import annotations

import os
import stat
from io import BytesIO
from pathlib import Path

import pytest

from lineage import relay
from lineage.errors import CorruptError, DeniedError, InvalidError, NotFoundError
from roard.config import read
from roard.outbox import token
from roard.outbox.pace import SECOND, pause
from roard.outbox.policy import Asked, Forwarding

URL = "https://registry.example.org"


def test_the_table_of_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "roard.toml"
    path.write_text(f'[registry]\nurl = "{URL}"\nforward = "all"\nscope = "org:lab"\nscopes = ["public"]\ninsecure = true\n'
                    'token_file = "/run/token"\n')
    assert read(path).forwarding == Forwarding("all", URL, Path("/run/token"), "", "org:lab", ("public",), insecure=True)
    path.write_text("")
    assert not read(path).forwarding.active


@pytest.mark.parametrize(("text", "words"), [
    ('forward = "all"', "no url"), ('scope = "public"', "no url"), ('url = "registry"', "registry.url"),
    (f'url = "{URL}"\nforward = "yes"', "registry.forward"), (f'url = "{URL}"\nscope = "lab"', "registry.scope"),
    (f'url = "{URL}"\nscopes = ["*"]', "registry.scopes"), (f'url = "{URL}"\ntoken = "x"', "registry.token"),
    (f'url = "{URL}"\ntoken_file = "token"', "absolute"), (f'url = "{URL}"\nuser = "root"', "never root"),
    (f'url = "{URL}"\nuser = "nobody-of-this-name"', "no account"), (f'url = "{URL}"\ninsecure = "yes"', "insecure"),
])
def test_mistakes_are_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "roard.toml"
    path.write_text(f"[registry]\n{text}\n")
    with pytest.raises(InvalidError) as refused:
        read(path)
    assert words in f"{refused.value.message} {refused.value.hint}"


@pytest.mark.parametrize(("forward", "asked", "scope"), [
    ("asked", None, None), ("asked", Asked("", ""), "org:lab"), ("asked", Asked("private", ""), "private"),
    ("asked", Asked("", URL + "/"), "org:lab"), ("asked", Asked("", "https://other.example.org"), None),
    ("all", None, "org:lab"), ("all", Asked("private", ""), "private"), ("never", Asked("", ""), None),
    ("asked", Asked("public", ""), "public"),  # refused when it is sent, so that it is seen
])
def test_which_jobs_are_sent(forward: str, asked: Asked | None, scope: str | None) -> None:
    assert Forwarding(forward, URL, scope="org:lab").scope_of(asked) == scope
    assert Forwarding(forward, "", scope="org:lab").scope_of(asked) is None, "to no registry"


def test_projects_choose_among_scopes_that_are_allowed() -> None:
    usual = Forwarding(url=URL)
    assert [usual.allows(one) for one in ("private", "public", "org:lab")] == [True, False, False]
    wide = Forwarding(url=URL, scope="org:lab", scopes=("public",))
    assert [wide.allows(one) for one in ("private", "public", "org:lab", "org:x")] == [True, True, True, False]
    assert Forwarding(url=URL, scopes=("org:*",)).allows("org:x")
    with pytest.raises(InvalidError):
        usual.scope_of(Asked("org:../x", ""))


def test_a_token_is_taken_from_a_file_of_root_alone(tmp_path: Path) -> None:
    path = tmp_path / "token"
    assert token.mark_of(path) == ()
    with pytest.raises(NotFoundError):
        token.read(path)
    path.write_text("glaas_secret\n")
    path.chmod(0o400)
    found = token.read(path)
    assert (found.text, found.mark) == ("glaas_secret", token.mark_of(path))
    for mode in (0o640, 0o604, 0o620):
        path.chmod(mode)
        with pytest.raises(DeniedError) as refused:
            token.read(path)
        assert "secret" not in refused.value.message + refused.value.hint.replace("install", "")
    path.chmod(0o600)
    assert token.mark_of(path) != found.mark
    os.chown(path, 1000, 1000)
    with pytest.raises(DeniedError):
        token.read(path)
    os.chown(path, 0, 0)
    path.write_text("two words\n")
    with pytest.raises(InvalidError):
        token.read(path)
    os.mkfifo(tmp_path / "fifo")
    assert stat.S_ISFIFO((tmp_path / "fifo").stat().st_mode)
    with pytest.raises(InvalidError):
        token.read(tmp_path / "fifo")


def test_pauses_grow_from_a_second_to_ten_minutes_and_are_not_all_alike() -> None:
    for failures, least, most in ((0, 0.8, 1.2), (1, 0.8, 1.2), (2, 1.6, 2.4), (5, 12.8, 19.2), (11, 480, 600),
                                  (500, 480, 600)):
        pauses = {pause(failures) for _ in range(50)}
        assert len(pauses) > 1
        assert least * SECOND <= min(pauses) and max(pauses) <= most * SECOND
    assert 30 * SECOND <= pause(1, 30) <= 33 * SECOND, "what the registry asks for"
    assert pause(1, 10**9) <= 3960 * SECOND, "within reason"


def test_messages_between_roard_and_its_forwarder() -> None:
    said = {"a": [1, "ü"]}
    file = BytesIO(relay.encode(said, b"data") + relay.encode({}))
    assert relay.read(file) == (said, b"data")
    assert relay.read(file) == ({}, b"")
    assert relay.read(file) is None
    whole = relay.encode(said, b"data")
    for at in range(1, len(whole)):
        with pytest.raises(CorruptError):
            relay.read(BytesIO(whole[:at]))
    for odd in (relay.encode([1]), b"\xff" * 20, whole[:12] + b"x" * 40):  # type: ignore[arg-type]
        with pytest.raises(CorruptError):
            relay.read(BytesIO(odd))
    with pytest.raises(CorruptError):
        relay.read(BytesIO(whole), 0), "bytes where none are expected"
