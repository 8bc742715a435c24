"""What leaves a box: no secrets, no more of paths and people than was asked for."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from graphs import entry, job, lineage, odd, pipeline
from recorder import PROJECT

from lineage.errors import InvalidError
from lineage.export import cyclonedx, dot, openlineage, plain, prov, rocrate, slsa
from lineage.export.privacy import PARTS, Privacy


def everything(found) -> str:
    """All that any format says."""
    return json.dumps([prov.document(found, steps=True), rocrate.document(found), openlineage.events(found),
                       cyclonedx.document(found), slsa.statements(found), dot.document(found), plain.document(found)])


def test_a_secret_that_got_into_a_record_does_not_get_out() -> None:
    assert "hunter2" not in everything(lineage(odd(), privacy=Privacy()))
    assert "hunter2" in everything(lineage(odd(), privacy=Privacy(redact=False)))


def test_paths_of_the_project_are_told_from_there() -> None:
    clean = Privacy().applied(job(3, "python /home/ada/project/x.py --out=/home/ada/project/o /home/ada/projects/y",
                                  entry("output", "data/o.csv", "o"), entry("input", "/mnt/in.csv", "i")))
    assert clean.head.argv == (b"python", b"x.py", b"--out=o", b"/home/ada/projects/y")
    assert [each.path for each in clean.entries] == [b"data/o.csv", b"/mnt/in.csv"]
    assert (clean.head.cwd, clean.head.project) == (b".", b"project")
    assert clean.context["environment"]["DATA"] == "data"
    assert clean.context["git"]["root"] == "."


def test_nothing_but_secrets_changes_where_it_is_asked_so() -> None:
    whole = pipeline()[1]
    assert Privacy(relative=False).applied(whole) == whole


def test_anonymous_names_nobody() -> None:
    jobs = [replace(one, head=replace(one.head, argv=(*one.head.argv, b"/scratch/ada/x", b"box:/y"))) for one in pipeline()]
    told = everything(lineage(jobs, privacy=Privacy(anonymous=True))).replace("shape=box", "")
    for name in ("ada", "box", "10[.]0[.]0[.]7"):
        assert not re.search(rf"\b{name}\b", told), name
    assert "p.git" not in told, "an address with another name in it would be a wrong one"
    assert "ada" in everything(lineage(jobs, privacy=Privacy(relative=False)))


@pytest.mark.parametrize(("part", "word"), [
    ("env", "LANG"), ("packages", "scikit"), ("paths", "clean.csv"), ("argv", "--epochs"), ("git", "c0ffee"),
    ("network", "10.0.0.7"), ("hardware", "cores")])
def test_parts_can_be_left_out(part: str, word: str) -> None:
    assert word in everything(lineage(pipeline(), privacy=Privacy()))
    assert word not in everything(lineage(pipeline(), privacy=Privacy(frozenset({part}))))


def test_without_paths_there_is_none() -> None:
    told = everything(lineage(pipeline(), privacy=Privacy(frozenset({"paths"}), relative=False)))
    assert not re.search(r"/(home|usr)/", told)


def test_an_unknown_part_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidError) as caught:
        Privacy(frozenset({"pakages"}))
    assert all(part in caught.value.hint for part in PARTS)


def test_the_project_at_the_root_is_no_prefix() -> None:
    one = job(1, "ls /etc/passwd", entry("input", "/etc/passwd", "p"))
    odd_one = replace(one, head=replace(one.head, project=b"/", cwd=b"/"))
    assert Privacy().applied(odd_one).entries[0].path == b"/etc/passwd"
    assert PROJECT.startswith(b"/home")
