"""What `roar verify` says of statements, and what digests and files go into an export."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from pathlib import Path

import pytest
from blake3 import blake3
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from samples import entry, job

from lineage.errors import ConflictError, CorruptError, InvalidError
from lineage.export import slsa
from lineage.export.model import build
from roarctl import digests, signing, verifying, writing

CONTENT = b"the model"
EMPTY = {"_type": slsa.STATEMENT_TYPE, "predicateType": slsa.PREDICATE_TYPE}


@pytest.fixture
def model(tmp_path) -> Path:
    path = tmp_path / "model.pkl"
    path.write_bytes(CONTENT)
    (tmp_path / "train.py").write_bytes(b"code")
    return path


@pytest.fixture
def key(tmp_path) -> tuple[Path, Path]:
    private = Ed25519PrivateKey.generate()
    own, public = tmp_path / "key", tmp_path / "key.pub"
    own.write_bytes(private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                          serialization.NoEncryption()))
    public.write_bytes(private.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH))
    return own, public


def made(model: Path, *more: object):
    return job([entry("output", os.fsencode(model), blake3(CONTENT).digest(), size=len(CONTENT)),
                entry("input", os.fsencode(model.with_name("train.py")), blake3(b"code").digest(), size=4), *more])


def attested(model: Path, own: Path | None = None) -> Path:
    one = made(model)
    found = digests.look_up([one])
    (statement,) = slsa.statements(build("job", one.head.id, b"", [one], lambda *_: None, sha256=found.sha256))
    payload = json.dumps(statement)
    path = model.with_name("model.jsonl")
    path.write_text(payload if own is None else signing.signer(own).envelope(slsa.PAYLOAD_TYPE, payload.encode()).text())
    return path


def outcomes(verdict: verifying.Verdict) -> dict[str, str]:
    return {check.of: check.outcome for check in verdict.checks}


def test_a_signed_statement_about_this_file_holds(model, key) -> None:
    path = attested(model, key[0])
    verdict = verifying.verify(path, [signing.trusted_key(key[1])], [model], None)
    assert outcomes(verdict) == {"signature": "held", "file": "held", "record": "unknown"}
    assert verdict.exit_code == 0
    assert "blake3 and sha256" in next(check.text for check in verdict.checks if check.of == "file")


def test_what_was_not_checked_is_said(model, key) -> None:
    verdict = verifying.verify(attested(model, key[0]), [], [], None)
    assert outcomes(verdict) == {"signature": "unknown", "file": "unknown", "record": "unknown"}
    assert verdict.exit_code == 3
    assert verdict.document()["verdict"] == "unknown"


def test_an_unsigned_statement_fails_who_asks_for_a_key(model, key) -> None:
    path = attested(model)
    assert outcomes(verifying.verify(path, [], [model], None))["signature"] == "unknown"
    assert verifying.verify(path, [], [model], None).exit_code == 0
    verdict = verifying.verify(path, [signing.trusted_key(key[1])], [model], None)
    assert (outcomes(verdict)["signature"], verdict.exit_code) == ("failed", 1)


def test_a_changed_statement_or_another_key_fails(model, key, tmp_path) -> None:
    path = attested(model, key[0])
    document = json.loads(path.read_text())
    import base64

    payload = base64.b64decode(document["payload"]).replace(b"train.py", b"trick.py")
    document["payload"] = base64.b64encode(payload).decode()
    path.write_text(json.dumps(document))
    verdict = verifying.verify(path, [signing.trusted_key(key[1])], [], None)
    assert (outcomes(verdict)["signature"], verdict.exit_code) == ("failed", 1)


def test_files_that_are_something_else_fail(model, key) -> None:
    path = attested(model, key[0])
    source = model.with_name("train.py")
    model.write_bytes(b"another")
    other = model.with_name("unheard.of")
    other.write_bytes(b"x")
    verdict = verifying.verify(path, [], [model, source, other, model.with_name("gone")], None)
    texts = [check.text.partition(": ")[2] for check in verdict.checks if check.of == "file"]
    assert texts == ["is not the content that is attested under this name",
                     "is an input of what is attested, not what is attested",
                     "nothing is attested about it", "cannot be read: No such file or directory"]
    assert verdict.exit_code == 1


def test_one_digest_that_differs_is_enough(model) -> None:
    """A statement whose BLAKE3 fits and whose SHA-256 does not is about no file at all."""
    path = attested(model)
    document = json.loads(path.read_text())
    document["subject"][0]["digest"]["sha256"] = "00" * 32
    path.write_text(json.dumps(document))
    assert verifying.verify(path, [], [model], None).exit_code == 1


@pytest.mark.parametrize(("text", "error"), [
    ("", InvalidError), ("hello", InvalidError), ("{}", InvalidError), ("[1]", InvalidError), ('{"_type": "x"}', InvalidError),
    (json.dumps({**EMPTY, "subject": []}), CorruptError), (json.dumps({**EMPTY, "subject": [{"digest": {}}]}), CorruptError),
    (json.dumps({"payloadType": "text/x", "payload": "", "signatures": []}), InvalidError)])
def test_what_is_no_statement_is_refused(tmp_path, text, error) -> None:
    (tmp_path / "file").write_text(text)
    with pytest.raises(error):
        verifying.verify(tmp_path / "file", [], [], None)


def test_lines_are_statements_of_their_own(model, key) -> None:
    path = attested(model, key[0])
    path.write_text(path.read_text() + "\n" + attested(model.with_name("model.pkl")).read_text())
    verdict = verifying.verify(path, [signing.trusted_key(key[1])], [model], None)
    assert [check.outcome for check in verdict.checks if check.of == "signature"] == ["held", "failed"]
    assert verdict.exit_code == 1, "the last was not signed"


# -- digests and files ------------------------------------------------------------------------------------------------


def test_sha256_only_of_what_still_is_what_was_recorded(model, tmp_path) -> None:
    gone = tmp_path / "gone"
    os.mkfifo(tmp_path / "fifo")
    changed = tmp_path / "changed"
    changed.write_bytes(b"1234")
    more = [entry("output", os.fsencode(path), blake3(path.name.encode()).digest(), size=4)
            for path in (gone, changed, tmp_path / "fifo")]
    found = digests.look_up([made(model, *more)])
    assert found.sha256[blake3(CONTENT).digest()] == hashlib.sha256(CONTENT).digest()
    assert set(found.missing.values()) == {os.fsencode(path) for path in (gone, changed, tmp_path / "fifo")}


def test_content_that_moved_is_found_where_another_job_saw_it(model) -> None:
    elsewhere = entry("input", b"/nowhere/model.pkl", blake3(CONTENT).digest(), size=len(CONTENT))
    found = digests.look_up([job([elsewhere]), made(model)])
    assert found.places[blake3(CONTENT).digest()] == os.fsencode(model)


def test_a_crate_has_what_was_recorded_or_is_not_written(model, tmp_path) -> None:
    output = tmp_path / "crate.zip"
    contents = {"files/model.pkl": (os.fsencode(model), blake3(CONTENT).digest())}
    writing.write_crate(output, b"{}", "meta.json", contents, as_directory=False)
    with zipfile.ZipFile(output) as crate:
        assert sorted(crate.namelist()) == ["files/model.pkl", "meta.json"]
        assert crate.read("files/model.pkl") == CONTENT
    again = tmp_path / "again.zip"
    writing.write_crate(again, b"{}", "meta.json", contents, as_directory=False)
    assert again.read_bytes() == output.read_bytes(), "the same export is the same file"
    model.write_bytes(b"changed!!")
    with pytest.raises(ConflictError, match="changed"):
        writing.write_crate(tmp_path / "none.zip", b"{}", "meta.json", contents, as_directory=False)
    assert not [path.name for path in tmp_path.iterdir() if "none.zip" in path.name]


def test_a_directory_in_use_is_left_alone(model, tmp_path) -> None:
    with pytest.raises(ConflictError):
        writing.write_crate(tmp_path, b"{}", "meta.json", {}, as_directory=True)
    writing.write_crate(tmp_path / "new", b"{}", "meta.json", {}, as_directory=True)
    assert (tmp_path / "new/meta.json").read_bytes() == b"{}"


# -- the command lines ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("line", "words"), [
    (["export", "@", "--format", "sbom"], "no format 'sbom'"),
    (["export", "@", "--format", "dot", "--sign", "key"], "--sign is not for dot"),
    (["export", "@", "--format", "bundle", "--anonymous"], "records as they are"),
    (["export", "@", "--format", "json", "--exclude", "pakages"], "no 'pakages' to leave out"),
    (["export", "@", "--format", "json", "--json"], "needs --output")])
def test_options_that_make_no_sense_are_refused_before_anything_is_asked(roar, daemon, line, words) -> None:
    done = roar(*line)
    assert done.returncode == 2
    assert words in done.stderr
    assert daemon.asked == []


def test_verify_needs_no_daemon(roar, no_daemon, model, key) -> None:
    path = attested(model, key[0])
    done = roar("verify", str(path), "--key", str(key[1]), str(model))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "roar: it holds, as far as it was checked"
    document = json.loads(roar("verify", str(path), "--json").stdout)
    assert (document["schema"], document["verdict"]) == ("roar.verify/1", "unknown")
    assert roar("verify", str(path)).returncode == 3
    assert roar("verify", str(path) + "x").returncode == 1
