"""Diffs applied, values side by side, sessions aligned."""

from __future__ import annotations

import subprocess

import pytest
from compared import Project
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage.compare.metrics import compare_metrics, read
from lineage.compare.patches import apply, split, unified
from lineage.compare.sessions import align
from lineage.errors import InvalidError

lines = st.lists(st.sampled_from([b"a\n", b"b\n", b"", b"--- x\n", b"+++ b/x\n", b"@@ -1 +1 @@\n", b"c\r\n", b"\x0c\n",
                                  b"last"]), max_size=30).map(b"".join)


@settings(max_examples=60, deadline=None)
@given(lines, lines)
def test_what_git_writes_is_applied(tmp_path_factory, before, after):
    place = tmp_path_factory.mktemp("repository")
    (place / "f").write_bytes(before)
    for words in (["init", "-q"], ["add", "f"], ["-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qm", "x"]):
        subprocess.run(["git", *words], cwd=place, check=True)
    (place / "f").write_bytes(after)
    diff = subprocess.run(["git", "diff", "HEAD"], cwd=place, check=True, capture_output=True).stdout
    if before != after:
        assert apply(before, split(diff)[b"f"]) == after


def test_parts_of_a_diff():
    diff = (b"diff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-1\n+2\n"
            b"diff --git a/a b.py b/a b.py\nnew file mode 100644\n--- /dev/null\n+++ b/a b.py\t\n@@ -0,0 +1 @@\n+new\n"
            b"diff --git a/m.bin b/m.bin\nindex 1..2 100644\nBinary files a/m.bin and b/m.bin differ\n")
    parts = split(diff)
    assert list(parts) == [b"x", b"a b.py", b"m.bin"]
    assert apply(b"1\n", parts[b"x"]) == b"2\n"
    assert apply(b"", parts[b"a b.py"]) == b"new\n"
    for content, part in ((b"other\n", b"x"), (b"", b"x"), (b"1", b"m.bin")):
        with pytest.raises(InvalidError):
            apply(content, parts[part])
    assert split(b"") == {}
    assert unified(b"\xff", b"a", "a", "b") == []


@pytest.mark.parametrize(("name", "before", "after", "expected"), [
    (b"m.json", b'{"a": {"b": 1}, "c": [1, 2], "d": "x"}', b'{"a": {"b": 1.5}, "c": [1, 3], "e": true}',
     [("a.b", 1, 1.5, 0.5), ("c[1]", 2, 3, 1), ("d", "x", None, None), ("e", None, True, None)]),
    (b"m.csv", b"epoch,loss\n1,0.5\n2,0.25\n", b"epoch,loss\n1,0.5\n2,0.25\n3,0.125\n",
     [("rows", 2, 3, 1), ("epoch (last row)", 2, 3, 1), ("loss (last row)", 0.25, 0.125, -0.125)]),
    (b"m.csv", b"acc,f1\n0.5,1\n", b"acc,f1\n0.75,1.0\n", [("acc", 0.5, 0.75, 0.25)]),
    (b"m.tsv", b"a\tb\n1\t2\n", b"a\tb\n1\tx\n", [("b", 2, "x", None)]),
    (b"log.jsonl", b'{"loss": 2}\n{"loss": 1}\n', b'{"loss": 2}\n\n{"loss": 3}\n', [("loss (last row)", 1, 3, 2)]),
    (b"m.toml", b"[a]\nx = 1\n", b"[a]\nx = 2\n", [("a.x", 1, 2, 1)]),
    (b"m.json", b"3", b"4", [("value", 3, 4, 1)]), (b"m.json", b'{"x": NaN}', b'{"x": NaN}', [])])
def test_values(name, before, after, expected):
    assert [tuple(one) for one in compare_metrics(read(name, before), read(name, after))] == expected


@pytest.mark.parametrize(("name", "content"), [
    (b"m.json", b"{"), (b"m.toml", b"="), (b"m.json", b"\xff"), (b"m.json", b"[" * 10**5)])
def test_what_is_not_what_its_name_says(name, content):
    assert read(name, content) is None


@given(st.sampled_from([b"m.json", b"m.csv", b"m.tsv", b"m.jsonl", b"m.toml"]), st.binary(max_size=60))
def test_any_content(name, content):
    values = read(name, content)
    assert values is None or compare_metrics(values, values) == []


def aligned(a: list[str], b: list[str]) -> list[tuple[str | None, str | None]]:
    one, other = Project(), Project("/q")
    heads = [[project.run(words).job.head for words in session] for project, session in ((one, a), (other, b))]
    return [tuple(head and b" ".join(head.argv).decode() for head in pair) for pair in align(*heads)]


def test_sessions_of_different_lengths():
    assert aligned(["python a.py", "python c.py"], ["python a.py -x", "ls", "python b.py", "python c.py"]) == [
        ("python a.py", "python a.py -x"), (None, "ls"), (None, "python b.py"), ("python c.py", "python c.py")]
    assert aligned(["python t.py --lr 1", "python t.py --lr 2"], ["python t.py --lr 2"]) == [
        ("python t.py --lr 1", None), ("python t.py --lr 2", "python t.py --lr 2")]
    assert aligned([], ["ls"]) == [(None, "ls")]
    assert aligned(["git add x", "git commit -m a"], ["git commit -m b"]) == [
        ("git add x", None), ("git commit -m a", "git commit -m b")]


commands = st.lists(st.sampled_from(["python a.py", "python a.py -x", "python b.py", "ls", "git add", "git commit"]),
                    max_size=8)


@given(commands, commands)
def test_alignment_keeps_all_in_order(a, b):
    pairs = aligned(a, b)
    assert [one for one, _ in pairs if one is not None] == a
    assert [other for _, other in pairs if other is not None] == b
    if a == b:
        assert pairs == list(zip(a, b, strict=True))
