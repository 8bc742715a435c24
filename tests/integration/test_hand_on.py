"""A real pipeline, handed on in all formats, and taken in by a second daemon."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Daemon, Project, blake

FORMATS = ("slsa", "prov", "rocrate", "openlineage", "cyclonedx", "dot", "json", "bundle")
STRANGER = 12345


@pytest.fixture(scope="module")
def elsewhere(place: Path, daemon: Daemon) -> Iterator[Daemon]:
    """Another machine's daemon."""
    directory = place / "elsewhere"
    directory.mkdir()
    with Daemon(directory) as running:
        yield running


@pytest.fixture
def other(place: Path, elsewhere: Daemon) -> Project:
    return Project(Path(tempfile.mkdtemp(prefix="other-", dir=place)), elsewhere.socket)


@pytest.fixture
def pipeline(project: Project) -> Project:
    """raw → clean → model, a copy of it, and a job that failed."""
    project.write("raw.csv", "3\n1\n2\n")
    subprocess.run("git init -q && git add . && git -c user.name=a -c user.email=a@b commit -qm x", shell=True, check=True,
                   cwd=project.path)
    project.sh("sort raw.csv > clean.csv")
    project.sh("cat clean.csv clean.csv > model.pkl")
    project.run("sh", "-c", "cat model.pkl > /dev/null; exit 3", check=False)
    return project


def exported(project: Project, form: str, *options: str | Path, reference: str = "model.pkl") -> Path:
    output = project.path / f"out.{form}"
    project.roar("export", reference, "--format", form, "--output", output, *options)
    return output


def test_all_formats_of_a_real_pipeline(pipeline: Project) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator
    from google.protobuf import json_format
    from in_toto_attestation.v1 import statement_pb2
    from prov.model import ProvDocument

    written = {form: exported(pipeline, form).read_bytes() for form in FORMATS}
    statements = [json.loads(line) for line in written["slsa"].splitlines()]
    assert [[subject["name"] for subject in each["subject"]] for each in statements] == [["clean.csv"], ["model.pkl"]]
    for each in statements:
        json_format.Parse(json.dumps(each), statement_pb2.Statement())
    digests = statements[1]["subject"][0]["digest"]
    model = (pipeline.path / "model.pkl").read_bytes()
    assert digests["blake3"] == blake(model)
    shown = subprocess.run(["sha256sum", pipeline.path / "model.pkl"], capture_output=True, text=True, check=True).stdout
    assert digests["sha256"] == shown.split()[0]
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(written["cyclonedx"].decode()) is None
    assert len(list(ProvDocument.deserialize(content=written["prov"].decode(), format="json").get_records())) > 5
    events = [json.loads(line) for line in written["openlineage"].splitlines()]
    assert [event["eventType"] for event in events] == ["START", "COMPLETE"] * 2
    crate = zipfile.ZipFile(pipeline.path / "out.rocrate")
    assert crate.namelist() == ["ro-crate-metadata.json"]
    whole = json.loads(written["json"])
    assert [job["argv"][2] for job in whole["jobs"]] == ["sort raw.csv > clean.csv", "cat clean.csv clean.csv > model.pkl"]
    assert {file["path"].rpartition("/")[2]: file["maker"] for file in whole["files"]} == {
        "raw.csv": None, "clean.csv": 0, "model.pkl": 1}
    for form in FORMATS:
        if form not in {"json", "bundle"}:
            assert os.fsencode(pipeline.path) not in written[form], f"{form} tells where it was"
        assert exported(pipeline, form).read_bytes() == written[form], f"{form} is the same each time"
    if shutil.which("dot"):
        subprocess.run(["dot", "-Tsvg", "-o", os.devnull, pipeline.path / "out.dot"], check=True)


def test_one_job_a_session_and_what_is_missing(pipeline: Project) -> None:
    direct = json.loads(exported(pipeline, "json", "--direct").read_text())
    assert len(direct["jobs"]) == 1
    makers = {file["path"].rpartition("/")[2]: file["maker"] for file in direct["files"]}
    assert makers == {"clean.csv": "elsewhere", "model.pkl": 0}
    session = pipeline.show("@")["session"]
    whole = json.loads(exported(pipeline, "json", reference=f"session:{session}").read_text())
    assert [job["exit_code"] for job in whole["jobs"]] == [0, 0, 3]
    (pipeline.path / "raw.csv").unlink()
    done = pipeline.roar("export", "model.pkl", "--format", "slsa", "--output", "x", "--max-jobs", "1")
    assert "so they have BLAKE3 alone" not in done.stderr, "raw.csv is of a job beyond the limit"
    assert "the limit of jobs was reached" in done.stderr
    done = pipeline.roar("export", "model.pkl", "--format", "slsa", "--output", "x", "--json")
    report = json.loads(done.stdout)
    assert (report["schema"], report["without_sha256"], report["signed_by"]) == ("roar.exported/1", ["raw.csv"], None)
    (pipeline.path / "model.pkl").write_text("edited")
    refused = pipeline.roar("export", "model.pkl", "--format", "slsa", check=False)
    assert (refused.returncode, "is recorded nowhere" in refused.stderr) == (2, True)


def test_a_crate_with_its_files(pipeline: Project) -> None:
    output = exported(pipeline, "rocrate", "--with-files")
    with zipfile.ZipFile(output) as crate:
        assert crate.read("files/clean.csv") == b"1\n2\n3\n"
        assert sorted(crate.namelist()) == ["files/clean.csv", "files/model.pkl", "files/raw.csv", "ro-crate-metadata.json"]
    pipeline.roar("export", "@2", "--format", "rocrate", "--output", "crate/")
    assert (pipeline.path / "crate/ro-crate-metadata.json").exists()


def test_signed_and_verified(pipeline: Project) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", pipeline.path / "key"], check=True)
    output = exported(pipeline, "slsa", "--sign", "key")
    document = pipeline.json("verify", str(output), "--key", "key.pub", "model.pkl")
    assert document["verdict"] == "holds"
    assert {check["of"]: check["outcome"] for check in document["checks"]} == {
        "signature": "held", "file": "held", "record": "held"}
    failed = pipeline.roar("verify", output, "--key", "key.pub", "raw.csv", check=False)
    assert failed.returncode == 1
    lines = output.read_text().splitlines()
    import base64

    envelope = json.loads(lines[1])
    lie = base64.b64decode(envelope["payload"]).replace(blake(b"1\n2\n3\n" * 2).encode(), b"0" * 64)
    envelope["payload"] = base64.b64encode(lie).decode()
    output.write_text(json.dumps(envelope))
    document = json.loads(pipeline.roar("verify", output, "--key", "key.pub", "--json", check=False).stdout)
    assert {check["of"]: check["outcome"] for check in document["checks"]} == {
        "signature": "failed", "file": "unknown", "record": "failed"}, "the record here does not say so either"


def test_from_one_machine_to_another(pipeline: Project, other: Project) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", pipeline.path / "key"], check=True)
    bundle = exported(pipeline, "bundle", "--sign", "key")
    model = other.write("from-usb.pkl", (pipeline.path / "model.pkl").read_bytes())
    other.write("here.txt", "x")
    mine = other.sh("cat from-usb.pkl from-usb.pkl > again.pkl")
    assert [job["id"] for job in other.json("lineage", "again.pkl")["jobs"]] == [mine["id"]]

    assert other.roar("import", bundle, "--key", pipeline.path / "key.pub", "--dry-run").returncode == 0
    assert len(other.json("log", "--all")["jobs"]) == 1
    answer = json.loads(other.roar("import", bundle, "--key", pipeline.path / "key.pub", "--json").stdout)
    assert (len(answer["imported"]), answer["known"], answer["signature"]["outcome"]) == (2, [], "held")
    again = json.loads(other.roar("import", bundle, "--json").stdout)
    assert (again["imported"], sorted(again["known"])) == ([], sorted(answer["imported"]))

    assert [job["number"] for job in other.json("log")["jobs"]] == [1], "not of this session"
    listed = other.json("log", "--all")["jobs"]
    assert [job["imported"] is not None for job in listed] == [False, True, True]
    lineage = other.json("lineage", str(model))
    assert [job["id"] for job in lineage["jobs"]] == [job["id"] for job in pipeline.json("lineage", "model.pkl")["jobs"]]
    assert len(other.json("lineage", "again.pkl")["jobs"]) == 3, "what was copied here has its history now"
    theirs = pipeline.show("@2").document
    here = other.show("job:" + theirs["id"]).document
    assert here["imported"]["bundle"] == answer["bundle"]
    assert {**here, "imported": None} == theirs
    assert ":@2" in other.roar("lineage", model).stdout, "not to be taken for a @2 of here"
    handed = other.path / "again.bundle"
    other.roar("export", model, "--format", "bundle", "--output", handed)
    document = other.json("verify", str(handed), str(model))
    assert {check["of"]: check["outcome"] for check in document["checks"]} == {
        "ids": "held", "signature": "unknown", "file": "held", "record": "unknown"}
    assert {job["id"] for job in pipeline.json("import", str(handed), "--dry-run")["jobs"]} == set(answer["imported"])


def test_a_lie_is_refused_and_others_see_nothing(pipeline: Project, other: Project, place: Path) -> None:
    bundle = exported(pipeline, "bundle")
    data = bytearray(bundle.read_bytes())
    data[len(data) // 2] ^= 1
    other.write("lie", bytes(data))
    refused = other.roar("import", "lie", "--json", check=False)
    assert refused.returncode == 1
    error = json.loads(refused.stderr)["error"]
    assert error["code"] == "corrupt"
    assert "is promised" in error["message"]
    refused = other.roar("import", bundle, "--key", other.write("k.pub", _stranger_key()), check=False)
    assert (refused.returncode, "nothing was taken" in refused.stderr) == (1, True)
    other.roar("import", bundle)
    socket = Path(other.environment["ROARD_SOCKET"])
    stranger = Project(Path(tempfile.mkdtemp(prefix="stranger-", dir=place)), socket, user=STRANGER)
    assert stranger.json("log", "--all")["jobs"] == []
    job = pipeline.show("@1")["id"]
    assert stranger.roar("show", f"job:{job}", check=False).returncode == 1
    stranger.roar("import", stranger.write("bundle", bundle.read_bytes()))
    assert stranger.json("show", f"job:{job}")["imported"]["uid"] == STRANGER


def _stranger_key() -> bytes:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate().public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
