"""Files of two sides, paired."""

from __future__ import annotations

from compared import entry
from hypothesis import given
from hypothesis import strategies as st

from lineage.compare.files import compare_files, labels

A, B, C = b"\xaa" * 32, b"\xbb" * 32, b"\xcc" * 32
some = st.lists(st.builds(
    lambda name, digest: entry(path=b"/p/" + name, digest=digest),
    st.sampled_from([b"a.csv", b"b.csv", b"c.json", b"d/a.csv", b"e"]), st.sampled_from([A, B, C, None])), max_size=6)


def rows(a, b, **options):
    return [(change.path, change.kind) for change in compare_files(a, b, "inputs", labels(b"/p"), labels(b"/p"), **options)]


def test_changed_added_removed_moved():
    ours = [entry(path=b"/p/x.csv", digest=A), entry(path=b"/p/old.csv", digest=B), entry(path=b"/p/gone.json", digest=C)]
    theirs = [entry(path=b"/p/x.csv", digest=C), entry(path=b"/p/new.csv", digest=B), entry(path=b"/p/more.txt", digest=A)]
    assert rows(ours, theirs) == [
        (b"gone.json", "removed"), (b"more.txt", "added"), (b"new.csv", "moved"), (b"x.csv", "changed")]


def test_paths_below_their_projects():
    one, other = [entry(path=b"/ada/p/x.csv", digest=A)], [entry(path=b"/bob/q/x.csv", digest=A)]
    assert compare_files(one, other, "inputs", labels(b"/ada/p"), labels(b"/bob/q")) == []
    assert [change.kind for change in compare_files(one, other, "inputs", labels(b""), labels(b""))] == ["moved"]


def test_what_a_parameter_names():
    one = [entry(path=b"/p/v1.csv", digest=A), entry(path=b"/p/w1.csv", digest=C)]
    other = [entry(path=b"/p/v2.csv", digest=B)]
    assert rows(one, other) == [(b"v1.csv", "removed"), (b"v2.csv", "added"), (b"w1.csv", "removed")]
    assert rows(one, other, named={b"v1.csv": b"v2.csv"}) == [(b"v2.csv", "changed"), (b"w1.csv", "removed")]


def test_the_only_one_of_its_ending():
    one, other = [entry(path=b"/p/m-1.pkl", digest=A)], [entry(path=b"/p/m-2.pkl", digest=B), entry(path=b"/p/log", digest=C)]
    assert rows(one, other, by_shape=True) == [(b"log", "added"), (b"m-2.pkl", "changed")]


def test_without_a_hash_it_cannot_be_said():
    one, other = [entry(path=b"/p/x", digest=None, hash_reason="changed")], [entry(path=b"/p/x", digest=A)]
    assert rows(one, other) == [(b"x", "unknown")]
    assert rows([entry(path=b"/p/x", digest=None, size=1)], [entry(path=b"/p/x", digest=A, size=2)]) == [(b"x", "changed")]


def test_several_versions_of_one_path():
    one = [entry(path=b"/p/x", digest=A), entry(path=b"/p/x", digest=B)]
    assert rows(one, list(reversed(one))) == []
    assert rows(one, [entry(path=b"/p/x", digest=C), entry(path=b"/p/x", digest=B)]) == [(b"x", "changed")]


@given(some)
def test_nothing_differs_from_itself(entries):
    assert [kind for _, kind in rows(entries, entries, by_shape=True) if kind != "unknown"] == []


@given(some, some)
def test_symmetric_and_each_file_once(one, other):
    there = compare_files(one, other, "inputs", labels(b"/p"), labels(b"/p"), by_shape=True)
    back = compare_files(other, one, "inputs", labels(b"/p"), labels(b"/p"), by_shape=True)
    opposite = {"added": "removed", "removed": "added"}
    assert sorted(opposite.get(change.kind, change.kind) for change in there) == sorted(change.kind for change in back)
    for side, entries in (("a", one), ("b", other)):
        used = [id(getattr(change, side)) for change in there if getattr(change, side) is not None]
        assert len(used) == len(set(used))
        assert set(used) <= {id(each) for each in entries}
