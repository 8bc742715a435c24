"""Globs over paths."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage.globs import compiled, escaped, is_glob, literal_prefix


@pytest.mark.parametrize(("glob", "matches", "others"), [
    (b"/a/*.csv", [b"/a/x.csv", b"/a/.csv"], [b"/a/b/x.csv", b"/b/a/x.csv", b"/a/x.csv2"]),
    (b"data/*.csv", [b"/p/data/x.csv", b"/data/x.csv"], [b"/p/mydata/x.csv", b"/data/y/x.csv"]),
    (b"*.csv", [b"/x.csv", b"/p/x.csv"], [b"/p/x.csv/y"]),
    (b"/a/**/m.pt", [b"/a/m.pt", b"/a/b/c/m.pt"], [b"/a/xm.pt", b"/b/m.pt"]),
    (b"/a/**", [b"/a/x", b"/a/x/y"], [b"/ab"]), (b"/a/", [b"/a/x", b"/a/x/y"], [b"/a", b"/ab/x"]),
    (b"/s-[0-9]?.tar", [b"/s-12.tar", b"/s-1x.tar"], [b"/s-a1.tar", b"/s-1.tar", b"/s-1/.tar"]),
    (b"/[!a]", [b"/b", b"/^"], [b"/a", b"//"]), (b"/[]x]", [b"/]", b"/x"], [b"/a"]), (b"/[x", [b"/[x"], [b"/x"]),
    (b"/[z-a]", [], [b"/z", b"/a", b"/-"]), (b"/\\*", [b"/*"], [b"/x"]), (b"/a.b+(c)", [b"/a.b+(c)"], [b"/axb+(c)"]),
    (b"/\xff?", [b"/\xff\n"], [b"/\xff"]), (b"/[&&|~-]", [b"/&", b"/~"], [b"/a"])])
def test_what_a_glob_means(glob: bytes, matches: list[bytes], others: list[bytes]) -> None:
    pattern = compiled(glob)
    assert [path for path in matches + others if pattern.fullmatch(path)] == matches
    assert all(path.startswith(literal_prefix(glob)) for path in matches)


@settings(deadline=None)
@given(st.lists(st.sampled_from([b"a", b"*", b"[", b"]", b"\\", b"?", b"/", b"\n", b"\xff", b"!"]), max_size=12))
def test_an_escaped_path_means_itself(parts: list[bytes]) -> None:
    path = b"/" + b"".join(parts) + b"x"
    assert compiled(escaped(path)).fullmatch(path)
    assert not compiled(escaped(path)).fullmatch(path + b"x")
    assert is_glob(path) is any(part in path for part in (b"*", b"[", b"\\", b"?"))


@settings(deadline=None)
@given(st.binary(max_size=20), st.binary(max_size=20))
def test_no_glob_is_refused_and_its_prefix_holds(glob: bytes, path: bytes) -> None:
    if compiled(b"/" + glob).fullmatch(b"/" + path):
        assert (b"/" + path).startswith(literal_prefix(b"/" + glob))
