"""What anybody can send: keys, signatures, challenges, headers, cookies, addresses.  Each is refused as it should be."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import cbor2
import pytest
from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from glaas.accounts import sshsig
from glaas.accounts.accounts import Accounts
from glaas.accounts.challenges import signed_bytes
from glaas.accounts.errors import NotSignedInError
from glaas.accounts.identity import ANONYMOUS, PLAIN_COOKIE
from glaas.accounts.model import OPERATOR, Actor, Organisation, Session, Token, User, packed, unpacked
from glaas.accounts.oidc.states import States, local_path
from glaas.accounts.passwords import Passwords
from glaas.accounts.tables import TABLES
from glaas.store import open_store
from lineage.errors import CorruptError, DeniedError, InvalidError, RoarError

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()
MESSAGE = "what is signed"
ORIGIN = "https://r.example"
ANY = settings(deadline=None, max_examples=60)  # a commit may take its time


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    with closing(open_store(Path(tmp_path_factory.mktemp("hostile")) / "store", TABLES)) as store:
        made = Accounts(store, passwords=Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)))
        made.users.add("ada", Actor(OPERATOR), password="a walk in the rain")
        yield made


def string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def armoured(namespace: bytes = b"glaas", algorithm: bytes = b"sha512", public: bytes = PUBLIC,
             message: str = MESSAGE) -> bytes:
    """The bytes of what `ssh-keygen -Y sign` writes (PROTOCOL.sshsig)."""
    digest = {b"sha512": hashlib.sha512, b"sha256": hashlib.sha256, b"md5": hashlib.md5}[algorithm](message.encode()).digest()
    signed = b"SSHSIG" + string(namespace) + string(b"") + string(algorithm) + string(digest)
    return (b"SSHSIG" + (1).to_bytes(4, "big") + string(sshsig.blob(public)) + string(namespace) + string(b"") +
            string(algorithm) + string(string(b"ssh-ed25519") + string(KEY.sign(signed))))


def text(data: bytes) -> str:
    body = base64.b64encode(data).decode()
    return f"-----BEGIN SSH SIGNATURE-----\n{body}\n-----END SSH SIGNATURE-----\n"


def holds(signature: str) -> bool:
    return sshsig.is_signed(PUBLIC, signed_bytes(MESSAGE), MESSAGE.encode(), signature)


def test_signatures_that_hold() -> None:
    assert holds(text(armoured())) and holds(text(armoured(algorithm=b"sha256")))
    assert holds(base64.b64encode(KEY.sign(signed_bytes(MESSAGE))).decode())


def test_signatures_of_something_else() -> None:
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    for wrong in (armoured(b"file"), armoured(b""), armoured(algorithm=b"md5"), armoured(public=other),
                  armoured(message="other"), armoured() + b"\0"):
        assert not holds(text(wrong))
    assert not holds(base64.b64encode(KEY.sign(MESSAGE.encode())).decode())


@ANY
@given(st.integers(0, len(armoured()) - 1), st.integers(1, 255))
def test_no_byte_of_a_signature_can_be_changed(at: int, by: int) -> None:
    data = bytearray(armoured())
    data[at] ^= by
    assert not holds(text(bytes(data)))


@ANY
@given(st.integers(0, len(armoured()) - 1))
def test_half_a_signature_is_none(size: int) -> None:
    assert not holds(text(armoured()[:size]))


@ANY
@given(st.one_of(st.text(max_size=300), st.binary(max_size=300).map(text)))
def test_anything_may_be_sent_as_a_signature(signature: str) -> None:
    assert not holds(signature)


@ANY
@given(st.one_of(st.text(max_size=200), st.binary(max_size=100).map(
    lambda data: "ssh-ed25519 " + base64.b64encode(data).decode())))
def test_anything_may_be_sent_as_a_key(line: str) -> None:
    with pytest.raises(InvalidError):
        sshsig.public_key(line)


@ANY
@given(st.binary(min_size=32, max_size=32), st.from_regex(r"[!-~]{0,20}", fullmatch=True))
def test_a_key_is_read_as_it_was_written(public: bytes, comment: str) -> None:
    line = f"ssh-ed25519 {base64.b64encode(sshsig.blob(public)).decode()} {comment}\n"
    assert sshsig.public_key(line) == (public, comment)
    assert sshsig.hash_of(sshsig.fingerprint(public)) == sshsig.key_hash(public)


FIELDS = st.sampled_from(("account", "expires", "nonce", "origin", "purpose", "x"))
DOCUMENTS = st.recursive(st.none() | st.integers() | st.text(max_size=5),
                         lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner), max_leaves=6)


@ANY
@given(challenge=st.one_of(st.text(max_size=300), DOCUMENTS.map(json.dumps)))
def test_anything_may_be_sent_as_a_challenge(accounts: Accounts, challenge: str) -> None:
    with pytest.raises(DeniedError):
        accounts.challenges.check(challenge, ORIGIN, "sign-in")


@ANY
@given(at=st.integers(0, 200), other=st.sampled_from('aZ0"}{:,_-= '))
def test_no_character_of_a_challenge_can_be_changed(accounts: Accounts, at: int, other: str) -> None:
    made = accounts.challenges.issue("ada", ORIGIN, "sign-in").text
    changed = made[:at] + other + made[at + 1:]
    if changed == made:
        assert accounts.challenges.check(changed, ORIGIN, "sign-in").account == "ada"
    else:
        with pytest.raises(DeniedError):
            accounts.challenges.check(changed, ORIGIN, "sign-in")


@ANY
@given(header=st.text(max_size=100), cookie=st.text(max_size=120))
def test_anything_may_be_sent_as_a_header_or_cookie(accounts: Accounts, header: str, cookie: str) -> None:
    assert accounts.identify(None, {PLAIN_COOKIE: cookie}) == ANONYMOUS
    for authorization in (header, f"Bearer {header}"):
        try:
            assert accounts.identify(authorization) == ANONYMOUS
            assert authorization == ""
        except NotSignedInError:
            pass


@ANY
@given(name=st.text(max_size=60), password=st.text(max_size=60), address=st.text(max_size=60))
def test_anybody_may_try_to_sign_in(accounts: Accounts, name: str, password: str, address: str) -> None:
    with pytest.raises(RoarError):
        accounts.signing.in_browser(name, password, address)


@ANY
@given(code=st.text(max_size=40))
def test_anything_may_be_typed_as_a_code(accounts: Accounts, code: str) -> None:
    assert accounts.devices.poll(code, Actor("")).progress == "expired_token"
    with pytest.raises(RoarError):
        accounts.devices.waiting(code, Actor("ada"))


@ANY
@given(state=st.text(max_size=300), cookie=st.text(max_size=60))
def test_anything_may_come_back_from_a_provider(accounts: Accounts, state: str, cookie: str) -> None:
    states = States(accounts.store, accounts.clock, accounts.secret_key)
    with pytest.raises(DeniedError):
        states.used(state, "company", cookie)


@ANY
@given(st.one_of(st.text(max_size=40), st.text(alphabet="/\\:.?#@ae\t\n %2f", max_size=20).map(lambda rest: "/" + rest)))
def test_one_stays_on_this_site(asked: str) -> None:
    after = local_path(asked)
    assert after.startswith("/") and "\\" not in after and after.isprintable()
    assert not after.startswith("//")
    parts = urlsplit(after)
    assert (parts.scheme, parts.netloc) == ("", "")


RECORDS = (User("ada", 7, organisations={"lab": "owner"}, invitations={"x": ("member", "bob")}, links=(("i", "s"),)),
           Organisation("lab", 7, {"ada": "owner"}), Token("id", "ada", "t", ("read",), 7), Session("id", "ada", "ssh", 7, 8))


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_records_of_other_versions_are_read(record: User | Organisation | Token | Session) -> None:
    assert unpacked(type(record), packed(record)) == record
    newer = {**cbor2.loads(packed(record)), "of tomorrow": 1}
    assert unpacked(type(record), cbor2.dumps(newer)) == record
    needed = {name: value for name, value in newer.items() if name in {
        "name", "id", "account", "scopes", "created_at", "how", "seen_at"}}
    unpacked(type(record), cbor2.dumps(needed))
    with pytest.raises(CorruptError):
        unpacked(type(record), cbor2.dumps({}))
    with pytest.raises(CorruptError):
        unpacked(type(record), b"\xff")
