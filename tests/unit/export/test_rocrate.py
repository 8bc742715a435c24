"""RO-Crates by the community's validator, without the network: the one context that it wants is in the `rocrate` package."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from graphs import ALL, lineage, pipeline
from recorder import digest

from lineage.export import rocrate

#: Recommendations that cannot be followed: nobody knows a file's encoding, an application's address, an author or a
#: publisher; and the validator takes no URN and no package URL for an absolute URI, and looks for what they name.
_UNKNOWABLE = {"ro-crate-1.1_27.1", "ro-crate-1.1_22.2", "ro-crate-1.1_22.3", "process-run-crate-0.5_3.2",
               "process-run-crate-0.5_5.1", "ro-crate-1.1_28.1", "ro-crate-1.1_25.1"}
#: A job that runs has no end, a failed one no result, a program no known version; and nobody is named on demand.
_ALSO = {"odd": {"process-run-crate-0.5_8.4", "process-run-crate-0.5_11.1", "process-run-crate-0.5_4.1"},
         "private": {"process-run-crate-0.5_8.6"}, "pipeline": set()}


class _Context:
    """The answer to the one question: https://w3id.org/ro/crate/1.1/context."""

    def __init__(self) -> None:
        import rocrate as package

        self.status_code, self.ok, self.from_cache = 200, True, True
        self.headers = {"Content-Type": "application/ld+json"}
        self.text = (Path(package.__file__).parent / "data/ro-crate.jsonld").read_text()
        self.content = self.text.encode()

    def json(self):
        return json.loads(self.text)

    def raise_for_status(self) -> None:
        pass


@pytest.fixture
def validate(monkeypatch, tmp_path):
    """Checks of a crate that fail, by severity."""
    pytest.importorskip("rocrate_validator", reason="roc-validator is not installed")
    from rdflib.plugins.shared.jsonld import context as jsonld
    from rocrate_validator import models, services
    from rocrate_validator.utils.http import HttpRequester

    context = _Context()

    def get(url: str, *_: object, **__: object) -> _Context:
        assert url == "https://w3id.org/ro/crate/1.1/context", "nothing else is asked for"
        return context

    monkeypatch.setattr(HttpRequester, "__getattr__", lambda _, name: get if name in {"get", "head"} else None)
    monkeypatch.setattr(jsonld, "source_to_json", lambda *_, **__: (context.json(), None))

    def run(metadata: dict, contents: dict[str, bytes]) -> tuple[set[str], set[str]]:
        crate = tmp_path / "crate"
        for place, content in contents.items():
            (crate / place).parent.mkdir(parents=True, exist_ok=True)
            (crate / place).write_bytes(content)
        crate.mkdir(exist_ok=True)
        (crate / rocrate.METADATA).write_text(json.dumps(metadata))
        result = services.validate(services.ValidationSettings(
            rocrate_uri=str(crate), profile_identifier="process-run-crate", no_cache=True,
            requirement_severity=models.Severity.RECOMMENDED))
        required = {f"{issue.check.identifier}: {issue.message}" for issue in result.get_issues()
                    if issue.severity >= models.Severity.REQUIRED}
        return required, {issue.check.identifier for issue in result.get_issues()}
    yield run
    from rocrate_validator.utils import log

    log.__log_stream__.truncate(0)  # else it prints all its warnings when Python ends


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["pipeline", "odd", "private"])
def test_a_crate_is_a_process_run_crate(validate, name: str) -> None:
    found = ALL[name]()
    required, all_of_them = validate(rocrate.document(found), {})
    assert required == set()
    assert all_of_them <= _UNKNOWABLE | _ALSO[name]


@pytest.mark.filterwarnings("ignore")
def test_a_crate_with_its_contents(validate) -> None:
    found = lineage(pipeline())
    inside = rocrate.places(found, {digest("model"): b"/somewhere", digest("raw"): b"/elsewhere"})
    required, _ = validate(rocrate.document(found, inside), dict.fromkeys(inside.values(), b"x"))
    assert required == set()
    assert len(inside) == 2


@pytest.mark.filterwarnings("ignore")
def test_the_validator_does_look(validate) -> None:
    """A crate that lacks a content that it names, and an action that lacks its instrument, is refused."""
    found = lineage(pipeline())
    broken = rocrate.document(found, {digest("model"): "files/model.pkl"})
    for entity in broken["@graph"]:
        if entity["@type"] == "CreateAction":
            del entity["instrument"]
    required, _ = validate(broken, {})
    assert any("instrument" in each for each in required)
    assert any("model.pkl" in each for each in required)


def test_settings_files_stay_at_home() -> None:
    """They are named, and not in the crate: .env and the like hold what nobody wants to hand on."""
    found = lineage(pipeline())
    assert rocrate.places(found, {digest("conf"): b"/x", digest("train"): b"/y"}) == {
        digest("train"): "files/home/ada/project/train.py"}


def test_places_stay_in_the_crate() -> None:
    from graphs import entry, job

    found = lineage([job(1, "x", entry("output", "/../../etc/x", "a"), entry("output", b"/a/\xff:\\b", "b"),
                         entry("output", "/etc/x", "c"))])
    places = rocrate.places(found, {digest(name): b"" for name in "abc"})
    assert len(set(places.values())) == 3
    assert all(place.startswith("files/") and ".." not in place.split("/") and "\\" not in place for place in places.values())
