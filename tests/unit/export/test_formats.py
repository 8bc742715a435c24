"""Each format by its own, independent validator."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import datetime

import pytest
from graphs import ALL, lineage, odd, pipeline
from recorder import digest

from lineage.export import cyclonedx, dot, openlineage, plain, prov, slsa


def test_prov_is_read_and_written_again_as_it_was(lineage) -> None:
    """Read by the `prov` package; every activity, entity and relation is understood, none is dropped."""
    from prov.model import ProvActivity, ProvDocument, ProvEntity, ProvUsage

    text = json.dumps(prov.document(lineage, steps=True))
    read = ProvDocument.deserialize(content=text, format="json")
    again = ProvDocument.deserialize(content=read.serialize(format="json"), format="json")
    assert read == again
    assert len(list(read.get_records(ProvEntity))) == len(lineage.files)
    assert len(list(read.get_records(ProvActivity))) == sum(1 + len(node.job.steps) for node in lineage.nodes)
    written = json.loads(text)
    assert len(list(read.get_records(ProvUsage))) == len(written["used"])


def test_prov_generates_each_file_once_and_derives_copies_alone() -> None:
    written = prov.document(ALL["odd"]())
    generated = [relation["prov:entity"] for relation in written["wasGeneratedBy"].values()]
    assert len(generated) == len(set(generated))
    labels = {name: entity["prov:label"] for name, entity in written["entity"].items()}
    assert [(labels[each["prov:generatedEntity"]], labels[each["prov:usedEntity"]])
            for each in written["wasDerivedFrom"].values()] == [("copy.csv", "donn\\xe9es.csv")]
    assert "wasDerivedFrom" not in prov.document(ALL["pipeline"]())


def test_prov_names_are_the_same_in_another_export() -> None:
    whole, part = prov.document(ALL["pipeline"]()), prov.document(lineage(pipeline()[:1]))
    assert set(part["entity"]) < set(whole["entity"])


def test_cyclonedx_is_strictly_valid(lineage) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    written = json.dumps(cyclonedx.document(lineage))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(written) is None


def test_cyclonedx_has_its_references() -> None:
    """The schema does not look whether a reference leads anywhere."""
    written = cyclonedx.document(ALL["pipeline"]())
    known = {each["bom-ref"] for each in [written["metadata"]["component"], *written["components"]]}
    assert {each["ref"] for each in written["dependencies"]} <= known
    assert {to for each in written["dependencies"] for to in each.get("dependsOn", ())} <= known
    model = written["metadata"]["component"]
    assert (model["type"], model["name"]) == ("machine-learning-model", "model.pkl")
    data = model["modelCard"]["modelParameters"]["datasets"]
    names = {each["bom-ref"]: each["name"] for each in written["components"]}
    assert [names[each["ref"]] for each in data] == ["clean.csv"]
    assert {each["alg"]: each["content"] for each in model["hashes"]}["BLAKE3"] == digest("model").hex()
    assert "pkg:pypi/scikit-learn@1.9.1" in known


def test_slsa_fits_the_protocol_buffers_of_in_toto(lineage) -> None:
    """Parsed strictly: a field that the specification does not have is an error."""
    from google.protobuf import json_format
    from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
    from in_toto_attestation.v1 import statement_pb2
    from in_toto_attestation.v1.statement import Statement

    for written in slsa.statements(lineage):
        parsed = json_format.Parse(json.dumps(written), statement_pb2.Statement())
        Statement.copy_from_pb(parsed).validate()
        predicate = json_format.Parse(json.dumps(written["predicate"]), provenance_pb2.Provenance())
        assert predicate.run_details.builder.id
        assert predicate.run_details.metadata.started_on.seconds > 0


def test_slsa_says_what_is_not_known() -> None:
    first, second, *others = slsa.statements(ALL["odd"]())
    assert not others, "what left nothing is not attested"
    assert first["subject"][0]["digest"] == {"sha256": "5a" + digest("latin").hex()[2:], "blake3": digest("latin").hex()}
    internal = second["predicate"]["buildDefinition"]["internalParameters"]
    assert internal["inputsWithoutDigest"] == [{"name": "/elsewhere/y z.bin", "reason": "it changed"}]
    assert internal["outputsWithoutDigest"] == []
    bare = slsa.statements(lineage(pipeline(), sha256=False))
    assert [set(each["digest"]) for each in bare[1]["subject"]] == [{"blake3"}, {"blake3"}]


def test_slsa_names_the_commit_the_packages_and_who_made_an_input() -> None:
    _, train = slsa.statements(ALL["pipeline"]())
    found = {each["name"]: each for each in train["predicate"]["buildDefinition"]["resolvedDependencies"]}
    assert found["git"]["digest"] == {"gitCommit": "c0ffee" * 6 + "c0ff"}
    assert found["git"]["uri"].startswith("git+ssh://git@example.org/ada/p.git@c0ffee")
    assert found["numpy"]["uri"] == "pkg:pypi/numpy@2.4.6"
    made_by = [each["annotations"].get("madeBy") for name, each in found.items() if name.endswith("clean.csv")]
    assert made_by == [f"urn:roar:job:{pipeline()[0].head.id.hex()}"]


def typed(facet: dict) -> object:
    """A facet as the class of `openlineage-python` that its schema names; our own have none."""
    import importlib
    import pkgutil

    from openlineage.client import generated

    name = facet["_schemaURL"].rpartition("/")[2]
    for module in pkgutil.iter_modules(generated.__path__):
        kind = getattr(importlib.import_module(f"openlineage.client.generated.{module.name}"), name, None)
        if kind is not None:
            made = kind(**{key: value for key, value in facet.items() if not key.startswith("_")})
            assert made._get_schema() == facet["_schemaURL"]
            return made
    assert facet["_schemaURL"].startswith("urn:roar:"), name
    return None


def test_openlineage_events_fit_the_typed_classes(lineage) -> None:
    from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState

    seen = []
    for event in openlineage.events(lineage):
        facets = [*event["run"]["facets"].values(), *event["job"]["facets"].values()]
        for dataset in (*event["inputs"], *event["outputs"]):
            facets += [*dataset["facets"].values(), *dataset.get("outputFacets", {}).values()]
        seen += [type(typed(facet)).__name__ for facet in facets]
        made = RunEvent(
            eventType=RunState(event["eventType"]), eventTime=event["eventTime"], producer=event["producer"],
            run=Run(runId=event["run"]["runId"]), job=Job(event["job"]["namespace"], event["job"]["name"]),
            inputs=[InputDataset(each["namespace"], each["name"]) for each in event["inputs"]],
            outputs=[OutputDataset(each["namespace"], each["name"]) for each in event["outputs"]])
        assert made.schemaURL == event["schemaURL"]
    assert {"ProcessingEngineRunFacet", "JobTypeJobFacet", "DatasetVersionDatasetFacet"} <= set(seen)


def test_openlineage_says_how_jobs_ended() -> None:
    found = openlineage.events(ALL["odd"]())
    by_job = {}
    for event in found:
        by_job.setdefault(event["job"]["name"].split()[0], []).append(event["eventType"])
    assert by_job == {"python": ["START", "COMPLETE"], "cp": ["START", "COMPLETE"], "false": ["START", "FAIL"],
                      "killed": ["START", "ABORT"], "sleep": ["START"]}
    times = [datetime.fromisoformat(event["eventTime"][:26]) for event in found]
    assert times == sorted(times)
    failed = next(event for event in found if event["eventType"] == "FAIL")
    assert failed["run"]["facets"]["errorMessage"]["message"] == "exit code 1"


def test_dot_is_drawn_by_graphviz(lineage) -> None:
    if shutil.which("dot") is None:
        pytest.skip("graphviz is not installed (apt install graphviz)")
    drawn = subprocess.run(["dot", "-Tsvg"], input=dot.document(lineage).encode(), capture_output=True, timeout=60)
    assert drawn.returncode == 0, drawn.stderr
    assert drawn.stderr == b""
    assert drawn.stdout.count(b'class="node"') == len(lineage.nodes) + len(lineage.files)


def test_dot_escapes_what_would_end_a_string() -> None:
    assert '"Übung \\"1\\"\\n<é>.pkl\\n' in dot.document(ALL["odd"]())


def test_json_is_whole_and_says_what_is_missing() -> None:
    written = plain.document(lineage(odd(), about="latin", truncated="nodes"))
    assert json.loads(json.dumps(written)) == written
    assert (written["schema"], written["truncated"]) == ("roar.export/1", "nodes")
    assert written["files"][0]["path_b64"]
    makers = {file["path"].rpartition("/")[2]: file["maker"] for file in written["files"]}
    assert (makers["far.csv"], makers["y z.bin"], makers["copy.csv"]) == ("elsewhere", None, 1)
    assert written["jobs"][2]["incomplete_reasons"][0]["code"] == "lost_accesses"
    assert written["jobs"][4]["state"] == "running"
