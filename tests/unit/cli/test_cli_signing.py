"""Keys and signatures: made here, checked by `securesystemslib`, OpenSSH and OpenSSL's formats."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lineage import dsse
from lineage.errors import CorruptError, DeniedError, InvalidError, NotFoundError, UnavailableError
from roarctl import signing

PEM, OPENSSH = serialization.Encoding.PEM, serialization.Encoding.OpenSSH
PKCS8, SSH = serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.OpenSSH
PLAIN = serialization.NoEncryption()


@pytest.fixture
def private() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def saved(directory: Path, private, kind: str, secret: bytes = b"") -> tuple[Path, Path]:
    """(private, public) key files."""
    lock = serialization.BestAvailableEncryption(secret) if secret else PLAIN
    own, public = directory / f"key-{kind}", directory / f"key-{kind}.pub"
    own.write_bytes(private.private_bytes(PEM, SSH if kind == "ssh" else PKCS8, lock))
    own.chmod(0o600)
    formats = (OPENSSH, serialization.PublicFormat.OpenSSH) if kind == "ssh" else (
        PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    public.write_bytes(private.public_key().public_bytes(*formats))
    return own, public


@pytest.mark.parametrize("kind", ["pem", "ssh"])
def test_envelopes_hold_for_securesystemslib(tmp_path, private, kind) -> None:
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey

    own, public = saved(tmp_path, private, kind)
    made = signing.signer(own).envelope("application/vnd.in-toto+json", b'{"a": "\xc3\xbc"}')
    read = Envelope.from_dict(json.loads(made.text()))
    key = SSlibKey.from_crypto(private.public_key(), keyid=made.signatures[0].key)
    assert list(read.verify([key], 1)) == [key.keyid]
    assert read.pae() == made.signed
    assert signing.verified(dsse.parse(json.loads(made.text())), [signing.trusted_key(public)]).key == key.keyid


def test_what_securesystemslib_signs_is_verified(tmp_path, private) -> None:
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner

    made = Envelope(b"payload", "text/x", {})
    made.sign(CryptoSigner(private))
    _, public = saved(tmp_path, private, "ssh")
    assert signing.verified(dsse.parse(made.to_dict()), [signing.trusted_key(public)])


def test_other_keys_and_changed_bytes_do_not_verify(tmp_path, private) -> None:
    own, public = saved(tmp_path, private, "pem")
    made = signing.signer(own).envelope("a", b"bc")
    trusted = [signing.trusted_key(public)]
    other = tmp_path / "other"
    other.mkdir()
    stranger = [signing.trusted_key(saved(other, Ed25519PrivateKey.generate(), "pem")[1])]
    assert signing.verified(made, trusted)
    assert signing.verified(made, stranger) is None
    assert signing.verified(dsse.Envelope("a", b"bd", made.signatures), trusted) is None
    assert signing.verified(dsse.Envelope("ab", b"c", made.signatures), trusted) is None


def test_the_fingerprint_is_that_of_ssh_keygen(tmp_path, private) -> None:
    own, public = saved(tmp_path, private, "ssh")
    told = subprocess.run(["ssh-keygen", "-l", "-f", public], capture_output=True, text=True, check=True).stdout
    assert told.split()[1] == signing.signer(own).key == signing.trusted_key(public).key


def test_a_key_in_an_agent_makes_the_same_signature(tmp_path, private, monkeypatch) -> None:
    own, public = saved(tmp_path, private, "ssh")
    with subprocess.Popen(["ssh-agent", "-D", "-a", tmp_path / "agent"], stdout=subprocess.PIPE) as agent:
        agent.stdout.readline()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        try:
            with pytest.raises(NotFoundError, match="does not have this key"):
                signing.signer(public).sign(b"x")
            subprocess.run(["ssh-add", "-q", own], check=True, stdin=subprocess.DEVNULL)
            assert signing.signer(public).sign(b"message") == private.sign(b"message")
        finally:
            agent.terminate()
    monkeypatch.delenv("SSH_AUTH_SOCK")
    with pytest.raises(UnavailableError, match="ssh-agent"):
        signing.signer(public).sign(b"x")


def test_a_passphrase_is_asked_of_somebody_or_nobody(tmp_path, private, monkeypatch) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO())
    for kind in ("pem", "ssh"):
        with pytest.raises(DeniedError, match="passphrase"):
            signing.signer(saved(tmp_path, private, kind, b"secret")[0])


def test_keys_of_other_kinds_are_refused(tmp_path, private) -> None:
    own, public = saved(tmp_path, generate_private_key(SECP256R1()), "pem")
    for load, path in ((signing.signer, own), (signing.trusted_key, public)):
        with pytest.raises(InvalidError, match="another kind"):
            load(path)
    (tmp_path / "text").write_text("hello")
    for load in (signing.signer, signing.trusted_key):
        with pytest.raises(InvalidError):
            load(tmp_path / "text")
    with pytest.raises(NotFoundError):
        signing.signer(tmp_path / "none")


def line(private, options: str = "", who: str = "ada@example.org") -> str:
    key = private.public_key().public_bytes(OPENSSH, serialization.PublicFormat.OpenSSH).decode()
    return f"{who} {options} {key} a comment\n" if options else f"{who} {key}\n"


def test_allowed_signers_are_read_as_ssh_keygen_does(tmp_path, private) -> None:
    others = [Ed25519PrivateKey.generate() for _ in range(6)]
    (tmp_path / "allowed").write_text(
        "# people\n\n" + line(private) + line(others[0], 'namespaces="git,file"') + line(others[1], 'namespaces="file,roar"')
        + line(others[2], 'valid-before="20200101"') + line(others[3], 'valid-after="20200101Z"', "bob")
        + line(others[4], 'valid-after="29990101"') + "eve ssh-rsa AAAA\n")
    found = signing.allowed_signers(tmp_path / "allowed")
    assert [key.who for key in found] == ["ada@example.org", "ada@example.org", "bob"]
    assert found[0].public.public_bytes_raw() == private.public_key().public_bytes_raw()
    (tmp_path / "none").write_text("# nobody\n")
    with pytest.raises(InvalidError):
        signing.allowed_signers(tmp_path / "none")


@pytest.mark.parametrize("document", [
    {}, {"payload": "!", "payloadType": "x", "signatures": []}, {"payload": "", "payloadType": "x", "signatures": [{}]},
    {"payload": "", "payloadType": "x", "signatures": 7}, {"payload": 7, "payloadType": "x", "signatures": []}])
def test_what_is_no_envelope_is_refused(document) -> None:
    with pytest.raises(CorruptError):
        dsse.parse(document)


def test_both_kinds_of_base64_are_read() -> None:
    data = b"\xfb\xff\xfe"
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = encode(data).decode()
        assert dsse.parse({"payload": text, "payloadType": "x", "signatures": [{"sig": text}]}).payload == data
